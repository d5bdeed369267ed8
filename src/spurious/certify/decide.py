"""The decision procedure: which method is tried when, and the verdict that results.

Order, for networks whose outputs are rational (homogeneous activation or no hidden layer):

1. the last layer's gradient; if it is not zero the point is no minimum, but one may be near;
2. shallow: Theorem 1, which decides for one output; deep: `convex_ball` with an exact gradient,
   `classwise_optimum`;
3. a minimum nearby: exact (squared loss without hidden layer, or with one and one output),
   constant output, `kinked_ball`, `convex_ball`;
4. a valley to infinity, a descent direction, negative curvature;
5. otherwise undecided, with the reason.

For smooth activations: `constant_units`, `convex_ball`, `pointwise_optimum`, `twin_units` if hidden
units are exactly equal, then refutation by gradient or curvature.

Whatever is decided, `spurious_checker` has to accept its certificate: it shares no code with this
package, so a fault here ends in `undecided` and not in a false word.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from time import perf_counter

from spurious.certify import convex_ball, kinked_ball, nearby, one_sided, refute, twin_units, valley
from spurious.certify.certificate import assemble, leaf_data
from spurious.certify.constant_units import prove_constant_units
from spurious.certify.evaluate import Evaluation, evaluate
from spurious.certify.fall import Fall, proved_fall
from spurious.certify.flatness import generic_flatness, shallow_flatness
from spurious.certify.optimality import Optimality, judge_optimality, unbeatable
from spurious.certify.outcome import Proof, Undecided
from spurious.certify.point_loss import is_homogeneous, point_loss
from spurious.certify.programs import certify_program
from spurious.certify.refusal import refusal_of
from spurious.certify.sums import classwise_optimum
from spurious.errors import InputError
from spurious.exact import balls
from spurious.exact.rationals import fraction, nearest_float
from spurious.exact.softmax_numbers import UndecidedSignError
from spurious.problem import Loss, Named, Point, Problem, ProgramProblem, point_to_data, problem_of
from spurious.program import ProgramError
from spurious.verdict import Answer, Decision, Enclosure, Verdict

AT_A_POINT = ("one_sided_derivatives", "classwise_optimum")
"""Rules for minima whose certificate can name another point than the problem's."""


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
        InputError: the problem has no point.
    """
    problem = problem_of(problem)
    if isinstance(problem, ProgramProblem):
        return certify_program(problem, check=check, search=search)
    point = _point_of(problem)
    start = perf_counter()
    loss: Enclosure | None = None
    outcome = decide(problem, point)
    try:
        loss = point_loss(problem, point)
        if isinstance(outcome, Proof):
            loss = outcome.loss or loss
            fall = proved_fall(problem, point, outcome, loss)
            optimality = judge_optimality(problem, outcome, loss, fall, search=search)
            return conclude(problem, outcome, loss, optimality, start, fall=fall, check=check)
        reason = outcome.reason
    except (balls.OutOfRangeError, InputError) as unknown:
        reason = str(unknown)
    return _undecided(reason, loss, perf_counter() - start)


def prove(problem: Problem) -> Proof | Undecided:
    """What `certify` decides about the point alone, by itself: is it a minimum, is it none.

    Args:
        problem: A problem with a point.

    Returns:
        A proof that `spurious_checker` accepts, or why there is none.

    Raises:
        InputError: the problem has no point.
    """
    point = _point_of(problem)
    outcome = decide(problem, point)
    if isinstance(outcome, Undecided):
        return outcome
    try:
        loss = outcome.loss or point_loss(problem, point)
        refusal = refusal_of(assemble(problem, outcome, loss, Optimality(Answer.UNKNOWN)))
    except (balls.OutOfRangeError, InputError) as unknown:
        refusal = str(unknown)
    return outcome if refusal is None else Undecided(refusal)


def _point_of(problem: Problem) -> Point:
    if problem.point is None:
        raise InputError("point: missing, but certify needs the point to decide about; add it")
    return problem.point


def conclude(
    problem: Problem,
    outcome: Proof,
    loss: Enclosure,
    optimality: Optimality,
    start: float,
    *,
    fall: Fall | None = None,
    check: bool = True,
) -> Verdict:
    """The verdict, with its certificate, on a point that is decided.

    Args:
        problem: The problem with its point.
        outcome: The proof of the decision.
        loss: The loss at the point, or at the minimum nearby.
        optimality: Whether it is a global minimum.
        start: When work on it began, by `perf_counter`.
        fall: For refutations: a lower point on the way down.
        check: Whether the checker has to accept the certificate; if it does not, the verdict is
            `undecided`, with a `RefusedCertificateWarning`.
    """
    certificate = assemble(problem, outcome, loss, optimality)
    refusal = refusal_of(certificate) if check else None
    if refusal is not None:
        return _undecided(refusal, loss, perf_counter() - start)
    return Verdict(
        decision=outcome.decision,
        is_global=optimality.is_global,
        strict=outcome.strict,
        strict_up_to_rescaling=outcome.strict_up_to_rescaling,
        flat_dimension=outcome.flat_dimension,
        eigenvalue_bound=outcome.eigenvalue_bound,
        loss=loss,
        witness_loss=optimality.witness_loss,
        radius=outcome.radius,
        valley_limit=outcome.valley_limit,
        slope=outcome.slope,
        decrease=fall.decrease if fall else None,
        decrease_radius=fall.distance if fall else None,
        method=str(outcome.evidence["rule"]),
        reason=_with_fall(outcome, fall),
        certificate=certificate,
        seconds=perf_counter() - start,
    )


def _with_fall(outcome: Proof, fall: Fall | None) -> str:
    """The reason; of a refutation along a line, with how much is provably gained."""
    if not outcome.directions:
        return outcome.reason
    head, separator, rest = outcome.reason.partition("; ")
    if fall is None:
        return f"{head}, by an amount too small to be shown{separator}{rest}"
    gained = f"{nearest_float(fall.decrease):.2g} within {nearest_float(fall.distance):.2g}"
    return f"{head}, provably by {gained} of the point{separator}{rest}"


def _undecided(reason: str, loss: Enclosure | None, seconds: float) -> Verdict:
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
        seconds=seconds,
    )


def decide(problem: Problem, point: Point) -> Proof | Undecided:
    """The verdict on the point alone; nobody has checked it yet."""
    try:
        if is_homogeneous(problem):
            return _decide_homogeneous(problem, point)
        return _decide_smooth(problem, point)
    except (UndecidedSignError, balls.OutOfRangeError, ProgramError, InputError) as unknown:
        return Undecided(str(unknown))


def _decide_smooth(problem: Problem, point: Point) -> Proof | Undecided:
    """`constant_units` first: it searches for nothing."""
    constant = prove_constant_units(problem, point)
    if constant is not None:
        return constant
    found = convex_ball.prove(problem, point)
    if isinstance(found, Proof) and found.decision is Decision.LOCAL_MINIMUM:
        return found
    if unbeatable(problem, point):
        return _pointwise_proof()
    if isinstance(found, Proof):
        return found
    twins = twin_units.prove(problem, point)
    if isinstance(twins, Proof):
        return twins
    found = twins or found
    downhill = valley.smooth_valley(problem, point)
    if downhill is not None:
        return downhill
    refuted = refute.smooth_refutation(problem, point)
    if isinstance(refuted, Proof):
        return _without_minimum(refuted, found)
    return Undecided(f"{refuted.reason}; {found.reason}")


def _pointwise_proof() -> Proof:
    return Proof(
        decision=Decision.LOCAL_MINIMUM,
        evidence={"rule": "pointwise_optimum"},
        reason="the outputs are the best that any function of the inputs can have",
    )


def _without_minimum(refuted: Proof, found: Undecided) -> Proof:
    """A refutation that says what it does not say."""
    reason = f"{refuted.reason}; no minimum nearby was proved ({found.reason})"
    return replace(refuted, reason=reason)


def _decide_homogeneous(problem: Problem, point: Point) -> Proof | Undecided:
    evaluation = evaluate(problem, point)
    last = refute.last_layer_descent(evaluation)
    here: Proof | Undecided = last or minimum_here(evaluation)
    if isinstance(here, Proof) and here.decision is Decision.LOCAL_MINIMUM:
        return here
    failed = Undecided("no rule for minima applies")
    for found in _nearby(problem, evaluation):
        if isinstance(found, Proof):
            return found
        failed = found
    downhill = valley.exact_valley(evaluation)
    if downhill is not None:
        return downhill
    if isinstance(here, Proof):
        return _without_minimum(here, failed)
    if _off_kinks(evaluation):
        refuted = refute.smooth_refutation(problem, point)
    else:
        refuted = refute.kink_descent(evaluation)
    if isinstance(refuted, Proof):
        return _without_minimum(refuted, failed)
    return Undecided(f"{here.reason}; {failed.reason}")


def minimum_here(evaluation: Evaluation) -> Proof | Undecided:
    """Decides a homogeneous network's point whose last-layer gradient is zero, as far as possible.

    Raises:
        UndecidedSignError: a softmax number could not be told from zero.
    """
    problem, point = evaluation.problem, evaluation.point
    reason = "no first-order rule applies"
    if problem.network.depth == 1:
        found = one_sided.test_point(evaluation)
        if isinstance(found, one_sided.Minimum):
            return _one_sided_proof(evaluation, found)
        if isinstance(found, one_sided.UnitDescends):
            return refute.unit_descent(evaluation, found)
        if isinstance(found, one_sided.ZeroWeightDescends):
            return refute.zero_weight_descent(evaluation, found)
        reason = found.reason
    if convex_ball.vanishes_exactly(problem, point, range(problem.network.parameter_count)):
        ball = convex_ball.prove(problem, point)
        if isinstance(ball, Proof):
            return ball
        reason = ball.reason
    return _classwise_proof(evaluation) if classwise_optimum(evaluation) else Undecided(reason)


def _classwise_proof(evaluation: Evaluation) -> Proof:
    return Proof(
        decision=Decision.LOCAL_MINIMUM,
        evidence={"rule": "classwise_optimum"},
        reason="no affine map on any activation pattern does better",
        strict=generic_flatness(evaluation).strict,
    )


def _one_sided_proof(evaluation: Evaluation, found: one_sided.Minimum) -> Proof:
    evidence: dict[str, object] = {"rule": "one_sided_derivatives"}
    if found.epsilon is not None:
        evidence["epsilon"] = balls.written(fraction(found.epsilon))
    evidence["units"] = [[leaf_data(tree) for tree in trees] for trees in found.units]
    flat = shallow_flatness(evaluation)
    return Proof(
        decision=Decision.LOCAL_MINIMUM,
        evidence=evidence,
        reason="no direction has a negative one-sided derivative, and that decides it",
        strict=flat.strict,
        strict_up_to_rescaling=flat.strict_up_to_rescaling,
        flat_dimension=flat.dimension,
    )


def _nearby(problem: Problem, evaluation: Evaluation) -> Iterator[Proof | Undecided]:
    """Minima near a point that is none itself, or is not known to be one."""
    network, loss = problem.network, problem.loss
    if network.depth == 0 and loss is Loss.SQUARED:
        solved = nearby.least_squares(evaluation)
        if solved is not None and classwise_optimum(solved):
            yield _moved_to(solved, evaluation, _classwise_proof(solved))
            return
    if network.depth == 1 and network.outputs == 1 and loss is Loss.SQUARED:
        for candidate in nearby.candidates(evaluation):
            if refute.last_layer_descent(candidate) is not None:
                continue
            found = minimum_here(candidate)
            if isinstance(found, Proof) and found.evidence["rule"] in AT_A_POINT:
                yield _moved_to(candidate, evaluation, found)
                return
        yield Undecided("no critical point of the cells and faces next to it is one")
        return
    constant = nearby.constant_output(problem, evaluation)
    if constant is not None:
        yield constant
        return
    if network.depth == 1 and network.outputs == 1 and loss is Loss.LOGISTIC:
        kinked = kinked_ball.prove(evaluation)
        if kinked is not None:
            yield kinked
            return
    yield convex_ball.prove(problem, evaluation.point)


def _moved_to(candidate: Evaluation, start: Evaluation, found: Proof) -> Proof:
    """The proof about an exact point, as one about a point near it."""
    distance = convex_ball.largest_difference(candidate.point, start.point)
    rule, *rest = found.evidence.items()
    return replace(
        found,
        decision=Decision.LOCAL_MINIMUM_NEARBY,
        evidence=dict([rule, ("point", point_to_data(candidate.point)), *rest]),
        reason=f"an exact minimum lies within {nearest_float(distance):.2g}: {found.reason}",
        minimum=candidate.point,
        loss=point_loss(start.problem, candidate.point),
        radius=distance,
    )


def _off_kinks(evaluation: Evaluation) -> bool:
    return not evaluation.has_kinks or all(
        z != 0 for layer in evaluation.preactivations for row in layer for z in row
    )
