"""The sweep behind C14: datasets, scales, widths and starts; what each run started from and met."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from spurious.construct import initial_regions
from spurious.problem import (
    BuiltIn,
    Dataset,
    Loss,
    dataset,
    dataset_from_arrays,
)
from spurious.studies.report.claim import Budget, Context
from spurious.studies.sweeping import swept
from spurious.sweep import Cell, cell_rows, connect, plan_of
from spurious.train import Outcome, Recipe, starts

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
        scale: The largest input of its data.
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
    made = [
        (name, scale, BuiltIn(f"{name}-{scale}", "", "", Loss.LOGISTIC, _scaled(data, scale)))
        for name, data in _datasets().items()
        for scale in SCALES[context.budget]
    ]
    plan = plan_of(
        f"regions-{context.budget}",
        [
            {
                "dataset": data,
                "hidden": list(WIDTHS[context.budget]),
                "activation": "relu",
                "initialisation": [BIASED, UNBIASED],
                "optimiser": "adam",
                "step_size": 0.01,
                "updates": UPDATES,
            }
            for _, _, data in made
        ],
        runs=RUNS[context.budget],
        seed=SEED,
    )
    store = swept(plan, context)
    context.say("C14: regions of the starts")
    runs = connect(store)
    arms = {data.name: (name, scale) for name, scale, data in made}
    return [_measured(cell, *arms[str(cell.labels[0])], plan.runs, runs) for cell in plan.cells]


def _measured(cell: Cell, name: str, scale: float, count: int, runs: Any) -> RegionCell:
    recipe = cell.recipe
    assert isinstance(recipe, Recipe)
    rows = cell_rows(runs, cell, ("outcome", "heading"))
    unsolved = np.array([row["outcome"] != Outcome.SOLVED for row in rows])
    astray = np.array([row["heading"] != Outcome.SOLVED for row in rows])
    regions = initial_regions(recipe, starts(recipe, SEED, 0, count))
    return RegionCell(
        name,
        scale,
        recipe.network.hidden[0],
        recipe.initialisation.name,
        recipe.data.size / regions.regions.astype(float),
        regions.mixed,
        unsolved.astype(float),
        (unsolved & astray).astype(float),
    )


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
