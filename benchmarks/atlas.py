"""How long an atlas and a global optimum take: a float peer, what each pruning saves, reach.

Run with `make bench` or `python benchmarks/atlas.py [--quick] [--seconds S] [--out DIR]`. The peer
is what a careful user would write: SciPy's nonnegative least squares over every cell, in floats; it
gives the best loss of each cell, but neither proofs nor minima on kinks, families or certificates.
"""

import argparse
import sys
from collections.abc import Iterator
from itertools import combinations_with_replacement, islice
from math import comb
from pathlib import Path
from time import perf_counter

import numpy as np
from scipy.optimize import nnls

import spurious_checker
from spurious import atlas, optimum
from spurious.atlas.atlas import Atlas
from spurious.atlas.parts import prepare, solve_branch
from spurious.figures import CostPanel, CostSeries, cost_curves, png_bytes, svg_text
from spurious.problem import (
    Loss,
    Network,
    Problem,
    dataset,
    dataset_from_arrays,
    dense_loss_of,
)
from spurious.train import cores

PEER_CELLS = 20_000
"""Cells that the peer is timed on; the rest of its time is extrapolated."""

LIMIT = {"n": (4, 6, 8, 10, 14, 20, 28, 40, 60), "m": (1, 2, 3, 4, 5, 6), "d": (1, 2, 3, 4, 5)}


def built_in(name: str, hidden: int) -> Problem:
    data = dataset(name).data
    return Problem(Network((data.inputs, hidden, 1), "relu"), Loss.SQUARED, data)


def made(n: int, d: int, hidden: int) -> Problem:
    """Random data in general position."""
    rng = np.random.Generator(np.random.Philox(key=1000 * n + d))
    x, y = rng.integers(-99, 100, (n, d)), rng.integers(-9, 10, (n, 1))
    return Problem(
        Network((d, hidden, 1), "relu"), Loss.SQUARED, dataset_from_arrays(x.tolist(), y.tolist())
    )


def peer(problem: Problem) -> float:
    """Seconds for SciPy over all cells, units unordered."""
    landscape = prepare(dense_loss_of(problem)).landscape
    images = np.array([[float(v) for v in g] for g in landscape.generators])
    images = images.reshape(-1, landscape.size)
    chambers = [
        images[[k for k in range(len(images)) if region >> k & 1]] for region in landscape.regions
    ]
    y = np.array([float(v) for v in landscape.targets])
    ones = np.ones((1, landscape.size))
    hidden, count = problem.network.hidden[0], 0
    start = perf_counter()
    for cell in islice(combinations_with_replacement(chambers, hidden), PEER_CELLS):
        nnls(np.vstack([ones, -ones, *cell]).T, y)
        count += 1
    return (perf_counter() - start) * comb(len(chambers) + hidden - 1, hidden) / count


def cells_alone(problem: Problem) -> float:
    """Seconds for our walk over the cells, exact, without what follows."""
    start = perf_counter()
    setting = prepare(dense_loss_of(problem))
    for first in setting.branches:
        solve_branch(setting, first)
    return perf_counter() - start


def timed(problem: Problem, workers: int) -> tuple[Atlas, float]:
    start = perf_counter()
    found = atlas(problem, workers=workers)
    return found, perf_counter() - start


def table(workers: int, quick: bool) -> None:
    print(f"{workers} cores\n")
    print(
        "| problem | cells | families | atlas (s) | cells alone (s) | SciPy, cells (s) | ratio "
        "| global (s) | check (s) |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    cases = [("d1", 3), ("d2", 3), ("d3", 3), ("xor", 3), ("xor", 4), ("jellyfish", 4)]
    for name, hidden in cases[2:5] if quick else cases:
        problem = built_in(name, hidden)
        timed(problem, 1)
        found, seconds = timed(problem, workers)
        best = optimum(problem)
        start = perf_counter()
        if not spurious_checker.check(dict(best.verdict.certificate or {})).valid:
            sys.exit("a certificate was rejected")
        check, other, own = perf_counter() - start, peer(problem), cells_alone(problem)
        print(
            f"| {name}, {hidden} units | {found.cells:,} | {found.families} | {seconds:.2f} | "
            f"{own:.3f} | {other:.3f} | {other / own:.1f} | {best.seconds:.3f} | {check:.3f} |"
        )


def savings() -> None:
    print("\n| problem | sets of regions | left out by symmetry | inherited | solved | fits |")
    print("|---|---|---|---|---|---|")
    for name, hidden in (("d3", 3), ("xor", 4), ("jellyfish", 4)):
        found = atlas(built_in(name, hidden))
        plain = comb(2 * found.chambers + hidden - 1, hidden)
        regions = len(prepare(dense_loss_of(built_in(name, hidden))).landscape.regions)
        sets = sum(comb(regions, k) for k in range(1, hidden + 1))
        work = found.work
        print(
            f"| {name}, {hidden} units | {sets:,} (of {plain:,} cells) | "
            f"{sets - work.inherited - work.solved:,} | {work.inherited:,} | {work.solved:,} | "
            f"{found.fits:,} |"
        )


def growth(workers: int, budget: float) -> Iterator[CostPanel]:
    """Times while one size grows, each curve until a problem takes longer than the budget."""
    for name, label, shapes in (
        ("n", "data points $n$", [(lambda n: (n, 1, 2)), (lambda n: (n, 2, 2))]),
        ("m", "hidden units $m$", [(lambda m: (6, 1, m)), (lambda m: (6, 2, m))]),
        ("d", "inputs $d$", [(lambda d: (8, d, 1)), (lambda d: (8, d, 2))]),
    ):
        held = {
            "n": ("d = 1, m = 2", "d = 2, m = 2"),
            "m": ("n = 6, d = 1", "n = 6, d = 2"),
            "d": ("n = 8, m = 1", "n = 8, m = 2"),
        }[name]
        series: list[CostSeries] = []
        for shape, text in zip(shapes, held, strict=True):
            for kind in ("atlas", "global"):
                sizes, times = [], []
                for value in LIMIT[name]:
                    problem = made(*shape(value))
                    start = perf_counter()
                    if kind == "atlas":
                        found = atlas(problem, workers=workers)
                        note = f"{found.cells:,} cells, {found.families:,} families"
                    else:
                        best = optimum(problem)
                        note = f"loss {float(best.loss):.4g}, {best.multipliers} multipliers"
                    seconds = perf_counter() - start
                    sizes.append(value)
                    times.append(seconds)
                    print(f"{kind:6}  {name} = {value:2}  {text}  {seconds:9.2f} s  {note}")
                    sys.stdout.flush()
                    if seconds > budget / 4:
                        break
                label_of = f"{kind}, {text}"
                series.append(CostSeries(label_of, np.array(sizes, float), np.array(times)))
        yield CostPanel(label, tuple(series))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few rows, no curves")
    parser.add_argument("--seconds", type=float, default=20.0, help="longest problem of a curve")
    parser.add_argument("--out", type=Path, default=Path("out/benchmarks"))
    options = parser.parse_args()
    workers = cores()
    table(workers, options.quick)
    savings()
    if options.quick:
        return
    print()
    panels = list(growth(workers, options.seconds))
    options.out.mkdir(parents=True, exist_ok=True)
    figure = cost_curves(panels)
    (options.out / "atlas-cost.svg").write_text(svg_text(figure), encoding="utf-8")
    (options.out / "atlas-cost.png").write_bytes(png_bytes(figure))


if __name__ == "__main__":
    main()
