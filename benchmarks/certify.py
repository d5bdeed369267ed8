"""How long a decision takes: speed against targets, an SMT solver as peer, and growth curves.

Run with `make bench` or `python benchmarks/certify.py [--quick] [--json] [--out DIR]`. Times are of
the decision with the independent check of its certificate (`certify` also searches for a better
point, timed in a row of its own); `check` is the share of that check. Each problem is decided once
before the clock starts, so imports do not count.
"""

import argparse
import json
import os
import platform
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from importlib.resources import files
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import z3
from scipy.optimize import minimize

import spurious_checker
from spurious import certify
from spurious.certify.decide import decide, prove
from spurious.certify.evaluate import evaluate
from spurious.certify.float_network import loss_function
from spurious.certify.subject import Subject
from spurious.exact.rationals import fraction
from spurious.figures import CostPanel, CostSeries, cost_curves, png_bytes, svg_text
from spurious.problem import Dataset, Loss, Network, Point, Problem, read_problem, unflatten
from spurious.proof import ClasswiseOptimum, OneSidedDerivatives

TARGET = {"decide": 0.1, "smooth": 0.05, "check": 1.0}


@dataclass(frozen=True)
class Shape:
    """A family of random problems."""

    points: int = 20
    inputs: int = 2
    hidden: int = 3
    depth: int = 1
    activation: str = "relu"
    loss: Loss = Loss.SQUARED


def trained(shape: Shape, seed: int) -> Problem:
    """Random data and the float64 point where a quasi-Newton descent ended."""
    rng = np.random.Generator(np.random.Philox(key=seed))
    x = np.round(rng.normal(size=(shape.points, shape.inputs)), 3)
    y = np.round(rng.normal(size=(shape.points, 1)), 3)
    if shape.loss is Loss.LOGISTIC:
        y = np.where(y > 0, 1.0, -1.0)
    network = Network(
        (shape.inputs, *([shape.hidden] * shape.depth), 1),
        shape.activation,
    )
    data = Dataset(*(tuple(tuple(Fraction(str(v)) for v in row) for row in a) for a in (x, y)))
    problem = Problem(network, shape.loss, data)
    start = rng.normal(size=network.parameter_count)
    options: Any = {"maxiter": 3000, "gtol": 1e-9}
    end = minimize(loss_function(problem.dense), start, jac=True, method="BFGS", options=options).x
    return replace(problem, point=point_of(end, network))


def point_of(values: np.ndarray, network: Network) -> Point:
    return unflatten([Fraction(float(value)) for value in values], network)


def seconds(action: Callable[[], object], repeats: int = 3) -> float:
    """The best of a few runs, after one to warm up."""
    action()
    best = float("inf")
    for _ in range(repeats):
        start = perf_counter()
        action()
        best = min(best, perf_counter() - start)
    return best


def cases(shape: Shape, seeds: int) -> Iterator[tuple[str, Problem]]:
    """For each seed: the end of training, and the exact minimum next to it where there is one."""
    for seed in range(seeds):
        problem = trained(shape, seed)
        yield "end of training", problem
        outcome = decide(Subject(problem))
        evidence = outcome.evidence
        if isinstance(evidence, OneSidedDerivatives | ClasswiseOptimum) and evidence.point:
            yield "exact minimum", replace(problem, point=evidence.point)


def smt_says_minimum(problem: Problem) -> bool:
    """The peer: z3 decides whether some direction has a negative one-sided derivative.

    One output, relu, no zero output weights. The encoding is ours, the search is z3's.
    """
    assert problem.point is not None
    at = evaluate(problem.dense, problem.point)
    outgoing = at.weights[1][0][:-1]
    width = len(at.inputs[0])
    solver = z3.SolverFor("QF_LRA")
    shift = z3.Real("c")
    moves = [[z3.Real(f"u_{j}_{k}") for k in range(width)] for j in range(len(outgoing))]
    total: Any = z3.RealVal(0)
    for i, x in enumerate(at.inputs):
        change: Any = shift
        for j, v in enumerate(outgoing):
            z = at.preactivations[0][i][j]
            inner: Any = z3.Sum([m * rational(a) for m, a in zip(moves[j], x, strict=True)])
            side = 1 if v > 0 else -1
            if z > 0:
                change = change + side * inner
            elif z == 0:
                above: Any = z3.If(inner > 0, inner, 0)
                change = change + side * above
        total = total + rational(at.loss_derivative[i][0]) * change
    solver.add(total < 0)
    return solver.check() == z3.unsat


def rational(value: Any) -> Any:
    return z3.RealVal(str(fraction(value)))


def speed_rows(seeds: int) -> Iterator[dict[str, Any]]:
    """One row per family: median and worst time, share of each verdict, and the peer's time."""
    for inputs, hidden in ((1, 10), (2, 5), (2, 10), (3, 10)):
        shape = Shape(points=20, inputs=inputs, hidden=hidden)
        by_kind: dict[str, list[Problem]] = {}
        for kind, problem in cases(shape, seeds):
            by_kind.setdefault(kind, []).append(problem)
        for kind, problems in by_kind.items():
            times = [seconds(lambda p=p: prove(p)) for p in problems]
            bare = [seconds(lambda p=p: decide(Subject(p))) for p in problems]
            row = summary(f"shallow relu, n=20, d={inputs}, h={hidden}: {kind}", times, "decide")
            row["check"] = 1 - statistics.median(bare) / statistics.median(times)
            if kind == "exact minimum":
                peers = [seconds(lambda p=p: smt_says_minimum(p), 1) for p in problems]
                agree = all(smt_says_minimum(p) for p in problems)
                row |= {"peer": statistics.median(peers), "peer agrees": agree}
            yield row
    for name in ("c13-deadlock-10-points", "c13-deadlock-7-points"):
        source = files("spurious.studies") / "points" / f"{name}.json"
        problem = read_problem(Path(str(source)))
        yield summary(f"{name}: proof", [seconds(lambda p=problem: prove(p))], "smooth")
        yield summary(f"{name}: certify", [seconds(lambda p=problem: certify(p))], "decide")
        certificate = json.loads(json.dumps(certify(problem).certificate))
        times = [seconds(lambda c=certificate: spurious_checker.check(c))]
        yield summary(f"{name}: check", times, "check")
    problem = trained(Shape(points=20, inputs=3, hidden=10), 0)
    verdict = certify(problem)
    certificate = json.loads(json.dumps(verdict.certificate))
    times = [seconds(lambda: spurious_checker.check(certificate))]
    yield summary(f"shallow relu, n=20, d=3, h=10 ({verdict.decision}): check", times, "check")


def summary(name: str, times: list[float], target: str) -> dict[str, object]:
    return {
        "name": name,
        "problems": len(times),
        "median": statistics.median(times),
        "worst": max(times),
        "target": TARGET[target],
        "met": max(times) < TARGET[target],
    }


def growth(seeds: int, quick: bool) -> list[CostPanel]:
    """Median time of a decision against n, h, d and depth, others held fixed."""
    sizes = {
        "number of points n": (
            "points",
            (5, 10, 20, 40, 80) if quick else (5, 10, 20, 40, 80, 160),
        ),
        "hidden units h": ("hidden", (1, 2, 4, 8) if quick else (1, 2, 4, 8, 16, 32)),
        "input dimension d": ("inputs", (1, 2, 4, 8) if quick else (1, 2, 4, 8, 16, 32)),
        "hidden layers": ("depth", (1, 2, 3) if quick else (1, 2, 3, 4, 5)),
    }
    families = {
        "relu, squared": Shape(),
        "relu, logistic": Shape(loss=Loss.LOGISTIC),
        "sigmoid, squared": Shape(activation="sigmoid"),
    }
    panels: list[CostPanel] = []
    for label, (field, values) in sizes.items():
        series: list[CostSeries] = []
        for family, shape in families.items():
            medians = []
            for value in values:
                problems = [trained(replace(shape, **{field: value}), s) for s in range(seeds)]
                times = [seconds(lambda p=p: prove(p), 1) for p in problems]
                medians.append(statistics.median(times))
            series.append(CostSeries(family, np.array(values, float), np.array(medians)))
            print(f"  {label}, {family}: done", file=sys.stderr)
        panels.append(CostPanel(label, tuple(series)))
    return panels


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer seeds, smaller curves")
    parser.add_argument("--json", action="store_true", help="one JSON object a row")
    parser.add_argument(
        "--out", type=Path, default=Path("out/benchmarks"), help="folder for curves"
    )
    options = parser.parse_args()
    seeds = 3 if options.quick else 10
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, one used")
    for row in speed_rows(seeds):
        if options.json:
            print(json.dumps(row))
            continue
        text = (
            f"{row['name']:58s} median {1e3 * row['median']:8.2f} ms"
            f"  worst {1e3 * row['worst']:8.2f} ms  target {1e3 * row['target']:.0f} ms: "
            f"{'met' if row['met'] else 'MISSED'}"
        )
        if "check" in row:
            text += f"  check {row['check']:.0%} of it"
        if "peer" in row:
            ratio = row["peer"] / row["median"]
            text += f"  z3 {1e3 * row['peer']:.1f} ms ({ratio:.0f} times ours)"
        print(text)
    panels = growth(2 if options.quick else 5, options.quick)
    options.out.mkdir(parents=True, exist_ok=True)
    figure = cost_curves(panels)
    (options.out / "certify-cost.svg").write_text(svg_text(figure), encoding="utf-8")
    (options.out / "certify-cost.png").write_bytes(png_bytes(figure))
    rows = [
        {
            "parameter": panel.parameter,
            "family": s.label,
            "size": list(s.size),
            "seconds": list(s.seconds),
        }
        for panel in panels
        for s in panel.series
    ]
    (options.out / "certify-cost.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
    print(f"growth curves: {options.out / 'certify-cost.svg'}")


if __name__ == "__main__":
    main()
