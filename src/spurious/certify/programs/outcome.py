"""What a rule about a program proves, and the certificate that says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from spurious.certify.certificate import PROGRAM_FORMAT, ball_data, sealed
from spurious.problem.program_files import program_problem_to_data
from spurious.problem.program_problem import FlatPoint, ProgramProblem
from spurious.verdict import Answer, Decision, Enclosure

__all__ = ["ProgramProof", "assemble"]


@dataclass(frozen=True, slots=True)
class ProgramProof:
    """A decision about a program's point, with its evidence.

    Attributes:
        decision: What is proved.
        evidence: The certificate's `proof` object, `rule` first.
        reason: One sentence for a person.
        loss: The loss at the critical point found; None means: at the problem's point.
        radius: For decisions nearby: the largest difference of a parameter.
        eigenvalue_bound: For minima: a positive bound below the Hessian's eigenvalues.
        index: For saddles: the number of negative eigenvalues.
        directions: Of a refutation: along each the loss falls, at least a little way.
        slope: Of a refutation by a slope: the derivative along the one direction, rounded.
        flat_dimension: Of a minimum: the dimension of the set of points with its loss around it.
        unbeaten: Whether no outputs whatever have a smaller loss.
    """

    decision: Decision
    evidence: Mapping[str, Any]
    reason: str
    loss: Enclosure | None = None
    radius: Fraction | None = None
    eigenvalue_bound: Fraction | None = None
    index: int | None = None
    directions: tuple[FlatPoint, ...] = ()
    slope: Fraction | None = None
    flat_dimension: int = 0
    unbeaten: bool = False

    @property
    def is_minimum(self) -> bool:
        """Whether a minimum is proved, there or nearby."""
        return self.decision in (Decision.LOCAL_MINIMUM, Decision.LOCAL_MINIMUM_NEARBY)

    @property
    def strict(self) -> Answer:
        """Whether a strict minimum is proved, there or nearby."""
        if not self.is_minimum:
            return Answer.UNKNOWN
        return Answer.NO if self.flat_dimension else Answer.YES


def assemble(
    problem: ProgramProblem,
    proof: ProgramProof,
    loss: Enclosure,
    is_global: Answer,
    global_proof: Mapping[str, Any] | None,
    witness_loss: Enclosure | None,
) -> dict[str, Any]:
    """The certificate, in the format of `docs/certificates.md`, section 9.

    Raises:
        OutOfRangeError: a number is too long to be written in decimal.
    """
    return sealed(
        {
            "format": PROGRAM_FORMAT,
            "claim": {
                "verdict": proof.decision.value,
                "strict": proof.strict.value,
                **({"flat_dimension": proof.flat_dimension} if proof.unbeaten else {}),
                "index": proof.index,
                "eigenvalue_bound": _text(proof.eigenvalue_bound),
                "global": is_global.value,
                "loss": ball_data(loss),
                "witness_loss": ball_data(witness_loss),
                "radius": _text(proof.radius),
            },
            "problem": program_problem_to_data(problem),
            "proof": {
                key: value
                for key, value in proof.evidence.items()
                if key != "outputs" or problem.dense is None  # a dense file says where they are
            },
            "global_proof": None if global_proof is None else dict(global_proof),
        }
    )


def _text(value: Fraction | None) -> str | None:
    return None if value is None else str(value)
