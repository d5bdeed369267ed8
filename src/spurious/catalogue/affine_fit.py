"""The best affine fit is a bad local minimum of a relu network, on any data, at any depth.

One unit of every hidden layer is on at all points and carries the affine fit; the others are
constant and on. Nearby all units stay on, the network stays affine on the data, and no affine
function is better. A hinge is better: unless the affine fit is perfect, some hinge max(0, t - s) of
a linear function t of the inputs correlates with its residuals, as the hinges, t and 1 span all
functions of t on the data, and t may be chosen different on different inputs.

Sources: Yun, Sra and Jadbabaie 2019, Theorem 1 (one hidden layer); He, Wang and Tao 2020, and
Christof and Kowalczyk 2022 (any depth).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from flint import fmpq_mat

from spurious.errors import InputError
from spurious.exact.plain import inner, separating_direction
from spurious.exact.rationals import fraction, rational
from spurious.problem import Dataset, Layer, Loss, Network, Point, Problem

ROOM: Final = Fraction(1)
"""All pre-activations are at least this at the minimum."""

SLOPE: Final = Fraction(1, 100)
"""Slope of the leaky relu below 0."""


def affine_fit(data: Dataset, hidden: Sequence[int], activation: str = "relu") -> Problem:
    """The minimum, and a better point as witness.

    Args:
        data: One output, not fitted perfectly by an affine function.
        hidden: Units of each hidden layer, at least 2 each.
        activation: relu or leaky_relu.

    Raises:
        InputError: There is no such minimum.
    """
    if not hidden or min(hidden) < 2:
        raise InputError(f"hidden: found {list(hidden)}, expected layers of at least 2 units")
    targets = [row[0] for row in data.y]
    columns = [[*x, Fraction(1)] for x in data.x]
    fit = _least_squares(columns, targets)
    residuals = [y - inner(row, fit) for row, y in zip(columns, targets, strict=True)]
    if not any(residuals):
        raise InputError("data: found a perfect affine fit, expected data that have none")
    slope = SLOPE if activation == "leaky_relu" else None
    network = Network((data.inputs, *hidden, 1), activation, slope)
    weight, start = _hinge(data, residuals)
    heights = [max(inner(weight, x) - start, Fraction(0)) for x in data.x]
    bent = _least_squares([[*r, h] for r, h in zip(columns, heights, strict=True)], targets)
    point = _point(data, fit, (None, Fraction(0), Fraction(0)), network)
    witness = _point(data, bent[:-1], (weight, start, bent[-1]), network)
    return Problem(network, Loss.SQUARED, data, point, witness)


def _point(
    data: Dataset,
    fit: Sequence[Fraction],
    hinge: tuple[Sequence[Fraction] | None, Fraction, Fraction],
    network: Network,
) -> Point:
    """Unit 1 of each layer carries the affine part, unit 2 the hinge; the others are on.

    A leaky unit is slope z + (1 - slope) max(0, z); in the first layer its affine part is taken out
    again by unit 1. In later layers unit 2 carries the first one's output plus a constant that
    keeps it on.
    """
    slope = network.slope or Fraction(0)
    direction, start, height = hinge
    first, *later = network.hidden
    weight, offset = list(fit[:-1]), fit[-1]
    rows = [(Fraction(0),) * data.inputs] * first
    biases = [ROOM] * first
    gain = height / (1 - slope)
    if direction is not None:
        rows[1], biases[1] = tuple(direction), -start
        weight = [w - slope * gain * d for w, d in zip(weight, direction, strict=True)]
        offset += slope * gain * start
    lift = ROOM - min(inner(weight, x) for x in data.x)
    rows[0], biases[0] = tuple(weight), lift
    layers = [Layer(tuple(rows), tuple(biases))]
    below = first
    floor = _floor(data, direction, start, slope)
    for units in later:
        passed = [(Fraction(0),) * below] * units
        shifts = [ROOM] * units
        passed[0], shifts[0] = _unit(0, below), Fraction(0)
        if direction is not None:
            passed[1], shifts[1] = _unit(1, below), floor
            offset -= gain * floor
        layers.append(Layer(tuple(passed), tuple(shifts)))
        below, floor = units, Fraction(0)
    last = [Fraction(0)] * below
    last[0] = Fraction(1)
    if direction is not None:
        last[1] = gain
    return Point((*layers, Layer((tuple(last),), (offset - lift,))))


def _floor(
    data: Dataset, direction: Sequence[Fraction] | None, start: Fraction, slope: Fraction
) -> Fraction:
    """What has to be added to a hinge unit's output to keep it at least 0 on the data."""
    if direction is None:
        return Fraction(0)
    lowest = min(inner(direction, x) - start for x in data.x)
    return max(-slope * lowest, Fraction(0))


def _unit(index: int, size: int) -> tuple[Fraction, ...]:
    return tuple(Fraction(int(k == index)) for k in range(size))


def _hinge(data: Dataset, residuals: Sequence[Fraction]) -> tuple[Sequence[Fraction], Fraction]:
    """Direction and start of a hinge that correlates with the residuals."""
    weight = separating_direction(data.x)
    values = [inner(weight, x) for x in data.x]
    for start in sorted(set(values)):
        if inner([max(v - start, Fraction(0)) for v in values], residuals):
            return weight, start
    raise InputError(
        "data: found residuals that sum to 0 over equal inputs, expected a fit that is not the "
        "best function of the inputs"
    )


def _least_squares(
    rows: Sequence[Sequence[Fraction]], targets: Sequence[Fraction]
) -> list[Fraction]:
    """Exact least squares; of several solutions one."""
    size = len(rows[0])
    matrix = fmpq_mat(len(rows), size, [rational(v) for row in rows for v in row])
    right = fmpq_mat(len(rows), 1, [rational(v) for v in targets])
    normal, wanted = matrix.transpose() * matrix, matrix.transpose() * right
    joined = fmpq_mat(
        size, size + 1, [v for k in range(size) for v in (*normal.tolist()[k], wanted[k, 0])]
    )
    reduced, rank = joined.rref()
    solution = [Fraction(0)] * size
    for row in range(rank):
        lead = next(k for k in range(size) if reduced[row, k] != 0)
        solution[lead] = fraction(reduced[row, size])
    return solution
