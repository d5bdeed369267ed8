"""The words of every verdict: answers with three values, decisions, enclosed numbers."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from fractions import Fraction
from typing import NoReturn

__all__ = ["Answer", "Decision", "Enclosure"]


class Answer(enum.StrEnum):
    """Yes, no, or unknown. Refuses `bool()`, so that unknown never passes for false.

    Examples:
        >>> import spurious
        >>> spurious.certify(spurious.problem([0, 1], [0, 1], point=[([[1]], [0])])).is_global
        <Answer.YES: 'yes'>
    """

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
    """The verdict on a point (see `docs/mathematics.md`).

    Examples:
        >>> import spurious
        >>> verdict = spurious.certify(spurious.problem([0, 1], [0, 1], point=[([[1]], [0.5])]))
        >>> verdict.decision is spurious.Decision.NOT_LOCAL_MINIMUM
        True
    """

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


@dataclass(frozen=True, slots=True, eq=False)
class Enclosure:
    """A real number known to lie in [mid - rad, mid + rad]; exact when `rad` is 0.

    Attributes:
        mid: Midpoint.
        rad: Radius, at least 0.

    Examples:
        >>> from fractions import Fraction
        >>> from spurious import Enclosure
        >>> loss = Enclosure(Fraction(1, 3), Fraction(1, 1000))
        >>> str(loss.mid), float(loss.rad)
        ('1/3', 0.001)
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

    def __eq__(self, other: object) -> bool:
        """Equal to the same enclosure; an exact one to its number too."""
        if isinstance(other, Enclosure):
            return (self.mid, self.rad) == (other.mid, other.rad)
        return self.exact and self.mid == other

    def __hash__(self) -> int:
        return hash(self.mid) if self.exact else hash((self.mid, self.rad))

    def __str__(self) -> str:
        return f"{_number(self.mid)}" + ("" if self.exact else f" +/- {float(self.rad):.1g}")

    def __float__(self) -> float:
        """The midpoint, rounded.

        Raises:
            OverflowError: no float is near.
        """
        return float(self.mid)


def _number(value: Fraction) -> str:
    """A number in short: exact if that is short, else ten digits."""
    text = str(value)
    return text if len(text) <= 12 else f"{float(value):.10g}"
