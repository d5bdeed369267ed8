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
from spurious.certify.critical import Critical, nearest_critical
from spurious.certify.enclosures import enclosure
from spurious.certify.lines import has_converged
from spurious.certify.neighbourhood import distance
from spurious.certify.rule import Rule
from spurious.certify.rules.strongly_convex import LEAST_RADIUS
from spurious.certify.subject import Subject
from spurious.exact import balls
from spurious.exact.definiteness import negative_eigenvalues
from spurious.exact.krawczyk import largest_row
from spurious.exact.rationals import rational
from spurious.problem import FlatPoint
from spurious.program import Program, ProgramError
from spurious.proof import Claim, Krawczyk, Proof, Undecided
from spurious.verdict import Decision

__all__ = ["RULE"]

SADDLE_LIMIT = 200
"""With more parameters no saddle is tried: the certificate holds a matrix of that size."""

DIGITS = 12
"""Significant digits of the preconditioner."""

WIDER = 4
"""The box is wider by this factor than the gradient needs."""

LOSS_WIDER = 16
"""The loss is enclosed over a box wider by this factor, so that a checker's enclosure fits in."""


def _prove(subject: Subject) -> Proof | Undecided:
    try:
        if not subject.once(has_converged):
            return Undecided("the gradient is not zero")
    except ProgramError as error:
        return Undecided(str(error))
    critical = subject.once(nearest_critical)
    if isinstance(critical, Undecided):
        return critical
    if not critical.eigenvalues[0] < 0:
        return Undecided("the critical point is no saddle in floats")
    with balls.precision(balls.PRECISIONS[1]):
        try:
            return _isolated(subject.program, subject.values, critical)
        except ProgramError as error:
            return Undecided(f"around the critical point: {error}")


def _isolated(program: Program, point: FlatPoint, critical: Critical) -> Proof | Undecided:
    evaluated = BallProgram.of(program)
    inverse = np.linalg.inv(critical.hessian)
    rows = tuple(tuple(balls.rounded(Fraction(v), DIGITS) for v in row) for row in inverse.tolist())
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
    return Proof(
        claim=Claim(
            Decision.SADDLE_NEARBY,
            enclosure(evaluated.loss(around(critical.centre, LOSS_WIDER * radius))),
            radius=balls.simple_above(distance(critical.centre, point) + radius),
            index=index,
        ),
        evidence=Krawczyk(critical.centre, radius, rows),
        reason=(
            f"a critical point lies in a tiny box, and {index} of {len(point)} eigenvalues of the "
            "Hessian are negative"
        ),
    )


RULE = Rule("krawczyk", lambda s: not s.homogeneous and len(s.values) <= SADDLE_LIMIT, _prove)
