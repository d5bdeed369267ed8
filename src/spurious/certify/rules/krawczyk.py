"""Rule `krawczyk`: a box that holds exactly one critical point, of a known index.

Theorem 21 (`docs/mathematics.md`). Let the loss be C^2 on the box X of half-width r around m, H(X)
an enclosure of its Hessian there, A any matrix: if |A grad(m)| + |I - A H(X)| r < r in the maximum
norm, X holds exactly one critical point, and no matrix in H(X) is singular. So all have the same
number of negative eigenvalues. If that is k >= 1, the point is a saddle of index k.
"""

from __future__ import annotations

from spurious.certify.arithmetics import BallProgram, around
from spurious.certify.critical import nearest_critical
from spurious.certify.enclosures import enclosure
from spurious.certify.isolation import Isolation, isolated
from spurious.certify.lines import has_converged
from spurious.certify.rules.strongly_convex import LEAST_RADIUS
from spurious.certify.subject import Rule, Subject
from spurious.exact import balls
from spurious.proof import Claim, Krawczyk, Proof, Undecided
from spurious.verdict import Decision

SADDLE_LIMIT = 200
"""With more parameters no saddle is tried: the certificate holds a matrix of that size."""

LOSS_WIDER = 16
"""The loss is enclosed over a box wider by this factor, so that a checker's enclosure fits in."""


def _prove(subject: Subject) -> Proof | Undecided:
    if not subject.once(has_converged):
        return Undecided("the gradient is not zero")
    critical = subject.once(nearest_critical)
    if isinstance(critical, Undecided):
        return critical
    if not critical.eigenvalues[0] < 0:
        return Undecided("the critical point is no saddle in floats")
    with balls.precision(balls.PRECISIONS[1]):
        box = isolated(subject.program, critical, LEAST_RADIUS)
        return box if isinstance(box, Undecided) else _saddle(subject, box)


def _saddle(subject: Subject, box: Isolation) -> Proof | Undecided:
    if box.index == 0:
        return Undecided("no eigenvalue of the Hessian is negative")
    loss = BallProgram.of(subject.program).loss(around(box.centre, LOSS_WIDER * box.radius))
    return Proof(
        claim=Claim(
            Decision.SADDLE_NEARBY,
            enclosure(loss),
            radius=balls.simple_above(subject.distance(box.centre) + box.radius),
            index=box.index,
        ),
        evidence=Krawczyk(box.centre, box.radius, box.preconditioner),
        reason=(
            f"a critical point lies in a tiny box, and {box.index} of {len(box.centre)} "
            "eigenvalues of the Hessian are negative"
        ),
    )


RULE = Rule(lambda s: not s.homogeneous and len(s.values) <= SADDLE_LIMIT, _prove)
