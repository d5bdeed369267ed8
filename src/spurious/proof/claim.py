"""What is claimed about a point: the part of a verdict that its certificate proves."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from spurious.proof.codec import ball_data, ball_from_data
from spurious.verdict import Answer, Decision, Enclosure


@dataclass(frozen=True, slots=True)
class Claim:
    """A decision on a point and what is known beside it. Whatever is not proved is left unknown.

    Attributes:
        decision: The decision.
        loss: The loss at the point (at the critical point found, for the decisions nearby), or
            None: not yet enclosed.
        is_global: Whether it is a global minimum of this network on this data.
        witness_loss: The loss of the better point, where there is one.
        strict: Whether it is a strict local minimum.
        strict_up_to_rescaling: The same after identifying points that differ only by positive
            rescaling of hidden units, (v, w, b) -> (v/t, t w, t b).
        flat_dimension: Dimension, near the minimum, of the set of points of equal loss, or None.
        eigenvalue_bound: A proved positive lower bound of the Hessian's smallest eigenvalue
            (in the free parameters), or None.
        radius: For decisions nearby: no parameter of the critical point is further than this from
            the given point's.
        valley_limit: The limit of the loss along a proved ray to infinity, or None.
        index: For saddles: the number of negative eigenvalues of the Hessian; else None.
    """

    decision: Decision
    loss: Enclosure | None = None
    is_global: Answer = Answer.UNKNOWN
    witness_loss: Enclosure | None = None
    strict: Answer = Answer.UNKNOWN
    strict_up_to_rescaling: Answer = Answer.UNKNOWN
    flat_dimension: int | None = None
    eigenvalue_bound: Fraction | None = None
    radius: Fraction | None = None
    valley_limit: Enclosure | None = None
    index: int | None = None

    @property
    def is_minimum(self) -> bool:
        """Whether a minimum is claimed, at the point or nearby."""
        return self.decision in (Decision.LOCAL_MINIMUM, Decision.LOCAL_MINIMUM_NEARBY)

    def to_data(self) -> dict[str, Any]:
        """All of it, by the names that a certificate uses."""
        return {
            "verdict": self.decision.value,
            "strict": self.strict.value,
            "strict_up_to_rescaling": self.strict_up_to_rescaling.value,
            "flat_dimension": self.flat_dimension,
            "eigenvalue_bound": _text(self.eigenvalue_bound),
            "global": self.is_global.value,
            "loss": ball_data(self.loss),
            "witness_loss": ball_data(self.witness_loss),
            "radius": _text(self.radius),
            "valley_limit": ball_data(self.valley_limit),
            "index": self.index,
        }

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Claim:
        """Reads what `to_data` wrote, or the part of it that a certificate holds.

        Certificates of programs say nothing of rescaling; what is strict is so up to it, too.
        """
        known = data["strict"] if data["strict"] == Answer.YES.value else Answer.UNKNOWN.value
        return cls(
            decision=Decision(data["verdict"]),
            loss=ball_from_data(data["loss"]),
            is_global=Answer(data["global"]),
            witness_loss=ball_from_data(data["witness_loss"]),
            strict=Answer(data["strict"]),
            strict_up_to_rescaling=Answer(data.get("strict_up_to_rescaling", known)),
            flat_dimension=data.get("flat_dimension"),
            eigenvalue_bound=_number(data["eigenvalue_bound"]),
            radius=_number(data["radius"]),
            valley_limit=ball_from_data(data.get("valley_limit")),
            index=data.get("index"),
        )


def _text(value: Fraction | None) -> str | None:
    return None if value is None else str(value)


def _number(text: str | None) -> Fraction | None:
    return None if text is None else Fraction(text)
