# pyright: basic
"""Somebody's own step of training, tried on copies beside a textbook's on the same batches."""

from __future__ import annotations

import copy
import math
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import nn

from spurious.diagnose import thresholds
from spurious.diagnose.measure.batches import Batch, Sample
from spurious.diagnose.measure.by_hand import backward, by_hand
from spurious.diagnose.measure.fresh import draw_anew
from spurious.diagnose.measure.objective import Objective
from spurious.diagnose.measure.optimiser import DRIVEN, climbs
from spurious.diagnose.measure.preserve import seeded, set_training, untouched
from spurious.diagnose.measure.step_looks import Difference, Looker
from spurious.errors import InputError

Step = Callable[[nn.Module, torch.optim.Optimizer, Any, Any], Any]
"""Of (model, optimiser, inputs, targets): makes one update."""

LOOKS: Final = 8
"""Calls that are looked at; what a half of them do, the loop does."""


@dataclass(frozen=True)
class StepSeen:
    """What a step does to copies.

    Attributes:
        differences: What it does otherwise than a textbook's, the first of `Difference` first.
        calls: How many were made.
        steps: How many steps of the optimiser these made.
        shortest: The least that a call leaves of the gradient's length.
        beside: Names of parameters that are changed beside the optimiser's steps.
        start: Loss of the copies before.
        own: Loss of the copy that the calls moved; None if it is not finite.
        textbook: Loss of the copy that as many textbook steps moved.
    """

    differences: tuple[Difference, ...]
    calls: int
    steps: int
    shortest: float
    beside: tuple[str, ...]
    start: float
    own: float | None
    textbook: float | None

    @property
    def learns(self) -> bool:
        """Whether the calls make the loss smaller by a tenth."""
        return self.own is not None and self.own <= (1 - thresholds.LEARNT) * self.start


def step_seen(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    step: Step,
    sample: Sample,
    loss: Any,
    calls: int,
    afresh: bool,
) -> StepSeen:
    """Makes calls on copies.

    Args:
        model: Left as it is.
        optimiser: Likewise; copies have its settings, and what it remembers.
        step: What makes an update.
        sample: The points, in the batches of the calls.
        loss: As for `diagnose`.
        calls: How many to make.
        afresh: Whether copies start from new weights, if they can be drawn, and remember nothing.

    Raises:
        InputError: The step raises, or moves the model itself; or nothing can be copied.
    """
    batches = sample.batches
    with untouched(model), _kept(optimiser):
        versions = [p._version for p in model.parameters()]
        own, rule = _copies(model, optimiser, afresh)
        objective = Objective(own, loss, sample)
        looker = Looker(own, rule, objective.loss_of)
        start = objective.value_as_shown()
        set_training(own)
        counted: Counter[Difference] = Counter()
        stepped: list[int] = []
        handle = rule.register_step_post_hook(lambda *_: stepped.append(1))
        seeded()
        for k in range(calls):
            batch = batches[k % len(batches)]

            def call(batch: Batch = batch) -> None:
                _call(step, own, rule, batch)

            with torch.enable_grad():
                if k < LOOKS:
                    counted.update(looker.look(batch, call))
                else:
                    call()
            if k == 0 and [p._version for p in model.parameters()] != versions:
                raise InputError(
                    "step: changed the model itself, expected changes of the copy that it is "
                    "given; use its arguments model and optimiser"
                )
        handle.remove()
        ended = objective.value_as_shown()
        many = min(len(stepped), calls) or calls
        textbook = _textbook(model, optimiser, sample, loss, many, afresh)
    least = max(looker.moves - 1, 1)  # the first call has no gradients to keep
    seen = [d for d in Difference if 2 * counted[d] >= least]
    moved = bool(stepped) or looker.moves > 0
    return StepSeen(
        differences=tuple(seen) if moved else (Difference.NO_STEP,),
        calls=calls,
        steps=len(stepped),
        shortest=looker.shortest,
        beside=tuple(sorted(looker.beside)),
        start=start,
        own=ended if math.isfinite(ended) else None,
        textbook=textbook if math.isfinite(textbook) else None,
    )


def _copies(
    model: nn.Module, optimiser: torch.optim.Optimizer, afresh: bool
) -> tuple[nn.Module, torch.optim.Optimizer]:
    """A copy of the model, and of the optimiser that holds its parameters."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            own, rule = copy.deepcopy((model, optimiser))
    except Exception as error:
        raise InputError(f"model: cannot be copied ({error}), so nothing can be tried") from None
    seeded()
    if afresh and draw_anew(own):
        rule.state.clear()
        for group in rule.param_groups:
            if group["lr"] < DRIVEN * group.get("initial_lr", 0.0):
                group["lr"] = group["initial_lr"]
    return own, rule


def _call(step: Step, model: nn.Module, rule: torch.optim.Optimizer, batch: Batch) -> None:
    inputs: Any = batch.kwargs or (batch.args[0] if len(batch.args) == 1 else batch.args)
    try:
        step(model, rule, inputs, batch.targets)
    except Exception as error:
        line = (str(error).strip().splitlines() or [""])[0]
        raise InputError(
            f"step: raised {type(error).__name__} ({line}), expected a function of (model, "
            "optimiser, inputs, targets) that makes one update"
        ) from error


def _textbook(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    sample: Sample,
    loss: Any,
    many: int,
    afresh: bool,
) -> float:
    """The loss after so many textbook steps."""
    own, rule = _copies(model, optimiser, afresh)
    for group in rule.param_groups:
        if climbs(group):
            group.update(maximize=False, lr=abs(group["lr"]))
    objective = Objective(own, loss, sample)
    objective.value_as_shown()  # the loss's kind is found out, as for the other copy
    set_training(own)
    seeded()
    clear, move = by_hand(rule)
    with torch.enable_grad():
        for k in range(many):
            batch = sample.batches[k % len(sample.batches)]
            clear()

            def value(batch: Batch = batch) -> torch.Tensor:
                return objective.loss_of(objective.forward(batch), batch.targets)

            if isinstance(rule, torch.optim.LBFGS):
                rule.step(lambda: _backward(rule, value))
            else:
                backward(value())
                move()
    return objective.value_as_shown()


def _backward(rule: torch.optim.Optimizer, value: Callable[[], torch.Tensor]) -> torch.Tensor:
    rule.zero_grad()
    found = value()
    found.backward()
    return found


@contextmanager
def _kept(optimiser: torch.optim.Optimizer) -> Iterator[None]:
    """Puts an optimiser back where a step, or a scheduler in it, has changed it."""
    before, saved = _print_of(optimiser), copy.deepcopy(optimiser.state_dict())
    try:
        yield
    finally:
        if _print_of(optimiser) != before:
            optimiser.load_state_dict(saved)


def _print_of(optimiser: torch.optim.Optimizer) -> list[object]:
    settings = [{k: v for k, v in g.items() if k != "params"} for g in optimiser.param_groups]
    tensors = [
        (id(v), v._version) if isinstance(v, torch.Tensor) else v
        for state in optimiser.state.values()
        for v in state.values()
    ]
    return [settings, tensors]
