"""What the rules for valleys to infinity share: the loss of the outputs, the proof.

Theorem 33 (`docs/mathematics.md`), with the curves of Theorems 8 and 25 to 27.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from flint import arb

from spurious.certify.subject import Subject
from spurious.exact.rationals import nearest_float
from spurious.program import Program, dense_layers
from spurious.program.tail import tail
from spurious.proof import Claim, Evidence, Proof
from spurious.verdict import Decision, Enclosure

CLEAR = arb(2) ** -200
"""Slopes closer to 0 are not used: a checker would need too many bits."""


def loss_of_outputs(subject: Subject) -> Program:
    """The loss as a function of a dense network's outputs, point by point; for `Subject.once`."""
    return tail(subject.program, (dense_layers(subject.program)[-1].preactivation,))


def valley(evidence: Evidence, limit: Enclosure, where: str) -> Proof:
    """The proof that the loss falls for ever.

    Args:
        evidence: Of the rule.
        limit: What the loss tends to.
        where: The beginning of the sentence, such as "along a ray of the last layer".
    """
    return Proof(
        claim=Claim(Decision.NOT_LOCAL_MINIMUM, valley_limit=limit),
        evidence=evidence,
        reason=(
            f"a valley to infinity: {where} the loss falls for ever, "
            f"towards {nearest_float(limit.mid):.6g}"
        ),
    )


def deepest(proofs: Iterable[Proof | None]) -> Proof | None:
    """Of the valleys that are proved that with the lowest limit."""
    found = [proof for proof in proofs if proof is not None]
    return min(found, key=_limit, default=None)


def _limit(proof: Proof) -> Fraction:
    return Fraction(0) if proof.claim.valley_limit is None else proof.claim.valley_limit.mid
