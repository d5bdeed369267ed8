"""A certified point: the decision, and what the independent checker says of its certificate."""

from __future__ import annotations

from dataclasses import dataclass

import spurious_checker
from spurious.certify import certify
from spurious.problem import Problem
from spurious.proof import Verdict
from spurious.verdict import Answer, Decision, Enclosure

__all__ = ["Proof", "prove"]


@dataclass(frozen=True, slots=True)
class Proof:
    """A point, the decision on it, and the check of the certificate.

    Attributes:
        name: File name of the certificate without ending.
        subject: Which point this is, in a few words.
        problem: The problem with the point.
        verdict: The decision.
        valid: Whether the checker accepts the certificate; False where there is none.
        check_reason: What the checker says.
    """

    name: str
    subject: str
    problem: Problem
    verdict: Verdict
    valid: bool
    check_reason: str

    @property
    def minimum(self) -> bool:
        """Whether a local minimum is proved, here or nearby, and checked."""
        minima = (Decision.LOCAL_MINIMUM, Decision.LOCAL_MINIMUM_NEARBY)
        return self.valid and self.verdict.decision in minima

    @property
    def refuted(self) -> bool:
        """Whether it is proved, and checked, that the point is no local minimum."""
        return self.valid and self.verdict.decision is Decision.NOT_LOCAL_MINIMUM

    @property
    def strict(self) -> bool:
        """Whether a strict local minimum is proved and checked."""
        return self.minimum and self.verdict.strict is Answer.YES

    @property
    def not_strict(self) -> bool:
        """Whether a local minimum is proved, and checked, not to be strict."""
        return self.minimum and self.verdict.strict is Answer.NO

    @property
    def suboptimal(self) -> bool:
        """Whether it is proved, and checked, that a better point exists."""
        return self.valid and self.verdict.is_global is Answer.NO

    @property
    def optimal(self) -> bool:
        """Whether it is proved, and checked, that no better point exists."""
        return self.valid and self.verdict.is_global is Answer.YES

    @property
    def loss(self) -> Enclosure:
        """The loss, enclosed.

        Raises:
            ValueError: The verdict carries no loss.
        """
        if self.verdict.loss is None:
            raise ValueError(f"{self.name}: the verdict carries no loss ({self.verdict.reason})")
        return self.verdict.loss


def prove(name: str, subject: str, problem: Problem) -> Proof:
    """Certifies a problem's point and has the certificate checked.

    Args:
        name: File name of the certificate without ending.
        subject: Which point this is, in a few words.
        problem: The problem with its point and, where known, a witness.
    """
    verdict = certify(problem)
    if verdict.certificate is None:
        return Proof(name, subject, problem, verdict, False, "no certificate")
    result = spurious_checker.check(dict(verdict.certificate))
    return Proof(name, subject, problem, verdict, result.valid, result.reason)
