"""Families and atlases as JSON data: the format `spurious-atlas/1` (docs/atlas.md)."""

from __future__ import annotations

from dataclasses import asdict, fields
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from spurious.atlas.cells import Work
from spurious.atlas.minima import Family
from spurious.problem import Problem, point_from_data, point_to_data, problem_to_data

if TYPE_CHECKING:
    from spurious.atlas.atlas import Atlas

__all__ = [
    "FORMAT",
    "atlas_to_data",
    "family_from_data",
    "family_to_data",
    "work_from_data",
    "work_to_data",
]

FORMAT: Final = "spurious-atlas/1"


def family_to_data(family: Family) -> dict[str, Any]:
    """A family as JSON data."""
    data = {field.name: getattr(family, field.name) for field in fields(family)}
    return data | {
        "loss": str(family.loss),
        "outputs": [str(value) for value in family.outputs],
        "blind_spots": list(family.blind_spots),
        "point": point_to_data(family.point),
    }


def family_from_data(data: dict[str, Any]) -> Family:
    """Undoes `family_to_data`."""
    return Family(
        **data
        | {
            "loss": Fraction(data["loss"]),
            "outputs": tuple(Fraction(value) for value in data["outputs"]),
            "blind_spots": tuple(data["blind_spots"]),
            "point": point_from_data(data["point"]),
        }
    )


def work_to_data(work: Work) -> dict[str, int]:
    """Counts of work as JSON data."""
    return asdict(work)


def work_from_data(data: dict[str, int]) -> Work:
    """Undoes `work_to_data`."""
    return Work(**data)


def atlas_to_data(atlas: Atlas) -> dict[str, Any]:
    """An atlas as JSON data."""
    bare = Problem(atlas.network, atlas.loss, atlas.data)
    return {
        "format": FORMAT,
        "problem": problem_to_data(bare),
        "chambers": atlas.chambers,
        "cells": atlas.cells,
        "symmetries": atlas.symmetries,
        "fits": atlas.fits,
        "families": atlas.families,
        "complete": atlas.complete,
        "minima": [
            family_to_data(family) | {"global": family.loss == atlas.minima[0].loss}
            for family in atlas.minima
        ],
        "undecided": [{"loss": str(u.loss), "reason": u.reason} for u in atlas.undecided],
        "work": work_to_data(atlas.work),
    }
