"""Do trained networks end in the atlas? Random starts on the paper's data, and what is never hit.

Run with `python benchmarks/completeness.py [--starts N] [--quick]`. Every run is trained in
float64, polished and looked up; a run at no entry is handed to the certifier, which proves that the
loss still falls there, or finds the minimum nearby. `unknown` would be a gap in the atlas, or in
the certifier.
"""

import argparse
import sys

from spurious import atlas
from spurious.atlas.basins import measure_basins
from spurious.problem import Loss, Network, Problem, dataset
from spurious.train import cores

SPREADS = (0.5, 2.0, 5.0, 20.0)
CASES = [
    *((name, m) for name in ("d1", "d2", "d3") for m in (1, 2, 3)),
    *((name, m) for name in ("xor", "jellyfish") for m in (1, 2, 3)),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=20_000, help="random starts of each problem")
    parser.add_argument("--quick", action="store_true", help="a tenth of the starts")
    options = parser.parse_args()
    each = options.starts // (10 if options.quick else 1) // len(SPREADS)
    gaps = 0
    print("| problem | families | hit | starts | in a family | not told apart | still falling |"
          " unknown | never hit (losses) |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|")
    for name, hidden in CASES:
        data = dataset(name).data
        problem = Problem(Network((data.inputs, hidden, 1), "relu"), Loss.SQUARED, data)
        found = atlas(problem)
        hits = [0] * len(found.minima)
        apart = falling = unknown = 0
        for seed, spread in enumerate(SPREADS):
            basins = measure_basins(found, each, seed, spread=spread, threads=cores())
            hits = [a + b for a, b in zip(hits, basins.hits, strict=True)]
            apart += sum(basins.unplaced.values())
            falling += sum(basins.descending.values())
            unknown += sum(basins.unknown.values())
        gaps += unknown
        missed = [str(f.loss) for f, count in zip(found.minima, hits, strict=True) if not count]
        told = ", ".join(f"{loss} ({missed.count(loss)})" for loss in dict.fromkeys(missed))
        print(
            f"| {name}, {hidden} | {len(hits)} | {len(hits) - len(missed)} | "
            f"{each * len(SPREADS):,} | {sum(hits):,} | {apart:,} | {falling:,} | {unknown:,} | "
            f"{told or 'none'} |"
        )
        sys.stdout.flush()
    if gaps:
        sys.exit(f"{gaps} runs are unexplained")


if __name__ == "__main__":
    main()
