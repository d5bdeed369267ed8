"""Whether a decided point is a global minimum: a better point, or a bound nothing beats."""

from __future__ import annotations

from dataclasses import dataclass

from spurious.certify.evaluate import input_groups, loss_derivative
from spurious.certify.exact_gradient import rational_outputs
from spurious.certify.subject import Subject
from spurious.certify.sums import affine_optimum, pointwise_optimum
from spurious.certify.witness import better_point
from spurious.exact.softmax_numbers import UndecidedSignError
from spurious.problem import FlatPoint, unflatten
from spurious.proof import (
    AffineOptimum,
    BestOutputs,
    ClasswiseOptimum,
    Evidence,
    Fall,
    Interpolation,
    NotLocalMinimum,
    OneSidedDerivatives,
    PointwiseOptimum,
    Proof,
    Witness,
)
from spurious.verdict import Answer, Decision, Enclosure


@dataclass(frozen=True, slots=True)
class Optimality:
    """Whether the minimum is global, and why.

    Attributes:
        is_global: The answer.
        evidence: What proves it.
        witness_loss: The better point's loss, if there is one.
    """

    is_global: Answer
    evidence: Evidence | None = None
    witness_loss: Enclosure | None = None


def judge_optimality(
    subject: Subject, proof: Proof, loss: Enclosure, fall: Fall | None, *, search: bool
) -> Optimality:
    """Proves that a decided point is, or is not, a global minimum, if it can.

    Args:
        subject: The point; the problem's witness is tried first.
        proof: The decision on it.
        loss: The loss at the point, or at the critical point nearby.
        fall: Of a refutation: a lower point next to it.
        search: Whether to look for a better point if nothing else decides it.
    """
    if isinstance(proof.evidence, Interpolation):
        return Optimality(Answer.YES, BestOutputs())
    if subject.witness is not None:
        found = subject.loss_at(subject.witness)
        if found.upper < loss.lower:
            return _beaten(subject, proof, subject.witness, found)
    if fall is not None:
        return _beaten(subject, proof, fall.point, fall.loss)
    if not proof.claim.is_minimum:
        return Optimality(Answer.NO, NotLocalMinimum())
    best = _best(subject, proof)
    if best is not None:
        return Optimality(Answer.YES, best)
    better = better_point(subject, loss) if search else None
    return Optimality(Answer.UNKNOWN) if better is None else _beaten(subject, proof, *better)


def _beaten(subject: Subject, proof: Proof, point: FlatPoint, loss: Enclosure) -> Optimality:
    flat = proof.evidence.of_programs
    return Optimality(Answer.NO, Witness(point if flat else subject.place(point)), loss)


def _best(subject: Subject, proof: Proof) -> Evidence | None:
    """What proves that nothing beats the minimum, if that is known exactly."""
    named = isinstance(proof.evidence, OneSidedDerivatives | ClasswiseOptimum)
    here = proof.claim.decision is Decision.LOCAL_MINIMUM
    if not (named or here) or not subject.is_dense:
        return None
    if proof.minimum is None or proof.minimum == subject.values:
        return subject.once(unbeaten)
    return unbeaten(subject.at(unflatten(proof.minimum, subject.network)))


def unbeaten(subject: Subject) -> Evidence | None:
    """What proves that nothing beats the point, which is exact (Theorem 3), or None.

    For `Subject.once`.
    """
    try:
        if not subject.homogeneous:
            problem = subject.dense
            outputs = rational_outputs(problem, subject.point)
            if outputs is None:
                return None
            derivative = loss_derivative(problem, outputs)
            best = pointwise_optimum(input_groups(problem.data), derivative)
            return PointwiseOptimum() if best else None
        evaluation = subject.evaluation
        if pointwise_optimum(evaluation.groups, evaluation.loss_derivative):
            return PointwiseOptimum()
        if not evaluation.has_kinks and affine_optimum(evaluation):
            return AffineOptimum()
    except UndecidedSignError:
        return None
    return None
