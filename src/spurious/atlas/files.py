"""An atlas as files: JSON (`spurious-atlas/1`, docs/atlas.md), Parquet and certificates."""

# pyarrow has no type annotations.
# pyright: basic

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from spurious.atlas.atlas import Atlas
from spurious.atlas.optimum import global_verdict, optimum
from spurious.atlas.records import ANSWERS, family_to_data, number_text
from spurious.atlas.workers import silent
from spurious.certify import certify
from spurious.problem import any_problem_to_data, problem_at
from spurious.proof import Verdict
from spurious.verdict import Decision

if TYPE_CHECKING:
    from spurious.atlas.basins import Basins

FORMAT: Final = "spurious-atlas/1"


def atlas_to_data(atlas: Atlas) -> dict[str, Any]:
    """An atlas as JSON data."""
    return {
        "format": FORMAT,
        "problem": any_problem_to_data(problem_at(atlas.asked)),
        "chambers": atlas.chambers,
        "cells": atlas.cells,
        "symmetries": atlas.symmetries,
        "fits": atlas.fits,
        "regions": atlas.regions,
        "regions_at_infinity": atlas.regions_at_infinity,
        "families": atlas.families,
        "complete": atlas.complete,
        "minima": [
            family_to_data(family) | {"global": ANSWERS[atlas.is_global(family)]}
            for family in atlas.minima
        ],
        "undecided": [
            {
                "loss": number_text(item.loss),
                "loss_radius": number_text(item.loss_radius),
                "reason": item.reason,
            }
            for item in atlas.undecided
        ],
        "work": asdict(atlas.work),
    }


def with_basins(atlas: Atlas, basins: Basins | None) -> dict[str, Any]:
    """The atlas as JSON data, with the share of random starts that end in each family.

    Args:
        atlas: The atlas.
        basins: Measured on it, or None: then `basin` is null everywhere.
    """
    data = atlas_to_data(atlas)
    for k, record in enumerate(data["minima"]):
        record["basin"] = None if basins is None else basins.hits[k] / basins.runs
    data["starts"] = basins and {
        "runs": basins.runs,
        "unplaced": basins.unplaced,
        "descending": basins.descending,
        "unknown": basins.unknown,
        "never_hit": [k for k, count in enumerate(basins.hits) if not count],
    }
    return data


def certificates(atlas: Atlas, progress: Callable[[str, int, int], None] = silent) -> list[Verdict]:
    """Certifies the point of every family; with squared or hinge loss global optima as such.

    With the logistic loss a point is rounded, and a flat family of irrational ones may be left
    undecided, or refuted at the rounded point: then the verdict says nothing about the family. With
    the hinge loss one subgradient may not do for all sides of a point: then it is undecided.

    Raises:
        ArithmeticError: The certifier contradicts the atlas.
    """
    if atlas.loss == "logistic":
        return [certify(atlas.problem(family)) for family in atlas.minima]
    best = optimum(atlas.asked)
    if best.loss != atlas.least_loss:
        raise ArithmeticError("the atlas and the search for the global optimum differ")
    found: list[Verdict] = []
    for k, family in enumerate(atlas.minima):
        progress("certificates", k, len(atlas.minima))
        if family.loss == best.loss:
            verdict = global_verdict(
                atlas.problem(family), best.loss, best.evidence, perf_counter()
            )
        else:
            verdict = certify(replace(atlas.problem(family), witness=best.problem.point))
        if verdict.loss is None or not (verdict.loss.lower <= family.loss <= verdict.loss.upper):
            raise ArithmeticError("the certifier and the atlas find different losses")
        if verdict.decision is Decision.NOT_LOCAL_MINIMUM:
            raise ArithmeticError("the certifier refutes a minimum of the atlas")
        found.append(verdict)
    return found


def table_bytes(data: dict[str, Any]) -> bytes:
    """The families as a Parquet file, one row each; fractions as text and as floats.

    Args:
        data: Of `with_basins`.
    """
    import io
    from fractions import Fraction

    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = data["minima"]
    columns = {
        "loss": pa.array([row["loss"] for row in rows], pa.string()),
        "loss_float": pa.array([float(Fraction(row["loss"])) for row in rows], pa.float64()),
        "dimension": pa.array([row["dimension"] for row in rows], pa.int32()),
        "dead_units": pa.array([row["dead_units"] for row in rows], pa.int32()),
        "blind_spots": pa.array([row["blind_spots"] for row in rows], pa.list_(pa.int32())),
        "differentiable": pa.array([row["differentiable"] for row in rows], pa.bool_()),
        "global": pa.array([row["global"] for row in rows], pa.bool_()),
        "cells": pa.array([row["cells"] for row in rows], pa.int64()),
        "orbit": pa.array([row["orbit"] for row in rows], pa.int32()),
        "connected": pa.array([row["connected"] for row in rows], pa.bool_()),
        "basin": pa.array([row["basin"] for row in rows], pa.float64()),
        "outputs": pa.array([row["outputs"] for row in rows], pa.list_(pa.string())),
    }
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()
