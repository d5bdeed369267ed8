"""What 2-h-1 networks end in on XOR and Jellyfish: Table 1 of the paper by kind of failure.

    python examples/table1_outcomes.py [RUNS]

writes table1_outcomes.png. To keep every run as a row, see `spurious sweep` and table1.toml.
"""

import sys
from pathlib import Path

from spurious.figures import OutcomePanel, outcome_shares, png_bytes
from spurious.problem import Network, dataset
from spurious.sweep import clopper_pearson
from spurious.train import Initialisation, Optimiser, Outcome, Recipe, train_to_ends

SIZES = (2, 3, 4, 5, 6, 7)


def panel(name: str, activation: str, runs: int) -> OutcomePanel:
    data, start, adam = dataset(name), Initialisation("pytorch"), Optimiser("adam", 0.01)
    found = []
    for units in SIZES:
        net = Network((2, units, 1), activation)
        recipe = Recipe(net, data.loss, data.data, start, adam, updates=10_000)
        found.append(list(train_to_ends(recipe, 1, 0, runs)[1].outcome))
    shares = {o.replace("_", " "): tuple(f.count(o) / runs for f in found) for o in Outcome}
    rates = [clopper_pearson(f.count(Outcome.SOLVED), runs) for f in found]
    low, high = tuple(r.low for r in rates), tuple(r.high for r in rates)
    return OutcomePanel(f"{name}, {activation}", tuple(map(str, SIZES)), shares, low, high)


def main(runs: int = 2000) -> None:
    kinds = [(name, act) for name in ("xor", "jellyfish") for act in ("relu", "sigmoid")]
    panels = [panel(name, activation, runs) for name, activation in kinds]
    Path("table1_outcomes.png").write_bytes(png_bytes(outcome_shares(panels)))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
