# pyright: basic
"""Short trainings of copies, to see what a change does: what helps where nothing else did.

A cause that is only guessed from numbers is often none. So each candidate (a smaller step, scaled
inputs, ...) is tried on a copy that starts afresh, for as many steps as one without the change.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Final

import torch
from torch import Tensor, nn

from spurious.diagnose import thresholds
from spurious.diagnose.measure.batches import Sample
from spurious.diagnose.measure.objective import Objective
from spurious.diagnose.measure.optimiser import OptimiserSeen, Rule
from spurious.diagnose.measure.records import Measurements, Units
from spurious.diagnose.measure.scene import LossNature, Scene
from spurious.diagnose.remedy import Remedy, parts
from spurious.diagnose.treat.rehearsal import (
    ADAPTIVE,
    BLOWN_UP,
    LARGER,
    SMALLER,
    Aspect,
    Change,
    Rehearsal,
    Rehearsals,
)
from spurious.diagnose.treat.remedies_outputs import WIDER
from spurious.diagnose.treat.scales import (
    in_another_order,
    unusual_scales,
    with_frozen_drawn_anew,
)
from spurious.diagnose.treat.trials import Trial, trial

MOST_STEPS: Final = 300
"""Steps of one rehearsal, of models that are cheap."""

LATER_STEPS: Final = 3000
"""The same of a second look."""

FEWEST_STEPS: Final = 60
"""The same of models that are dear."""

WORK: Final = 1e9
"""Multiplications of affine layers in one rehearsal, three passes a step: above, there are fewer
steps. About a third of a second of one core."""

SECOND: Final = 10.0
"""Times the work of a rehearsal that a second look may take."""

NODES: Final = 12_000
"""The same for nodes of autograd's graph, each of which costs time whatever its size: an MLP of
three layers has some twenty."""

NUMBERS: Final = 100_000
"""Numbers that the nodes of a batch's graph pass on, at most, where a second look is long."""

FEW_POINTS: Final = 16
"""Of so few points, exclusive or for one, thousands of steps are usual."""

STARTS: Final = 3
"""Starts that must all learn before a loop is blamed."""

LONG: Final = 10
"""Times the steps of a copy of such a model that is trained on as it is."""

CHUNK: Final = 64
"""Points of a batch."""

MOST_POINTS: Final = 512
"""Points that copies are trained on."""

ROSE: Final = 1.2
"""A loss that rises by a fifth in training may have met too large a step."""

FAR: Final = 100.0
"""Outputs that a loss wants this large are a hundred times as large as those of a start."""

LAST: Final = 4
"""The last quarter of a training's losses is its end."""

USUAL_STEP: Final = 1e-3
"""Adam's step size where no optimiser is given."""

MOST_ADAPTIVE: Final = 0.1
"""The longest such step that is tried: weights are mostly smaller than 1."""


def rehearse(
    model: nn.Module,
    loss: Any,
    sample: Sample,
    seen: Measurements,
    scene: Scene,
    rule: Rule | None,
    suspected: tuple[str, ...],
    steps: int,
    say: Callable[[str], None],
    slow: bool = False,
) -> Rehearsals | None:
    """Trains copies, as far as it matters.

    A copy stops when it has learnt the data. If the mend of a cause that the values show makes all
    the difference, nothing else is tried.

    Args:
        model: Left as it is.
        loss: As for `diagnose`.
        sample: The points.
        seen: What was measured of the model.
        scene: Its values.
        rule: Of the optimiser, if one is given; else Adam.
        suspected: Remedies of causes that the values show, one for each, the gravest first.
        steps: Of each.
        say: Called with a line for each rehearsal.
        slow: Leaves out what shows in few steps or never: longer steps, Adam, more units, scaled
            starts.
    """
    landscape = seen.landscape
    few = sample.first(MOST_POINTS)
    step_size = scene.optimiser.step_size if scene.optimiser is not None else USUAL_STEP
    usual, now = landscape.constant_loss or abs(landscape.loss), -math.inf
    lost = not math.isfinite(landscape.loss)
    if not math.isfinite(usual):  # weights are lost; a start says what is usual
        usual = _loss_of_a_start(model, few, loss, step_size, rule)
    if not landscape.connected or not 0 < abs(usual) < math.inf:
        return None
    if not lost and usual < 0:
        return None  # how far such a loss may fall is not known
    if not lost:
        now = _won(landscape.loss, usual)

    def run(
        change: Change,
        enough: float = 1 - thresholds.GOOD,
        start: nn.Module = model,
        points: Sample = few,
        most: int = steps,
        seed: int = 0,
    ) -> Rehearsal:
        goal = usual - enough * abs(usual)
        found = trial(change.remedies, start, points, loss, most, step_size, rule, goal, seed=seed)
        result = _result(change, found, usual)
        say(f"rehearsal {change.aspect.value}: {result.gain:.2f} of the constant's loss won")
        return result

    sure = max(thresholds.ALL_THE_DIFFERENCE, max(now, 0.0) + thresholds.HELPED)
    known = scene.optimiser is not None
    as_is = run(
        Change(Aspect.NOTHING, ()), min(sure, 1 - thresholds.GOOD) if known else 1 - thresholds.GOOD
    )
    start = (Remedy.REDRAW_WEIGHTS,)
    renewed = start if lost else ()
    afresh = run(Change(Aspect.NOTHING, start)) if lost and suspected else None
    without = max(now, as_is.gain, 0.0 if afresh is None else afresh.gain, 0.0)
    tried: list[Rehearsal] = []
    for name in suspected:
        own = parts(name)
        again = scene.trained and not lost and start[0] not in own
        for names in ((*renewed, *own), *(((*start, *own),) if again else ())):
            tried.append(run(Change(Aspect.CAUSE, names)))
            if tried[-1].gain >= max(without + thresholds.HELPED, thresholds.ALL_THE_DIFFERENCE):
                return Rehearsals(steps, now, as_is, afresh, tuple(tried))
    killed = scene.trained and known and bool(shut_layers(seen))
    sizes = unusual_scales(seen.affine, scene.trained, scene.unmoved)
    compares = scene.trained and scene.is_middling and (scene.steps or 0) > 0
    if as_is.gain > max(now, 0.0) + thresholds.LEARNT:
        if not scene.trained or as_is.gain >= thresholds.ALL_THE_DIFFERENCE:
            if scene.reshapes and as_is.gain < 1 - thresholds.HELPED:
                tried.append(run(Change(Aspect.AXES, (*start, Remedy.PERMUTE_AXES))))
            if compares:
                tried += [run(change) for change in _other_scales(scene, start)]
            ordered = scene.is_middling and _lies_in_order(scene)
            afresh = run(Change(Aspect.NOTHING, start), sure) if compares or ordered else None
            tried += _other_starts(run, start, afresh, scene, now, sure)
            in_order = None
            if ordered and afresh is not None:  # in as many steps, and one pass at least
                own = few.in_order()
                most = max(afresh.trial.steps, len(own.batches))
                in_order = run(Change(Aspect.ORDER, start), points=own, most=most)
            return Rehearsals(steps, now, as_is, afresh, tuple(tried), sizes, in_order)
        tried += [run(change) for change in _other_data(scene, start)]
        if scene.optimiser is not None and scene.is_middling:
            tried += [run(change) for change in _longer_steps(scene.optimiser, start)]
        if scene.optimiser is not None and scene.is_poor:
            tried += [run(change) for change in _smaller_steps(start, 2)]
        afresh = run(Change(Aspect.NOTHING, start)) if sizes or compares else None
        if afresh is not None and afresh.gain >= without + thresholds.HELPED:
            tried.append(run(Change(Aspect.SAME_SIZES, ()), start=in_another_order(model)))
        tried += _other_starts(run, start, afresh, scene, now, sure)
        return Rehearsals(steps, now, as_is, afresh, tuple(tried), sizes)
    afresh = afresh or run(Change(Aspect.NOTHING, start))
    if scene.trained and scene.complete and few.size <= FEW_POINTS and not as_is.lost:
        tried.append(run(Change(Aspect.LONGER, ()), most=LONG * steps))
    if as_is.lost:
        again = (*(start if afresh.lost else ()), Remedy.KEEP_FROM_ZERO)
        tried.append(run(Change(Aspect.EDGE, again)))
        if tried[-1].trial.edge is not None and tried[-1].gain >= without + thresholds.HELPED:
            return Rehearsals(steps, now, as_is, afresh, tuple(tried), sizes)
    if killed and afresh.gain >= without + thresholds.HELPED:
        tried.append(run(Change(Aspect.KILLED, (*start, Remedy.SMALLER_STEP))))
    if not lost and afresh.gain >= without + thresholds.HELPED:
        tried += _of_the_same_sizes(run, model, scene, without, bool(sizes))
    if scene.frozen and afresh.gain >= without + thresholds.HELPED:
        tried.append(run(Change(Aspect.FROZEN_ANEW, ()), start=with_frozen_drawn_anew(model)))
    if afresh.gain > 1 - thresholds.HELPED:  # no change can help more, but the loop can be at fault
        in_order = None
        if _lies_in_order(scene):
            in_order = run(Change(Aspect.ORDER, start), points=few.in_order())
        return Rehearsals(steps, now, as_is, afresh, tuple(tried), sizes, in_order)
    if afresh.loss is None and not afresh.diverged:
        afresh, start = as_is, ()
    changed = [*tried, *(run(change) for change in _other_data(scene, start))]
    if scene.optimiser is not None:
        changed += [run(change) for change in _other_rule(scene.optimiser, start, scene)]
        changed += _other_steps(run, afresh, start, scene, slow)
    base = max(now, as_is.gain, afresh.gain, 0.0) + thresholds.HELPED
    if scene.trained and not slow and all(r.gain < base for r in changed):
        changed += _other_size(run, start, steps)
    stuck = scene.trained and known and not slow
    if stuck and all(r.gain < base for r in changed if not _is_adam(r)):
        changed += _scaled_starts(run)
    return Rehearsals(steps, now, as_is, afresh, tuple(changed), sizes)


def _other_starts(
    run: Callable[..., Rehearsal],
    start: tuple[Remedy, ...],
    afresh: Rehearsal | None,
    scene: Scene,
    now: float,
    enough: float,
) -> Iterator[Rehearsal]:
    """More starts, where one learns in fewer steps what training has not: it may be a lucky one."""
    made = scene.steps or 0
    if afresh is None or not scene.trained or made < afresh.trial.steps:
        return
    if afresh.gain < max(now, 0.0) + thresholds.HELPED:
        return
    for seed in range(1, STARTS):
        yield run(Change(Aspect.AGAIN, start), enough, seed=seed)


def _lies_in_order(scene: Scene) -> bool:
    """Whether a trained model's points lie class by class (numbers on a grid are in order too)."""
    classes = scene.trained and scene.judged is not None
    return classes and scene.order_explains >= thresholds.SORTED


def _loss_of_a_start(
    model: nn.Module, sample: Sample, loss: Any, step_size: float, rule: Rule | None
) -> float:
    """The loss of a copy that starts afresh, or if that is NaN once arguments are kept from 0."""
    for more in ((), (Remedy.KEEP_FROM_ZERO,)):
        names = (Remedy.REDRAW_WEIGHTS, *more)
        start = trial(names, model, sample, loss, 1, step_size, rule).start
        if start is not None and math.isfinite(start):
            return abs(start)
    return math.inf


def carries_over(
    found: Rehearsals,
    model: nn.Module,
    loss: Any,
    sample: Sample,
    constant: float,
    rule: Rule | None,
    step_size: float,
) -> bool | None:
    """Whether what the best copy learns from half of the batches holds for the others.

    A copy may also learn by heart. None if it does not learn its own half, or there are no halves.

    Args:
        found: Copies, some of which learnt.
        model: Left as it is.
        loss: As for `diagnose`.
        sample: The points.
        constant: Loss of the best constant.
        rule: Of the optimiser, if one is given; else Adam.
        step_size: Of that.
    """
    seen, others = sample.part(0), sample.part(1)
    if others is None or seen is None:
        return None
    best = max(found.started, key=lambda one: one.gain, default=None)
    remedies = (Remedy.REDRAW_WEIGHTS,) if best is None else best.change.remedies

    def elsewhere(objective: Objective) -> float:
        there = Objective(objective.model, loss, others)
        there.around = objective.around
        return there.value_as_shown()

    told = trial(remedies, model, seen, loss, found.steps, step_size, rule, judge=elsewhere)
    own = told.losses[-len(told.losses) // LAST :]
    if not own or not sum(own) <= (1 - thresholds.HELPED) * constant * len(own):
        return None
    return told.after is not None and told.after <= (1 - thresholds.LEARNT) * constant


def shut_layers(seen: Measurements) -> list[Units]:
    """Hidden layers whose units are all off, and not since all are equal, as a start makes them."""
    return [
        layer
        for layer in seen.units
        if not layer.is_output and layer.dead.all() and bool((layer.equal != layer.equal[0]).any())
    ]


def _won(loss: float, usual: float) -> float:
    """What is won of a usual loss, in units of its size: losses may be negative."""
    return (usual - loss) / abs(usual)


def _result(change: Change, found: Trial, usual: float) -> Rehearsal:
    after = found.after
    if after is None or not abs(after) < float("inf"):
        return Rehearsal(change, None, -float("inf"), not found.note, found)
    before = found.start if found.start is not None and found.start == found.start else usual
    diverged = after > BLOWN_UP * max(before, abs(usual))
    return Rehearsal(change, after, _won(after, usual), diverged, found)


def steps_for(seen: Measurements) -> tuple[int, ...]:
    """Steps of a rehearsal, and of a second look where the first shows nothing.

    Fewer for models whose steps are dear. The second look has up to `SECOND` times as many; of
    models that are cheap in the first one, where a constant's loss is known and `NUMBERS` are few.
    """
    work = sum(layer.units * layer.fan_in * max(layer.positions, 1.0) for layer in seen.affine)
    whole = 3 * work * CHUNK
    most = min(WORK / max(whole, 1.0), NODES / max(seen.nodes, 1))
    longer = seen.landscape.constant_loss is not None and seen.numbers <= NUMBERS
    later = LATER_STEPS if longer else MOST_STEPS
    first, second = (
        int(max(FEWEST_STEPS, min(cap, times * most)))
        for cap, times in ((MOST_STEPS, 1.0), (later, SECOND))
    )
    return (first,) if second < 2 * first else (first, second)


def _other_data(scene: Scene, start: tuple[Remedy, ...]) -> Iterator[Change]:
    """Axes permuted, other scales, no dropout, an activation, and frozen parameters trained."""
    if scene.reshapes:
        yield Change(Aspect.AXES, (*start, Remedy.PERMUTE_AXES))
    yield from _other_scales(scene, start)
    known = scene.landscape.constant_loss is not None  # else the noise may be part of the loss
    noisy = known and scene.noise >= thresholds.MUCH_NOISE
    if scene.dropout >= thresholds.MUCH_DROPOUT or noisy:
        yield Change(Aspect.DROPOUT, (*start, Remedy.WITHOUT_DROPOUT))
    if scene.affine and scene.structure.chained and scene.landscape.linear_loss is None:
        yield Change(Aspect.BENDS, (*start, Remedy.INSERT_ACTIVATION))
    if scene.without_bias:
        yield Change(Aspect.BIASES, (*start, Remedy.ADD_BIASES))
    if scene.frozen:
        yield Change(Aspect.FROZEN, (*start, Remedy.UNFREEZE))


def _other_scales(scene: Scene, start: tuple[Remedy, ...]) -> Iterator[Change]:
    """Inputs and targets standardised, where their scales are not usual."""
    inputs = _off_scale(scene.features)
    targets = scene.nature is LossNature.VALUES and _off_scale(scene.targets)
    if inputs:
        yield Change(Aspect.INPUTS, (*start, Remedy.STANDARDISE_INPUTS))
    if targets:
        yield Change(Aspect.TARGETS, (*start, Remedy.STANDARDISE_TARGETS))
    elif scene.nature is LossNature.UNKNOWN and (scene.wanted or 0.0) > FAR:
        yield Change(Aspect.TARGETS, (*start, Remedy.SCALE_OUTPUTS))
    if inputs and targets:
        yield Change(
            Aspect.BOTH_SCALES, (*start, Remedy.STANDARDISE_INPUTS, Remedy.STANDARDISE_TARGETS)
        )


def _of_the_same_sizes(
    run: Callable[..., Rehearsal], model: nn.Module, scene: Scene, without: float, unusual: bool
) -> Iterator[Rehearsal]:
    """Other starts of the present weights' sizes, where those of torch learn.

    Of unusual sizes, or with inputs far from usual, which shut units; if such a start of a trained
    model does not learn, also with the inputs standardised.
    """
    shut = scene.trained and _off_scale(scene.features)
    if not unusual and not shut:
        return
    start = in_another_order(model)
    raw = run(Change(Aspect.SAME_SIZES, ()), start=start)
    yield raw
    if shut and raw.gain < without + thresholds.HELPED:
        yield run(Change(Aspect.SAME_SIZES_SCALED, (Remedy.STANDARDISE_INPUTS,)), start=start)


def _other_rule(seen: OptimiserSeen, start: tuple[Remedy, ...], scene: Scene) -> Iterator[Change]:
    """What the optimiser holds, and its weight decay."""
    if seen.missed and not scene.has_partners:
        yield Change(Aspect.OPTIMISER, (*start, Remedy.NEW_OPTIMISER))
    if seen.weight_decay > 0:
        yield Change(Aspect.DECAY, (*start, Remedy.WITHOUT_WEIGHT_DECAY))


def _other_steps(
    run: Callable[[Change], Rehearsal],
    afresh: Rehearsal,
    start: tuple[Remedy, ...],
    scene: Scene,
    slow: bool,
) -> list[Rehearsal]:
    """Smaller steps where the loss rose; larger ones, and Adam, after training that won nothing.

    Steps may be too large without a rise: where nothing else helps, smaller ones are tried too.
    """
    made: list[Rehearsal] = []
    assert scene.optimiser is not None
    losses = afresh.trial.losses
    rose = afresh.diverged or bool(losses and max(losses) > ROSE * losses[0])
    if rose:
        made += [run(change) for change in _smaller_steps(start, len(SMALLER))]
    if scene.trained:
        if not slow:
            made += [run(change) for change in _longer_steps(scene.optimiser, start)]
        if all(r.gain < thresholds.HELPED for r in (afresh, *made)) and not rose:
            made += [run(change) for change in _smaller_steps(start, 2)]
        if scene.optimiser.name not in ADAPTIVE and not slow:
            made.append(run(Change(Aspect.ADAM, (*start, Remedy.ANOTHER_OPTIMISER))))
    return made


def _smaller_steps(start: tuple[Remedy, ...], many: int) -> Iterator[Change]:
    """The mildest of the smaller steps, so many."""
    for name in SMALLER[:many]:
        yield Change(Aspect.SMALLER, (*start, name))


def _longer_steps(seen: OptimiserSeen, start: tuple[Remedy, ...]) -> Iterator[Change]:
    """Larger steps, those of adaptive optimisers up to a length."""
    for name, factor in LARGER.items():
        if seen.name not in ADAPTIVE or seen.step_size * factor <= MOST_ADAPTIVE:
            yield Change(Aspect.LARGER, (*start, name))


def _other_size(
    run: Callable[..., Rehearsal], start: tuple[Remedy, ...], steps: int
) -> Iterator[Rehearsal]:
    """More units, and if that helps as many, both with quick steps, and as much work at least."""
    wider = run(
        Change(Aspect.WIDER, (Remedy.WIDER_LAYERS, Remedy.ANOTHER_OPTIMISER, Remedy.LARGER_STEP))
    )
    if wider.gain >= thresholds.ALL_THE_DIFFERENCE:
        quick = Change(Aspect.QUICK, (*start, Remedy.ANOTHER_OPTIMISER, Remedy.LARGER_STEP))
        yield run(quick, most=WIDER * steps)
    yield wider


def _is_adam(result: Rehearsal) -> bool:
    return Remedy.ANOTHER_OPTIMISER in result.change.remedies


def _scaled_starts(run: Callable[[Change], Rehearsal]) -> Iterator[Rehearsal]:
    """Starts from which even few steps show something, where those of torch do not."""
    once = run(Change(Aspect.SIGNAL, (Remedy.RESCALE,)))
    yield once
    if once.gain < thresholds.HELPED:
        yield run(Change(Aspect.SIGNAL_SMALLER, (Remedy.RESCALE, Remedy.SMALLER_STEP)))


def _off_scale(values: Any) -> bool:
    """Whether a column's mean or spread is large, or all spreads are small."""
    if not isinstance(values, Tensor) or not values.is_floating_point() or not values.ndim:
        return False
    if not bool(torch.isfinite(values).all()):
        return False
    flat = values.double().reshape(len(values), -1)
    spread = flat.std(0) if len(flat) > 1 else torch.zeros(1)
    largest, mean = float(spread.max()), float(flat.mean(0).abs().max())
    if largest == 0:
        return False
    return max(largest, mean) > thresholds.LARGE_SCALE or largest < thresholds.SMALL_SCALE
