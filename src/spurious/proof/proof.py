"""What a rule returns when it decides."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from spurious.problem import FlatPoint
from spurious.proof.claim import Claim
from spurious.proof.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Proof:
    """A decision with its evidence; nobody has checked it yet.

    Attributes:
        claim: What is proved. Without a loss it is about the problem's point, whose loss is known.
        evidence: What the rule found.
        reason: One sentence for a person.
        besides: What it leaves open, another sentence, or nothing.
        minimum: For minima: the exact minimum, or the centre of the box that holds it, shape (P,);
            None means the problem's point.
        directions: Of a refutation: along each, shape (P,), the loss falls, at least a little way.
        slope: Of a refutation by a slope: the loss's derivative along the one direction, rounded.
    """

    claim: Claim
    evidence: Evidence
    reason: str
    minimum: FlatPoint | None = None
    directions: tuple[FlatPoint, ...] = ()
    slope: Fraction | None = None
    besides: str = ""
