"""Krawczyk's test: a box that holds exactly one zero of a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from flint import arb, arb_mat

from spurious.exact.balls import certainly_less
from spurious.exact.definiteness import middle_of

Function: TypeAlias = Callable[[arb_mat], arb_mat]


def krawczyk(function: Function, jacobian: Function, centre: arb_mat, radius: arb) -> bool:
    """Whether a box provably holds exactly one zero of a function.

    With m the centre, X the box, Y any matrix, and J(X) an enclosure of the (generalised) Jacobian
    over X, the operator K = m - Y f(m) + (I - Y J(X)) (X - m) contains every zero of f in X; if K
    lies in the interior of X there is exactly one (R. Krawczyk 1969; A. Neumaier, "Interval methods
    for systems of equations", 1990, Theorem 5.1.8). f needs to be Lipschitz only, with J enclosing
    Clarke's generalised Jacobian.

    Args:
        function: f, from a column (p, 1) to a column (p, 1).
        jacobian: Encloses the Jacobian over an interval column, shape (p, p).
        centre: m, an exact column, shape (p, 1).
        radius: Half the box's width in every coordinate, positive.

    Returns:
        True if proved; False says nothing.
    """
    size = centre.nrows()
    spread = arb(0, radius.upper())
    box = arb_mat([[centre[i, 0] + spread] for i in range(size)])
    offset = arb_mat([[spread] for _ in range(size)])
    slope = jacobian(box)
    try:
        inverse = middle_of(middle_of(slope).inv())
    except ZeroDivisionError:
        return False
    image = defect(inverse, slope) * offset - inverse * function(centre)
    return all(certainly_less(abs(image[i, 0]), radius) for i in range(size))


def defect(left: arb_mat, right: arb_mat) -> arb_mat:
    """I - left right: how far one matrix, shape (m, n), is from inverting another, (n, m)."""
    size = range(left.nrows())
    identity = arb_mat([[arb(int(i == j)) for j in size] for i in size])
    return identity - left * right


def largest_row(matrix: arb_mat) -> arb:
    """The largest sum of absolute values in a row: the matrix norm of the maximum norm."""
    found = arb(0)
    for i in range(matrix.nrows()):
        total = sum((abs(matrix[i, j]) for j in range(matrix.ncols())), arb(0))
        found = found.max(total)
    return found
