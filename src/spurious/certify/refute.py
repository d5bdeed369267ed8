"""Proofs that a point is not a local minimum: a direction in which the loss falls.

Rules `descent_direction` (first order, one-sided), `negative_curvature` (Theorem 7: at a local
minimum the second derivative along every line through it is at least zero, where it exists), and
`zero_output_weight` (Theorem 1). Floats propose directions; exact arithmetic or balls decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import cast

from flint import arb

from spurious.certify.arithmetics import BallProgram, around, curvature, entries, is_smooth
from spurious.certify.convex_ball import FREE_LIMIT
from spurious.certify.directional import one_sided_derivative
from spurious.certify.evaluate import Evaluation
from spurious.certify.one_sided import UnitDescends, ZeroWeightDescends
from spurious.certify.outcome import Proof, Undecided
from spurious.certify.sums import weighted_sum
from spurious.exact import balls
from spurious.exact.definiteness import float_spectrum
from spurious.exact.rationals import fraction, nearest_float, rational
from spurious.exact.softmax_numbers import approximate, sign
from spurious.problem import Point, Problem, flatten, point_to_data, program_of, unflatten
from spurious.program import KinkError, along
from spurious.verdict import Decision

DIGITS = 6
"""Significant digits of a proposed direction."""

SMALL = Fraction(1, 10**40)
"""Entries of a direction below this share of the largest are dropped."""

OUTPUT_WEIGHTS = (1, 3, 6, 9)
"""Powers of 1/10 tried as the output weight of a unit that is to be turned."""

RANDOM_DIRECTIONS = 64
"""Pseudo-random directions tried at kinks of deep networks."""


def last_layer_descent(evaluation: Evaluation) -> Proof | None:
    """A descent direction in the last layer; None only if its gradient is exactly zero.

    Tries the rounded negative gradient. Where rounding spoils it (a sum that cancels, a number too
    small to write down), one axis with an entry of known sign does.

    Raises:
        UndecidedSignError: a softmax number could not be told from zero.
        ArithmeticError: neither descends, which would be an error of this program.
    """
    everything = range(len(evaluation.inputs))
    totals = weighted_sum(evaluation, everything, evaluation.features)
    values = [entry for row in totals for entry in row[:-1]] + [row[-1] for row in totals]
    signs = [sign(value) for value in values]
    if not any(signs):
        return None
    steepest = _short([-fraction(approximate(value)) for value in values])
    sure = next(p for p, side in enumerate(signs) if side)
    axis = [Fraction(-side if p == sure else 0) for p, side in enumerate(signs)]
    network = evaluation.problem.network
    below = [Fraction(0)] * (network.parameter_count - len(values))
    for last in (steepest, axis):
        proof = first_order(evaluation, unflatten((*below, *last), network))
        if proof is not None:
            return proof
    raise ArithmeticError("against a derivative that is not zero the loss does not fall")


def unit_descent(evaluation: Evaluation, found: UnitDescends) -> Proof:
    """The proof for a unit whose phi is negative: move its incoming weights.

    Raises:
        ArithmeticError: the direction does not descend, which would be an error of this program.
    """
    network = evaluation.problem.network
    values = [Fraction(0)] * network.parameter_count
    wide, high = network.widths[0], network.widths[1]
    for i, entry in enumerate(found.direction[:-1]):
        values[found.unit * wide + i] = fraction(entry)
    values[wide * high + found.unit] = fraction(found.direction[-1])
    proof = first_order(evaluation, unflatten(tuple(values), network))
    if proof is None:
        raise ArithmeticError("a direction with negative phi does not descend")
    return proof


def zero_weight_descent(evaluation: Evaluation, found: ZeroWeightDescends) -> Proof:
    """The proof for a unit with zero output weights whose psi does not vanish.

    Turn it a little (u) and give it a much smaller output weight, against the sign of psi.
    """
    network = evaluation.problem.network
    wide, high = network.widths[0], network.widths[1]
    values = [Fraction(0)] * network.parameter_count
    for i, entry in enumerate(found.direction[:-1]):
        values[found.unit * wide + i] = fraction(entry)
    values[wide * high + found.unit] = fraction(found.direction[-1])
    weight = high * (wide + 1) + found.output * high + found.unit
    directions: list[Point] = []
    for exponent in OUTPUT_WEIGHTS:
        values[weight] = -found.side * Fraction(1, 10**exponent)
        directions.append(unflatten(tuple(values), network))
    return Proof(
        decision=Decision.NOT_LOCAL_MINIMUM,
        evidence={
            "rule": "zero_output_weight",
            "unit": found.unit,
            "output": found.output,
            "direction": [balls.written(fraction(entry)) for entry in found.direction],
        },
        reason=(
            f"hidden unit {found.unit} has zero output weight, and turning it slightly makes "
            "the loss fall"
        ),
        directions=tuple(directions),
    )


def first_order(evaluation: Evaluation, direction: Point) -> Proof | None:
    """The proof by a direction, if its one-sided derivative is negative, exactly."""
    slope = one_sided_derivative(evaluation, direction)
    if sign(slope) >= 0:
        return None
    return _descent(direction, fraction(approximate(slope)))


def kink_descent(evaluation: Evaluation) -> Proof | None:
    """Tries directions at a kink of a deep network: axes, one-sided gradients, random ones."""
    network = evaluation.problem.network
    for values in _proposals(evaluation):
        proof = first_order(evaluation, unflatten(tuple(values), network))
        if proof is not None:
            return proof
    return None


def _proposals(evaluation: Evaluation) -> Iterator[Sequence[Fraction]]:
    import numpy as np  # heavy, so imported where used

    count = evaluation.problem.network.parameter_count
    for p in range(count):
        for side in (1, -1):
            axis = [Fraction(0)] * count
            axis[p] = Fraction(side)
            yield axis
    rng = np.random.Generator(np.random.Philox(key=0))
    for _ in range(RANDOM_DIRECTIONS):
        yield [Fraction(float(entry)).limit_denominator(1000) for entry in rng.normal(size=count)]


def smooth_refutation(problem: Problem, point: Point) -> Proof | Undecided:
    """Refutes a point off the kinks by its gradient, or else by negative curvature."""
    reason = "the gradient is not told from zero, and no direction of negative curvature was proved"
    for bits in balls.PRECISIONS:
        with balls.precision(bits):
            try:
                proof = _by_gradient(problem, point) or _by_curvature(problem, point)
            except KinkError:
                return Undecided("a unit is on its kink, or too close to tell")
        if proof is not None:
            return proof
    return Undecided(reason)


def negative_curvature(problem: Problem, point: Point) -> Proof | None:
    """Refutes a point by negative curvature alone: near a saddle that says more than a slope."""
    with balls.precision(balls.PRECISIONS[1]):
        try:
            return _by_curvature(problem, point)
        except KinkError:
            return None


def _by_gradient(problem: Problem, point: Point) -> Proof | None:
    gradient = BallProgram.of(program_of(problem)).gradient(around(flatten(point)))
    if all(balls.sign(entry) in (None, 0) for entry in gradient):
        return None
    direction = _short([-fraction(balls.midpoint(entry)) for entry in gradient])
    candidates = [direction]
    sure = max(range(len(gradient)), key=lambda p: float(abs(gradient[p]).abs_lower()))
    candidates.append([entry if p == sure else Fraction(0) for p, entry in enumerate(direction)])
    for values in candidates:
        proposal = unflatten(tuple(values), problem.network)
        slope = sum(
            (g * rational(v) for g, v in zip(gradient, flatten(proposal), strict=True)), arb(0)
        )
        if balls.sign(slope) == -1:
            return _descent(proposal, fraction(balls.midpoint(slope)))
    return None


def _by_curvature(problem: Problem, point: Point) -> Proof | None:
    if problem.network.parameter_count > FREE_LIMIT:
        return None
    program = BallProgram.of(program_of(problem))
    values = around(flatten(point))
    run = program.run(values)
    spectrum = float_spectrum(curvature(run))
    if spectrum is None or spectrum[0][0] >= 0:
        return None
    column = _short([Fraction(float(entry)) for entry in spectrum[1][:, 0]])
    if not is_smooth(run):
        raise KinkError("a unit may be where a derivative of the activation jumps")
    line = along(program.evaluator, entries(values), entries(around(column)))
    second = arb(0) if line.second is None else cast("arb", line.second[()])
    direction = unflatten(tuple(column), problem.network)
    if balls.sign(second) != -1:
        return None
    return Proof(
        decision=Decision.NOT_LOCAL_MINIMUM,
        evidence={"rule": "negative_curvature", "direction": point_to_data(direction)},
        reason=f"the loss curves down along a line: second derivative {float(second.mid()):.3g}",
        directions=(direction,),
    )


def _descent(direction: Point, slope: Fraction) -> Proof:
    return Proof(
        decision=Decision.NOT_LOCAL_MINIMUM,
        evidence={"rule": "descent_direction", "direction": point_to_data(direction)},
        reason=f"the loss falls along a direction, at rate {nearest_float(slope):.3g}",
        directions=(direction,),
        slope=slope,
    )


def _short(values: Sequence[Fraction]) -> list[Fraction]:
    """A direction scaled to a largest entry near 1, with few digits; far smaller entries are 0."""
    largest = max(abs(value) for value in values)
    if largest == 0:
        return list(values)
    scale = balls.power_of_ten_above(largest)
    scaled = [value / scale for value in values]
    return [balls.rounded(v, DIGITS) if abs(v) > SMALL else Fraction(0) for v in scaled]
