"""Rule `classwise_optimum` (Theorem 4): no affine map on any activation pattern does better."""

from __future__ import annotations

from spurious.certify.flatness import generic_flatness
from spurious.certify.subject import Rule, Subject
from spurious.certify.sums import classwise_optimum, stationary
from spurious.proof import Claim, ClasswiseOptimum, Proof, Undecided
from spurious.verdict import Decision


def _prove(subject: Subject) -> Proof | Undecided:
    if not classwise_optimum(subject.evaluation):
        return Undecided("an affine map on some activation pattern does better")
    return Proof(
        claim=Claim(Decision.LOCAL_MINIMUM, strict=generic_flatness(subject.evaluation).strict),
        evidence=ClasswiseOptimum(),
        reason="no affine map on any activation pattern does better",
    )


RULE = Rule(lambda s: s.homogeneous and s.once(stationary), _prove)
