"""Complete lists with weight decay on the paper's data: how long, how many, and is anything missed?

    python benchmarks/decay_lists.py [--starts N] [--quick] [--free]

For each problem and decay: the list, in processor seconds; whether every family has a certificate
that the checker accepts; and where networks that the engine trains end. A network that ends
elsewhere would be a gap, and makes the exit status 1. With --free biases cost nothing.
"""

from __future__ import annotations

import argparse
import sys
from fractions import Fraction
from time import process_time

from spurious import certify, dataset, penalised_atlas
from spurious.atlas.decay.basins import measure_decay_basins
from spurious.problem import DenseLoss, Network, Penalty
from spurious.train import cores

CASES = (("xor", 2), ("xor", 3), ("xor", 4), ("jellyfish", 2), ("jellyfish", 3), ("d3", 2))
DECAYS = ("1/1000", "1/100", "1/20", "1/5", "1/2")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--starts", type=int, default=20_000, help="networks, over all problems")
    parser.add_argument("--quick", action="store_true", help="two units only")
    parser.add_argument("--free", action="store_true", help="biases cost nothing")
    options = parser.parse_args()
    cases = [case for case in CASES if case[1] == 2 or not options.quick]
    each = options.starts // (len(cases) * len(DECAYS))
    gaps = 0
    print("| problem | decay | families | looked at | solved | undecided | seconds | certificates |"
          " networks | in the list | dead unit | elsewhere |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    for name, hidden in cases:
        for decay in DECAYS:
            data = dataset(name).data
            network = Network((data.inputs, hidden, 1), "relu")
            start = process_time()
            penalty = Penalty(Fraction(decay), biases=not options.free)
            found = penalised_atlas(DenseLoss(network, "squared", data, penalty))
            seconds = process_time() - start
            verdicts = [certify(found.problem(family), search=False) for family in found.minima]
            proved = sum(verdict.claim.is_minimum for verdict in verdicts)
            ends = measure_decay_basins(found, each, 1, spread=2.0, threads=cores())
            gaps += sum(ends.unknown.values())
            print(
                f"| {name}, {hidden} | {decay} | {found.families} | {found.visited:,} of "
                f"{found.cells:,} | {found.solved:,} | {len(found.undecided)} | {seconds:.1f} | "
                f"{proved} of {len(verdicts)} | {ends.runs:,} | {sum(ends.hits):,} | "
                f"{sum(ends.resting.values()):,} | {sum(ends.unknown.values()):,} |",
                flush=True,
            )
    if gaps:
        sys.exit(f"{gaps} networks ended outside of the list")


if __name__ == "__main__":
    main()
