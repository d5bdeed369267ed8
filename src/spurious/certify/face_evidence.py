"""The evidence of rules `kinked` and `constant_rank`, as a certificate holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from spurious.certify.face_polynomials import Field
from spurious.exact.balls import written
from spurious.problem import Point, point_from_data, point_to_data
from spurious.problem.program_problem import FlatPoint

__all__ = ["CONSTANT_RANK", "KINKED", "FaceEvidence"]

KINKED = "kinked"
CONSTANT_RANK = "constant_rank"


@dataclass(frozen=True, slots=True)
class FaceEvidence:
    """A box around a minimum on a face (`docs/certificates.md`, section 5.9).

    Attributes:
        centre: The middle, all parameters.
        radius: Half the box's width, in the free parameters and the multipliers.
        free: Flat indices of the free parameters, ascending.
        multipliers: mu at the centre, one for each held pair.
        preconditioner: For Krawczyk's test, square.
        fields: What bounds the rank of dG; None: the rescalings.
    """

    centre: Point
    radius: Fraction
    free: tuple[int, ...]
    multipliers: FlatPoint
    preconditioner: tuple[FlatPoint, ...]
    fields: tuple[Field, ...] | None

    @property
    def rule(self) -> str:
        """The rule's name."""
        return KINKED if self.fields is None else CONSTANT_RANK

    def to_data(self) -> dict[str, Any]:
        """The certificate's `proof` object.

        Raises:
            OutOfRangeError: A number is too long to be written.
        """
        data: dict[str, Any] = {
            "rule": self.rule,
            "centre": point_to_data(self.centre),
            "radius": written(self.radius),
            "free": list(self.free),
            "multipliers": [written(value) for value in self.multipliers],
            "preconditioner": [[written(value) for value in row] for row in self.preconditioner],
        }
        if self.fields is not None:
            data["fields"] = [
                [[p, list(monomial), written(c)] for p, monomial, c in field]
                for field in self.fields
            ]
        return data

    @staticmethod
    def from_data(data: Mapping[str, Any]) -> FaceEvidence:
        """Reads what `to_data` wrote."""
        fields: tuple[Field, ...] | None = None
        if data["rule"] == CONSTANT_RANK:
            fields = tuple(
                tuple((p, tuple(monomial), Fraction(c)) for p, monomial, c in field)
                for field in data["fields"]
            )
        return FaceEvidence(
            centre=point_from_data(data["centre"]),
            radius=Fraction(data["radius"]),
            free=tuple(data["free"]),
            multipliers=tuple(Fraction(value) for value in data["multipliers"]),
            preconditioner=tuple(
                tuple(Fraction(value) for value in row) for row in data["preconditioner"]
            ),
            fields=fields,
        )
