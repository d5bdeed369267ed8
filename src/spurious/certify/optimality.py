"""Whether a decided point is a global minimum: a better point, or a bound nothing beats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spurious.certify.evaluate import evaluate, input_groups, loss_derivative
from spurious.certify.exact_gradient import rational_outputs
from spurious.certify.fall import Fall
from spurious.certify.outcome import Proof
from spurious.certify.point_loss import is_homogeneous, point_loss
from spurious.certify.sums import affine_optimum, pointwise_optimum
from spurious.certify.witness import better_point
from spurious.exact.softmax_numbers import UndecidedSignError
from spurious.problem import Point, Problem, point_to_data
from spurious.verdict import Answer, Decision, Enclosure


@dataclass(frozen=True, slots=True)
class Optimality:
    """Whether the minimum is global, and why.

    Attributes:
        is_global: The answer.
        evidence: The certificate's `global_proof`.
        witness_loss: The better point's loss, if there is one.
    """

    is_global: Answer
    evidence: Mapping[str, Any] | None = None
    witness_loss: Enclosure | None = None


def judge_optimality(
    problem: Problem,
    proof: Proof,
    loss: Enclosure,
    fall: Fall | None = None,
    *,
    search: bool = True,
) -> Optimality:
    """Proves that a decided point is, or is not, a global minimum, if it can.

    Args:
        problem: The problem; its witness is tried first.
        proof: The verdict on the point.
        loss: The loss at the point, or at the minimum nearby.
        fall: Of a refutation: a lower point next to it.
        search: Whether to look for a better point if nothing else decides it.
    """
    if proof.evidence["rule"] == "interpolation":
        return Optimality(Answer.YES, {"rule": "interpolation"})
    if problem.witness is not None:
        witness_loss = point_loss(problem, problem.witness)
        if witness_loss.upper < loss.lower:
            evidence = {"rule": "witness", "point": point_to_data(problem.witness)}
            return Optimality(Answer.NO, evidence, witness_loss)
    if fall is not None:
        evidence = {"rule": "witness", "point": point_to_data(fall.point)}
        return Optimality(Answer.NO, evidence, fall.loss)
    if proof.decision is Decision.NOT_LOCAL_MINIMUM:
        return Optimality(Answer.NO, {"rule": "not_local_minimum"})
    exact = proof.decision is Decision.LOCAL_MINIMUM or "point" in proof.evidence
    point = proof.minimum or problem.point
    rule = unbeatable(problem, point) if exact and point is not None else None
    if rule is not None:
        return Optimality(Answer.YES, {"rule": rule})
    found = better_point(problem, loss) if search else None
    if found is not None:
        point, witness_loss = found
        evidence = {"rule": "witness", "point": point_to_data(point)}
        return Optimality(Answer.NO, evidence, witness_loss)
    return Optimality(Answer.UNKNOWN)


def unbeatable(problem: Problem, point: Point) -> str | None:
    """The rule by which nothing beats an exact point (Theorem 3), or None if none is shown to."""
    try:
        if not is_homogeneous(problem):
            outputs = rational_outputs(problem, point)
            if outputs is None:
                return None
            derivative = loss_derivative(problem.loss, problem.data, outputs)
            best = pointwise_optimum(input_groups(problem.data), derivative)
            return "pointwise_optimum" if best else None
        evaluation = evaluate(problem, point)
        if pointwise_optimum(evaluation.groups, evaluation.loss_derivative):
            return "pointwise_optimum"
        if not evaluation.has_kinks and affine_optimum(evaluation):
            return "affine_optimum"
    except UndecidedSignError:
        return None
    return None
