"""Exact matrices: one elimination, for ranks, null vectors and inverses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from checker.numbers import require

Basis = dict[int, list[int]]  # rows by pivot: not 0 there, and all others are 0 there


def enlarge(basis: Basis, vector: Sequence[Fraction]) -> None:
    """Adds a vector to a basis, unless it depends on it; rows may be scaled, so they are whole."""
    scale = math.lcm(*(v.denominator for v in vector))
    row = [v.numerator * (scale // v.denominator) for v in vector]
    for pivot, other in basis.items():
        row = cleared(row, pivot, other)
    place = next((k for k, v in enumerate(row) if v), None)
    if place is not None:
        for pivot, other in basis.items():
            basis[pivot] = cleared(other, place, row)
        basis[place] = row


def cleared(row: list[int], pivot: int, other: list[int]) -> list[int]:
    """A combination of the rows that is 0 at the pivot, in lowest terms."""
    if not row[pivot]:
        return row
    a, b = other[pivot], row[pivot]
    found = [a * x - b * y for x, y in zip(row, other, strict=True)]
    common = math.gcd(*found) or 1
    return [x // common for x in found]


def row_space(matrix: Sequence[Sequence[Fraction]]) -> Basis:
    """A basis of the space of the rows."""
    basis = Basis()
    for row in matrix:
        enlarge(basis, row)
    return basis


def rank(matrix: Sequence[Sequence[Fraction]]) -> int:
    """The rank."""
    return len(row_space(matrix))


def null_vector(basis: Basis, width: int) -> list[Fraction]:
    """The vector, up to a factor, that a basis of width - 1 rows is orthogonal to."""
    (free,) = set(range(width)) - set(basis)
    found = [Fraction(1)] * width
    for pivot, row in basis.items():
        found[pivot] = Fraction(-row[free], row[pivot])
    return found


def inverse(matrix: list[list[Fraction]]) -> list[list[Fraction]]:
    """The inverse of a square matrix M: the rows of (M, I) reduced to (I, M^-1)."""
    n = len(matrix)
    basis = row_space([[*row, *(Fraction(a == b) for b in range(n))]
                     for a, row in enumerate(matrix)])  # fmt: skip
    require(set(basis) == set(range(n)), "a matrix is singular")
    return [[Fraction(v, basis[k][k]) for v in basis[k][n:]] for k in range(n)]
