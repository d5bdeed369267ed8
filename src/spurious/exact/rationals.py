"""Rational linear algebra on `flint.fmpq`, exactly: ranks, linear systems, least corrections."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import inf
from typing import TypeAlias

from flint import fmpq, fmpq_mat

Vector: TypeAlias = tuple[fmpq, ...]

ZERO = fmpq(0)
ONE = fmpq(1)


def rational(value: Fraction | int) -> fmpq:
    """A `fractions.Fraction` (or int) as a `flint.fmpq`, the same number."""
    return fmpq(value.numerator, value.denominator)


def fraction(value: fmpq) -> Fraction:
    """A `flint.fmpq` as a `fractions.Fraction`, the same number."""
    return Fraction(int(value.p), int(value.q))


def nearest_float(value: Fraction | fmpq) -> float:
    """The nearest float, infinite where none is near. For proposals and messages only."""
    try:
        return float(value)
    except OverflowError:
        return inf if value > 0 else -inf


def vector(values: Sequence[Fraction]) -> Vector:
    """A row of fractions as rationals."""
    return tuple(rational(value) for value in values)


def dot(left: Sequence[fmpq], right: Sequence[fmpq]) -> fmpq:
    """The inner product of two vectors of equal length."""
    return sum((a * b for a, b in zip(left, right, strict=True)), ZERO)


def rank(rows: Sequence[Sequence[fmpq]]) -> int:
    """The rank of a matrix given by its rows, shape (m, n); 0 for no rows."""
    if not rows or not rows[0]:
        return 0
    return fmpq_mat([list(row) for row in rows]).rank()


def least_correction(rows: Sequence[Sequence[fmpq]], rhs: Sequence[fmpq]) -> Vector | None:
    """The solution of a linear system that has the smallest Euclidean norm.

    With B an independent set of rows that spans all of them, the solution is x = B^T y with
    (B B^T) y = rhs_B: it lies in the row space, so it is orthogonal to every solution of the
    homogeneous system, hence shortest.

    Args:
        rows: Matrix A by rows, shape (m, n), any rank.
        rhs: Right-hand side b, shape (m,).

    Returns:
        The shortest x with A x = b, shape (n,), or None if no x solves it.
    """
    width = len(rows[0])
    augmented, found = fmpq_mat([[*row, b] for row, b in zip(rows, rhs, strict=True)]).rref()
    if found == 0:
        return (ZERO,) * width
    independent = [[augmented[i, j] for j in range(width)] for i in range(found)]
    if all(entry == 0 for entry in independent[-1]):
        return None
    matrix = fmpq_mat(independent)
    target = fmpq_mat([[augmented[i, width]] for i in range(found)])
    multipliers = (matrix * matrix.transpose()).solve(target)
    solution = matrix.transpose() * multipliers
    return tuple(solution[j, 0] for j in range(width))


def nullspace(rows: Sequence[Sequence[fmpq]], width: int) -> tuple[Vector, ...]:
    """A basis of {u in Q^width : row.u = 0 for every row}, one vector for each free column."""
    if not rows:
        return tuple(tuple(fmpq(int(i == k)) for i in range(width)) for k in range(width))
    reduced, found = fmpq_mat([list(row) for row in rows]).rref()
    pivots = [next(j for j in range(width) if reduced[i, j] != 0) for i in range(found)]
    basis: list[Vector] = []
    for free in (j for j in range(width) if j not in pivots):
        move = [ZERO] * width
        move[free] = ONE
        for i, pivot in enumerate(pivots):
            move[pivot] = -reduced[i, free]
        basis.append(tuple(move))
    return tuple(basis)
