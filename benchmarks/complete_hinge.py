"""Do networks trained with the hinge loss end in the list of its minima?

Run with `python benchmarks/complete_hinge.py [--starts N] [--problems K]`. XOR and Jellyfish with 2
units, and K random problems. Every run is trained in float64 and polished. Around its end SciPy
solves the linear program of every activation cell that it touches, written with the signs of
pre-activations as inequalities (the atlas has rays instead). If one of them is lower, the run was
still falling, or sits on a kink that descent leaves slowly. All others are minima as far as floats
tell: their losses have to be listed, and off kinks their activation patterns, too. Anything else is
a gap in the list, and ends this program with status 1.
"""

import argparse
import sys
from fractions import Fraction
from itertools import product
from random import Random
from time import perf_counter

import numpy as np
from scipy.optimize import linprog

from spurious import atlas
from spurious.atlas.hinge import hinge_strata
from spurious.atlas.random_starts import from_random_starts
from spurious.problem import DenseLoss, Network, dataset, dataset_from_arrays
from spurious.train import cores, train
from spurious.train.batched import preactivations
from spurious.train.polish import polish

SPREADS = (0.3, 1.0, 3.0, 10.0)
UPDATES = 5_000
POLISHES = 3
AT_KINK = 1e-5
"""A unit is on its kink at a point, or without output weight, below this share of its size."""
LOSS = 1e-6
"""Losses that differ by less than this times 1 + loss count as equal."""
MOST_SIDES = 10
"""Ends that touch more than 2^10 cells are not judged."""


class Cells:
    """Least losses of activation cells in floats, remembered."""

    def __init__(self, loss):
        self.x = np.array([[*map(float, row), 1.0] for row in loss.data.x])
        self.y = np.array([float(row[0]) for row in loss.data.y])
        self.slopes = [float(s) for s in loss.network.slopes]
        self.known = {}

    def least(self, cell):
        """The least loss of units given as (sign, sides)."""
        cell = tuple(sorted(cell))
        if cell not in self.known:
            self.known[cell] = self._solve(cell)
        return self.known[cell]

    def _solve(self, cell):
        n, width = self.x.shape
        count = len(cell) * width + 1
        outputs = np.zeros((n, count))
        outputs[:, -1] = 1
        walls = []
        for j, (sign, sides) in enumerate(cell):
            own = slice(j * width, (j + 1) * width)
            slope = np.where(np.array(sides) > 0, *self.slopes)
            outputs[:, own] = sign * slope[:, None] * self.x
            rows = np.zeros((n, count + n))
            rows[:, own] = -np.array(sides)[:, None] * self.x
            walls.append(rows)
        margins = np.hstack([-self.y[:, None] * outputs, -np.eye(n)])
        found = linprog(
            np.r_[np.zeros(count), np.ones(n)],
            A_ub=np.vstack([margins, *walls]),
            b_ub=np.r_[-np.ones(n), np.zeros(n * len(cell))],
            bounds=[(None, None)] * count + [(0, None)] * n,
        )
        assert found.status == 0, found.message
        return found.fun


def cells_around(network, at, zs, x):
    """Sides of each unit with None where they are open, and the signs that it can have."""
    d, h = network.inputs, network.hidden[0]
    incoming = np.hstack([at[: d * h].reshape(h, d), at[d * h : (d + 1) * h, None]])
    outgoing = at[(d + 1) * h : -1]
    units = []
    for j in range(h):
        size = np.linalg.norm(incoming[j])
        near = np.abs(zs[:, j]) <= AT_KINK * size * np.linalg.norm(x, axis=1)
        sides = [
            None if close else int(np.sign(z)) for close, z in zip(near, zs[:, j], strict=True)
        ]
        zero = abs(outgoing[j]) <= AT_KINK * (1 + np.abs(outgoing).max())
        units.append((sides, (1, -1) if zero else (int(np.sign(outgoing[j])),)))
    return units


def every_cell(units):
    options = []
    for sides, signs in units:
        choices = product(*([side] if side else (1, -1) for side in sides))
        options.append([(sign, choice) for choice in choices for sign in signs])
    return product(*options)


def signs_of(sides, loss):
    """Signs at the data points; no two inputs are equal here."""
    return tuple(
        (sides.positive >> i & 1) - (sides.negative >> i & 1) for i in range(loss.data.size)
    )


def judge(loss, starts, seed):
    """Counts of ends, and the losses that are missing."""
    begun = perf_counter()
    listed = atlas(loss)
    seconds = perf_counter() - begun
    losses = sorted({float(family.loss) for family in listed.minima})
    cells, patterns = Cells(loss), set()
    for value, states in hinge_strata(loss):
        own = sorted((state.sign, signs_of(state.sides, loss)) for state in states)
        patterns.add((float(value), tuple(own)))
    counts = dict.fromkeys(("at a listed loss", "of these off kinks", "falling", "many sides"), 0)
    hits, gaps = dict.fromkeys(losses, 0), []
    for number, spread in enumerate(SPREADS):
        recipe = from_random_starts(loss, spread, UPDATES)
        runs = starts // len(SPREADS)
        at = train(recipe, seed + number, 0, runs, threads=cores()).parameters
        for _ in range(POLISHES):
            at = polish(recipe, at, threads=cores()).parameters
        z, outputs = preactivations(recipe, at)
        ends = np.maximum(1 - cells.y * outputs[:, :, 0], 0).sum(axis=1)
        for row in range(runs):
            units = cells_around(loss.network, at[row], z[row], cells.x)
            tolerance = LOSS * (1 + ends[row])
            near = [value for value in losses if abs(value - ends[row]) <= tolerance]
            sides = sum(s.count(None) for s, _ in units) + sum(len(s) - 1 for _, s in units)
            smooth = sides == 0
            if near and not smooth:
                counts["at a listed loss"] += 1
                hits[near[0]] += 1
                continue
            if sides > MOST_SIDES:
                counts["many sides"] += 1
                continue
            if any(cells.least(cell) < ends[row] - tolerance for cell in every_cell(units)):
                counts["falling"] += 1
                continue
            pattern = tuple(sorted((signs[0], tuple(s)) for s, signs in units))
            if not near or (smooth and (near[0], pattern) not in patterns):
                gaps.append((float(ends[row]), at[row].tolist()))
                continue
            counts["at a listed loss"] += 1
            counts["of these off kinks"] += 1
            hits[near[0]] += 1
    return listed, seconds, counts, hits, gaps


def random_problem(seed):
    random = Random(seed)
    d = random.choice([1, 2])
    n, h = random.choice([4, 5, 6]) if d == 1 else 4, random.choice([1, 2])
    x = list(dict.fromkeys(tuple(random.randint(-3, 3) for _ in range(d)) for _ in range(n)))
    y = [[random.choice([-1, 1])] for _ in x[2:]]
    y = [[-1], [1], *y][: len(x)]
    activation = random.choice(["relu", "relu", "leaky_relu", "abs"])
    slope = Fraction(1, 4) if activation == "leaky_relu" else None
    network = Network((d, h, 1), activation, slope)
    return DenseLoss(network, "hinge", dataset_from_arrays(x, y))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=20_000, help="of XOR and Jellyfish")
    parser.add_argument(
        "--problems", type=int, default=6, help="random ones; a tenth of the starts"
    )
    options = parser.parse_args()
    cases = []
    for name in ("xor", "jellyfish"):
        loss = DenseLoss(Network((2, 2, 1), "relu"), "hinge", dataset(name).data)
        cases.append((name, loss, options.starts))
    for k in range(options.problems):
        cases.append((f"random {k}", random_problem(k), options.starts // 10))
    missing = 0
    for name, loss, starts in cases:
        listed, seconds, counts, hits, gaps = judge(loss, starts, 0)
        missing += len(gaps)
        told = ", ".join(f"{count} {what}" for what, count in counts.items())
        print(f"{name}: {listed!r} in {seconds:.2f} s")
        print(f"  {starts} starts: {told}, {len(gaps)} gaps")
        print("  ends at losses", {f"{loss:.6g}": count for loss, count in hits.items()})
        for gap in gaps[:3]:
            print("  GAP", gap)
        sys.stdout.flush()
    if missing:
        sys.exit(f"{missing} runs are unexplained")


if __name__ == "__main__":
    main()
