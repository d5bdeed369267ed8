"""Rule `convex_ball`: `strongly_convex` for dense networks, once the rescalings are fixed.

Theorem 5 (`docs/mathematics.md`). Smooth activations need no more. In piecewise linear networks,
off the kinks, one nonzero incoming parameter of every live hidden unit is fixed first, which
removes the rescalings and loses no function; dead units drop out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spurious.certify.arithmetics import BallProgram, around
from spurious.certify.critical import critical_point
from spurious.certify.evaluate import evaluate
from spurious.certify.exact_gradient import exact_gradient, is_homogeneous, point_loss
from spurious.certify.optimality import unbeaten
from spurious.certify.rules.strongly_convex import ConvexBox, convex_box
from spurious.certify.subject import Rule, Subject, distance, nearby_limit
from spurious.exact import balls
from spurious.exact.softmax_numbers import UndecidedSignError, sign
from spurious.problem import DenseLoss, FlatPoint, Loss, Point, flatten, incoming_indices, unflatten
from spurious.program import Program, ProgramError, restricted
from spurious.proof import Claim, ConvexBall, Proof, Undecided
from spurious.verdict import Answer, Decision

FREE_LIMIT = 200
"""More free parameters are not tried: the Hessian costs their square, its proof their cube."""

SLICES = 3
"""How often Newton's method may kill or wake units before giving up."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Which parameters are free.

    Attributes:
        free: Flat indices of the free parameters.
        fixed: Flat indices of all others.
        dead: The hidden units that are dead on all data, as (layer, unit) from 0.
        smooth: Whether nothing had to be fixed, because the activation has no kink.
    """

    free: tuple[int, ...]
    fixed: tuple[int, ...]
    dead: frozenset[tuple[int, int]]
    smooth: bool

    def program(self, problem: DenseLoss, values: FlatPoint) -> Program:
        """The loss as a function of the free parameters, the others as at a point."""
        whole = problem.program()
        return restricted(whole, values, self.free) if self.fixed else whole

    def own(self, values: FlatPoint) -> FlatPoint:
        """The free parameters of a point."""
        return tuple(values[p] for p in self.free)

    def moved(self, values: FlatPoint, own: FlatPoint) -> FlatPoint:
        """A point with other free parameters."""
        found = dict(enumerate(values)) | dict(zip(self.free, own, strict=True))
        return tuple(found.values())


def _applies(subject: Subject) -> bool:
    """Not to what other rules decide completely.

    These are shallow networks with one output and squared loss, points that nothing beats although
    their gradient is not seen to be zero exactly, and, by rule `strongly_convex`, smooth networks
    of format 2.
    """
    if not subject.is_dense or (subject.smooth and not subject.layered):
        return False
    if subject.homogeneous and subject.single:
        return subject.dense.loss != Loss.SQUARED
    if subject.homogeneous or subject.once(unbeaten) is None:
        return True
    every = range(subject.network.parameter_count)
    return vanishes_exactly(subject.dense, subject.point, every)


def prove(problem: DenseLoss, point: Point) -> Proof | Undecided:
    """Proves a strict minimum (up to rescaling) at the point or near it.

    Args:
        problem: Any depth and activation.
        point: The point, off the kinks of a piecewise linear activation.
    """
    chart = gauge_slice(problem, point)
    if isinstance(chart, Undecided):
        return chart
    if len(chart.free) > FREE_LIMIT:
        return Undecided(
            f"a proof by the Hessian is not tried with {len(chart.free)} free parameters, "
            f"more than {FREE_LIMIT}"
        )
    here = flatten(point)
    if vanishes_exactly(problem, point, chart.free):
        box = convex_box(chart.program(problem, here), chart.own(here))
        return box if isinstance(box, Undecided) else _package(problem, here, here, chart, box)
    values, limit = here, nearby_limit(here)
    for _ in range(SLICES):
        program = chart.program(problem, values)
        critical = critical_point(program, chart.own(values), limit)
        if isinstance(critical, Undecided):
            return critical
        values = chart.moved(values, critical.centre)
        there = gauge_slice(problem, unflatten(values, problem.network))
        if isinstance(there, Undecided):
            return there
        if distance(values, here) > limit:
            return Undecided("Newton's method left the neighbourhood of the point")
        if there.dead == chart.dead:
            box = convex_box(program, critical)
            return (
                box if isinstance(box, Undecided) else _package(problem, here, values, chart, box)
            )
        chart = there
    return Undecided("Newton's method kills and wakes units without end")


def gauge_slice(problem: DenseLoss, point: Point) -> Slice | Undecided:
    """The free parameters at a point: all for smooth activations, else one fixed a live unit."""
    network = problem.network
    count = network.parameter_count
    if not network.homogeneous or network.depth == 0:
        return Slice(tuple(range(count)), (), frozenset(), smooth=True)
    evaluation = evaluate(problem, point)
    if evaluation.has_kinks and any(
        z == 0 for layer in evaluation.preactivations for row in layer for z in row
    ):
        return Undecided("a unit is exactly on its kink at a data point")
    relu = network.activation == "relu"
    dead = [
        {j for j in range(len(layer[0])) if relu and all(row[j] < 0 for row in layer)}
        for layer in evaluation.preactivations
    ]
    if any(
        len(units) == len(layer[0])
        for units, layer in zip(dead, evaluation.preactivations, strict=True)
    ):
        return Undecided("a whole layer is dead, so the Hessian is singular")
    values = flatten(point)
    fixed: set[int] = set()
    for level, incoming in enumerate(incoming_indices(network)):
        below = dead[level - 1] if level else set[int]()
        here = dead[level] if level < network.depth else set[int]()
        for unit, indices in enumerate(incoming):
            fixed.update(indices[source] for source in below)
            if unit in here:
                fixed.update(indices)
            elif level < network.depth:
                live = [p for source, p in enumerate(indices) if source not in below]
                largest = max(live, key=lambda p: abs(values[p]))
                if values[largest] == 0:
                    return Undecided(f"hidden unit {unit} of layer {level} has only zero weights")
                fixed.add(largest)
    free = tuple(p for p in range(count) if p not in fixed)
    every = frozenset((level, unit) for level, units in enumerate(dead) for unit in units)
    return Slice(free, tuple(sorted(fixed)), every, smooth=False)


def vanishes_exactly(problem: DenseLoss, point: Point, free: Sequence[int]) -> bool:
    """Whether the gradient in the free parameters is provably zero, exactly."""
    try:
        with balls.precision(balls.PRECISIONS[0]):
            enclosed = BallProgram.of(problem.program()).gradient(around(flatten(point)))
        if not all(enclosed[p].contains(0) for p in free):
            return False  # exact sums take much longer
        gradient = exact_gradient(problem, point)
        return gradient is not None and all(sign(gradient[p]) == 0 for p in free)
    except (ProgramError, UndecidedSignError):
        return False


def _package(
    problem: DenseLoss, here: FlatPoint, values: FlatPoint, chart: Slice, box: ConvexBox
) -> Proof:
    centre = unflatten(values, problem.network)
    exact = box.exact and is_homogeneous(problem)
    kind = "" if chart.smooth else ", once the rescaling of each live hidden unit is fixed"
    return Proof(
        claim=Claim(
            Decision.LOCAL_MINIMUM if box.exact else Decision.LOCAL_MINIMUM_NEARBY,
            point_loss(problem, centre) if exact else box.loss,
            strict=Answer.YES if chart.smooth else Answer.NO,
            strict_up_to_rescaling=Answer.NO if chart.dead else Answer.YES,
            flat_dimension=len(chart.fixed),
            eigenvalue_bound=box.definite.eigenvalue_bound,
            radius=None if box.exact else balls.simple_above(distance(values, here) + box.radius),
        ),
        evidence=ConvexBall(centre, box.radius, chart.fixed, box.definite.transform),
        reason=box.reason + kind,
        minimum=values,
    )


RULE = Rule(_applies, lambda s: prove(s.dense, s.point))
