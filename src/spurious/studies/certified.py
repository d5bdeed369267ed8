"""A point of a study with the verdict on it, and what follows from that."""

from __future__ import annotations

from dataclasses import dataclass

from spurious.certify import certify
from spurious.problem import Problem, ProgramProblem
from spurious.proof import Verdict
from spurious.verdict import Answer, Decision, Enclosure


@dataclass(frozen=True, slots=True)
class CertifiedPoint:
    """A point and the verdict on it; whatever has a certificate is accepted by the checker.

    Attributes:
        name: File name of the certificate without ending.
        subject: Which point this is, in a few words.
        asked: The problem with the point.
        verdict: The decision.
    """

    name: str
    subject: str
    asked: Problem | ProgramProblem
    verdict: Verdict

    @property
    def problem(self) -> Problem:
        """The dense network's problem.

        Raises:
            TypeError: It has a penalty, or is a program of its own.
        """
        if isinstance(self.asked, ProgramProblem):
            raise TypeError(f"{self.name}: this problem is a program")
        return self.asked

    @property
    def valid(self) -> bool:
        """Whether there is a certificate; `certify` hands out only what the checker accepts."""
        return self.verdict.certificate is not None

    @property
    def minimum(self) -> bool:
        """Whether a local minimum is proved, here or nearby."""
        minima = (Decision.LOCAL_MINIMUM, Decision.LOCAL_MINIMUM_NEARBY)
        return self.verdict.decision in minima

    @property
    def refuted(self) -> bool:
        """Whether it is proved that the point is no local minimum."""
        return self.verdict.decision is Decision.NOT_LOCAL_MINIMUM

    @property
    def strict(self) -> bool:
        """Whether a strict local minimum is proved."""
        return self.minimum and self.verdict.strict is Answer.YES

    @property
    def not_strict(self) -> bool:
        """Whether a local minimum is proved not to be strict."""
        return self.minimum and self.verdict.strict is Answer.NO

    @property
    def suboptimal(self) -> bool:
        """Whether it is proved that a better point exists."""
        return self.verdict.is_global is Answer.NO

    @property
    def optimal(self) -> bool:
        """Whether it is proved that no better point exists."""
        return self.verdict.is_global is Answer.YES

    @property
    def loss(self) -> Enclosure:
        """The loss, enclosed.

        Raises:
            ValueError: The verdict carries no loss.
        """
        if self.verdict.loss is None:
            raise ValueError(f"{self.name}: the verdict carries no loss ({self.verdict.reason})")
        return self.verdict.loss


def certified(name: str, subject: str, problem: Problem) -> CertifiedPoint:
    """Decides about a problem's point.

    Args:
        name: File name of the certificate without ending.
        subject: Which point this is, in a few words.
        problem: The problem with its point and, where known, a witness.
    """
    return CertifiedPoint(name, subject, problem, certify(problem))
