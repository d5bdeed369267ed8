"""Rule `strongly_convex`: a box on which the loss is strongly convex, with a minimum inside.

Theorem 5 (`docs/mathematics.md`), for any program: if all eigenvalues of the generalised Hessian
exceed b > 0 on a box of half-width r around m, and 2 |grad(m)| < b r, a strict minimum lies in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from flint import arb

from spurious.certify.arithmetics import BallProgram, around
from spurious.certify.critical import CENTRE_DECIMALS, Critical, is_critical, nearest_critical
from spurious.certify.enclosures import enclosure
from spurious.certify.subject import Rule, Subject
from spurious.exact import balls
from spurious.exact.definiteness import Definiteness, prove_definite
from spurious.exact.rationals import rational
from spurious.problem import FlatPoint
from spurious.program import Program, ProgramError
from spurious.proof import Claim, Proof, StronglyConvex, Undecided, about_text
from spurious.verdict import Answer, Decision, Enclosure

LEAST_RADIUS = Fraction(1, 10**CENTRE_DECIMALS)
"""Of a box: so that a few bits are enough to check it."""

WIDER = 4
"""The box is wider by this factor than the gradient needs, for the checker's own enclosures."""


@dataclass(frozen=True, slots=True)
class ConvexBox:
    """A box on which a program is strongly convex, with a minimum inside.

    Attributes:
        centre: Its middle, shape (P,).
        radius: Half its width.
        definite: That of the Hessian all over the box.
        loss: At the minimum.
        exact: Whether the minimum is the centre.
    """

    centre: FlatPoint
    radius: Fraction
    definite: Definiteness
    loss: Enclosure
    exact: bool

    @property
    def reason(self) -> str:
        """What was found, in words."""
        zero = "the gradient is exactly zero"
        near = f"one critical point, no more, is in a box of half-width {about_text(self.radius)}"
        bound = f"all eigenvalues above {float(self.definite.eigenvalue_bound):.3g}"
        return f"{zero if self.exact else near} and the Hessian is positive definite: {bound}"


def _prove(subject: Subject) -> Proof | Undecided:
    if subject.once(is_critical):
        here = convex_box(subject.program, subject.values)
        if isinstance(here, ConvexBox):
            return _package(subject, here)
    critical = subject.once(nearest_critical)
    found = critical if isinstance(critical, Undecided) else convex_box(subject.program, critical)
    return found if isinstance(found, Undecided) else _package(subject, found)


def convex_box(program: Program, at: FlatPoint | Critical) -> ConvexBox | Undecided:
    """Proves a strict minimum at or near a point.

    Args:
        program: The loss.
        at: A point at which the gradient is exactly zero, or one near a critical point.
    """
    lowest = float(at.eigenvalues[0]) if isinstance(at, Critical) else None
    if lowest is not None and lowest <= 0:
        return Undecided(f"the Hessian at the critical point has an eigenvalue near {lowest:.3g}")
    result: ConvexBox | Undecided = Undecided("no precision tried")
    for bits in balls.PRECISIONS[:2]:
        with balls.precision(bits):
            try:
                result = _box_at(program, at.centre if isinstance(at, Critical) else at, lowest)
            except ProgramError as error:
                result = Undecided(f"around the critical point: {error}")
        if isinstance(result, ConvexBox):
            break
    return result


def _box_at(program: Program, centre: FlatPoint, lowest: float | None) -> ConvexBox | Undecided:
    """The box, at the current precision.

    Args:
        program: The loss.
        centre: The box's centre.
        lowest: The least eigenvalue of the Hessian there, in floats: a proposal; None where the
            gradient is exactly zero.
    """
    evaluated, radius, here = BallProgram.of(program), LEAST_RADIUS, around(centre)
    norm = arb(0) if lowest is None else balls.norm(evaluated.gradient(here))
    if lowest is not None:
        needed = WIDER * balls.bounds(norm)[1] / Fraction(lowest)
        radius = balls.power_of_ten_above(max(needed, radius))
    definite = prove_definite(evaluated.hessian(around(centre, radius)))
    if definite is None:
        return Undecided("the Hessian is not proved positive definite around the critical point")
    below = arb(rational(definite.eigenvalue_bound))
    if not balls.certainly_less(2 * norm, below * rational(radius)):
        return Undecided("the gradient is not small enough against the curvature")
    loss = evaluated.loss(here)
    loss = loss.union(loss - balls.square(norm) / (2 * below))
    return ConvexBox(centre, radius, definite, enclosure(loss), lowest is None)


def _package(subject: Subject, box: ConvexBox) -> Proof:
    whole = balls.simple_above(subject.distance(box.centre) + box.radius)
    return Proof(
        claim=Claim(
            Decision.LOCAL_MINIMUM if box.exact else Decision.LOCAL_MINIMUM_NEARBY,
            box.loss,
            strict=Answer.YES,
            strict_up_to_rescaling=Answer.YES,
            flat_dimension=0,
            eigenvalue_bound=box.definite.eigenvalue_bound,
            radius=None if box.exact else whole,
        ),
        evidence=StronglyConvex(box.centre, box.radius),
        reason=box.reason,
        minimum=box.centre,
    )


RULE = Rule(lambda s: not s.layered, _prove)
