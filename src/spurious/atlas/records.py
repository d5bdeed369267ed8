"""Families as JSON data."""

from __future__ import annotations

from dataclasses import fields
from fractions import Fraction
from typing import Any, Final

from spurious.atlas.minima import Family
from spurious.problem import point_from_data, point_to_data
from spurious.verdict import Answer

ANSWERS: Final = {Answer.YES: True, Answer.NO: False, Answer.UNKNOWN: None}
"""How an answer is written."""

ROUNDED: Final = 15
"""Decimals from which on a number counts as rounded."""


def number_text(value: Fraction) -> str:
    """A fraction; as a decimal if it is one with many digits, that is, if it was rounded.

    Either is read back exactly by `Fraction`.
    """
    digits = len(str(value.denominator)) - 1
    places = next((k for k in range(digits, 4 * digits) if not 10**k % value.denominator), 0)
    if places < ROUNDED:
        return str(value)
    scaled = str(abs(value) * 10**places).rjust(places + 1, "0")
    return f"{'-' * (value < 0)}{scaled[:-places]}.{scaled[-places:]}"


def family_to_data(family: Family) -> dict[str, Any]:
    """A family as JSON data."""
    data = {field.name: getattr(family, field.name) for field in fields(family)}
    return data | {
        "loss": number_text(family.loss),
        "loss_radius": number_text(family.loss_radius),
        "outputs": [number_text(value) for value in family.outputs],
        "blind_spots": list(family.blind_spots),
        "point": point_to_data(family.point),
    }


def family_from_data(data: dict[str, Any]) -> Family:
    """Undoes `family_to_data`."""
    read: dict[str, Any] = data | {
        "loss": Fraction(data["loss"]),
        "loss_radius": Fraction(data["loss_radius"]),
        "outputs": tuple(Fraction(value) for value in data["outputs"]),
        "blind_spots": tuple(data["blind_spots"]),
        "point": point_from_data(data["point"]),
    }
    return Family(**read)
