"""Families and counts of work as JSON data."""

from __future__ import annotations

from dataclasses import asdict, fields
from fractions import Fraction
from typing import Any

from spurious.atlas.cells import Work
from spurious.atlas.minima import Family
from spurious.problem import point_from_data, point_to_data

__all__ = [
    "family_from_data",
    "family_to_data",
    "work_from_data",
    "work_to_data",
]


def family_to_data(family: Family) -> dict[str, Any]:
    """A family as JSON data."""
    data = {field.name: getattr(family, field.name) for field in fields(family)}
    return data | {
        "loss": str(family.loss),
        "loss_radius": str(family.loss_radius),
        "outputs": [str(value) for value in family.outputs],
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


def work_to_data(work: Work) -> dict[str, int]:
    """Counts of work as JSON data."""
    return asdict(work)


def work_from_data(data: dict[str, int]) -> Work:
    """Undoes `work_to_data`."""
    return Work(**data)
