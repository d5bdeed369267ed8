"""Follows a training loop and raises findings as they appear, at a bounded cost."""

from __future__ import annotations

import math
import warnings
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from spurious.diagnose import thresholds
from spurious.diagnose.finding import Finding, Severity, ranked
from spurious.diagnose.kinds import Kind
from spurious.diagnose.measure.records import Landscape, Measurements, Regions, Units
from spurious.diagnose.remedy import Remedy
from spurious.diagnose.watch.event import Event
from spurious.diagnose.watch.hook import Hook
from spurious.diagnose.watch.sinks import Sink, sinks_for
from spurious.errors import InputError
from spurious.late import require

if TYPE_CHECKING:
    from torch import nn

SHARE: Final = 0.01
"""Share of the training time that steps looked at may take, unless `every` is given: so at most one
step in a hundred, and fewer where a look costs much more than a step."""

EARLY: Final = frozenset({1, 2, 10, 30, 100, 200})
"""Steps that are looked at whatever it takes: a fault of the loop shows in three looks, and some
faults leave no time for more."""

WINDOW: Final = 10
"""Looks that a judgement over time rests on."""

ENOUGH_POINTS: Final = 256
"""Points on which a unit must have been off to be called dead."""

ENOUGH_STEPS: Final = 200
"""Steps that a window must span: slow is not still."""

STILL: Final = 0.01
"""A loss that gained less than this share of the first loss over a window stands still."""

FLAPS: Final = 2
"""Looks more that a finding must last each time it comes back, so that it does not come and go."""

GROWTH: Final = 1.1
"""Growth of the parameters' norm over a window that stands still, to be a valley to infinity."""

OF_THE_LOOP: Final = frozenset(
    {
        Kind.MISSING_ZERO_GRAD,
        Kind.TWO_STEPS_A_BATCH,
        Kind.SAME_BATCH,
        Kind.OPTIMISER_NEVER_STEPS,
        Kind.DETACHED_LOSS,
        Kind.GRADIENT_SIGN_FLIPPED,
    }
)
"""Kinds that only a look at the loop shows for certain."""

NO_STEP: Final = Finding(
    Kind.OPTIMISER_NEVER_STEPS,
    Severity.WARNING,
    None,
    {"steps": 0},
    "Look whether your loop runs at all: its watch was closed without having followed a single "
    "step, and no weight has moved since it was opened. A loader with drop_last=True and fewer "
    "points than a batch gives nothing.",
    (Remedy.TEXTBOOK_LOOP,),
    "assert len(loader) > 0",
)
"""Of a watch that was closed before any step; only of a model that was not trained."""


@dataclass
class _Look:
    """What was seen of one step."""

    observer: Any = None
    scope: Any = None
    output: Any = None
    slope: Any = None
    loss: float | None = None
    gradient: tuple[float, float] = (math.nan, 0.0)
    began: float = 0.0


@dataclass
class _History:
    """What is kept from look to look."""

    losses: deque[float] = field(default_factory=lambda: deque[float](maxlen=WINDOW))
    steps: deque[int] = field(default_factory=lambda: deque[int](maxlen=WINDOW))
    norms: deque[float] = field(default_factory=lambda: deque[float](maxlen=WINDOW))
    on_points: dict[str, deque[tuple[Any, int]]] = field(
        default_factory=dict[str, "deque[tuple[Any, int]]"]
    )
    first: float | None = None


class TrainingWatch:
    """Looks at some steps of a training loop and reports what is wrong.

    Between looks it costs a call of `step`. It changes nothing in the training: the weights
    after a watched run are, bit for bit, those of the same run unwatched::

        watch = TrainingWatch(model, jsonl="watch.jsonl")
        for x, y in loader:
            optimiser.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimiser.step()
            watch.step(loss)
        watch.close()

    Dead and saturated units, shifts, duplicates, vanishing and exploding gradients, constant output
    and numbers that are not finite are judged as `diagnose` does, on the batch seen (units: on the
    last ten batches seen). The first loss seen stands for that of the best constant. Over ten looks
    and 200 steps a loss that stands still is a `plateau`, or a `valley_to_infinity` if the weights
    grow. The first step whose gradient is not finite is made again at once, and it is said which
    operation of which layer gave the first such number, forwards or backwards, from what values.

    Attributes:
        events: What was raised so far.
        looks: Number of steps looked at.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        every: int | None = None,
        batches: int | None = None,
        console: bool = True,
        jsonl: str | Path | None = None,
        tensorboard: Any = None,
    ) -> None:
        """Starts watching.

        Args:
            model: What is trained. Its forward pass must be called through the module.
            every: Look at every so many steps; by default as often as 1 % of the time allows.
            batches: How many batches an epoch has; only then are equal ones remarked on, as
                training on all data at once sees the same batch for good reasons.
            console: Whether to print events.
            jsonl: A file that gets one line of JSON for each event.
            tensorboard: A `SummaryWriter` or a folder for one, or None.

        Raises:
            InputError: torch (or tensorboard, if asked for) is not installed, or `every` is not
                positive.
        """
        require()
        from spurious.diagnose.watch import looking as watch_looking
        from spurious.diagnose.watch.loop import LoopWatch
        from spurious.diagnose.watch.nan import FirstNaN

        if every is not None and every < 1:
            raise InputError(f"every: found {every}, expected at least 1")
        self.model, self.every, self._looking = model, every, watch_looking
        self.events: list[Event] = []
        self.looks = 0
        self._step = 0
        self._sinks: Sequence[Sink] = sinks_for(console, jsonl, tensorboard)
        self._open: dict[tuple[str, str | None], tuple[Finding, int]] = {}
        self._pending: dict[tuple[str, str | None], int] = {}
        self._times: dict[tuple[str, str | None], int] = {}
        self._history = _History()
        self._loop = LoopWatch(model, batches)
        self._nan = FirstNaN(model)
        self._located = False
        self._look: _Look | None = None
        self._cost, self._last = 0.0, perf_counter()
        self._handles: list[Any] = []
        self._closed = False
        self._begun = self._looking.fingerprint_of(model.parameters())
        self._arm()

    def __enter__(self) -> TrainingWatch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def open_findings(self) -> tuple[Finding, ...]:
        """What is wrong as far as seen, the gravest first."""
        return ranked([found for found, _ in self._open.values()])

    @property
    def steps(self) -> int:
        """How many steps it has followed."""
        return self._step

    @property
    def before_nan(self) -> tuple[dict[str, Any], Finding] | None:
        """Parameters and buffers, by name, when the first gradient that is not finite came.

        And where it came from. None if none came. `diagnose(..., watch=watch)` looks at the model
        as it was then, if its weights have been lost since.
        """
        found = self._nan.found
        return None if found is None else (self._nan.weights, found)

    @property
    def loop_findings(self) -> tuple[Finding, ...]:
        """What is wrong with the loop itself: `diagnose(..., watch=watch)` tells it too."""
        if self._closed and not self._step:
            moved = self._looking.fingerprint_of(self.model.parameters()) != self._begun
            return () if moved else (NO_STEP,)
        return tuple(found for found in self.open_findings if found.kind in OF_THE_LOOP)

    def after_backward(self) -> None:
        """Reads gradients, if this step is looked at; `step` does so itself if they are there."""
        if self._look is not None and math.isnan(self._look.gradient[0]):
            self._look.gradient = self._looking.gradient_of(self.model)

    def step(self, loss: Any = None) -> None:
        """Ends a step. Call it after `backward` and before the next `zero_grad`.

        Args:
            loss: The step's loss, a tensor or a number; may be left out if the model returns it.
        """
        look = self._look
        if look is not None and look.scope is None and look.observer is not None:
            self.after_backward()
            self._finish(look, loss)
            self._look = None
            self._disarm()
            self._cost = perf_counter() - look.began
            self._last = perf_counter()
        self._step += 1
        if self._nan.found is not None and not self._located:
            self._located = True
            self._raise(Event(self._step, True, self._nan.found))
        if self._handles:
            return
        if self.every is not None:
            due = self._step % self.every == 0
        else:
            due = (perf_counter() - self._last) * SHARE >= self._cost or self._step in EARLY
        if due or self._loop.follows:
            self._arm()

    @contextmanager
    def paused(self) -> Generator[None]:
        """Passes through the model that are made while this lasts are not looked at."""
        armed = bool(self._handles)
        self._disarm()
        try:
            yield
        finally:
            if armed:
                self._arm()

    def close(self) -> None:
        """Stops watching, and closes files.

        Warns if the module was never called in training: then nothing was seen.
        """
        self._closed = True
        self._disarm()
        self._loop.stop()
        self._nan.stop()
        if self._step and not self.looks:
            name = type(self.model).__name__
            warnings.warn(
                f"TrainingWatch saw no training pass of the {name} in {self._step} steps; watch "
                "the module that the training step calls",
                stacklevel=2,
            )
        for sink in self._sinks:
            sink.close()

    def lightning_callback(self) -> Any:
        """A callback for `lightning.pytorch.Trainer`."""
        from spurious.diagnose.watch.callbacks import lightning_callback

        return lightning_callback(self)

    def transformers_callback(self) -> Any:
        """A callback for `transformers.Trainer`."""
        from spurious.diagnose.watch.callbacks import transformers_callback

        return transformers_callback(self)

    def _arm(self) -> None:
        """Makes the next training step one that is looked at; others keep their inputs alone."""
        self._handles = [
            self.model.register_forward_pre_hook(Hook(self._before), with_kwargs=True),
            self.model.register_forward_hook(Hook(self._after), always_call=True),
        ]

    def _disarm(self) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles = []

    def _before(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if not module.training:
            return
        if self._look is not None:
            self._loop.passed_again()
            return
        self._look = _Look(began=perf_counter())
        self._look.observer, self._look.scope = self._looking.start_looking(module, args, kwargs)
        if self._look.scope is None:
            self._look = None
        else:
            self._loop.start(args, kwargs)

    def _after(self, module: Any, args: object, output: Any) -> None:  # noqa: ARG002
        look = self._look
        if look is None or look.scope is None:
            return
        self._looking.stop_looking(look, output)

    def _finish(self, look: _Look, loss: Any) -> None:
        from spurious.diagnose.judge.signal import signal_findings
        from spurious.diagnose.judge.units import unit_findings

        self.looks += 1
        value = look.loss if loss is None else float(getattr(loss, "detach", lambda: loss)())
        seen = self._measure(look, value)
        findings = [
            *self._loop.finish(loss, self._step),
            *unit_findings(seen),
            *signal_findings(seen),
            *self._over_time(seen),
        ]
        if self._nan.found is not None:  # said already, with its place
            findings = [f for f in findings if f.kind is not Kind.NOT_FINITE]
        problems = {(f.kind, f.layer): f for f in findings if f.severity > Severity.INFO}
        self._pending = {key: self._pending.get(key, 0) + 1 for key in problems}
        for key, found in problems.items():
            again = self._times.get(key, 0)  # what has come and gone must stay longer to count
            sure = found.severity is Severity.CRITICAL and not again
            sure = sure or self._pending[key] >= 2 + FLAPS * again
            if key not in self._open and sure:
                self._times[key] = again + 1
                self._raise(Event(self._step, True, found))
            if key in self._open or sure:
                self._open[key] = (found, self.looks)
        for key, (found, last) in list(self._open.items()):
            if self.looks - last >= 3 * self._times[key]:
                del self._open[key]
                self._raise(Event(self._step, False, found))
        for sink in self._sinks:
            sink.numbers(self._step, seen)

    def _raise(self, event: Event) -> None:
        self.events.append(event)
        for sink in self._sinks:
            sink.event(event)

    def _measure(self, look: _Look, known: float | None) -> Measurements:
        import numpy as np

        history = self._history
        loss = math.nan if known is None else known
        if history.first is None and math.isfinite(loss):
            history.first = loss
        units, affine = self._looking.finished(look.observer)
        units = tuple(self._over_batches(layer) for layer in units)
        spread, size, worth = self._looking.output_numbers(look)
        gradient, relative = look.gradient
        scale = abs(history.first) if history.first else 1.0
        weights = math.hypot(*self._looking.norms([p.detach() for p in self.model.parameters()]))
        history.losses.append(loss)
        history.steps.append(self._step)
        history.norms.append(weights)
        landscape = Landscape(
            loss=loss,
            constant_loss=history.first,
            linear_loss=None,
            linear_dimension=0,
            gradient_norm=gradient,
            gradient_noise=0.0,
            batches=1,
            relative_gradient=relative / scale,
            trained=1,
            weight_norm=weights,
            usual_norm=0.0,
            alignment=0.0,
            output_spread=spread,
            output_size=size,
            output_worth=worth / scale,
            ray=np.zeros((0, 2)),
        )
        where = look.observer.not_finite
        if known is not None and not math.isfinite(known):
            where = where or "the loss"
        kinked = [layer for layer in units if layer.kinked and not layer.is_output]
        bends = [float(layer.bends.mean()) for layer in kinked]
        regions = Regions(
            len(units[0].units_on) if units else 0,
            None,
            None,
            None,
            float(np.mean(bends)) if bends else None,
            None,
        )
        return Measurements(units, affine, regions, landscape, None, where)

    def _over_batches(self, layer: Units) -> Units:
        """The layer with the points of the last looks counted in."""
        import numpy as np

        kept = self._history.on_points.setdefault(layer.name, deque(maxlen=WINDOW))
        if kept and len(kept[0][0]) != layer.size:
            kept.clear()
        kept.append((layer.on_points, len(layer.units_on)))
        total: Any = sum(counts for counts, _ in kept)
        points = sum(size for _, size in kept)
        if points < ENOUGH_POINTS and len(kept) < WINDOW and total.any():
            total = np.maximum(total, 1)
        return replace(layer, on_points=total)

    def _over_time(self, seen: Measurements) -> list[Finding]:
        losses, norms, first = self._history.losses, self._history.norms, self._history.first
        if first is None or len(losses) < WINDOW or not all(map(math.isfinite, losses)):
            return []
        steps = self._history.steps
        if steps[-1] - steps[0] < ENOUGH_STEPS:
            return []
        half = WINDOW // 2
        early = sum(list(losses)[:half]) / half
        late = sum(list(losses)[half:]) / half
        if early - late > STILL * abs(first) or late < thresholds.POOR * first:
            return []
        evidence: dict[str, object] = {
            "loss": late,
            "first_loss": first,
            "steps": steps[-1] - steps[0],
            "relative_gradient": seen.landscape.relative_gradient,
            "norm_growth": norms[-1] / norms[0] if norms[0] > 0 else None,
        }
        if norms[-1] > GROWTH * norms[0]:
            text = "The loss stands still near that of the start while the weights grow."
            remedies = (Remedy.REDRAW_WEIGHTS, Remedy.SMALLER_STEP, Remedy.STANDARDISE_INPUTS)
            return [
                Finding(Kind.VALLEY_TO_INFINITY, Severity.WARNING, None, evidence, text, remedies)
            ]
        text = f"Over {steps[-1] - steps[0]} steps the loss has stood still near that of the start."
        remedies = (Remedy.RESCALE, Remedy.REDRAW_WEIGHTS, Remedy.LARGER_STEP)
        return [Finding(Kind.PLATEAU, Severity.WARNING, None, evidence, text, remedies)]
