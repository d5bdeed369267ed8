"""What is tried, and in which order, to decide about a point of a program.

An exact zero of the gradient; a minimum nearby; a saddle nearby; a direction down. What helps most
is said first. Whatever is decided, `spurious_checker` has to accept its certificate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from time import perf_counter
from typing import Any

from spurious.certify.arithmetics import loss_at, rational_gradient
from spurious.certify.fall import lowest_step
from spurious.certify.outcome import Undecided
from spurious.certify.programs import saddle, strongly_convex
from spurious.certify.programs.critical import Critical, critical_point, distance
from spurious.certify.programs.outcome import ProgramProof, assemble
from spurious.certify.programs.perfect_fit import perfect_fit_of_program
from spurious.certify.programs.refute import refute
from spurious.certify.programs.strongly_convex import texts
from spurious.certify.programs.witness import better_point
from spurious.certify.refusal import refusal_of
from spurious.errors import InputError
from spurious.exact import balls
from spurious.problem.program_problem import FlatPoint, ProgramProblem
from spurious.program import Program, ProgramError
from spurious.verdict import Answer, Decision, Enclosure, Verdict

__all__ = ["PARAMETER_LIMIT", "certify_program", "decide"]

PARAMETER_LIMIT = 1000
"""More parameters are refused: the Hessian costs their square, its proof their cube."""


@dataclass(frozen=True, slots=True)
class _Better:
    """A point with a smaller loss, or why there is none, and what the certificate says of it."""

    evidence: Mapping[str, Any]
    loss: Enclosure | None = None
    decrease: Fraction | None = None
    distance: Fraction | None = None


def certify_program(problem: ProgramProblem, *, check: bool = True, search: bool = True) -> Verdict:
    """Decides whether the point of a program is a local minimum, and whether a global one.

    Args:
        problem: A program with a point; its witness, if any, is tried as the better point.
        check: Whether `spurious_checker` has to accept the certificate.
        search: Whether to look for a better point where none is given.

    Raises:
        InputError: The problem has no point, or too many parameters.
    """
    if problem.point is None:
        raise InputError("point: missing, but certify needs the point to decide about; add it")
    count = problem.program.parameter_count
    if count > PARAMETER_LIMIT:
        raise InputError(f"program: found {count} parameters, expected at most {PARAMETER_LIMIT}")
    start = perf_counter()
    loss: Enclosure | None = None
    try:
        loss = loss_at(problem.program, problem.point)
        outcome = decide(problem.program, problem.point)
        if isinstance(outcome, Undecided):
            return _undecided(outcome.reason, loss, start)
        loss = outcome.loss or loss
        better = _better(problem, problem.point, outcome, loss, search)
        certificate = assemble(
            problem,
            outcome,
            loss,
            _is_global(outcome, better),
            None if better is None else better.evidence,
            None if better is None else better.loss,
        )
    except (ProgramError, balls.OutOfRangeError, InputError) as error:
        return _undecided(str(error), loss, start)
    refusal = refusal_of(certificate) if check else None
    if refusal is not None:
        return _undecided(refusal, loss, start)
    return Verdict(
        decision=outcome.decision,
        is_global=_is_global(outcome, better),
        strict=outcome.strict,
        strict_up_to_rescaling=Answer.UNKNOWN if outcome.flat_dimension else outcome.strict,
        flat_dimension=outcome.flat_dimension if outcome.is_minimum else None,
        eigenvalue_bound=outcome.eigenvalue_bound,
        loss=loss,
        witness_loss=None if better is None else better.loss,
        radius=outcome.radius,
        valley_limit=None,
        method=str(outcome.evidence["rule"]),
        reason=outcome.reason,
        certificate=certificate,
        seconds=perf_counter() - start,
        slope=outcome.slope,
        decrease=None if better is None else better.decrease,
        decrease_radius=None if better is None else better.distance,
        index=outcome.index,
    )


def decide(program: Program, point: FlatPoint) -> ProgramProof | Undecided:
    """The verdict on the point alone; nobody has checked it yet.

    Raises:
        ProgramError: a function is undefined at the point.
        OutOfRangeError: a number is too large.
    """
    here = _exact_minimum(program, point)
    if here is not None:
        return here
    fitted = perfect_fit_of_program(program, point)
    if isinstance(fitted, ProgramProof):
        return fitted
    critical = critical_point(program, point)
    nearby = critical if isinstance(critical, Undecided) else _at(program, point, critical)
    if isinstance(nearby, ProgramProof):
        return nearby
    refuted = refute(program, point)
    if isinstance(refuted, Undecided):
        return Undecided(f"{nearby.reason}; {refuted.reason}")
    reason = f"{refuted.reason}; no critical point nearby was proved ({nearby.reason})"
    return replace(refuted, reason=reason)


def _is_global(proof: ProgramProof, better: _Better | None) -> Answer:
    if proof.unbeaten:
        return Answer.YES
    return Answer.UNKNOWN if better is None else Answer.NO


def _at(program: Program, point: FlatPoint, critical: Critical) -> ProgramProof | Undecided:
    lowest = float(critical.eigenvalues[0])
    if lowest > 0:
        return strongly_convex.prove(program, point, critical.centre, lowest, exact=False)
    return saddle.prove(program, point, critical)


def _exact_minimum(program: Program, point: FlatPoint) -> ProgramProof | None:
    """A proof at the very point, if its gradient is exactly zero and rational."""
    try:
        if any(rational_gradient(program, point)):
            return None
    except ProgramError:
        return None
    found = strongly_convex.prove(program, point, point, 1.0, exact=True)
    return found if isinstance(found, ProgramProof) else None


def _better(
    problem: ProgramProblem, point: FlatPoint, proof: ProgramProof, loss: Enclosure, search: bool
) -> _Better | None:
    program = problem.program
    if proof.unbeaten:
        return _Better({"rule": "interpolation"})
    if problem.witness is not None:
        found = loss_at(program, problem.witness)
        if found.upper < loss.lower:
            return _Better({"rule": "witness", "point": texts(problem.witness)}, found)
    for direction in proof.directions:

        def moved(length: Fraction, direction: FlatPoint = direction) -> FlatPoint:
            return tuple(a + length * b for a, b in zip(point, direction, strict=True))

        step = lowest_step(lambda length: loss_at(program, moved(length)), proof.slope, loss)
        if step is not None:
            lower = moved(step.length)
            evidence = {"rule": "witness", "point": texts(lower)}
            return _Better(evidence, step.loss, step.decrease, distance(lower, point))
    if not proof.is_minimum:
        return _Better({"rule": "not_local_minimum"})
    if not search:
        return None
    found = better_point(program, loss)
    return found and _Better({"rule": "witness", "point": texts(found[0])}, found[1])


def _undecided(reason: str, loss: Enclosure | None, start: float) -> Verdict:
    return Verdict(
        decision=Decision.UNDECIDED,
        is_global=Answer.UNKNOWN,
        strict=Answer.UNKNOWN,
        strict_up_to_rescaling=Answer.UNKNOWN,
        flat_dimension=None,
        eigenvalue_bound=None,
        loss=loss,
        witness_loss=None,
        radius=None,
        valley_limit=None,
        method="none",
        reason=reason,
        certificate=None,
        seconds=perf_counter() - start,
    )
