"""What weight decay costs the engine: the same networks without it, with a penalty, with AdamW.

`python benchmarks/decay.py [--quick] [--rounds 150]`, or `make bench`. One core; kinds take turns
in short rounds, so that a machine with other work disturbs all alike. Given are the processor time
of a kind's fastest round, and the median over the rounds of its share of that of no decay.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from statistics import median
from time import process_time

from peers.problem import Case

from spurious.problem import Penalty
from spurious.train import Optimiser, Recipe, train

CASES = (("relu", 2, 4), ("relu", 4, 4), ("sigmoid", 4, 4), ("relu", 16, 64))
NETWORKS = 4096
SECONDS = 0.03
"""Processor time of a round of one kind, about."""
STEP = 1e-3


def kinds(plain: Recipe) -> dict[str, Recipe]:
    """The recipes that are compared."""
    penalty = Penalty(Fraction(1, 1000))
    adamw = Optimiser("adamw", STEP, weight_decay=0.01)
    return {
        "no decay": plain,
        "penalty": replace(plain, penalty=penalty),
        "adamw": replace(plain, optimiser=adamw),
        "adamw, weights alone": replace(plain, optimiser=replace(adamw, biases=False)),
    }


def seconds(recipe: Recipe) -> float:
    """Processor time of training once."""
    begin = process_time()
    train(recipe, 1, 0, NETWORKS, threads=1)
    return process_time() - begin


def compare(case: Case, rounds: int) -> None:
    """Prints a line for each kind."""
    seconds(case.recipe(1))  # compiles
    updates = 10
    while (spent := seconds(case.recipe(updates))) < SECONDS / 2:
        updates = int(updates * min(10.0, SECONDS / max(spent, 1e-3)))
    recipes = kinds(case.recipe(updates))
    found: dict[str, list[float]] = {kind: [] for kind in recipes}
    for kind in recipes:
        seconds(recipes[kind])
    for turn in range(rounds):
        order: Sequence[str] = list(recipes)
        for kind in order if turn % 2 else reversed(order):
            found[kind].append(seconds(recipes[kind]))
    for kind, times in found.items():
        ratios = [mine / plain for mine, plain in zip(times, found["no decay"], strict=True)]
        print(
            f"{case.activation:8}2-{case.hidden}-1  n={case.points:<4}{kind:22}"
            f"{min(times) / NETWORKS / updates * 1e9:7.2f} ns a network-update  "
            f"{median(ratios):.3f} of no decay",
            flush=True,
        )


def main() -> None:
    """Compares all kinds on all cases."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one case, a few seconds")
    parser.add_argument("--rounds", type=int, default=150, help="of each kind (default 150)")
    arguments = parser.parse_args()
    for activation, hidden, points in CASES[1:2] if arguments.quick else CASES:
        compare(Case(activation, hidden, points, NETWORKS), arguments.rounds)


if __name__ == "__main__":
    main()
