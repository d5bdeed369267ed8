"""Trap rate against points per linear region of the fresh network (claim C14, in small).

`python examples/trap_rate.py [RUNS]` writes trap_rate.png.
"""

import sys
from pathlib import Path

import numpy as np

from spurious.construct import initial_regions
from spurious.figures import Series, SeriesPanel, png_bytes, series_panels
from spurious.problem import Dataset, Network, dataset, exact
from spurious.train import Initialisation, Optimiser, Recipe, starts, train_to_ends


def cell(name: str, scale: str, units: int, runs: int) -> tuple[float, float]:
    found = dataset(name)
    data = Dataset(tuple(tuple(exact(scale) * v for v in x) for x in found.data.x), found.data.y)
    start, adam = Initialisation("pytorch"), Optimiser("adam", 0.01)
    recipe = Recipe(Network((2, units, 1), "relu"), found.loss, data, start, adam, updates=5_000)
    _, ends = train_to_ends(recipe, 1, 0, runs)
    trapped = (ends.outcome != "solved") & (ends.heading != "solved")
    regions = initial_regions(recipe, starts(recipe, 1, 0, runs)).regions
    return float(np.mean(data.size / regions)), float(np.mean(trapped))


def main(runs: int = 500) -> None:
    series, cells = [], [(s, u) for s in ("1/30", "3/10", "1", "3", "10") for u in (2, 4, 8)]
    for name in ("xor", "jellyfish", "deadlock10"):
        at = np.array([cell(name, scale, units, runs) for scale, units in cells])
        series.append(Series(name, at[:, 0], at[:, 1], joined=False))
    labels = "five scales, three widths", "points per region at the start", "trap rate"
    panel = SeriesPanel(*labels, tuple(series), share=True)
    Path("trap_rate.png").write_bytes(png_bytes(series_panels([panel])))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
