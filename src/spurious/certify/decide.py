"""The decision procedure: rules in order, and the verdict that results.

What helps most is said first: minima at the point, minima nearby, valleys, saddles, and only then a
direction in which the loss falls. Whatever is decided, `spurious_checker` has to accept its
certificate: it shares no code with this package, so a fault here ends in `undecided` and not in a
false word.
"""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter
from typing import Final

import numpy as np

from spurious.certify.enclosures import is_narrow
from spurious.certify.fall import proved_fall
from spurious.certify.further import further_fall, unfinished
from spurious.certify.one_thread import one_thread
from spurious.certify.optimality import Optimality, judge_optimality
from spurious.certify.rules import (
    cells_nearby,
    classwise_optimum,
    constant_output,
    constant_units,
    convex_ball,
    descent_direction,
    hinge_slopes,
    idle_parameters,
    interpolation,
    kinked,
    krawczyk,
    least_squares,
    merging_valley,
    monotone_valley,
    negative_curvature,
    one_sided_derivatives,
    penalised,
    pointwise_optimum,
    saturating_valley,
    strongly_convex,
    twin_units,
    valley_to_infinity,
    zero_output_weight,
)
from spurious.certify.subject import Rule, Subject
from spurious.errors import InputError
from spurious.exact.balls import OutOfRangeError
from spurious.exact.softmax_numbers import UndecidedSignError
from spurious.problem import Named, Problem, ProgramProblem, problem_of
from spurious.program import ProgramError
from spurious.proof import (
    Claim,
    Decided,
    Fall,
    Proof,
    Undecided,
    Unfinished,
    Verdict,
    about_text,
    certificate_data,
    refusal_of,
    unfinished_text,
)
from spurious.verdict import Decision, Enclosure

PARAMETER_LIMIT: Final = 1000
"""Programs with more are refused: the Hessian costs their square, its proof their cube."""

MINIMA: Final[tuple[Rule, ...]] = (
    constant_units.RULE,
    one_sided_derivatives.RULE,
    hinge_slopes.RULE,
    least_squares.RULE,
    cells_nearby.RULE,
    interpolation.RULE,
    convex_ball.RULE,
    strongly_convex.RULE,
    idle_parameters.RULE,
    classwise_optimum.RULE,
    pointwise_optimum.RULE,
    constant_output.RULE,
    twin_units.RULE,
    kinked.RULE,
    penalised.RULE,
)
"""Rules that prove minima, those at the point itself before those nearby."""

RULES: Final[tuple[Rule, ...]] = (
    *MINIMA,
    valley_to_infinity.RULE,
    saturating_valley.RULE,
    merging_valley.RULE,
    monotone_valley.RULE,
    krawczyk.RULE,
    zero_output_weight.RULE,
    negative_curvature.RULE,
    descent_direction.RULE,
)
"""All rules, in the order in which they are tried."""


@one_thread()
def certify(
    problem: Problem | ProgramProblem | Named, *, check: bool = True, search: bool = True
) -> Verdict:
    """Decides whether the problem's point is a local minimum, and whether a global one.

    Args:
        problem: A problem with a point, of a dense network or any program, or the path of a problem
            file; its witness, if any,
            is tried as the better point.
        check: Whether `spurious_checker` has to accept the certificate before it is handed out.
            Leave it out only where the certificate is checked later.
        search: Whether to look for a better point where nothing else says if a minimum is global.

    Returns:
        The verdict with a certificate that `spurious_checker` accepts, or `undecided` and why.

    Raises:
        InputError: the problem has no point, or is a program of too many parameters.

    Examples:
        >>> import spurious
        >>> off_on_all_data = [([[-1]], [-1]), ([[1]], ["1/3"])]
        >>> problem = spurious.problem([0, 1, 2], [0, 1, 0], hidden=1, point=off_on_all_data)
        >>> verdict = spurious.certify(problem)
        >>> verdict.decision, str(verdict.loss.mid), verdict.is_global
        (<Decision.LOCAL_MINIMUM: 'local_minimum'>, '2/3', <Answer.NO: 'no'>)
    """
    subject = _subject(problem_of(problem))
    start = perf_counter()
    loss: Enclosure | None = None
    outcome = decide(subject)
    try:
        loss = subject.loss_at(subject.values)
        if isinstance(outcome, Proof):
            loss = _stated(outcome.claim.loss or loss)
            fall, left = _left_to_gain(subject, outcome, loss)
            optimality = judge_optimality(subject, outcome, loss, fall, search=search)
            return conclude(
                subject, outcome, loss, optimality, start, fall=fall, unfinished=left, check=check
            )
        reason = outcome.reason
    except (OutOfRangeError, ProgramError, InputError) as unknown:
        reason = str(unknown)
    return _undecided(reason, loss, start)


def _stated(loss: Enclosure) -> Enclosure:
    """A loss that a certificate can state.

    Raises:
        OutOfRangeError: it is not known well enough for that.
    """
    if not is_narrow(loss):
        raise OutOfRangeError(
            "the loss is not known well enough for a certificate: numbers here differ too much in "
            "size"
        )
    return loss


def _left_to_gain(
    subject: Subject, proof: Proof, loss: Enclosure
) -> tuple[Fall | None, Unfinished | None]:
    """Of a refutation along a line: how far down it provably goes, and how long that takes."""
    if not proof.directions:
        return None, None
    fall = further_fall(subject, proved_fall(subject, proof, loss))
    return fall, unfinished(subject, fall, loss)


def _subject(problem: Problem | ProgramProblem) -> Subject:
    subject = Subject(problem)
    count = len(subject.values)
    if not subject.layered and count > PARAMETER_LIMIT:
        raise InputError(f"program: found {count} parameters, expected at most {PARAMETER_LIMIT}")
    return subject


@one_thread()
def prove(problem: Problem | ProgramProblem) -> Proof | Undecided:
    """What `certify` decides about the point alone, by itself: is it a minimum, is it none.

    Args:
        problem: A problem with a point.

    Returns:
        A proof that `spurious_checker` accepts, or why there is none.

    Raises:
        InputError: the problem has no point.
    """
    subject = _subject(problem)
    outcome = decide(subject)
    if isinstance(outcome, Undecided):
        return outcome
    try:
        loss = _stated(outcome.claim.loss or subject.loss_at(subject.values))
        claim = replace(outcome.claim, loss=loss)
        refusal = refusal_of(certificate_data(problem, claim, outcome.evidence, None))
    except (OutOfRangeError, ProgramError, InputError) as unknown:
        refusal = str(unknown)
    return outcome if refusal is None else Undecided(refusal)


def decide(subject: Subject) -> Proof | Undecided:
    """The verdict on the point alone; nobody has checked it yet."""
    tried: list[str] = []
    try:
        for rule in RULES:
            if not rule.applies(subject):
                continue
            found = _tried(rule, subject)
            if isinstance(found, Proof):
                return found if rule in MINIMA else _without_minimum(found, tried)
            if rule in MINIMA:
                tried.append(found.reason)
    except (UndecidedSignError, OutOfRangeError, ProgramError, InputError) as unknown:
        return Undecided(str(unknown))
    return Undecided("; ".join([*tried, "nor is a direction known along which the loss falls"]))


def _tried(rule: Rule, subject: Subject) -> Proof | Undecided:
    try:
        with np.errstate(all="ignore"):  # floats only propose
            return rule.prove(subject)
    except ProgramError as undefined:
        return Undecided(str(undefined))


def _without_minimum(found: Proof, tried: list[str]) -> Proof:
    """A refutation that says what it does not say."""
    if found.claim.decision is not Decision.NOT_LOCAL_MINIMUM or found.claim.valley_limit:
        return found
    why = "; ".join(tried) or "no rule for minima applies"
    return replace(found, besides=f"no minimum nearby was proved ({why})")


def conclude(
    subject: Subject,
    proof: Proof,
    loss: Enclosure,
    optimality: Optimality,
    start: float,
    *,
    fall: Fall | None = None,
    unfinished: Unfinished | None = None,
    check: bool = True,
) -> Verdict:
    """The verdict, with its certificate, on a point that is decided.

    Args:
        subject: The point.
        proof: The proof of the decision.
        loss: The loss at the point, or at the critical point nearby.
        optimality: Whether it is a global minimum.
        start: When work on it began, by `perf_counter`.
        fall: For refutations: a lower point on the way down.
        unfinished: For refutations: how long training would still take.
        check: Whether the checker has to accept the certificate; if it does not, the verdict is
            `undecided`, with a `RefusedCertificateWarning`.
    """
    claim = replace(
        proof.claim,
        loss=loss,
        is_global=optimality.is_global,
        witness_loss=optimality.witness_loss,
    )
    certificate = certificate_data(subject.asked, claim, proof.evidence, optimality.evidence)
    refusal = refusal_of(certificate) if check else None
    if refusal is not None:
        return _undecided(refusal, loss, start)
    return Decided(
        _told(proof, fall, unfinished),
        claim=claim,
        seconds=perf_counter() - start,
        evidence=proof.evidence,
        certificate=certificate,
        slope=proof.slope,
        fall=fall,
        unfinished=unfinished,
    )


def _told(proof: Proof, fall: Fall | None, unfinished: Unfinished | None) -> str:
    """The reason; of a refutation along a line, with what is left to gain and how soon."""
    told = [proof.reason]
    if proof.directions and fall is None:
        told = [f"{proof.reason}, by an amount too small to be shown"]
    elif proof.directions and fall is not None:
        gained = f"{about_text(fall.decrease)} within {about_text(fall.distance)}"
        told = [f"{proof.reason}, provably by {gained} of the point"]
        if unfinished is not None:
            told = [f"training has only stopped: {told[0]}", unfinished_text(unfinished)]
    return "; ".join((*told, proof.besides) if proof.besides else told)


def _undecided(reason: str, loss: Enclosure | None, start: float) -> Undecided:
    claim = Claim(Decision.UNDECIDED, loss)
    return Undecided(reason, claim=claim, seconds=perf_counter() - start)
