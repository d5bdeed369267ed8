"""The sweep behind C14: datasets, scales, widths and starts; what each run started from and met."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from spurious.construct import initial_regions
from spurious.paper.claim import Budget, Context
from spurious.paper.sweeping import swept
from spurious.problem import (
    Dataset,
    Loss,
    Network,
    Problem,
    dataset,
    dataset_from_arrays,
    write_problem,
)
from spurious.sweep import AXES, Cell, Plan, connect, parse_plan
from spurious.train import Recipe, starts

__all__ = ["BIASED", "UNBIASED", "UPDATES", "RegionCell", "region_cells"]

BIASED: Final = "pytorch"
UNBIASED: Final = "lecun_uniform"
"""Two starts: with biases, so that scaling the data changes their regions; without, so that it does
not. The weights are uniform in both."""

SCALES: Final = {
    Budget.QUICK: (0.03, 0.3, 3.0),
    Budget.STANDARD: (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0),
    Budget.FULL: (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0),
}
"""The largest input."""

WIDTHS: Final = {
    Budget.QUICK: (2, 4, 8),
    Budget.STANDARD: (2, 4, 8, 16),
    Budget.FULL: (2, 4, 8, 16),
}
RUNS: Final = {Budget.QUICK: 50, Budget.STANDARD: 500, Budget.FULL: 5_000}
UPDATES: Final = 5_000
SEED: Final = 14

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class RegionCell:
    """What was measured of the runs of one cell.

    Attributes:
        data: Name of the dataset.
        scale: Its largest input.
        width: Hidden units.
        start: Initial distribution.
        crowding: Points for each region that holds one, at the start, shape (runs,).
        mixed: Share of points whose region also holds the other class, at the start, (runs,).
        unsolved: 1 where training did not reach zero error, else 0, (runs,).
        trapped: 1 where moreover descent from the end leads to no solution, (runs,).
    """

    data: str
    scale: float
    width: int
    start: str
    crowding: Floats
    mixed: Floats
    unsolved: Floats
    trapped: Floats


def region_cells(context: Context) -> list[RegionCell]:
    """Runs the sweep, and counts the regions of its starts."""
    plan = _plan(context)
    store = swept(plan, context)
    context.say("C14: regions of the starts")
    runs = connect(store)
    return [_measured(cell, plan.runs, runs) for cell in plan.cells]


def _measured(cell: Cell, count: int, runs: Any) -> RegionCell:
    label = dict(zip(AXES, map(str, cell.labels), strict=True))
    file, width, start = label["dataset"], label["hidden"], label["initialisation"]
    found: Any = runs.execute(
        "SELECT outcome <> 'solved' AS unsolved, "
        "outcome <> 'solved' AND heading <> 'solved' AS trapped "
        "FROM runs WHERE dataset = ? AND hidden = ? AND initialisation = ? ORDER BY index",
        [file, width, start],
    ).fetchnumpy()
    assert isinstance(cell.recipe, Recipe)
    regions = initial_regions(cell.recipe, starts(cell.recipe, SEED, 0, count))
    name, _, scale = file.removesuffix(".json").partition("-")
    return RegionCell(
        name,
        float(scale),
        int(width),
        start,
        cell.recipe.data.size / regions.regions.astype(float),
        regions.mixed,
        np.asarray(found["unsolved"], dtype=float),
        np.asarray(found["trapped"], dtype=float),
    )


def _plan(context: Context) -> Plan:
    folder = context.folder / "regions-data"
    folder.mkdir(parents=True, exist_ok=True)
    names: list[str] = []
    for name, data in _datasets().items():
        for scale in SCALES[context.budget]:
            network = Network((data.inputs, 2, 1), "relu")
            names.append(f"{name}-{scale}.json")
            write_problem(Problem(network, Loss.LOGISTIC, _scaled(data, scale)), folder / names[-1])
    name = f"regions-{context.budget}"
    lines = (
        f'name = "{name}"',
        f"seed = {SEED}",
        f"runs = {RUNS[context.budget]}",
        "[grid]",
        f"dataset = {names}",
        f"hidden = {list(WIDTHS[context.budget])}",
        'activation = "relu"',
        f'initialisation = ["{BIASED}", "{UNBIASED}"]',
        'optimiser = "adam"',
        "step_size = 0.01",
        f"updates = {UPDATES}",
        "",
    )
    return parse_plan("\n".join(lines), name, folder)


def _datasets() -> dict[str, Dataset]:
    """The datasets; the random ones from a fixed seed."""
    generator = np.random.default_rng(SEED)
    corners = np.array([[0, 0], [1, 1], [0, 1], [1, 0]])
    blobs = np.repeat(corners - 0.5, 5, axis=0) + 0.12 * generator.standard_normal((20, 2))
    angle = 2 * np.pi * np.arange(10) / 10
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return {
        "xor": dataset("xor").data,
        "jellyfish": dataset("jellyfish").data,
        "deadlock10": dataset("deadlock10").data,
        "blobs": _labelled(blobs, np.repeat([1, 1, -1, -1], 5)),
        "circles": _labelled(np.concatenate([circle, circle / 2]), np.repeat([1, -1], 10)),
        "cloud": _labelled(
            generator.standard_normal((16, 5)), generator.permutation(np.repeat([1, -1], 8))
        ),
    }


def _labelled(x: Floats, y: NDArray[np.int64]) -> Dataset:
    return dataset_from_arrays(np.round(x, 4), y[:, None])


def _scaled(data: Dataset, largest: float) -> Dataset:
    """The data with inputs multiplied so that the largest is as given."""
    factor = Fraction(str(largest)) / max(abs(v) for x in data.x for v in x)
    return Dataset(tuple(tuple(factor * v for v in x) for x in data.x), data.y)
