"""Every local minimum of a 1-2-1 ReLU network on the six points of D3, and how often each is met.

    python examples/atlas_d3.py [STARTS]

writes atlas_d3.png: one panel for each family of minima, lowest loss first, with its exact loss,
its dimension, and as a bar the share of random starts that end in it.
"""

import sys
from pathlib import Path

from spurious import Network, Problem, atlas
from spurious.atlas.basins import measure_basins
from spurious.figures import atlas_panels, png_bytes
from spurious.problem import dataset


def main(starts: int = 4000) -> None:
    d3 = dataset("d3")
    found = atlas(Problem(Network((1, 2, 1), "relu"), d3.loss, d3.data))
    basins = measure_basins(found, starts, seed=1, spread=5.0)
    figure = atlas_panels(found, [hits / basins.runs for hits in basins.hits])
    Path("atlas_d3.png").write_bytes(png_bytes(figure))
    lowest = found.minima[0]
    print(f"{found.families} families, complete: {found.complete}; lowest loss {lowest.loss}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
