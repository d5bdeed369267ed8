# pyright: basic
"""Short trainings of copies, to see what a change does: what helps where nothing else did.

A cause that is only guessed from numbers is often none. So each candidate (a smaller step, scaled
inputs, ...) is tried on a copy that starts afresh, for as many steps as one without the change.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from torch import nn

from spurious.diagnose import thresholds
from spurious.diagnose.measure.batches import Sample
from spurious.diagnose.measure.objective import Objective
from spurious.diagnose.measure.records import Measurements, Units
from spurious.diagnose.measure.scene import Scene
from spurious.diagnose.remedy import Remedy, parts
from spurious.diagnose.treat.changes import (
    is_adam,
    longer_steps,
    of_the_same_sizes,
    other_data,
    other_rule,
    other_scales,
    other_size,
    other_starts,
    other_steps,
    scaled_starts,
    smaller_steps,
)
from spurious.diagnose.treat.rehearsal import (
    BLOWN_UP,
    Aspect,
    Change,
    Rehearsal,
    Rehearsals,
)
from spurious.diagnose.treat.scales import (
    in_another_order,
    unusual_scales,
    with_frozen_drawn_anew,
)
from spurious.diagnose.treat.trials import Course, Trial

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

LONG: Final = 10
"""Times the steps of a copy of such a model that is trained on as it is."""

CHUNK: Final = 64
"""Points of a batch."""

MOST_POINTS: Final = 512
"""Points that copies are trained on."""

LAST: Final = 4
"""The last quarter of a training's losses is its end."""

USUAL_STEP: Final = 1e-3
"""Adam's step size where no optimiser is given."""


def rehearse(
    course: Course,
    seen: Measurements,
    scene: Scene,
    suspected: tuple[str, ...],
    steps: int,
    say: Callable[[str], None],
    slow: bool = False,
) -> Rehearsals | None:
    """Trains copies, as far as it matters.

    A copy stops when it has learnt the data. If the mend of a cause that the values show makes all
    the difference, nothing else is tried.

    Args:
        course: How copies are trained.
        seen: What was measured of the model.
        scene: Its values.
        suspected: Remedies of causes that the values show, one for each, the gravest first.
        steps: Of each.
        say: Called with a line for each rehearsal.
        slow: Leaves out what shows in few steps or never: longer steps, Adam, more units, scaled
            starts.
    """
    training = scene.training
    landscape, model, few = seen.landscape, course.model, course.sample
    usual, now = landscape.constant_loss or abs(landscape.loss), -math.inf
    lost = not math.isfinite(landscape.loss)
    if not math.isfinite(usual):  # weights are lost; a start says what is usual
        usual = _loss_of_a_start(course)
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
        own = course if start is model else course.started_from(start)
        own = own if points is few else replace(own, sample=points)
        found = own.trial(change.remedies, most, goal, seed=seed)
        result = _result(change, found, usual)
        say(f"rehearsal {change.aspect.value}: {result.gain:.2f} of the constant's loss won")
        return result

    def in_order(afresh: Rehearsal | None) -> Rehearsal | None:
        """A start that takes the points as they lie: in as many steps, and one pass at least."""
        if afresh is None or not scene.is_middling or not _lies_in_order(scene):
            return None
        own = few.in_order()
        most = max(afresh.trial.steps, len(own.batches))
        return run(Change(Aspect.ORDER, (Remedy.REDRAW_WEIGHTS,)), points=own, most=most)

    sure = max(thresholds.ALL_THE_DIFFERENCE, max(now, 0.0) + thresholds.HELPED)
    known = training.optimiser is not None
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
        again = training.begun and not lost and start[0] not in own
        for names in ((*renewed, *own), *(((*start, *own),) if again else ())):
            tried.append(run(Change(Aspect.CAUSE, names)))
            if tried[-1].gain >= max(without + thresholds.HELPED, thresholds.ALL_THE_DIFFERENCE):
                return Rehearsals(steps, now, as_is, afresh, tuple(tried))
    killed = training.begun and known and bool(shut_layers(seen))
    sizes = unusual_scales(seen.affine, training.begun, scene.weights.unmoved)
    large = unusual_scales(seen.affine, False, ())
    compares = scene.falls_short and (training.steps or 0) > 0
    if as_is.gain > max(now, 0.0) + thresholds.LEARNT:
        if not training.begun or as_is.gain >= thresholds.ALL_THE_DIFFERENCE:
            if scene.model.reshapes and as_is.gain < 1 - thresholds.HELPED:
                tried.append(run(Change(Aspect.AXES, (*start, Remedy.PERMUTE_AXES))))
            if compares:
                tried += [run(change) for change in other_scales(scene, start)]
            ordered = scene.is_middling and _lies_in_order(scene)
            afresh = run(Change(Aspect.NOTHING, start), sure) if compares or ordered else None
            more = other_starts(run, start, afresh, scene, now, sure)
            if more and large:
                tried.append(
                    run(Change(Aspect.SAME_SIZES, ()), sure, start=in_another_order(model))
                )
            tried += more
            return Rehearsals(
                steps, now, as_is, afresh, tuple(tried), large if more else sizes, in_order(afresh)
            )
        tried += [run(change) for change in other_data(scene, start)]
        if training.optimiser is not None and scene.is_middling:
            tried += [run(change) for change in longer_steps(training.optimiser, start)]
        if training.optimiser is not None and scene.is_poor:
            tried += [run(change) for change in smaller_steps(start, 2)]
        helped = any(r.gain >= without + thresholds.HELPED for r in tried)
        afresh = run(Change(Aspect.NOTHING, start)) if sizes or compares or helped else None
        if afresh is not None and afresh.gain >= without + thresholds.HELPED:
            tried.append(run(Change(Aspect.SAME_SIZES, ()), start=in_another_order(model)))
        tried += other_starts(run, start, afresh, scene, now, sure)
        return Rehearsals(steps, now, as_is, afresh, tuple(tried), sizes, in_order(afresh))
    afresh = afresh or run(Change(Aspect.NOTHING, start))
    is_few = scene.data.complete and few.size <= FEW_POINTS
    if training.begun and is_few and not as_is.lost and steps <= MOST_STEPS:
        tried.append(run(Change(Aspect.LONGER, ()), most=LONG * steps))
    if as_is.lost:
        again = (*(start if afresh.lost else ()), Remedy.KEEP_FROM_ZERO)
        tried.append(run(Change(Aspect.EDGE, again)))
        if tried[-1].trial.edge is not None and tried[-1].gain >= without + thresholds.HELPED:
            return Rehearsals(steps, now, as_is, afresh, tuple(tried), sizes)
    if killed and afresh.gain >= without + thresholds.HELPED:
        tried.append(run(Change(Aspect.KILLED, (*start, Remedy.SMALLER_STEP))))
    if not lost and afresh.gain >= without + thresholds.HELPED:
        tried += of_the_same_sizes(run, model, scene, without, bool(sizes))
    if scene.weights.frozen and afresh.gain >= without + thresholds.HELPED:
        tried.append(run(Change(Aspect.FROZEN_ANEW, ()), start=with_frozen_drawn_anew(model)))
    if afresh.gain > 1 - thresholds.HELPED:  # no change can help more, but the loop can be at fault
        return Rehearsals(steps, now, as_is, afresh, tuple(tried), sizes, in_order(afresh))
    if afresh.loss is None and not afresh.diverged:
        afresh, start = as_is, ()
    changed = [*tried, *(run(change) for change in other_data(scene, start))]
    if training.optimiser is not None:
        changed += [run(change) for change in other_rule(training.optimiser, start, scene)]
        changed += other_steps(run, afresh, start, scene, slow)
    base = max(now, as_is.gain, afresh.gain, 0.0) + thresholds.HELPED
    if training.begun and not slow and all(r.gain < base for r in changed):
        changed += other_size(run, start, steps)
    stuck = training.begun and known and not slow
    if stuck and all(r.gain < base for r in changed if not is_adam(r)):
        changed += scaled_starts(run)
    return Rehearsals(steps, now, as_is, afresh, tuple(changed), sizes)


def _lies_in_order(scene: Scene) -> bool:
    """Whether a trained model's points lie class by class (numbers on a grid are in order too)."""
    classes = scene.training.begun and scene.task.judged is not None
    return classes and scene.order_explains >= thresholds.SORTED


def _loss_of_a_start(course: Course) -> float:
    """The loss of a copy that starts afresh, or if that is NaN once arguments are kept from 0."""
    for more in ((), (Remedy.KEEP_FROM_ZERO,)):
        names = (Remedy.REDRAW_WEIGHTS, *more)
        start = course.trial(names, 1).start
        if start is not None and math.isfinite(start):
            return abs(start)
    return math.inf


def carries_over(found: Rehearsals, course: Course, constant: float) -> bool | None:
    """Whether what the best copy learns from half of the batches holds for the others.

    A copy may also learn by heart. None if it does not learn its own half, or there are no halves.

    Args:
        found: Copies, some of which learnt.
        course: How they were trained.
        constant: Loss of the best constant.
    """
    seen, others = course.sample.part(0), course.sample.part(1)
    if others is None or seen is None:
        return None
    best = max(found.started, key=lambda one: one.gain, default=None)
    remedies = (Remedy.REDRAW_WEIGHTS,) if best is None else best.change.remedies

    def elsewhere(objective: Objective) -> float:
        there = Objective(objective.model, course.loss, others)
        there.around = objective.around
        return there.value_as_shown()

    told = replace(course, sample=seen).trial(remedies, found.steps, judge=elsewhere)
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
