"""Rule `pointwise_optimum` (Theorem 3): no function of the inputs does better."""

from __future__ import annotations

from spurious.certify.optimality import unbeaten
from spurious.certify.subject import Rule, Subject
from spurious.proof import Claim, PointwiseOptimum, Proof, Undecided
from spurious.verdict import Decision


def _prove(subject: Subject) -> Proof | Undecided:
    del subject
    return Proof(
        claim=Claim(Decision.LOCAL_MINIMUM),
        evidence=PointwiseOptimum(),
        reason="the outputs are the best that any function of the inputs can have",
    )


RULE = Rule(lambda s: s.smooth and s.once(unbeaten) is not None, _prove)
