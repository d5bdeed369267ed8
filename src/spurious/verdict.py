"""The words of every verdict: answers with three values, decisions, enclosed numbers."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from fractions import Fraction
from typing import NoReturn

__all__ = ["Answer", "Decision", "Enclosure"]


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
