"""Verified positive definiteness of a symmetric matrix of balls, with a portable witness."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from flint import arb, arb_mat, fmpq, fmpq_mat

from spurious.exact.balls import certainly_less, midpoint, rounded_float, simple_below
from spurious.exact.rationals import rational

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


TINY = 1e-250
"""Smaller eigenvalues are not told from zero."""


@dataclass(frozen=True, slots=True)
class Definiteness:
    """A proof that every matrix in an interval matrix has all eigenvalues above a bound.

    Attributes:
        eigenvalue_bound: The positive bound lambda.
        transform: Square rational matrix S, such that S (H - lambda I) S^T is strictly diagonally
            dominant with positive diagonal.
    """

    eigenvalue_bound: Fraction
    transform: tuple[tuple[Fraction, ...], ...]


def prove_definite(matrix: arb_mat) -> Definiteness | None:
    """Proves that all eigenvalues of a symmetric interval matrix exceed some lambda > 0.

    Take the eigenvectors of the midpoint, scaled by the inverse roots of the eigenvalues, as S.
    If S (H - lambda I) S^T is strictly diagonally dominant with positive diagonal, Gershgorin's
    theorem makes it positive definite; then S^T is injective, hence invertible, and H - lambda I is
    positive definite by congruence. Floats propose S and lambda; balls decide.

    Args:
        matrix: Symmetric interval matrix H, shape (p, p).

    Returns:
        The bound and its witness, or None if no proof was found.
    """
    spectrum = float_spectrum(matrix)
    if spectrum is None or not spectrum[0][0] > TINY:
        return None
    values, vectors = spectrum
    scaled = (vectors / values**0.5).T
    for share, digits in ((Fraction(99, 100), 6), (Fraction(9, 10), 12), (Fraction(1, 2), 17)):
        bound = simple_below(Fraction(float(values[0])) * share)
        transform = tuple(
            tuple(rounded_float(entry, digits) for entry in row) for row in scaled.tolist()
        )
        if is_dominant(congruence(matrix, bound, transform)):
            return Definiteness(bound, transform)
    return None


def negative_eigenvalues(matrix: arb_mat) -> int | None:
    """How many eigenvalues of every symmetric matrix in an interval matrix are negative, or None.

    With S near the scaled eigenvectors, all of Gershgorin's discs of S H S^T avoid zero. So no
    matrix in the interval matrix is singular, and by Sylvester's law each has as many negative
    eigenvalues as there are discs on the left.
    """
    proposal = _scaled_eigenvectors(matrix)
    if proposal is None or abs(proposal[0]).min() <= TINY:
        return None
    _, transform = proposal
    form = transform * matrix * transform.transpose()
    size, count = form.nrows(), 0
    for i in range(size):
        others = sum((abs(form[i, j]) for j in range(size) if j != i), arb(0))
        if not certainly_less(others, abs(form[i, i])):
            return None
        count += certainly_less(form[i, i], arb(0))
    return count


def _scaled_eigenvectors(
    matrix: arb_mat,
) -> tuple[npt.NDArray[np.float64], arb_mat] | None:
    """Eigenvalues in floats, and eigenvectors as rows over the roots of their sizes, exactly."""
    spectrum = float_spectrum(matrix)
    if spectrum is None:
        return None
    values, vectors = spectrum
    rows = (vectors / (abs(values) + TINY) ** 0.5).T
    return values, arb_mat([[arb(v) for v in row] for row in rows.tolist()])


def _shifted(matrix: arb_mat, shift: Fraction) -> arb_mat:
    """The matrix less a multiple of the identity."""
    size = matrix.nrows()
    zero, entry = fmpq(0), rational(shift)
    return matrix - arb_mat([[entry if i == j else zero for j in range(size)] for i in range(size)])


def congruence(
    matrix: arb_mat, shift: Fraction, transform: tuple[tuple[Fraction, ...], ...]
) -> arb_mat:
    """The interval matrix S (H - shift I) S^T."""
    left = arb_mat(fmpq_mat([[rational(entry) for entry in row] for row in transform]))
    return left * _shifted(matrix, shift) * left.transpose()


def is_dominant(matrix: arb_mat) -> bool:
    """Whether a matrix is certainly strictly diagonally dominant with positive diagonal."""
    size = matrix.nrows()
    for i in range(size):
        others = sum((abs(matrix[i, j]) for j in range(size) if j != i), arb(0))
        if not certainly_less(others, matrix[i, i]):
            return False
    return True


def float_spectrum(
    matrix: arb_mat,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None:
    """Eigenvalues (ascending) and eigenvectors (columns) of the midpoint, in floats.

    Not rigorous: a proposal. None if an entry does not fit a float.
    """
    import numpy as np  # heavy, so imported where used

    size = matrix.nrows()
    middle = np.array(
        [[float(matrix[i, j].mid()) for j in range(size)] for i in range(size)], dtype=np.float64
    )
    if not np.all(np.isfinite(middle)):
        return None
    try:
        values, vectors = np.linalg.eigh((middle + middle.T) / 2)
    except np.linalg.LinAlgError:
        return None
    return (values, vectors) if np.all(np.isfinite(vectors)) else None


def middle_of(matrix: arb_mat) -> arb_mat:
    """The matrix of midpoints, as exact balls."""
    return arb_mat(
        [
            [arb(midpoint(matrix[i, j])) for j in range(matrix.ncols())]
            for i in range(matrix.nrows())
        ]
    )
