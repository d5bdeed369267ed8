"""What a method of proof returns: a proof of one verdict, or the reason why it has none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from spurious.problem import Point
from spurious.verdict import Answer, Decision, Enclosure


@dataclass(frozen=True, slots=True)
class Proof:
    """A decision with its evidence.

    Attributes:
        decision: The verdict proved.
        evidence: The certificate's `proof` object, `rule` first.
        reason: One sentence for a person.
        minimum: For minima: the exact minimum, or the centre of the box that holds it.
        loss: The loss at the minimum; None means: at the problem's point.
        radius: For `LOCAL_MINIMUM_NEARBY`: the largest difference of a parameter.
        strict: Whether the minimum is strict.
        strict_up_to_rescaling: The same up to rescaling.
        flat_dimension: Dimension of the flat family, if known.
        eigenvalue_bound: Proved lower bound of the Hessian's eigenvalues, if any.
        valley_limit: Limit of the loss along a ray to infinity, if any.
        directions: Of a refutation: along each the loss falls, at least a little way.
        slope: Of a refutation by a slope: the loss's derivative along the one direction, rounded.
    """

    decision: Decision
    evidence: Mapping[str, Any]
    reason: str
    minimum: Point | None = None
    loss: Enclosure | None = None
    radius: Fraction | None = None
    strict: Answer = Answer.UNKNOWN
    strict_up_to_rescaling: Answer = Answer.UNKNOWN
    flat_dimension: int | None = None
    eigenvalue_bound: Fraction | None = None
    valley_limit: Enclosure | None = None
    directions: tuple[Point, ...] = ()
    slope: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Undecided:
    """A method's answer when it proves nothing.

    Attributes:
        reason: Why, in one sentence.
    """

    reason: str
