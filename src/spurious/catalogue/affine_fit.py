"""Yun, Sra and Jadbabaie: the best affine fit is a bad local minimum of a ReLU network, on any data.

One hidden unit is on at all points and carries the affine fit; the others are constant and on.
Nearby all units stay on, the network stays affine, and no affine function is better. A hinge is better: unless the affine fit is
perfect, some hinge of a linear function t correlates with its residuals, as the hinges, t and 1
span all functions of t, and t may be chosen different on different inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from flint import fmpq, fmpq_mat

from spurious.errors import InputError
from spurious.problem import Dataset, Layer, Loss, Network, Point, Problem

__all__ = ["affine_fit"]

ROOM: Final = Fraction(1)
"""How far above 0 all pre-activations are at the minimum."""


def affine_fit(data: Dataset, hidden: int, activation: str = "relu") -> Problem:
    """The minimum, and a better point as witness.

    Args:
        data: One output, not fitted perfectly by an affine function.
        hidden: Units, at least 2.
        activation: relu, or leaky_relu with slope 1/100.

    Raises:
        InputError: There is no such minimum.
    """
    if hidden < 2:
        raise InputError(f"hidden: found {hidden}, expected at least 2")
    targets = [row[0] for row in data.y]
    columns = [[*x, Fraction(1)] for x in data.x]
    fit = _least_squares(columns, targets)
    residuals = [y - _dot(row, fit) for row, y in zip(columns, targets, strict=True)]
    if not any(residuals):
        raise InputError("data: found a perfect affine fit, expected data that have none")
    slope = Fraction(1, 100) if activation == "leaky_relu" else None
    network = Network((data.inputs, hidden, 1), activation, slope)
    point = _point(data, fit, None, hidden)
    weight, start = _hinge(data, residuals)
    heights = [max(_dot(weight, x) - start, Fraction(0)) for x in data.x]
    bent = _least_squares([[*r, h] for r, h in zip(columns, heights, strict=True)], targets)
    witness = _point(data, bent[:-1], (weight, start, bent[-1]), hidden, slope or Fraction(0))
    return Problem(network, Loss.SQUARED, data, point, witness)


def _point(
    data: Dataset,
    fit: Sequence[Fraction],
    hinge: tuple[Sequence[Fraction], Fraction, Fraction] | None,
    hidden: int,
    slope: Fraction = Fraction(0),
) -> Point:
    """Unit 1 carries the affine part, unit 2 the hinge; the others are on and have weight 0.

    A leaky unit is slope * z + (1 - slope) * max(0, z); its affine part is taken out again by
    unit 1.
    """
    weight, offset = list(fit[:-1]), fit[-1]
    rows = [(Fraction(0),) * data.inputs] * hidden
    biases = [ROOM] * hidden
    out = [Fraction(0)] * hidden
    if hinge is not None:
        direction, start, height = hinge
        gain = height / (1 - slope)
        rows[1], biases[1], out[1] = tuple(direction), -start, gain
        weight = [w - slope * gain * d for w, d in zip(weight, direction, strict=True)]
        offset += slope * gain * start
    lift = ROOM - min(_dot(weight, x) for x in data.x)
    rows[0], biases[0], out[0] = tuple(weight), lift, Fraction(1)
    return Point((Layer(tuple(rows), tuple(biases)), Layer((tuple(out),), (offset - lift,))))


def _hinge(data: Dataset, residuals: Sequence[Fraction]) -> tuple[list[Fraction], Fraction]:
    """Direction and start of a hinge that correlates with the residuals."""
    weight = _separating(data)
    values = [_dot(weight, x) for x in data.x]
    for start in sorted(set(values)):
        pull = sum(
            (max(v - start, Fraction(0)) * r for v, r in zip(values, residuals, strict=True)),
            Fraction(0),
        )
        if pull:
            return weight, start
    raise InputError(
        "data: found residuals that sum to 0 over equal inputs, expected a fit that is not the best "
        "function of the inputs"
    )


def _separating(data: Dataset) -> list[Fraction]:
    """A direction along which different inputs differ: powers of a base that is large enough."""
    points = sorted(set(data.x))
    base = 1
    while True:
        weight = [Fraction(base) ** k for k in range(data.inputs)]
        if len({_dot(weight, x) for x in points}) == len(points):
            return weight
        base += 1


def _least_squares(
    rows: Sequence[Sequence[Fraction]], targets: Sequence[Fraction]
) -> list[Fraction]:
    """Exact least squares; of several solutions one."""
    matrix = fmpq_mat(
        len(rows), len(rows[0]), [fmpq(v.numerator, v.denominator) for r in rows for v in r]
    )
    right = fmpq_mat(len(rows), 1, [fmpq(v.numerator, v.denominator) for v in targets])
    size = len(rows[0])
    normal, wanted = matrix.transpose() * matrix, matrix.transpose() * right
    joined = fmpq_mat(
        size, size + 1, [v for k in range(size) for v in (*normal.tolist()[k], wanted[k, 0])]
    )
    reduced, rank = joined.rref()
    solution = [Fraction(0)] * size
    for row in range(rank):
        lead = next(k for k in range(size) if reduced[row, k] != 0)
        value = reduced[row, size]
        solution[lead] = Fraction(int(value.p), int(value.q))
    return solution


def _dot(left: Sequence[Fraction], right: Sequence[Fraction]) -> Fraction:
    return sum((a * b for a, b in zip(left, right, strict=True)), Fraction(0))
