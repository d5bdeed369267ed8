"""Rule `krawczyk`: a box that holds exactly one critical point, of a known index.

Theorem 21 (`docs/mathematics.md`). Let the loss be C^2 on the box X of half-width r around m, H(X)
an enclosure of its Hessian there, A any matrix: if |A grad(m)| + |I - A H(X)| r < r in the maximum
norm, X holds exactly one critical point, and no matrix in H(X) is singular. So all have the same
number of negative eigenvalues. If that is k >= 1, the point is a saddle of index k.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from flint import arb, arb_mat

from spurious.certify.arithmetics import BallProgram, around
from spurious.certify.enclosures import enclosure
from spurious.certify.outcome import Undecided
from spurious.certify.programs.critical import Critical, distance
from spurious.certify.programs.outcome import ProgramProof
from spurious.certify.programs.strongly_convex import LEAST_RADIUS, texts
from spurious.exact import balls
from spurious.exact.definiteness import negative_eigenvalues
from spurious.exact.krawczyk import largest_row
from spurious.exact.rationals import rational
from spurious.problem.program_problem import FlatPoint
from spurious.program import Program, ProgramError
from spurious.verdict import Decision

__all__ = ["SADDLE_LIMIT", "prove"]

SADDLE_LIMIT = 200
"""With more parameters no saddle is tried: the certificate holds a matrix of that size."""

DIGITS = 12
"""Significant digits of the preconditioner."""

WIDER = 4
"""The box is wider by this factor than the gradient needs."""

LOSS_WIDER = 16
"""The loss is enclosed over a box wider by this factor, so that a checker's enclosure fits in."""


def prove(program: Program, point: FlatPoint, critical: Critical) -> ProgramProof | Undecided:
    """Proves a nondegenerate saddle near a point.

    Args:
        program: The loss.
        point: The problem's point.
        critical: The critical point near it.
    """
    if len(point) > SADDLE_LIMIT:
        return Undecided(f"a saddle is not tried with more than {SADDLE_LIMIT} parameters")
    with balls.precision(balls.PRECISIONS[1]):
        try:
            return _prove(program, point, critical)
        except ProgramError as error:
            return Undecided(f"around the critical point: {error}")


def _prove(program: Program, point: FlatPoint, critical: Critical) -> ProgramProof | Undecided:
    evaluated = BallProgram.of(program)
    inverse = np.linalg.inv(critical.hessian)
    rows = [[balls.rounded(Fraction(v), DIGITS) for v in row] for row in inverse.tolist()]
    matrix = arb_mat([[arb(rational(entry)) for entry in row] for row in rows])
    gradient = evaluated.gradient(around(critical.centre))
    start = largest_row(matrix * arb_mat([[entry] for entry in gradient]))
    needed = WIDER * balls.bounds(start)[1]
    radius = balls.power_of_ten_above(max(needed, LEAST_RADIUS))
    box = around(critical.centre, radius)
    if not evaluated.is_smooth(box):
        return Undecided("around the critical point a second derivative may jump")
    curved = evaluated.hessian(box)
    size = range(len(point))
    identity = arb_mat([[arb(int(i == j)) for j in size] for i in size])
    spread = largest_row(identity - matrix * curved)
    half = arb(rational(radius))
    if not balls.certainly_less(start + spread * half, half):
        return Undecided("Krawczyk's test does not isolate the critical point")
    index = negative_eigenvalues(curved)
    if not index:
        return Undecided("the critical point's index was not proved")
    return ProgramProof(
        decision=Decision.SADDLE_NEARBY,
        evidence={
            "rule": "krawczyk",
            "centre": texts(critical.centre),
            "radius": str(radius),
            "preconditioner": [texts(row) for row in rows],
        },
        reason=(
            f"a critical point lies in a tiny box, and {index} of {len(point)} eigenvalues of the "
            "Hessian are negative"
        ),
        loss=enclosure(evaluated.loss(around(critical.centre, LOSS_WIDER * radius))),
        radius=balls.simple_above(distance(critical.centre, point) + radius),
        index=index,
    )
