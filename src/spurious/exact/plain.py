"""Inner products, lines and separating directions of `fractions.Fraction`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import TypeAlias

Row: TypeAlias = Sequence[Fraction]


def inner(left: Row, right: Row) -> Fraction:
    """The inner product of two vectors of equal length."""
    return sum((a * b for a, b in zip(left, right, strict=True)), Fraction(0))


def mean(values: Row) -> Fraction:
    """The mean of at least one number."""
    return sum(values, Fraction(0)) / len(values)


def best_line(x: Row, y: Row) -> tuple[Fraction, Fraction]:
    """Slope and offset of the line of least squares through points (x_i, y_i).

    Raises:
        ZeroDivisionError: All x are equal.
    """
    middle = mean(x)
    away = [v - middle for v in x]
    slope = inner(away, y) / inner(away, away)
    return slope, mean(y) - slope * middle


def separating_direction(points: Iterable[Row]) -> tuple[Fraction, ...]:
    """A direction along which different points differ: (1, b, b^2, ...), b the least that does."""
    distinct = {tuple(point) for point in points}
    size, base = len(next(iter(distinct))), 1
    while True:
        found = tuple(Fraction(base) ** k for k in range(size))
        if len({inner(found, point) for point in distinct}) == len(distinct):
            return found
        base += 1
