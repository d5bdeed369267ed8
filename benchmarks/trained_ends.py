"""What ends of training are proved to be, family by family, with a column for each rule.

    python benchmarks/trained_ends.py [FOLDER] [--each N] [--only TEXT] [--probe N] [--out DIR]

Without a folder it trains: 20 points in the plane with noisy targets, PyTorch's start, 20,000
updates of Adam in float64, then polished; network i of a family has data of its own, the same on
every machine. With a folder it reads problem files, whose families are their names without the
number. Every certificate is checked. With `--probe` the loss is computed in 60 digits at so many
random points around each minimum proved by interpolation, and none may be lower.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from fuzzing.case import from_data, parameters

import spurious
import spurious_checker
from fuzzing import precise
from spurious.problem import (
    Dataset,
    Loss,
    Network,
    Problem,
    problem_to_data,
    read_problem,
    unflatten,
    write_problem,
)
from spurious.train import Initialisation, Optimiser, Recipe, train
from spurious.train.polish import polish

FAMILIES = (
    ("relu-2-3-1-squared", (2, 3, 1), "relu", Loss.SQUARED),
    ("gelu-2-3-1-squared", (2, 3, 1), "gelu", Loss.SQUARED),
    ("tanh-2-3-1-squared", (2, 3, 1), "tanh", Loss.SQUARED),
    ("tanh-2-8-1-squared", (2, 8, 1), "tanh", Loss.SQUARED),
    ("tanh-2-4-4-1-squared", (2, 4, 4, 1), "tanh", Loss.SQUARED),
    ("tanh-2-3-3-squared", (2, 3, 3), "tanh", Loss.SQUARED),
    ("tanh-2-24-3-squared", (2, 24, 3), "tanh", Loss.SQUARED),
    ("relu-2-3-3-squared", (2, 3, 3), "relu", Loss.SQUARED),
    ("relu-2-16-16-1-squared", (2, 16, 16, 1), "relu", Loss.SQUARED),
    ("tanh-2-3-1-logistic", (2, 3, 1), "tanh", Loss.LOGISTIC),
    ("relu-2-3-3-crossentropy", (2, 3, 3), "relu", Loss.CROSS_ENTROPY),
)
POINTS = 20
UPDATES = 20_000
STEP = 0.01
DIGITS = 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, help="problem files to read")
    parser.add_argument("--each", type=int, default=10, help="networks of each family")
    parser.add_argument("--only", default="", help="families whose name holds this")
    parser.add_argument("--probe", type=int, default=0, help="points around each perfect fit")
    parser.add_argument("--out", type=Path, help="where the problems are written")
    options = parser.parse_args()
    found: dict[str, list[spurious.Verdict]] = {}
    refused, lower, checking = 0, 0, list[float]()
    spurious.certify(next(trained(1))[1])  # imports and compiles
    source = trained(options.each, options.only) if options.folder is None else read(options.folder)
    for name, problem in source:
        if options.only not in name:
            continue
        if options.out is not None:
            options.out.mkdir(parents=True, exist_ok=True)
            number = len(found.get(name, []))
            write_problem(problem, options.out / f"{name}-{number:02d}.json")
        verdict = spurious.certify(problem, check=False)
        found.setdefault(name, []).append(verdict)
        if verdict.certificate is not None:
            start = time.perf_counter()
            refused += not spurious_checker.check(json.loads(json.dumps(verdict.certificate))).valid
            checking.append(time.perf_counter() - start)
        if verdict.method == "interpolation":
            lower += probed(problem, verdict, options.probe)
    show(found)
    times = sorted(v.seconds for verdicts in found.values() for v in verdicts)
    print(
        f"\n{len(times)} ends; certify: median {statistics.median(times):.3f} s, worst "
        f"{times[-1]:.2f} s; check: median {statistics.median(checking):.3f} s; "
        f"{refused} certificates refused; {lower} probes lower than a global minimum"
    )
    sys.exit(bool(refused or lower))


def trained(each: int, only: str = "") -> Iterator[tuple[str, Problem]]:
    """Problems with ends of training as their points."""
    for name, widths, activation, loss in FAMILIES:
        if only not in name:
            continue
        network = Network(widths, activation)
        for index in range(each):
            data = dataset(index, network, loss)
            recipe = Recipe(
                network, loss, data, Initialisation("pytorch"), Optimiser("adam", STEP), UPDATES,
                precision="float64", tolerance=0.0, stop=False,
            )  # fmt: skip
            end = polish(recipe, train(recipe, index, 0, 1).parameters).parameters[0]
            point = unflatten(tuple(Fraction(v) for v in end.tolist()), network)
            yield name, Problem(network, loss, data, point)


def dataset(index: int, network: Network, loss: Loss) -> Dataset:
    """Points in the plane, and a curved function of them with as much noise."""
    rng = np.random.default_rng(index)
    x = rng.normal(size=(POINTS, network.inputs)).round(2)
    noise = rng.normal(size=(POINTS, network.outputs))
    clean = (
        x @ rng.normal(size=(network.inputs, network.outputs)) + (x**2).sum(1, keepdims=True) / 2
    )
    y = (clean + noise).round(2)
    if loss is Loss.LOGISTIC:
        y = np.where(y > np.median(y, axis=0), 1, -1)
    elif loss is Loss.CROSS_ENTROPY:
        y = y.argmax(axis=1)[:, None]
    exact = [
        tuple(tuple(Fraction(str(v)) for v in row) for row in rows.tolist()) for rows in (x, y)
    ]
    return Dataset(exact[0], exact[1])


def read(folder: Path) -> Iterator[tuple[str, Problem]]:
    """The problem files of a folder, with the names of their families."""
    for path in sorted(folder.glob("*.json")):
        yield path.stem.rsplit("-", 1)[0], read_problem(path)


def probed(problem: Problem, verdict: spurious.Verdict, count: int) -> int:
    """How many random points around a minimum have a smaller loss, in many digits."""
    assert verdict.certificate is not None and verdict.loss is not None
    case = from_data(problem_to_data(replace(problem, witness=None)))
    ctx, rng = precise.context(DIGITS), np.random.default_rng(0)
    centre = [precise.real(ctx, v) for v in parameters(verdict.certificate["proof"]["centre"])]
    least = precise.real(ctx, verdict.loss.lower) - ctx.mpf(10) ** (10 - DIGITS)
    lower = 0
    for _ in range(count):
        moves = 10 ** rng.uniform(-14, 0) * rng.normal(size=len(centre))
        there = [c + ctx.mpf(m) for c, m in zip(centre, moves.tolist(), strict=True)]
        lower += precise.loss(case, ctx, precise.forward(case, ctx, there).outputs) < least
    return lower


def show(found: dict[str, list[spurious.Verdict]]) -> None:
    """The table: how many ends of each family each rule decided."""
    rules = sorted({v.method for verdicts in found.values() for v in verdicts})
    print("|".join(["", " family ", *(f" {rule} " for rule in rules), " global "]), end="")
    print("| only stopped | certify (s) |")
    print("|---" * (len(rules) + 4) + "|")
    for name, verdicts in found.items():
        counts = Counter(v.method for v in verdicts)
        best = sum(v.is_global is spurious.Answer.YES for v in verdicts)
        stopped = sum(v.unfinished is not None for v in verdicts)
        seconds = statistics.median(v.seconds for v in verdicts)
        numbers = [*(counts[rule] for rule in rules), best, stopped]
        cells = " | ".join(str(n or "") for n in numbers)
        print(f"| {name} | {cells} | {seconds:.3f} |")


if __name__ == "__main__":
    main()
