"""What a decision looks like: plain frozen values that never pretend to be more than they are."""

from __future__ import annotations

import enum
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from fractions import Fraction
from html import escape
from pathlib import Path
from typing import Any, NoReturn

from spurious.errors import InputError

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


@dataclass(frozen=True, slots=True, eq=False)
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


@dataclass(frozen=True, slots=True, repr=False)
class Verdict:
    """What was decided about a point, with the certificate that proves it.

    Two are equal if they say the same with the same certificate; the time taken does not count.

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
    seconds: float = field(compare=False)
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

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON data: fractions as text, enclosures as an object with mid and rad."""
        return {entry.name: _plain(getattr(self, entry.name)) for entry in fields(self)}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the certificate, for `spurious check`.

        Args:
            path: The file.

        Raises:
            InputError: There is no certificate, or the file cannot be written.
        """
        if self.certificate is None:
            raise InputError(f"{path}: nothing to write, the point is {self.decision}")
        text = json.dumps(self.certificate, indent=1, ensure_ascii=False) + "\n"
        try:
            Path(path).write_text(text, "utf-8")
        except OSError as error:
            raise InputError(f"{path}: cannot be written ({error.strerror})") from None

    def __repr__(self) -> str:
        told = "".join(f", {name} {text}" for name, text in self._told())
        return f"<Verdict: {self.decision.replace('_', ' ')}{told}>"

    def _told(self) -> list[tuple[str, str]]:
        """The main facts but the decision."""
        found = [("global:", str(self.is_global)), ("strict:", str(self.strict))]
        if self.loss is not None:
            found.insert(0, ("loss", str(self.loss)))
        if self.witness_loss is not None:
            found.append(("better:", str(self.witness_loss)))
        return [*found, ("by", self.method.replace("_", " "))]

    def _repr_html_(self) -> str:
        """A table for notebooks."""
        rows = [("", self.decision.replace("_", " ")), *self._told(), ("reason", self.reason)]
        cells = "".join(
            f"<tr><th style='text-align:left'>{escape(name.rstrip(':'))}</th>"
            f"<td style='text-align:left'>{escape(text)}</td></tr>"
            for name, text in rows
        )
        return f"<table>{cells}</table>"


def _number(value: Fraction) -> str:
    """A number in short: exact if that is short, else ten digits."""
    text = str(value)
    return text if len(text) <= 12 else f"{float(value):.10g}"


def _plain(value: object) -> object:
    """JSON data of an attribute."""
    if isinstance(value, Enclosure):
        return {"mid": str(value.mid), "rad": str(value.rad)}
    if isinstance(value, Fraction | enum.Enum):
        return str(value)
    return value
