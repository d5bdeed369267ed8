"""A list of minima with weight decay as JSON data (`spurious-penalised-atlas/1`, docs/atlas.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from spurious.atlas.decay.atlas import PenalisedAtlas, PenalisedFamily
from spurious.atlas.records import ANSWERS, number_text
from spurious.problem import ProgramProblem, any_problem_to_data, point_to_data, unflatten
from spurious.verdict import Enclosure

if TYPE_CHECKING:
    from spurious.atlas.decay.basins import DecayBasins

FORMAT: Final = "spurious-penalised-atlas/1"


def penalised_atlas_to_data(
    atlas: PenalisedAtlas, basins: DecayBasins | None = None
) -> dict[str, Any]:
    """A list of minima as JSON data.

    Args:
        atlas: The list.
        basins: The share of random starts that end in each family, if measured.
    """
    bare = ProgramProblem(atlas.loss.program(), dense=atlas.loss)
    data: dict[str, Any] = {
        "format": FORMAT,
        "problem": any_problem_to_data(bare),
        "chambers": atlas.chambers,
        "regions": atlas.regions,
        "cells": atlas.cells,
        "visited": atlas.visited,
        "solved": atlas.solved,
        "symmetries": atlas.symmetries,
        "families": atlas.families,
        "complete": atlas.complete,
        "minima": [_family(atlas, family) for family in atlas.minima],
        "undecided": [
            {**(_loss(cell.loss) if cell.loss else {"loss": None}), "reason": cell.reason}
            for cell in atlas.undecided
        ],
        "starts": None,
    }
    if basins is not None:
        for record, count in zip(data["minima"], basins.hits, strict=True):
            record["basin"] = count / basins.runs
        data["starts"] = {
            "runs": basins.runs,
            "resting": basins.resting,
            "unknown": basins.unknown,
            "never_hit": [k for k, count in enumerate(basins.hits) if not count],
        }
    return data


def _loss(loss: Enclosure) -> dict[str, str]:
    return {"loss": number_text(loss.mid), "loss_radius": number_text(loss.rad)}


def _family(atlas: PenalisedAtlas, family: PenalisedFamily) -> dict[str, Any]:
    return {
        **_loss(family.loss),
        "global": ANSWERS[atlas.is_global(family)],
        "outputs": [number_text(value) for value in family.outputs],
        "outputs_radius": number_text(family.radius),
        "units": [{"sign": sign, "sides": list(sides)} for sign, sides in family.units],
        "kinks": family.kinks,
        "rests": ANSWERS[family.rests],
        "parts": family.parts,
        "dimension": family.dimension,
        "orbit": family.orbit,
        "point": point_to_data(unflatten(family.point, atlas.loss.network)),
        "basin": None,
    }
