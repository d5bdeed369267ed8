"""Affine targets, few ReLU units: which bad minima do finite samples have?

`python benchmarks/affine_targets.py [--units 1 2] [--points 4 6 8 12] [--slope 1/10] [--most 48]`
lists all local minima (`atlas`) of 1-h-1 networks on x = 0, 1, ..., n - 1 with y = x, relu and
leaky relu, and sorts the bad ones by a point of each: a dead unit; a unit whose kink lies in the
first or last gap between samples; two kinks in one gap (a step); none of these. Then one leaky
unit, for all n up to --most. Losses are divided by that of the best constant, n (n^2 - 1) / 12.
docs/constructions/affine-targets.md says what to make of it.
"""

import argparse
import time
from collections import Counter
from fractions import Fraction
from math import floor

import spurious
from spurious.problem import Dataset, Loss, Network, Problem
from spurious.verdict import Answer


def listed(points, units, activation, slope):
    """All families of local minima, and the bad ones."""
    row = tuple((Fraction(x),) for x in range(points))
    network = Network((1, units, 1), activation, slope)
    atlas = spurious.atlas(Problem(network, Loss.SQUARED, Dataset(row, row)))
    assert atlas.complete
    return atlas.minima, [f for f in atlas.minima if atlas.is_global(f) is Answer.NO]


def gaps(family):
    """The gap between samples in which each unit has its kink: k for [k, k + 1)."""
    (first, last) = family.point.layers
    pairs = zip(first.weight, first.bias, last.weight[0], strict=True)
    return [floor(-b / w) for (w,), b, v in pairs if w and v]


def kind(family, points):
    found = gaps(family)
    if family.dead_units:
        return "a dead unit"
    if any(g <= 0 or g >= points - 2 for g in found):
        return "a kink in an outer gap"
    return "two kinks in one gap" if len(set(found)) < len(found) else "none of these"


def share(family, points):
    return float(family.loss * 12 / (points * (points**2 - 1)))


def main():
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--units", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--points", type=int, nargs="+", default=[4, 6, 8, 12, 16])
    parser.add_argument("--slope", type=Fraction, default=Fraction(1, 10))
    parser.add_argument("--most", type=int, default=48)
    args = parser.parse_args()
    for activation, slope in (("relu", None), ("leaky_relu", args.slope)):
        for units in args.units:
            for points in args.points:
                start = time.process_time()
                minima, bad = listed(points, units, activation, slope)
                kinds = dict(Counter(kind(f, points) for f in bad))
                rest = [share(f, points) for f in bad if kind(f, points) == "none of these"]
                seconds = time.process_time() - start
                print(
                    f"{activation}, {units} units, {points} points: {len(minima)} families, "
                    f"{len(bad)} bad {kinds} {[f'{s:.4f}' for s in rest]}, {seconds:.1f} s",
                    flush=True,
                )
    found = {n: [share(f, n) for f in listed(n, 1, "leaky_relu", args.slope)[1]]
             for n in range(3, args.most + 1)}  # fmt: skip
    none = [n for n, shares in found.items() if not shares]
    root = float(args.slope) ** 0.5
    print(f"one unit of slope {args.slope}: none bad for n = {none}; else, for the last eight,")
    print([f"{n}: {max(s):.4f}" for n, s in found.items() if s][-8:])
    print(f"saddle of the integral loss: {((1 - root) / (1 + root)) ** 2:.4f}")


if __name__ == "__main__":
    main()
