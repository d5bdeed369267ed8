"""Complete lists of local minima beside the points that the paper names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spurious.atlas import Atlas, atlas, optimum
from spurious.construct.relu import outputs
from spurious.figures import atlas_panels
from spurious.problem import Dataset, Loss, Network, Point, Problem
from spurious.proof import exact_text
from spurious.studies.certified import CertifiedPoint
from spurious.studies.report.claim import (
    DataTable,
    Part,
    Picture,
    Row,
    Status,
    proved,
    table_of,
)
from spurious.verdict import Answer

SHOWN = 8
"""Most losses named in a row of the report."""

HEADING = "every local minimum, by exact enumeration"


@dataclass(frozen=True, slots=True)
class MarkedPoint:
    """A point whose place in a list is asked for.

    Attributes:
        label: What it is.
        point: The point.
    """

    label: str
    point: Point


def complete_lists(
    name: str,
    data: Dataset,
    hidden: Sequence[int],
    marks: Mapping[int, Sequence[MarkedPoint]],
    drawn: int | None = None,
    notes: Mapping[int, str] | None = None,
) -> Part:
    """Lists all local minima of ReLU networks with squared loss on a dataset.

    Args:
        name: Beginning of file names, such as "c05-d1".
        data: The dataset.
        hidden: Numbers of hidden units.
        marks: For a number of hidden units, points to place in the list.
        drawn: The number of hidden units to draw, if any.
        notes: For a number of hidden units, words to add to its row.

    Returns:
        Beside the rows the global optima, the minima of one width as a picture, and the families of
        each width as tables.
    """
    rows: list[Row] = []
    points: list[CertifiedPoint] = []
    pictures: list[Picture] = []
    tables: list[DataTable] = []
    for m in hidden:
        problem = Problem(Network((data.inputs, m, 1), "relu"), Loss.SQUARED, data)
        found, best = atlas(problem), optimum(problem)
        point = CertifiedPoint(
            f"{name}-{m}-global",
            f"the global minimum with {_units(m)}",
            best.problem,
            best.verdict,
        )
        points.append(point)
        note = "" if notes is None else notes.get(m, "")
        rows.append(_list_row(found, m, note))
        rows.append(_global_row(found, point, m))
        rows.extend(_mark_row(found, mark, m) for mark in marks.get(m, ()))
        tables.append(_table(f"{name}-{m}-minima", found))
        if m == drawn:
            pictures.append(_picture(name, found, m))
    return Part(tuple(rows), tuple(points), tuple(pictures), tuple(tables))


def _units(m: int) -> str:
    return f"{m} unit" + ("s" if m > 1 else "")


def _list_row(found: Atlas, m: int, note: str) -> Row:
    losses = sorted({family.loss for family in found.minima})
    named = ", ".join(map(exact_text, losses[:SHOWN])) + (", ..." if len(losses) > SHOWN else "")
    at_kinks = sum(family.orbit for family in found.minima if not family.differentiable)
    text = f"{found.families} families at {len(losses)} losses ({named})"
    open_ = sum(not family.connected for family in found.minima)
    if open_:
        text += f"; {open_} of them may be several each"
    if at_kinks:
        text += f"; {at_kinks} only on kinks"
    if not found.complete:
        text += f"; {len(found.undecided)} fitted vectors undecided"
    status = Status.PROVED if found.complete else Status.MEASURED
    return Row(f"{_units(m)}: local minima", "", text + note, status, heading=HEADING)


def _global_row(found: Atlas, point: CertifiedPoint, m: int) -> Row:
    agrees = point.loss.mid == found.least_loss
    return Row(
        f"{_units(m)}: global minimum",
        "",
        f"loss {exact_text(point.loss.mid)}, proved by a certificate that was checked",
        proved(point.optimal and agrees),
        heading=HEADING,
    )


def _mark_row(found: Atlas, mark: MarkedPoint, m: int) -> Row:
    """Where a point stands; it must be in a complete list if it is a local minimum."""
    values = tuple(row[0] for row in outputs(mark.point, found.data.x))
    losses = sorted({family.loss for family in found.minima})
    here = [family for family in found.minima if family.outputs == values]
    if not here:
        text = "not in the list"
        status = Status.DIFFERS if found.complete else Status.MEASURED
        return Row(f"{_units(m)}: {mark.label}", "", text, status, heading=HEADING)
    loss = here[0].loss
    place = losses.index(loss) + 1
    best = found.is_global(here[0]) is Answer.YES
    status = Status.PROVED if best or found.complete else Status.MEASURED
    if best:
        text = f"loss {exact_text(loss)}: the global minimum"
    else:
        text = f"loss {exact_text(loss)}: number {place} of {len(losses)} losses, not the best"
    return Row(f"{_units(m)}: {mark.label}", "", text, status, heading=HEADING)


def _picture(name: str, found: Atlas, m: int) -> Picture:
    shown = "the 24 lowest" if len(found.minima) > 24 else "all"
    return Picture(
        f"{name}-{m}-minima",
        f"Every family of local minima with {_units(m)} ({shown}), as one of its functions; the "
        "global minimum in green.",
        atlas_panels(found, None),
    )


def _table(name: str, found: Atlas) -> DataTable:
    return table_of(
        name,
        [
            {
                "loss": str(f.loss),
                "dimension": f.dimension,
                "dead_units": f.dead_units,
                "differentiable": f.differentiable,
                "cells": f.cells,
                "alike": f.orbit,
                "connected": f.connected,
            }
            for f in found.minima
        ],
    )
