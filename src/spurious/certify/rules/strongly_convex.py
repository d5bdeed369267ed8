"""Rule `strongly_convex`: a box on which the loss is strongly convex, with a minimum inside.

Theorem 5 (`docs/mathematics.md`), for any program: if all eigenvalues of the generalised Hessian
exceed b > 0 on a box of half-width r around m, and 2 |grad(m)| < b r, a strict minimum lies in it.
"""

from __future__ import annotations

from fractions import Fraction

from flint import arb

from spurious.certify.arithmetics import BallProgram, around
from spurious.certify.critical import CENTRE_DECIMALS, is_critical, nearest_critical
from spurious.certify.enclosures import enclosure
from spurious.certify.neighbourhood import distance
from spurious.certify.rule import Rule
from spurious.certify.subject import Subject
from spurious.exact import balls
from spurious.exact.definiteness import eigenvalue_bound
from spurious.exact.rationals import rational
from spurious.problem import FlatPoint
from spurious.program import Program, ProgramError
from spurious.proof import Claim, Proof, StronglyConvex, Undecided
from spurious.verdict import Answer, Decision

LEAST_RADIUS = Fraction(1, 10**CENTRE_DECIMALS)
"""Of a box: so that a few bits are enough to check it."""

WIDER = 4
"""The box is wider by this factor than the gradient needs, for the checker's own enclosures."""


def _prove(subject: Subject) -> Proof | Undecided:
    program, point = subject.program, subject.values
    if subject.once(is_critical):
        here = _tried(program, point, point, 1.0, exact=True)
        if isinstance(here, Proof):
            return here
    critical = subject.once(nearest_critical)
    if isinstance(critical, Undecided):
        return critical
    lowest = float(critical.eigenvalues[0])
    if lowest <= 0:
        return Undecided(f"the Hessian at the critical point has an eigenvalue near {lowest:.3g}")
    return _tried(program, point, critical.centre, lowest, exact=False)


def _tried(
    program: Program, point: FlatPoint, centre: FlatPoint, lowest: float, *, exact: bool
) -> Proof | Undecided:
    """Proves a strict minimum at or near a point.

    Args:
        program: The loss.
        point: The problem's point.
        centre: The box's centre; the point itself if `exact`.
        lowest: The least eigenvalue of the Hessian at the centre, in floats: a proposal.
        exact: Whether the gradient at the centre is exactly zero.
    """
    result: Proof | Undecided = Undecided("no precision tried")
    for bits in balls.PRECISIONS[:2]:
        with balls.precision(bits):
            try:
                result = _prove_at(program, point, centre, lowest, exact)
            except ProgramError as error:
                result = Undecided(f"around the critical point: {error}")
        if isinstance(result, Proof):
            break
    return result


def _prove_at(
    program: Program, point: FlatPoint, centre: FlatPoint, lowest: float, exact: bool
) -> Proof | Undecided:
    evaluated = BallProgram.of(program)
    here = around(centre)
    norm = balls.norm(evaluated.gradient(here))
    needed = WIDER * balls.bounds(norm)[1] / Fraction(lowest)
    radius = LEAST_RADIUS if exact else balls.power_of_ten_above(max(needed, LEAST_RADIUS))
    bound = eigenvalue_bound(evaluated.hessian(around(centre, radius)))
    if bound is None:
        return Undecided("the Hessian is not proved positive definite around the critical point")
    below = arb(rational(bound))
    if not exact and not balls.certainly_less(2 * norm, below * rational(radius)):
        return Undecided("the gradient is not small enough against the curvature")
    loss = evaluated.loss(here)
    if not exact:
        loss = loss.union(loss - balls.square(norm) / (2 * below))
    whole = balls.simple_above(distance(centre, point) + radius)
    where = "the gradient is exactly zero" if exact else "a critical point lies in a tiny box"
    return Proof(
        claim=Claim(
            Decision.LOCAL_MINIMUM if exact else Decision.LOCAL_MINIMUM_NEARBY,
            enclosure(loss),
            strict=Answer.YES,
            strict_up_to_rescaling=Answer.YES,
            flat_dimension=0,
            eigenvalue_bound=bound,
            radius=None if exact else whole,
        ),
        evidence=StronglyConvex(centre, radius),
        reason=f"{where} and all eigenvalues of the Hessian are above {float(bound):.3g}",
        minimum=centre,
    )


RULE = Rule("strongly_convex", lambda s: not s.layered, _prove)
