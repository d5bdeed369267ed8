"""Krawczyk's test around a critical point of a program: a box that holds exactly one, its index.

Theorem 21 (`docs/mathematics.md`); the index may be 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
from flint import arb, arb_mat

from spurious.certify.arithmetics import BallProgram, Floats, around
from spurious.certify.critical import Critical
from spurious.exact import balls
from spurious.exact.definiteness import negative_eigenvalues
from spurious.exact.krawczyk import defect, largest_row
from spurious.exact.rationals import rational
from spurious.problem import FlatPoint
from spurious.program import Program
from spurious.proof import Undecided

DIGITS = 12
"""Significant digits of the preconditioner."""

WIDER = 4
"""The box is wider by this factor than the gradient needs, for the checker's own enclosures."""


@dataclass(frozen=True, slots=True, eq=False)
class Isolation:
    """A box that holds exactly one critical point.

    Attributes:
        centre: Its middle, shape (P,).
        radius: Half its width.
        preconditioner: Rows of Krawczyk's matrix.
        hessian: An enclosure of the Hessian over the box.
        index: The number of negative eigenvalues of the Hessian.
    """

    centre: FlatPoint
    radius: Fraction
    preconditioner: tuple[FlatPoint, ...]
    hessian: arb_mat
    index: int


def isolated(program: Program, critical: Critical, least: Fraction) -> Isolation | Undecided:
    """Encloses a critical point, at the current precision.

    Args:
        program: A function with two continuous derivatives around the point.
        critical: The point.
        least: The box's radius is at least this: so that few bits are enough to check it.

    Raises:
        ProgramError: A function may be undefined there.
    """
    evaluated = BallProgram.of(program)
    try:
        inverse = np.linalg.inv(critical.hessian)
    except np.linalg.LinAlgError:
        return Undecided("the Hessian is singular")
    rows, matrix = preconditioner(inverse, DIGITS)
    gradient = evaluated.gradient(around(critical.centre))
    start = largest_row(matrix * arb_mat([[entry] for entry in gradient]))
    needed = WIDER * balls.bounds(start)[1]
    radius = balls.power_of_ten_above(max(needed, least))
    box = around(critical.centre, radius)
    if not evaluated.is_smooth(box):
        return Undecided("around the critical point a second derivative may jump")
    curved = evaluated.hessian(box)
    half = arb(rational(radius))
    if not balls.certainly_less(start + largest_row(defect(matrix, curved)) * half, half):
        return Undecided("Krawczyk's test does not isolate the critical point")
    index = negative_eigenvalues(curved)
    if index is None:
        return Undecided("the critical point's index was not proved")
    return Isolation(critical.centre, radius, rows, curved, index)


def preconditioner(
    inverse: npt.NDArray[np.floating[Any]], digits: int
) -> tuple[tuple[FlatPoint, ...], arb_mat]:
    """A matrix of floats with so many digits: as certificates write it, and in balls."""
    rows = tuple(tuple(balls.rounded_float(v, digits) for v in row) for row in inverse.tolist())
    return rows, arb_mat([[arb(rational(entry)) for entry in row] for row in rows])


def is_injective(matrix: arb_mat) -> bool:
    """Whether every matrix in an interval matrix, shape (m, n), has rank n.

    With B near the pseudoinverse, |I - B M| < 1 makes B M invertible. Columns are first multiplied
    by powers of two, which is exact, so that their largest entries are about 1.
    """
    columns = matrix.ncols()
    middle = np.array([[float(v.mid()) for v in row] for row in matrix.tolist()])
    if matrix.nrows() < columns or not np.isfinite(middle).all():
        return columns == 0
    largest = np.abs(middle).max(axis=0)
    if not (largest > 0).all():
        return False
    down = [-int(e) for e in np.frexp(largest)[1]]
    scaled = arb_mat(
        [[v * arb(2) ** e for v, e in zip(row, down, strict=True)] for row in matrix.tolist()]
    )
    inverse: list[list[float]] = np.linalg.pinv(np.ldexp(middle, down)).tolist()
    found = defect(arb_mat([[arb(v) for v in row] for row in inverse]), scaled)
    return balls.certainly_less(largest_row(found), arb(1))


def independent_columns(matrix: Floats, count: int) -> list[int]:
    """So many columns far from dependent, ascending: the first of a QR factorisation with pivots.

    P. Businger and G. H. Golub, "Linear least squares solutions by Householder transformations"
    (Numerische Mathematik 7, 1965).
    """
    from scipy.linalg import qr  # heavy, so imported where used

    return sorted(qr(matrix, mode="r", pivoting=True)[1][:count].tolist())
