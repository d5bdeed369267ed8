# pyright: basic
"""Short trainings of copies, to see what a change does: what helps where nothing else did.

A cause that is only guessed from numbers is often none. So each candidate (a smaller step, scaled
inputs, ...) is tried on a copy that starts afresh, for as many steps as one without the change.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
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


AFRESH: Final = Change(Aspect.NOTHING, (Remedy.REDRAW_WEIGHTS,))
"""A start, with nothing else changed."""


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
    landscape = seen.landscape
    usual, lost = landscape.constant_loss or abs(landscape.loss), not math.isfinite(landscape.loss)
    if not math.isfinite(usual):  # weights are lost; a start says what is usual
        usual = _loss_of_a_start(course)
    if not landscape.connected or not 0 < abs(usual) < math.inf:
        return None
    if not lost and usual < 0:
        return None  # how far such a loss may fall is not known
    now = -math.inf if lost else _won(landscape.loss, usual)
    search = _Search(course, seen, scene, steps, say, slow, usual, now)
    learnt = 1 - thresholds.GOOD
    known = scene.training.optimiser is not None
    as_is = search.run(Change(Aspect.NOTHING, ()), min(search.sure, learnt) if known else learnt)
    afresh = search.run(AFRESH) if lost and suspected else None
    so_far = Rehearsals(steps, now, as_is, afresh, ())
    mends, explained = search.mends(suspected, so_far.unchanged)
    so_far = replace(so_far, changed=mends)
    if explained:
        return so_far
    if as_is.gain <= max(now, 0.0) + thresholds.LEARNT:
        return _where_it_stands_still(search, so_far)
    if not scene.training.begun or as_is.gain >= thresholds.ALL_THE_DIFFERENCE:
        return _where_it_learns(search, so_far)
    return _where_it_gains_a_little(search, so_far)


@dataclass(frozen=True)
class _Search:
    """How copies are tried, and what is known before.

    Attributes:
        course: How they are trained.
        seen: What was measured of the model.
        scene: Its values.
        steps: Of each.
        say: Called with a line for each.
        slow: As for `rehearse`.
        usual: The loss in whose units they win: the best constant's, or a start's.
        now: What the model has won; minus infinity of one whose weights are lost.
    """

    course: Course
    seen: Measurements
    scene: Scene
    steps: int
    say: Callable[[str], None]
    slow: bool
    usual: float
    now: float

    @property
    def lost(self) -> bool:
        """Whether the model's loss is no number."""
        return self.now == -math.inf

    @property
    def sure(self) -> float:
        """What a copy must win so that nothing is left to ask."""
        return max(thresholds.ALL_THE_DIFFERENCE, max(self.now, 0.0) + thresholds.HELPED)

    def run(
        self,
        change: Change,
        enough: float = 1 - thresholds.GOOD,
        start: nn.Module | None = None,
        points: Sample | None = None,
        most: int | None = None,
        seed: int = 0,
    ) -> Rehearsal:
        """Trains one copy until it has won enough, from another start or on other points if asked.

        Args:
            change: What is changed before.
            enough: Share of the usual loss that ends it.
            start: Instead of the model.
            points: Instead of the course's.
            most: Steps, instead of the search's.
            seed: Of weights that are drawn anew.
        """
        own = self.course if start is None else self.course.started_from(start)
        own = own if points is None else replace(own, sample=points)
        goal = self.usual - enough * abs(self.usual)
        trial = own.trial(change.remedies, most or self.steps, goal, seed=seed)
        result = _result(change, trial, self.usual)
        self.say(f"rehearsal {change.aspect.value}: {result.gain:.2f} of the constant's loss won")
        return result

    def mends(
        self, suspected: tuple[str, ...], without: float
    ) -> tuple[tuple[Rehearsal, ...], bool]:
        """Tries mends of causes that the values show, until one makes all the difference.

        Args:
            suspected: Remedies.
            without: What is won without them.

        Returns:
            Those tried, and whether the last one does.
        """
        tried: list[Rehearsal] = []
        renewed = AFRESH.remedies
        for name in suspected:
            own = parts(name)
            again = self.scene.training.begun and not self.lost and renewed[0] not in own
            first = (*(renewed if self.lost else ()), *own)
            for names in (first, *(((*renewed, *own),) if again else ())):
                tried.append(self.run(Change(Aspect.CAUSE, names)))
                if tried[-1].gain >= max(
                    without + thresholds.HELPED, thresholds.ALL_THE_DIFFERENCE
                ):
                    return tuple(tried), True
        return tuple(tried), False

    def with_starts(
        self, so_far: Rehearsals, tried: list[Rehearsal], sizes: Mapping[str, float]
    ) -> Rehearsals:
        """What was tried, with more starts where one may have been lucky, and the data's order."""
        more = other_starts(
            self.run, AFRESH.remedies, so_far.afresh, self.scene, self.now, self.sure
        )
        return replace(
            so_far, changed=(*tried, *more), sizes=sizes, in_order=self.in_order(so_far.afresh)
        )

    def in_order(self, afresh: Rehearsal | None) -> Rehearsal | None:
        """A start that takes the points as they lie: in as many steps, and one pass at least."""
        if afresh is None or not self.scene.is_middling or not _lies_in_order(self.scene):
            return None
        points = self.course.sample.in_order()
        most = max(afresh.trial.steps, len(points.batches))
        return self.run(Change(Aspect.ORDER, AFRESH.remedies), points=points, most=most)

    @property
    def compares(self) -> bool:
        """Whether starts are compared with what training has come to."""
        training = self.scene.training
        return training.begun and self.scene.is_middling and (training.steps or 0) > 0

    @property
    def sizes(self) -> dict[str, float]:
        """The layers whose weights are of an unusual size."""
        scene = self.scene
        return unusual_scales(self.seen.affine, scene.training.begun, scene.weights.unmoved)


def _where_it_learns(search: _Search, so_far: Rehearsals) -> Rehearsals:
    """A start, or a model that a plain loop goes on with: is it scales, order or the loop?"""
    scene, start = search.scene, AFRESH.remedies
    tried = list(so_far.changed)
    if scene.model.reshapes and so_far.as_is.gain < 1 - thresholds.HELPED:
        tried.append(search.run(Change(Aspect.AXES, (*start, Remedy.PERMUTE_AXES))))
    if search.compares:
        tried += [search.run(change) for change in other_scales(scene, start)]
    ordered = scene.is_middling and _lies_in_order(scene)
    afresh = search.run(AFRESH, search.sure) if search.compares or ordered else None
    found = search.with_starts(replace(so_far, afresh=afresh), tried, search.sizes)
    large = unusual_scales(search.seen.affine, False, ())
    if len(found.changed) == len(tried) or not large:
        return found
    other = in_another_order(search.course.model)
    same = search.run(Change(Aspect.SAME_SIZES, ()), search.sure, start=other)
    return replace(found, changed=(*found.changed, same), sizes=large)


def _where_it_gains_a_little(search: _Search, so_far: Rehearsals) -> Rehearsals:
    """A trained model that gets on, and not far: do scales or steps hold it?"""
    scene, start, rule = search.scene, AFRESH.remedies, search.scene.training.optimiser
    without = so_far.unchanged + thresholds.HELPED
    tried = [*so_far.changed, *(search.run(change) for change in other_data(scene, start))]
    if rule is not None and scene.is_middling:
        tried += [search.run(change) for change in longer_steps(rule, start)]
    if rule is not None and scene.is_poor:
        tried += [search.run(change) for change in smaller_steps(start, 2)]
    helped = any(r.gain >= without for r in tried)
    afresh = search.run(AFRESH) if search.sizes or search.compares or helped else None
    if afresh is not None and afresh.gain >= without:
        other = in_another_order(search.course.model)
        tried.append(search.run(Change(Aspect.SAME_SIZES, ()), start=other))
    return search.with_starts(replace(so_far, afresh=afresh), tried, search.sizes)


def _where_it_stands_still(search: _Search, so_far: Rehearsals) -> Rehearsals:
    """A model that a plain loop does not go on with: what does a start do, and what a change?"""
    scene, model, sizes = search.scene, search.course.model, search.sizes
    training, as_is, start = scene.training, so_far.as_is, AFRESH.remedies
    without = so_far.unchanged + thresholds.HELPED
    afresh = so_far.afresh or search.run(AFRESH)
    so_far = replace(so_far, afresh=afresh, sizes=sizes)
    tried = list(so_far.changed)
    is_few = scene.data.complete and search.course.sample.size <= FEW_POINTS
    if training.begun and is_few and not as_is.lost and search.steps <= MOST_STEPS:
        tried.append(search.run(Change(Aspect.LONGER, ()), most=LONG * search.steps))
    if as_is.lost:
        kept = (*(start if afresh.lost else ()), Remedy.KEEP_FROM_ZERO)
        tried.append(search.run(Change(Aspect.EDGE, kept)))
        if tried[-1].trial.edge is not None and tried[-1].gain >= without:
            return replace(so_far, changed=tuple(tried))
    if afresh.gain >= without:
        if training.begun and training.optimiser is not None and shut_layers(search.seen):
            tried.append(search.run(Change(Aspect.KILLED, (*start, Remedy.SMALLER_STEP))))
        if not search.lost:
            tried += of_the_same_sizes(
                search.run, model, scene, without - thresholds.HELPED, bool(sizes)
            )
        if scene.weights.frozen:
            anew = with_frozen_drawn_anew(model)
            tried.append(search.run(Change(Aspect.FROZEN_ANEW, ()), start=anew))
    if afresh.gain > 1 - thresholds.HELPED:  # no change can help more, but the loop can be at fault
        return replace(so_far, changed=tuple(tried), in_order=search.in_order(afresh))
    if afresh.loss is None and not afresh.diverged:
        afresh, start = as_is, ()
    tried += [search.run(change) for change in other_data(scene, start)]
    if training.optimiser is not None:
        for change in other_rule(training.optimiser, start, scene):
            slowly = change.aspect is Aspect.DECAY and scene.held_by_decay
            longer = max(search.steps, LATER_STEPS) if slowly else None
            tried.append(search.run(change, most=longer))
        tried += other_steps(search.run, afresh, start, scene, search.slow)
    so_far = replace(so_far, afresh=afresh)
    base = so_far.unchanged + thresholds.HELPED
    if training.begun and not search.slow:
        if all(r.gain < base for r in tried):
            tried += other_size(search.run, start, search.steps)
        if training.optimiser is not None and all(r.gain < base for r in tried if not is_adam(r)):
            tried += scaled_starts(search.run)
    return replace(so_far, changed=tuple(tried))


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

    steps = found.steps if best is None else max(found.steps, best.trial.steps)
    told = replace(course, sample=seen).trial(remedies, steps, judge=elsewhere)
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
