"""What a decision looks like: plain frozen values that never pretend to be more than they are."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NoReturn

__all__ = ["Answer", "Decision", "Enclosure", "Verdict"]


class Answer(enum.StrEnum):
    """Yes, no, or unknown. Refuses `bool()`, so that unknown never passes for false."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"

    def __bool__(self) -> NoReturn:
        """Always raises.

        Raises:
            TypeError: every time; compare with `Answer.YES` instead.
        """
        raise TypeError("an Answer has three values; compare it with Answer.YES, NO or UNKNOWN")


class Decision(enum.StrEnum):
    """The verdict on a point (see `docs/mathematics.md`)."""

    LOCAL_MINIMUM = "local_minimum"
    NOT_LOCAL_MINIMUM = "not_local_minimum"
    LOCAL_MINIMUM_NEARBY = "local_minimum_nearby"
    SADDLE_NEARBY = "saddle_nearby"
    UNDECIDED = "undecided"

    def __bool__(self) -> NoReturn:
        """Always raises.

        Raises:
            TypeError: every time; compare with a member instead.
        """
        raise TypeError("a Decision has five values; compare it with one of them")


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A real number known to lie in [mid - rad, mid + rad]; exact when `rad` is 0.

    Attributes:
        mid: Midpoint.
        rad: Radius, at least 0.
    """

    mid: Fraction
    rad: Fraction = Fraction(0)

    @property
    def lower(self) -> Fraction:
        """The lower end."""
        return self.mid - self.rad

    @property
    def upper(self) -> Fraction:
        """The upper end."""
        return self.mid + self.rad

    @property
    def exact(self) -> bool:
        """Whether the number is known exactly."""
        return self.rad == 0

    def __float__(self) -> float:
        """The midpoint, rounded.

        Raises:
            OverflowError: no float is near.
        """
        return float(self.mid)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided about a point, with the certificate that proves it.

    Attributes:
        decision: The verdict. Its truth value is not defined: compare it with a `Decision`.
        is_global: Whether it is a global minimum of this network on this data.
        strict: Whether it is a strict local minimum.
        strict_up_to_rescaling: The same after identifying points that differ only by positive
            rescaling of hidden units, (v, w, b) -> (v/t, t w, t b).
        flat_dimension: Dimension, near the minimum, of the set of points of equal loss, or None.
        eigenvalue_bound: A proved positive lower bound of the Hessian's smallest eigenvalue
            (in the free parameters), or None.
        loss: The loss at the point (at the critical point found, for the decisions nearby).
        witness_loss: The loss of the better point, where there is one.
        radius: For `LOCAL_MINIMUM_NEARBY` and `SADDLE_NEARBY`: no parameter of the critical point
            is further than this from the given point's.
        valley_limit: The limit of the loss along a proved ray to infinity, or None.
        method: The rule that proves it (`docs/certificates.md`, sections 5 and 6), or "none".
        reason: One sentence for a person.
        certificate: The certificate as JSON data, or None when undecided.
        seconds: Time taken.
        slope: For `NOT_LOCAL_MINIMUM` by a slope: the loss's derivative along the certificate's
            direction (largest entry about 1), rounded; else None.
        decrease: For `NOT_LOCAL_MINIMUM`: the loss provably falls by at least this on the way to
            the certificate's witness. None if nothing that large was proved, or for other verdicts.
        decrease_radius: The largest change of a parameter on that way, or None.
        index: For `SADDLE_NEARBY`: the number of negative eigenvalues of the Hessian; else None.
    """

    decision: Decision
    is_global: Answer
    strict: Answer
    strict_up_to_rescaling: Answer
    flat_dimension: int | None
    eigenvalue_bound: Fraction | None
    loss: Enclosure | None
    witness_loss: Enclosure | None
    radius: Fraction | None
    valley_limit: Enclosure | None
    method: str
    reason: str
    certificate: Mapping[str, Any] | None
    seconds: float
    slope: Fraction | None = None
    decrease: Fraction | None = None
    decrease_radius: Fraction | None = None
    index: int | None = None

    def __bool__(self) -> NoReturn:
        """Always raises.

        Raises:
            TypeError: every time; look at `decision`.
        """
        raise TypeError("a Verdict has no truth value: compare verdict.decision with a Decision")
