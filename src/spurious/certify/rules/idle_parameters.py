"""Rule `idle_parameters`: minima where some parameters do nothing nearby, in any program.

Corollary of Theorem 5 (`docs/mathematics.md`, section 11): behind units that are off on all data
the gradient is zero on a whole box. There the loss is a function of the other parameters alone;
where that has a strict minimum, the loss has a minimum that is flat in the idle ones.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import cast

from spurious.certify.arithmetics import BallProgram, around
from spurious.certify.rules import strongly_convex
from spurious.certify.rules.strongly_convex import LEAST_RADIUS
from spurious.certify.subject import Rule, Subject
from spurious.exact import balls
from spurious.problem import FlatPoint, ProgramProblem
from spurious.program import restricted
from spurious.proof import Claim, IdleParameters, Proof, StronglyConvex, Undecided
from spurious.verdict import Answer, Decision


def _prove(subject: Subject) -> Proof | Undecided:
    point = subject.values
    idle = _idle(subject, point, LEAST_RADIUS)
    if not idle:
        return Undecided("no parameter is without effect nearby")
    free = [p for p in range(len(point)) if p not in set(idle)]
    if not free:
        return _constant(point, idle)
    own = tuple(point[p] for p in free)
    inner = Subject(ProgramProblem(restricted(subject.program, point, free), own))
    found = strongly_convex.RULE.prove(inner)
    if isinstance(found, Undecided):
        return Undecided(f"without the parameters that have no effect: {found.reason}")
    strict = cast("StronglyConvex", found.evidence)
    centre = list(point)
    for p, value in zip(free, strict.centre, strict=True):
        centre[p] = value
    if not set(idle) <= set(_idle(subject, tuple(centre), strict.radius)):
        return Undecided("around the critical point a parameter may have an effect")
    return Proof(
        claim=replace(
            found.claim,
            strict=Answer.NO,
            strict_up_to_rescaling=Answer.UNKNOWN,
            flat_dimension=len(idle),
        ),
        evidence=IdleParameters(tuple(centre), strict.radius, idle),
        reason=f"{_said(idle, point)}; in the others {found.reason}",
        minimum=tuple(centre),
    )


def _idle(subject: Subject, centre: FlatPoint, radius: Fraction) -> tuple[int, ...]:
    """The parameters whose derivative is exactly zero over a box, ascending.

    Raises:
        ProgramError: an argument may lie on a kink, or a function is undefined.
    """
    with balls.precision(balls.PRECISIONS[0]):
        gradient = BallProgram.of(subject.program).gradient(around(centre, radius))
    return tuple(p for p, entry in enumerate(gradient) if entry.is_zero())


def _constant(point: FlatPoint, idle: tuple[int, ...]) -> Proof:
    return Proof(
        claim=Claim(Decision.LOCAL_MINIMUM, strict=Answer.NO, flat_dimension=len(idle)),
        evidence=IdleParameters(point, LEAST_RADIUS, idle),
        reason="no parameter has any effect nearby: the loss is constant",
        minimum=point,
    )


def _said(idle: tuple[int, ...], point: FlatPoint) -> str:
    return f"{len(idle)} of {len(point)} parameters have no effect nearby"


RULE = Rule(lambda s: not s.layered, _prove)
