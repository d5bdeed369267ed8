"""Is the loss lower there? Comparisons with one point that are certain or say that they are not."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import log10
from random import Random
from typing import Any

import numpy as np

from fuzzing import exact, precise
from fuzzing.case import Case, Vector, layers
from fuzzing.floats import hessian, surface

LADDER = (40, 160, 640)
"""Digits tried in turn until a sign is certain."""

DEEP = 20_000
"""Digits for outputs in the tens of thousands, where the log losses come to 10^-17372."""

AGAIN = (24, 60)
"""A fall counts if it is still there after halving the step this often."""


class Probe:
    """The loss around one point.

    `slack` is for points known only nearly: smaller falls than this do not count.
    """

    def __init__(self, case: Case, slack: Fraction = Fraction(0)) -> None:
        self.case, self.slack = case, slack
        self.count = 0
        self._outputs: dict[int, Any] = {}
        self._slopes: dict[int, Any] = {}
        self.exactly = case.exact and case.loss == "squared"
        self.base = exact.squared_loss(case, case.point) if self.exactly else Fraction(0)
        self.step = near(case)

    def sign(self, direction: Sequence[Fraction], step: Fraction) -> int:
        """The sign of loss(point + step direction) - loss(point); 0 also if it is not certain."""
        self.count += 1
        moved = [v + step * u for v, u in zip(self.case.point, direction, strict=True)]
        if self.exactly:
            change = exact.squared_loss(self.case, moved) - self.base
            return 0 if abs(change) <= self.slack else 1 if change > 0 else -1
        if self.case.exact:
            return self._sign_of_log_loss(moved)
        digits = 40 + int(2.5 * max(0.0, -_log10(step)))
        change = self._change(moved, digits)
        if change >= -self._slack(digits):
            return int(change > self._slack(digits))
        better = self._change(moved, 3 * digits)
        agree = abs(better - change) <= abs(better) / 100
        return -1 if better < -self._slack(digits) and agree else 0

    def falls(self, direction: Sequence[Fraction], step: Fraction) -> bool:
        """Whether the loss falls along a ray, and goes on falling as near as we look."""
        again = AGAIN if not self.slack else (6, 12)
        return self.sign(direction, step) < 0 and all(
            self.sign(direction, step / 2**more) < 0 for more in again
        )

    def rate(self, direction: Sequence[Fraction]) -> int:
        """The sign of the one-sided derivative along a direction; 0 also if it is not certain."""
        self.count += 1
        case = self.case
        if not case.exact:
            return self._smooth_rate(direction)
        rows, moves = exact.derivative(case, case.point, direction)
        if case.loss == "squared":
            rate = sum(
                (f - t) * m
                for row, move, targets in zip(rows, moves, case.y, strict=True)
                for f, m, t in zip(row, move, targets, strict=True)
            )
            return (rate > 0) - (rate < 0)
        return self._log_rate(rows, moves)

    def _log_rate(self, rows: list[list[Fraction]], moves: list[list[Fraction]]) -> int:
        if not any(m for move in moves for m in move):
            return 0
        if self.case.loss == "cross_entropy":  # only differences to the label's output count
            labels = [int(row[0]) for row in self.case.y]
            moves = [[m - move[k] for m in move] for move, k in zip(moves, labels, strict=True)]
        ladder = (*LADDER, DEEP) if any(abs(f) > 500 for row in rows for f in row) else LADDER
        for digits in (d + figures(rows) for d in ladder):
            ctx = precise.context(digits)
            if digits not in self._slopes:
                self._slopes[digits] = precise.loss_slopes(self.case, ctx, reals(ctx, rows))
            slopes = self._slopes[digits]
            terms = [
                g[0] * precise.real(ctx, m)
                for row, move in zip(slopes, moves, strict=True)
                for g, m in zip(row, move, strict=True)
            ]
            total, size = ctx.fsum(terms), ctx.fsum(abs(t) for t in terms)
            if abs(total) > size * ctx.mpf(10) ** (8 + figures(rows) - digits):
                return int(ctx.sign(total))
        return 0

    def _smooth_rate(self, direction: Sequence[Fraction]) -> int:
        found = []
        for digits in (60, 240):
            ctx = precise.context(digits)
            point = [precise.real(ctx, v) for v in self.case.point]
            slopes = precise.gradient(self.case, ctx, point)
            turn = [precise.real(ctx, u) for u in direction]
            total = ctx.fdot((g, u) for (g, _), u in zip(slopes, turn, strict=True))
            size = ctx.fsum(s * abs(u) for (_, s), u in zip(slopes, turn, strict=True))
            if abs(total) > size * ctx.mpf(10) ** (20 - digits):
                found.append(int(ctx.sign(total)))
                if digits > 60 or abs(total) > size * ctx.mpf(10) ** -25:
                    return found[-1] if len(set(found)) == 1 else 0
        return 0

    def _sign_of_log_loss(self, moved: Sequence[Fraction]) -> int:
        if 0 not in self._outputs:
            self._outputs[0] = exact.outputs(self.case, self.case.point)
        rows = self._outputs[0]
        moves = [
            [b - a for a, b in zip(row, new, strict=True)]
            for row, new in zip(rows, exact.outputs(self.case, moved), strict=True)
        ]
        for digits in (d + figures([*rows, *moves]) for d in LADDER):
            ctx = precise.context(digits)
            change, size = precise.change(self.case, ctx, reals(ctx, rows), reals(ctx, moves))
            if abs(change) > size * ctx.mpf(10) ** (8 + figures([*rows, *moves]) - digits):
                return 0 if abs(change) <= self._slack(digits) else int(ctx.sign(change))
        return 0

    def _slack(self, digits: int) -> Any:
        return precise.real(precise.context(digits), self.slack)

    def _change(self, moved: Sequence[Fraction], digits: int) -> Any:
        ctx = precise.context(digits)
        if digits not in self._outputs:
            here = [precise.real(ctx, v) for v in self.case.point]
            self._outputs[digits] = precise.forward(self.case, ctx, here).outputs
        rows = self._outputs[digits]
        there = precise.forward(self.case, ctx, [precise.real(ctx, v) for v in moved]).outputs
        moves = [
            [b - a for a, b in zip(row, new, strict=True)]
            for row, new in zip(rows, there, strict=True)
        ]
        return precise.change(self.case, ctx, rows, moves)[0]


def near(case: Case) -> Fraction:
    """A step, a power of 2, within which few units should change sides."""
    size = 1 + max((abs(v) for row in case.x for v in row), default=Fraction(0))
    for weight, _ in layers(case.point, case.widths)[1:]:
        size *= 1 + max(abs(v) for row in weight for v in row)
    least = Fraction(1)
    if case.bent:
        least = min(
            (
                abs(z)
                for rows in exact.preactivations(case, case.point)
                for row in rows
                for z in row
                if z
            ),
            default=least,
        )
    return Fraction(1, 2 ** max(4, int(size / min(least, Fraction(1))).bit_length() + 3))


def directions(case: Case, rng: Random, number: int) -> list[Vector]:
    """Directions of several kinds; entries are small rationals."""
    size, found = len(case.point), []
    last = size - (case.widths[-2] + 1) * case.widths[-1]
    for index in range(number):
        kind = index % 6
        if kind == 0:
            u = [Fraction(int(64 * rng.gauss(0, 1)), 64) for _ in range(size)]
        elif kind == 1:
            u = [Fraction(rng.choice((-1, 1))) for _ in range(size)]
        elif kind == 2:
            u = [v * rng.randint(-8, 8) / 8 for v in case.point]
        elif kind == 3:
            u = [Fraction(rng.choice((-1, 0, 0, 0, 1))) for _ in range(size)]
        elif kind == 4:
            u = [Fraction(rng.randint(-4, 4) if j >= last else 0, 4) for j in range(size)]
        else:
            u = [Fraction(rng.randint(-9, 9), rng.choice((1, 1000))) for _ in range(size)]
        if any(u):
            found.append(tuple(u))
    return found


def axes(case: Case) -> list[Vector]:
    """Each parameter up and down."""
    size = len(case.point)
    return [
        tuple(Fraction(sign * (k == j)) for k in range(size))
        for j in range(size)
        for sign in (1, -1)
    ]


def bends(case: Case) -> list[Vector]:
    """The eigenvectors of the lowest curvatures, as floats have them."""
    try:
        point = np.array([float(v) for v in case.point])
        curvature = hessian(surface(case), point)
        if not np.isfinite(curvature).all():
            return []
        vectors = np.linalg.eigh(curvature)[1].T[:3]
    except (OverflowError, np.linalg.LinAlgError):
        return []
    found = [tuple(Fraction(round(float(v) * 2**30), 2**30) for v in row) for row in vectors]
    return [*found, *(tuple(-v for v in row) for row in found)]


def _log10(value: Fraction) -> float:
    return (value.numerator.bit_length() - value.denominator.bit_length()) * log10(2)


def figures(rows: Sequence[Sequence[Any]]) -> int:
    """Digits before the point, which differences of outputs may cost."""
    return max([0, *(int(_log10(abs(v))) + 2 for row in rows for v in row if v)])


def reals(ctx: Any, rows: Sequence[Sequence[Fraction]]) -> list[list[Any]]:
    """Rational outputs, rounded."""
    return [[precise.real(ctx, v) for v in row] for row in rows]
