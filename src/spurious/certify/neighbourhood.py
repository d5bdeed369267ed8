"""How near a critical point has to be to say something about the point in question."""

from __future__ import annotations

from fractions import Fraction

from spurious.problem import FlatPoint

NEARBY = Fraction(1, 100)
"""A critical point counts as nearby within this share of max(1, largest parameter)."""


def nearby_limit(point: FlatPoint) -> Fraction:
    """How far from a point, shape (P,), a critical point still counts as nearby: largest entry."""
    return NEARBY * max(Fraction(1), *(abs(value) for value in point))


def distance(left: FlatPoint, right: FlatPoint) -> Fraction:
    """The largest difference of a parameter."""
    return max(abs(a - b) for a, b in zip(left, right, strict=True))
