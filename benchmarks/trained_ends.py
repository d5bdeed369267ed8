"""What ends of training are proved to be, family by family, with a column for each rule.

    python benchmarks/trained_ends.py [FOLDER] [--each N] [--only TEXT] [--probe N] [--out DIR]
    python benchmarks/trained_ends.py [--l2 X [--free-biases]] [--hinge] [--mean] [--weighted] ...
    python benchmarks/trained_ends.py --table1 [--each N] ...

Without a folder it trains: 20 points in the plane with noisy targets, PyTorch's start, 20,000
updates of Adam in float64, then polished; network i of a family has data of its own, the same on
every machine. With a folder it reads problem files, whose families are their names without the
number. Every certificate is checked. With `--probe` the loss is enclosed in 77 digits at so many
random points around each minimum proved by one of the rules `PROBED`, and none may be lower.
With `--l2` the loss has that penalty, on biases too unless they are free; with `--hinge` the
families of the logistic loss have the hinge loss instead, and the others are left out; with
`--mean` the data's loss is a mean; with `--weighted` the points weigh 1/2, 1 and 2 in turn. So have
training, its polish and the problem; `--probe` then does nothing. `--descents N` polishes up to N
times, each time with 2,000 steps more, until one ends before. `--updates N` trains for N updates
instead. With kinks `--kicks N` descends N times more, from the end moved a little at random, and
keeps what is lower. `--list` names the ends that are no proved minimum, and why; with
`--without TEXT` families whose name holds this are left out. With `--table1` the networks are those
of the paper's Table 1 (log loss, Adam with step 0.01, 10,000 updates) on XOR and Jellyfish, and of
N runs of a cell those count that end at log 2 or above, which is the least loss with a point on the
wrong side.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
from flint import arb, arb_mat
from fuzzing.case import parameters as flat_parameters

import spurious
import spurious_checker
from spurious import Decision
from spurious.exact import balls
from spurious.exact.rationals import rational
from spurious.problem import (
    Dataset,
    Loss,
    Network,
    Penalty,
    Problem,
    ProgramProblem,
    read_any_problem,
    unflatten,
    write_problem,
    write_program_problem,
)
from spurious.problem import (
    dataset as built_in,
)
from spurious.train import Initialisation, Optimiser, Recipe, train
from spurious.train.polish import ITERATIONS, polish
from spurious.train.runs import Floats

FAMILIES = (
    ("relu-2-3-1-squared", (2, 3, 1), "relu", Loss.SQUARED),
    ("relu-2-8-1-squared", (2, 8, 1), "relu", Loss.SQUARED),
    ("gelu-2-3-1-squared", (2, 3, 1), "gelu", Loss.SQUARED),
    ("tanh-2-3-1-squared", (2, 3, 1), "tanh", Loss.SQUARED),
    ("tanh-2-8-1-squared", (2, 8, 1), "tanh", Loss.SQUARED),
    ("tanh-2-4-4-1-squared", (2, 4, 4, 1), "tanh", Loss.SQUARED),
    ("tanh-2-3-3-squared", (2, 3, 3), "tanh", Loss.SQUARED),
    ("tanh-2-24-3-squared", (2, 24, 3), "tanh", Loss.SQUARED),
    ("relu-2-3-3-squared", (2, 3, 3), "relu", Loss.SQUARED),
    ("relu-2-8-3-squared", (2, 8, 3), "relu", Loss.SQUARED),
    ("relu-2-2-2-1-squared", (2, 2, 2, 1), "relu", Loss.SQUARED),
    ("relu-2-4-4-1-squared", (2, 4, 4, 1), "relu", Loss.SQUARED),
    ("relu-2-16-16-1-squared", (2, 16, 16, 1), "relu", Loss.SQUARED),
    ("relu-2-3-1-logistic", (2, 3, 1), "relu", Loss.LOGISTIC),
    ("relu-2-8-1-logistic", (2, 8, 1), "relu", Loss.LOGISTIC),
    ("relu-2-2-2-1-logistic", (2, 2, 2, 1), "relu", Loss.LOGISTIC),
    ("tanh-2-3-1-logistic", (2, 3, 1), "tanh", Loss.LOGISTIC),
    ("relu-2-3-3-crossentropy", (2, 3, 3), "relu", Loss.CROSS_ENTROPY),
    ("tanh-2-3-3-crossentropy", (2, 3, 3), "tanh", Loss.CROSS_ENTROPY),
)
PROBED = ("interpolation", "kinked", "constant_rank")
"""Rules around whose minima losses are compared."""

USEFUL = (Decision.LOCAL_MINIMUM, Decision.LOCAL_MINIMUM_NEARBY, Decision.SADDLE_NEARBY)
POINTS = 20
UPDATES = 20_000
STEP = 0.01
HIDDEN = (2, 3, 4)
SMOOTH = {"tanh": arb.tanh, "sigmoid": lambda z: 1 / (1 + (-z).exp())}
BITS = 256
KICKS = (-2, -3, -4)
"""Powers of ten by which ends are moved before another descent."""

CLOSER = 6
"""How often a point that is lower is looked at again, each time a thousand times closer."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, help="problem files to read")
    parser.add_argument("--each", type=int, default=10, help="networks of each family")
    parser.add_argument("--only", default="", help="families whose name holds this")
    parser.add_argument("--without", help="families whose name does not hold this")
    parser.add_argument("--list", action="store_true", help="what is no proved minimum, and why")
    parser.add_argument("--probe", type=int, default=0, help="points around each minimum")
    parser.add_argument("--l2", type=Fraction, default=Fraction(0), help="the penalty")
    parser.add_argument("--free-biases", action="store_true", help="no penalty on biases")
    parser.add_argument("--hinge", action="store_true", help="the hinge loss for the logistic one")
    parser.add_argument("--mean", action="store_true", help="the mean over the points")
    parser.add_argument("--weighted", action="store_true", help="points weigh 1/2, 1 and 2")
    parser.add_argument("--descents", type=int, default=1, help="most descents after training")
    parser.add_argument("--kicks", type=int, default=0, help="descents from ends that are moved")
    parser.add_argument("--updates", type=int, default=UPDATES, help="of training")
    parser.add_argument("--table1", action="store_true", help="runs of Table 1 that fail")
    parser.add_argument("--out", type=Path, help="where the problems are written")
    options = parser.parse_args()
    found: dict[str, list[spurious.Verdict]] = {}
    refused, lower, probes, checking = 0, 0, 0, list[float]()
    spurious.certify(next(trained(1, parser.parse_args([])))[1])  # imports and compiles
    if options.folder is not None:
        source = read(options.folder)
    else:
        source = failed(options.each) if options.table1 else trained(options.each, options)
    for name, problem in source:
        if options.only not in name:
            continue
        if options.out is not None:
            options.out.mkdir(parents=True, exist_ok=True)
            number = len(found.get(name, []))
            path = options.out / f"{name}-{number:02d}.json"
            if isinstance(problem, Problem):
                write_problem(problem, path)
            else:
                write_program_problem(problem, path)
        verdict = spurious.certify(problem, check=False)
        if options.list and not verdict.claim.is_minimum:
            number, told = len(found.get(name, [])), verdict.reason
            print(f"{name}-{number:02d}: {verdict.decision}: {told}", flush=True)
        found.setdefault(name, []).append(verdict)
        if verdict.certificate is not None:
            start = time.perf_counter()
            refused += not spurious_checker.check(json.loads(json.dumps(verdict.certificate))).valid
            checking.append(time.perf_counter() - start)
        if verdict.method in PROBED and options.probe and isinstance(problem, Problem):
            probes += 1
            lower += probed(problem, verdict, options.probe)
    show(found)
    times = sorted(v.seconds for verdicts in found.values() for v in verdicts)
    useful = sum(is_useful(v) for verdicts in found.values() for v in verdicts)
    print(
        f"\n{useful} of {len(times)} ends are a minimum, a valley with its limit or a saddle; "
        f"certify: median {statistics.median(times):.3f} s, worst {times[-1]:.2f} s; "
        f"check: median {statistics.median(checking):.3f} s; {refused} certificates refused; "
        f"{options.probe} points around each of {probes} minima, {lower} lower"
    )
    sys.exit(bool(refused or lower))


def trained(
    each: int, options: argparse.Namespace
) -> Iterator[tuple[str, Problem | ProgramProblem]]:
    """Problems with ends of training as their points, and the loss that the options say."""
    weights = tuple(Fraction(2) ** (i % 3 - 1) for i in range(POINTS))
    objective = {
        "penalty": Penalty(options.l2, biases=not options.free_biases),
        "reduction": "mean" if options.mean else "sum",
        "weights": weights if options.weighted else None,
    }
    for family, widths, activation, own in FAMILIES:
        if options.hinge and own is not Loss.LOGISTIC:
            continue
        loss = "hinge" if options.hinge else own
        name = family.replace("logistic", loss)
        if options.only not in name or (options.without and options.without in name):
            continue
        network = Network(widths, activation)
        for index in range(each):
            data = dataset(index, network, loss)
            recipe = Recipe(
                network, loss, data, Initialisation("pytorch"), Optimiser("adam", STEP),
                options.updates, precision="float64", tolerance=0.0, stop=False, **objective,
            )  # fmt: skip
            end = descended(recipe, train(recipe, index, 0, 1).parameters, options.descents)
            if network.homogeneous:
                end = kicked(recipe, end, options.kicks, options.descents)
            yield name, recipe.problem(tuple(Fraction(v) for v in end.tolist()))


def descended(recipe: Recipe, at: Floats, most: int) -> Floats:
    """Where descents from parameters (1, P) end, one after the other; shape (P,)."""
    for _ in range(most):
        end = polish(recipe, at)
        at = end.parameters
        if end.steps[0] < ITERATIONS:
            break
    return at[0]


def kicked(recipe: Recipe, end: Floats, count: int, most: int) -> Floats:
    """The lowest end of descents that begin at the last one, moved at random; shape (P,).

    Among kinks, or where a unit is all but at zero, a descent may stop before it is at rest.
    """
    rng = np.random.default_rng(0)
    best = polish(recipe, end[None]).loss[0] if count else math.inf
    for _ in range(count):
        size = 10.0 ** rng.choice(KICKS)
        moved = end * (1 + size * rng.normal(size=end.shape)) + size * rng.normal(size=end.shape)
        there = descended(recipe, moved[None], most)
        loss = polish(recipe, there[None]).loss[0]
        if loss < best:
            end, best = there, loss
    return end


def failed(each: int) -> Iterator[tuple[str, Problem]]:
    """Runs of Table 1 with a point on the wrong side in the end, or nearly so."""
    for name in ("xor", "jellyfish"):
        x, y = built_in(name).arrays
        data = Dataset(tuple(map(tuple, x)), tuple(map(tuple, y)))
        for activation in ("relu", "sigmoid"):
            for hidden in HIDDEN:
                network = Network((2, hidden, 1), activation)
                recipe = Recipe(
                    network, Loss.LOGISTIC, data, Initialisation("pytorch"),
                    Optimiser("adam", STEP), UPDATES // 2, precision="float64", tolerance=0.0,
                    stop=False,
                )  # fmt: skip
                ends = polish(recipe, train(recipe, 0, 0, each).parameters).parameters
                for end in ends:
                    point = unflatten(tuple(Fraction(v) for v in end.tolist()), network)
                    problem = Problem(network, Loss.LOGISTIC, data, point)
                    if float(loss_of(problem)([arb(v) for v in end.tolist()])) >= math.log(2):
                        yield f"{name}-{activation}-2-{hidden}-1", problem


def dataset(index: int, network: Network, loss: str) -> Dataset:
    """Points in the plane, and a curved function of them with as much noise."""
    rng = np.random.default_rng(index)
    x = rng.normal(size=(POINTS, network.inputs)).round(2)
    noise = rng.normal(size=(POINTS, network.outputs))
    clean = (
        x @ rng.normal(size=(network.inputs, network.outputs)) + (x**2).sum(1, keepdims=True) / 2
    )
    y = (clean + noise).round(2)
    if loss in (Loss.LOGISTIC, "hinge"):
        y = np.where(y > np.median(y, axis=0), 1, -1)
    elif loss == Loss.CROSS_ENTROPY:
        y = y.argmax(axis=1)[:, None]
    exact = [
        tuple(tuple(Fraction(str(v)) for v in row) for row in rows.tolist()) for rows in (x, y)
    ]
    return Dataset(exact[0], exact[1])


def read(folder: Path) -> Iterator[tuple[str, Problem | ProgramProblem]]:
    """The problem files of a folder, with the names of their families."""
    for path in sorted(folder.glob("*.json")):
        yield path.stem.rsplit("-", 1)[0], read_any_problem(path)


def is_useful(verdict: spurious.Verdict) -> bool:
    """Whether it says more than that the loss falls."""
    return verdict.decision in USEFUL or verdict.valley_limit is not None


def probed(problem: Problem, verdict: spurious.Verdict, count: int) -> int:
    """How many random points around a minimum have a smaller loss, however near they are.

    Beyond the next barrier the loss may be smaller: so a lower point counts if those on the way to
    it are lower, too. A perfect fit is global, and every lower point counts.
    """
    assert verdict.certificate is not None and verdict.loss is not None
    rng = np.random.default_rng(0)
    with balls.precision(BITS):
        centre = [arb(rational(v)) for v in flat_parameters(verdict.certificate["proof"]["centre"])]
        loss = loss_of(problem)
        least = arb(rational(verdict.loss.lower))
        anywhere = verdict.method == "interpolation"

        def is_lower(moves: list[float], share: float) -> bool:
            there = [c + arb(share * m) for c, m in zip(centre, moves, strict=True)]
            return bool(loss(there) < least)

        sizes = np.array([max(1e-3, abs(float(c.mid()))) for c in centre])
        lower = 0
        for _ in range(count):
            some = rng.random(len(centre)) < rng.choice([1.0, 0.3, 2 / len(centre)])
            moves = (sizes * some * rng.normal(size=len(centre))).tolist()
            share = 10 ** rng.uniform(-14, 0 if anywhere else -4)
            found = is_lower(moves, share)
            for _ in range(0 if anywhere else CLOSER):
                share /= 1000
                found = found and is_lower(moves, share)
            lower += found
    return lower


def loss_of(problem: Problem) -> Callable[[Sequence[arb]], arb]:
    """The loss at parameters in balls, written anew and for speed."""
    shapes = list(pairwise(problem.network.widths))
    inputs = arb_mat([[arb(rational(v)) for v in row] for row in problem.data.x])
    targets = [[arb(rational(v)) for v in row] for row in problem.data.y]
    act = SMOOTH.get(problem.network.activation)
    if act is None:
        p, q = (arb(rational(v)) for v in problem.network.slopes)
        act = lambda z: p * z if z > 0 else q * z if z < 0 else (p * z).union(q * z)  # noqa: E731

    def value(parameters: Sequence[arb]) -> arb:
        start, state = 0, inputs
        rows: list[list[arb]] = []
        for layer, (below, above) in enumerate(shapes):
            end = start + below * above
            weight = arb_mat(above, below, parameters[start:end])
            bias, start = parameters[end : end + above], end + above
            rows = (state * weight.transpose()).tolist()
            rows = [[z + b for z, b in zip(row, bias, strict=True)] for row in rows]
            if layer < len(shapes) - 1:
                state = arb_mat([[act(z) for z in row] for row in rows])
        return sum((_term(problem.loss, f, y) for f, y in zip(rows, targets, strict=True)), arb(0))

    return value


def _term(loss: Loss, outputs: Sequence[arb], target: Sequence[arb]) -> arb:
    if loss is Loss.CROSS_ENTROPY:
        label = outputs[int(float(target[0]))]
        return sum(((f - label).exp() for f in outputs), arb(0)).log()
    pairs = zip(outputs, target, strict=True)
    if loss is Loss.SQUARED:
        return sum(((f - y) * (f - y) for f, y in pairs), arb(0))
    return sum(((-y * f).exp().log1p() for f, y in pairs), arb(0))


def show(found: dict[str, list[spurious.Verdict]]) -> None:
    """The table: how many ends of each family each rule decided."""
    rules = sorted({v.method for verdicts in found.values() for v in verdicts})
    heads = ["family", *rules, "useful", "global", "only stopped", "certify (s)"]
    print(f"| {' | '.join(heads)} |")
    print("|---" * len(heads) + "|")
    for name, verdicts in found.items():
        counts = Counter(v.method for v in verdicts)
        best = sum(v.is_global is spurious.Answer.YES for v in verdicts)
        stopped = sum(v.unfinished is not None for v in verdicts)
        seconds = statistics.median(v.seconds for v in verdicts)
        useful = sum(map(is_useful, verdicts))
        numbers = [*(counts[rule] for rule in rules), useful, best, stopped]
        cells = " | ".join(str(n or "") for n in numbers)
        print(f"| {name} | {cells} | {seconds:.3f} |")


if __name__ == "__main__":
    main()
