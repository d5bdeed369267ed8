"""Whether a decided point is a global minimum: a better point, or a bound nothing beats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spurious.certify.evaluate import Evaluation, evaluate
from spurious.certify.outcome import Proof
from spurious.certify.point_loss import is_homogeneous, point_loss
from spurious.certify.sums import affine_optimum, pointwise_optimum
from spurious.certify.witness import better_point
from spurious.exact.softmax_numbers import UndecidedSignError
from spurious.problem import Problem, point_to_data
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


def judge_optimality(problem: Problem, proof: Proof, loss: Enclosure) -> Optimality:
    """Proves that a decided point is, or is not, a global minimum, if it can.

    Args:
        problem: The problem; its witness is tried first.
        proof: The verdict on the point.
        loss: The loss at the point, or at the minimum nearby.
    """
    if problem.witness is not None:
        witness_loss = point_loss(problem, problem.witness)
        if witness_loss.upper < loss.lower:
            evidence = {"rule": "witness", "point": point_to_data(problem.witness)}
            return Optimality(Answer.NO, evidence, witness_loss)
    if proof.decision is Decision.NOT_LOCAL_MINIMUM:
        return Optimality(Answer.NO, {"rule": "not_local_minimum"})
    rule = _unbeatable(problem, proof)
    if rule is not None:
        return Optimality(Answer.YES, {"rule": rule})
    found = better_point(problem, loss)
    if found is not None:
        point, witness_loss = found
        evidence = {"rule": "witness", "point": point_to_data(point)}
        return Optimality(Answer.NO, evidence, witness_loss)
    return Optimality(Answer.UNKNOWN)


def _unbeatable(problem: Problem, proof: Proof) -> str | None:
    """The rule by which nothing beats the exact minimum, if one applies."""
    exact = proof.decision is Decision.LOCAL_MINIMUM or "point" in proof.evidence
    point = proof.minimum or problem.point
    if not exact or point is None or not is_homogeneous(problem):
        return None
    evaluation: Evaluation = evaluate(problem, point)
    try:
        if pointwise_optimum(evaluation):
            return "pointwise_optimum"
        if not evaluation.has_kinks and affine_optimum(evaluation):
            return "affine_optimum"
    except UndecidedSignError:
        return None
    return None
