"""Networks with a homogeneous activation in integers over common denominators."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm

from fuzzing.case import Case, layers


def outputs(case: Case, point: Sequence[Fraction]) -> list[list[Fraction]]:
    """The outputs at all data points, shape (n, K)."""
    rows, _, over, _ = _forward(case, point, None)
    return [[Fraction(v, over) for v in row] for row in rows]


def derivative(
    case: Case, point: Sequence[Fraction], direction: Sequence[Fraction]
) -> tuple[list[list[Fraction]], list[list[Fraction]]]:
    """Outputs and their one-sided derivatives along a direction, both of shape (n, K)."""
    rows, moves, over, _ = _forward(case, point, direction)
    return (
        [[Fraction(v, over) for v in row] for row in rows],
        [[Fraction(v, over) for v in row] for row in moves],
    )


def preactivations(case: Case, point: Sequence[Fraction]) -> list[list[list[Fraction]]]:
    """The hidden pre-activations: layer by layer, point by point, unit by unit."""
    _, _, _, hidden = _forward(case, point, None)
    return [[[Fraction(v, over) for v in row] for row in rows] for rows, over in hidden]


def squared_loss(case: Case, point: Sequence[Fraction]) -> Fraction:
    """The squared loss, exactly."""
    rows, _, over, _ = _forward(case, point, None)
    under = lcm(*(t.denominator for row in case.y for t in row))
    total = 0
    for row, targets in zip(rows, case.y, strict=True):
        for v, t in zip(row, targets, strict=True):
            total += (v * under - t.numerator * (under // t.denominator) * over) ** 2
    return Fraction(total, (over * under) ** 2)


def _forward(
    case: Case, point: Sequence[Fraction], direction: Sequence[Fraction] | None
) -> tuple[list[list[int]], list[list[int]], int, list[tuple[list[list[int]], int]]]:
    p, q = case.slopes
    fold = lcm(p.denominator, q.denominator)
    up, down = int(p * fold), int(q * fold)
    over = lcm(*(v.denominator for row in case.x for v in row))
    values = [[v.numerator * (over // v.denominator) for v in row] for row in case.x]
    moves = [[0] * len(row) for row in values]
    network = layers(point, case.widths)
    turns = None if direction is None else layers(direction, case.widths)
    hidden: list[tuple[list[list[int]], int]] = []
    for index, (weight, bias) in enumerate(network):
        turn = None if turns is None else turns[index]
        entries = [*(v for row in weight for v in row), *bias]
        if turn is not None:
            entries += [*(v for row in turn[0] for v in row), *turn[1]]
        scale = lcm(*(v.denominator for v in entries))
        w = [[v.numerator * (scale // v.denominator) for v in row] for row in weight]
        b = [v.numerator * (scale // v.denominator) * over for v in bias]
        pairs = list(zip(w, b, strict=True))
        if turn is not None:
            dw = [[v.numerator * (scale // v.denominator) for v in row] for row in turn[0]]
            db = [v.numerator * (scale // v.denominator) * over for v in turn[1]]
            moves = [
                [
                    sum(map(int.__mul__, r, move)) + sum(map(int.__mul__, dr, row)) + dc
                    for r, dr, dc in zip(w, dw, db, strict=True)
                ]
                for row, move in zip(values, moves, strict=True)
            ]
        values = [[sum(map(int.__mul__, r, row)) + c for r, c in pairs] for row in values]
        over *= scale
        if index == len(network) - 1:
            break
        hidden.append((values, over))
        if turn is not None:
            moves = [
                [
                    (up if v > 0 or (v == 0 and m > 0) else down) * m
                    for v, m in zip(row, move, strict=True)
                ]
                for row, move in zip(values, moves, strict=True)
            ]
        values = [[(up if v > 0 else down) * v for v in row] for row in values]
        over *= fold
    return values, moves, over, hidden
