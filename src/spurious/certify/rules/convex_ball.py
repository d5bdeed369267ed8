"""Rule `convex_ball`: a box on which the loss is strongly convex, with a minimum inside.

Theorem 5 (`docs/mathematics.md`). Let all eigenvalues of the Hessian exceed lambda > 0 on a box of
half-width r around a centre m, and 2 |grad(m)| < lambda r. On the sphere of radius r around m the
loss is at least L(m) - |grad(m)| r + lambda r^2 / 2 > L(m), so the ball holds a local minimum in
its interior, strict and unique there. Smooth activations need no more. In piecewise linear
networks, off the kinks, one nonzero incoming parameter of every live hidden unit is fixed first,
which removes the rescalings and loses no function; dead units drop out.

This replaces Krawczyk's test for minima: it needs one interval Hessian and no operator, and the
checker's part of it is two lines. Krawczyk's test (`exact/krawczyk.py`) is kept for saddles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from flint import arb, arb_mat

from spurious.certify.arithmetics import BallProgram, around, curvature, loss_of
from spurious.certify.enclosures import enclosure
from spurious.certify.evaluate import evaluate
from spurious.certify.exact_gradient import exact_gradient
from spurious.certify.neighbourhood import distance, nearby_limit
from spurious.certify.optimality import unbeaten
from spurious.certify.point_loss import is_homogeneous, point_loss
from spurious.certify.rule import Rule
from spurious.certify.subject import Subject
from spurious.exact import balls
from spurious.exact.definiteness import Definiteness, float_spectrum, prove_definite
from spurious.exact.krawczyk import krawczyk
from spurious.exact.rationals import fraction, rational
from spurious.exact.softmax_numbers import UndecidedSignError, sign
from spurious.problem import (
    DenseLoss,
    Loss,
    Network,
    Point,
    Problem,
    flatten,
    program_of,
    unflatten,
)
from spurious.program import KinkError
from spurious.proof import Claim, ConvexBall, Proof, Undecided
from spurious.verdict import Answer, Decision

DECIMALS = 30
"""The centre of a box is rounded to this many decimals."""

FREE_LIMIT = 200
"""More free parameters are not tried: the Hessian costs their square, its proof their cube."""

NEWTON_STEPS = 50
"""Newton steps before giving up."""

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


def prove(problem: Problem | DenseLoss, point: Point) -> Proof | Undecided:
    """Proves a strict minimum (up to rescaling) at the point or near it.

    Args:
        problem: Any depth and activation.
        point: The point, off the kinks of a piecewise linear activation.
    """
    with balls.precision(balls.PRECISIONS[0]):
        chart = gauge_slice(problem, point)
    if isinstance(chart, Undecided):
        return chart
    if len(chart.free) > FREE_LIMIT:
        return Undecided(
            f"a proof by the Hessian is not tried with {len(chart.free)} free parameters, "
            f"more than {FREE_LIMIT}"
        )
    exact = vanishes_exactly(problem, point, chart.free)
    centre = point
    if not exact:
        with balls.precision(balls.PRECISIONS[1]):
            settled = _settle(problem, point, chart)
        if isinstance(settled, Undecided):
            return settled
        centre, chart = settled
    result: Proof | Undecided = Undecided("no precision tried")
    for bits in balls.PRECISIONS[:3]:
        with balls.precision(bits):
            result = _prove_at(problem, point, centre, chart, exact)
        if isinstance(result, Proof):
            break
    return result


def _settle(
    problem: Problem | DenseLoss, point: Point, chart: Slice
) -> tuple[Point, Slice] | Undecided:
    """A critical point near the given one, and the slice at it.

    Newton's method may carry a dead unit to life, or the other way round. What is free is decided
    by the units that are dead where it ends, and only there.
    """
    centre = point
    for _ in range(SLICES):
        polished = polish(problem, centre, chart)
        if isinstance(polished, Undecided):
            return polished
        there = gauge_slice(problem, polished)
        if isinstance(there, Undecided):
            return there
        if distance(flatten(polished), flatten(point)) > nearby_limit(flatten(point)):
            return Undecided("Newton's method left the neighbourhood of the point")
        if there.dead == chart.dead:
            return polished, chart
        centre, chart = polished, there
    return Undecided("Newton's method kills and wakes units without end")


def gauge_slice(problem: Problem | DenseLoss, point: Point) -> Slice | Undecided:
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


def incoming_indices(network: Network) -> list[list[list[int]]]:
    """For each layer and unit the flat indices of its weights, then its bias."""
    layers: list[list[list[int]]] = []
    start = 0
    for wide, high in zip(network.widths[:-1], network.widths[1:], strict=True):
        biases = start + wide * high
        layers.append(
            [
                [*range(start + row * wide, start + (row + 1) * wide), biases + row]
                for row in range(high)
            ]
        )
        start = biases + high
    return layers


def polish(problem: Problem | DenseLoss, point: Point, chart: Slice) -> Point | Undecided:
    """Newton's method in the free parameters, to full precision. Not rigorous: a proposal."""
    program = BallProgram.of(program_of(problem))
    values = around(flatten(point))
    limit = nearby_limit(flatten(point))
    start = list(values)
    last = float("inf")
    for _ in range(NEWTON_STEPS):
        try:
            run = program.run(values)
            gradient = run.gradient
            hessian = curvature(run, chart.free)
        except KinkError:
            return Undecided("Newton's method ran onto a kink")
        right = arb_mat([[gradient[p]] for p in chart.free])
        try:
            step = hessian.solve(right)
        except ZeroDivisionError:
            return Undecided("the Hessian is singular: the critical point is not isolated")
        size = max(float(abs(step[i, 0].mid())) for i in range(len(chart.free)))
        for i, p in enumerate(chart.free):
            values[p] = arb(balls.midpoint(values[p] - step[i, 0]))
        moved = max(float(abs((values[p] - start[p]).mid())) for p in chart.free)
        if not moved <= limit:
            return Undecided("Newton's method left the neighbourhood of the point")
        if size < 1e-60 or (size < 1e-35 and size >= last):
            break
        last = size
    else:
        return Undecided("Newton's method did not converge")
    centre = list(flatten(point))
    for p in chart.free:
        centre[p] = balls.round_to(fraction(balls.midpoint(values[p])), DECIMALS)
    return unflatten(tuple(centre), problem.network)


def vanishes_exactly(problem: Problem | DenseLoss, point: Point, free: Sequence[int]) -> bool:
    """Whether the gradient in the free parameters is provably zero, exactly."""
    gradient = exact_gradient(problem, point)
    try:
        return gradient is not None and all(sign(gradient[p]) == 0 for p in free)
    except UndecidedSignError:
        return False


def _prove_at(
    problem: Problem | DenseLoss, point: Point, centre: Point, chart: Slice, exact: bool
) -> Proof | Undecided:
    """The interval part, at the current precision."""
    program = BallProgram.of(program_of(problem))
    values = around(flatten(centre))
    try:
        run = program.run(values)
        gradient = run.gradient
        definite = prove_definite(curvature(run, chart.free))
    except KinkError:
        return Undecided("a unit is too close to its kink")
    if definite is None:
        return _indefinite(program, values, chart)
    norm = balls.norm(gradient[p] for p in chart.free)
    if exact:
        radius = Fraction(1, 10**DECIMALS)
    else:
        needed = balls.bounds(norm)[1] * 4 / definite.eigenvalue_bound
        radius = balls.power_of_ten_above(max(needed, Fraction(1, 10**DECIMALS)))
    spread = arb(0, arb(rational(radius)).upper())
    free = set(chart.free)
    box = [value + spread if p in free else value for p, value in enumerate(values)]
    try:
        definite = prove_definite(curvature(program.run(box), chart.free))
    except KinkError:
        return Undecided("a unit is too close to its kink")
    if definite is None:
        return Undecided("the Hessian is not proved positive definite around the critical point")
    bound = arb(rational(definite.eigenvalue_bound))
    if not exact and not balls.certainly_less(2 * norm, bound * rational(radius)):
        return Undecided("the gradient is not small enough against the curvature")
    loss = loss_of(run)
    lowest = loss if exact else loss - balls.square(norm) / (2 * bound)
    return _package(problem, point, centre, chart, exact, radius, definite, lowest.union(loss))


def _package(
    problem: Problem | DenseLoss,
    point: Point,
    centre: Point,
    chart: Slice,
    exact: bool,
    radius: Fraction,
    definite: Definiteness,
    loss: arb,
) -> Proof:
    whole = balls.simple_above(distance(flatten(centre), flatten(point)) + radius)
    up_to_rescaling = Answer.NO if chart.dead else Answer.YES
    where = (
        "the gradient is exactly zero" if exact else "a critical point is enclosed in a tiny box"
    )
    kind = "" if chart.smooth else " once the rescaling of each live hidden unit is fixed"
    return Proof(
        claim=Claim(
            Decision.LOCAL_MINIMUM if exact else Decision.LOCAL_MINIMUM_NEARBY,
            point_loss(problem, centre) if exact and is_homogeneous(problem) else enclosure(loss),
            strict=Answer.YES if chart.smooth else Answer.NO,
            strict_up_to_rescaling=up_to_rescaling,
            flat_dimension=len(chart.fixed),
            eigenvalue_bound=definite.eigenvalue_bound,
            radius=None if exact else whole,
        ),
        evidence=ConvexBall(centre, radius, chart.fixed, definite.transform),
        reason=(
            f"{where} and the Hessian is positive definite{kind}: "
            f"all eigenvalues above {float(definite.eigenvalue_bound):.3g}"
        ),
        minimum=flatten(centre),
    )


def _indefinite(program: BallProgram, values: list[arb], chart: Slice) -> Undecided:
    """Says what the critical point is, if it is no proved minimum.

    With a smooth activation rule `krawczyk` proves the saddle, so nothing is isolated here.
    """
    centre = arb_mat([[values[p]] for p in chart.free])

    def at(column: arb_mat) -> list[arb]:
        moved = list(values)
        for i, p in enumerate(chart.free):
            moved[p] = column[i, 0]
        return moved

    def gradient(column: arb_mat) -> arb_mat:
        entries = program.gradient(at(column))
        return arb_mat([[entries[p]] for p in chart.free])

    def hessian(column: arb_mat) -> arb_mat:
        return curvature(program.run(at(column)), chart.free)

    spectrum = float_spectrum(hessian(centre))
    lowest = float(spectrum[0][0]) if spectrum else float("nan")
    try:
        half = arb(10) ** (-DECIMALS // 2)
        isolated = not chart.smooth and krawczyk(gradient, hessian, centre, half)
    except KinkError:
        isolated = False
    if isolated and lowest < 0:
        return Undecided(
            f"the critical point here is a saddle: Krawczyk's test isolates it within "
            f"1e-{DECIMALS // 2}, with a Hessian eigenvalue near {lowest:.3g}"
        )
    return Undecided(
        f"the Hessian is not proved positive definite (smallest eigenvalue about {lowest:.3g})"
    )


RULE = Rule("convex_ball", _applies, lambda s: prove(s.dense, s.point))
