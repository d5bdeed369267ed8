"""Minima of the hinge loss at margins of exactly 1: against z3, and against false slopes."""

import json
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest
import z3

import spurious_checker
from spurious import Decision, certify
from spurious.atlas.best import best_of_cells
from spurious.atlas.landscape import describe
from spurious.atlas.points import point_from_coefficients
from spurious.problem import (
    DenseLoss,
    Layer,
    Network,
    Penalty,
    Point,
    dataset_from_arrays,
    flatten,
    problem_at,
    read_any_problem,
    unflatten,
)
from spurious.proof.certificate import digest


def drawn(seed):
    rng = Random(seed)
    size, inputs = rng.randint(3, 5), rng.choice((1, 1, 2))
    x = [[rng.randint(-2, 2) for _ in range(inputs)] for _ in range(size)]
    y = [[rng.choice((1, -1))] for _ in range(size)]
    name = rng.choice(("relu", "relu", "abs", "leaky_relu"))
    network = Network((inputs, 1, 1), name, Fraction(1, 3) if name == "leaky_relu" else None)
    weights = tuple(Fraction(rng.choice((1, 1, 2, 3)), rng.choice((1, 2))) for _ in range(size))
    return DenseLoss(network, "hinge", dataset_from_arrays(x, y), Penalty(), "sum", weights)


def best_points(loss):
    """The best point of every cell of one unit."""
    landscape = describe(loss)
    cells = best_of_cells(landscape, loss)
    for region, example in zip(landscape.regions, landscape.examples, strict=True):
        best = cells.solve(region)
        yield flatten(point_from_coefficients(landscape, best.mean, best.coefficients, [example]))


def lower_nearby(loss, point):
    """Whether z3 knows a lower point close to one whose unit has an output weight of 1 or -1."""
    *weights, bias, v, c = point
    p, q = loss.network.slopes
    solver, reach, total, base = z3.Solver(), Fraction(1, 1000), 0, Fraction(0)
    a = [z3.Real(f"a{k}") for k in range(len(weights) + 1)]
    moved = z3.Real("c")
    for name, value in zip([*a, moved], [*weights, bias, c], strict=True):
        solver.add(name >= value - reach, name <= value + reach)
    for row, (y,), factor in zip(loss.data.x, loss.data.y, loss.factors, strict=True):
        here = sum(u * w for u, w in zip(row, weights, strict=True)) + bias
        z = sum(u * w for u, w in zip(row, a[:-1], strict=True)) + a[-1]
        f = moved + v * z3.If(z >= 0, p * z, q * z)
        total += factor * z3.If(1 - y * f >= 0, 1 - y * f, 0)
        base += factor * max(1 - y * (c + v * here * (p if here >= 0 else q)), Fraction(0))
    solver.add(total < base)
    return solver.check() == z3.sat


@pytest.mark.parametrize("seed", range(6))
def test_decisions_at_the_best_points_of_cells_agree_with_z3(seed):
    loss = drawn(seed)
    decided = 0
    for point in dict.fromkeys(best_points(loss)):
        verdict = certify(problem_at(loss, point), search=False)
        if verdict.decision in (Decision.UNDECIDED, Decision.LOCAL_MINIMUM_NEARBY):
            continue
        decided += 1
        assert (verdict.decision is Decision.LOCAL_MINIMUM) != lower_nearby(loss, point)
        assert spurious_checker.check(json.loads(json.dumps(verdict.certificate))).valid
    assert decided


def wall():
    """Two points with margins 1 at a unit's ends, one in between that is missed for good."""
    x, y = [[0], [1], [2]], [[1], [-1], [1]]
    loss = DenseLoss(Network((1, 1, 1), "relu"), "hinge", dataset_from_arrays(x, y))
    return loss, next(
        json.loads(json.dumps(verdict.certificate))
        for verdict in (certify(problem_at(loss, p), search=False) for p in best_points(loss))
        if verdict.decision is Decision.LOCAL_MINIMUM
    )


def test_false_slopes_are_refused():
    _, data = wall()
    assert spurious_checker.check(data).valid
    slopes = data["proof"]["slopes"]
    changes = [("proof", "slopes", [str(-Fraction(g)) for g in slopes])]
    changes += [("proof", "slopes", [*slopes, "0"]), ("problem", "weights", ["1", "2", "1"])]
    changes += [
        ("proof", "slopes", [str(Fraction(g) + (k == i)) for i, g in enumerate(slopes)])
        for k in range(3)
    ]
    changes += [("problem", "penalty", {"l2": "1/100"}), ("problem", "weights", ["1", "-1", "1"])]
    for part, key, value in changes:
        changed = {**data, part: {**data[part], key: value}}
        rest = {name: entry for name, entry in changed.items() if name != "digest"}
        answer = spurious_checker.check({**rest, "digest": digest(rest)})
        assert not answer.valid and not answer.reason.startswith("the check failed"), (key, value)
    plain = {k: v for k, v in data["proof"].items() if k != "slopes"}
    rest = {**{k: v for k, v in data.items() if k != "digest"}, "proof": plain}
    assert not spurious_checker.check({**rest, "digest": digest(rest)}).valid


def test_a_point_beside_a_minimum_is_refuted():
    loss, data = wall()
    layers = data["problem"]["point"]["layers"]
    flat = [*layers[0]["weight"][0], *layers[0]["bias"], *layers[1]["weight"][0]]
    point = (*map(Fraction, flat), Fraction(layers[1]["bias"][0]) + 5)
    verdict = certify(problem_at(loss, point), search=False)
    assert verdict.decision is not Decision.LOCAL_MINIMUM


@pytest.mark.parametrize("seed", range(6))
def test_ends_beside_the_best_points_agree_with_z3(seed):
    """A point moved by rounding errors: the minimum that is said to be near is one."""
    loss, rng = drawn(seed), Random(seed)
    for exact in dict.fromkeys(best_points(loss)):
        point = tuple(v + Fraction(rng.randint(-9, 9), 10**12) for v in exact)
        verdict = certify(problem_at(loss, point), search=False)
        if verdict.decision is Decision.LOCAL_MINIMUM_NEARBY:
            assert verdict.radius is not None and verdict.radius < Fraction(1, 10**10)
            *inner, v, c = flatten(verdict.evidence.point)
            scale = abs(v)  # rescaled, so that the output weight is 1 or -1
            assert not lower_nearby(loss, (*(w * scale for w in inner), v / scale, c))
        elif verdict.decision is not Decision.LOCAL_MINIMUM:
            there = certify(problem_at(loss, exact), search=False)
            assert there.decision is not Decision.LOCAL_MINIMUM


@pytest.mark.parametrize(
    "name", ["relu-2-3-1-hinge-00", "relu-2-3-1-hinge-01", "relu-2-8-1-hinge-00"]
)
def test_ends_of_training(name):
    """Margins are 1 and units on their kinks but for rounding errors."""
    folder = Path(__file__).parents[2] / "benchmarks" / "hinge_ends"
    verdict = certify(read_any_problem(folder / f"{name}.json"), search=False)
    assert verdict.decision is Decision.LOCAL_MINIMUM_NEARBY
    assert verdict.method == "one_sided_derivatives"
    assert verdict.radius < Fraction(1, 10**10)


def test_a_deep_end_of_training():
    """A minimum on a face of the margins; what proves it of one loss proves it of no other."""
    folder = Path(__file__).parents[2] / "benchmarks" / "hinge_ends"
    problem = read_any_problem(folder / "relu-2-2-2-1-hinge-00.json")
    verdict = certify(problem, search=False)
    assert verdict.method == "constant_rank" and verdict.radius < Fraction(1, 10**10)
    data = json.loads(json.dumps(verdict.certificate))
    labels = data["problem"]["data"]["y"]
    proof, mu = data["proof"], data["proof"]["multipliers"]
    changes = [
        ("problem", "data", {**data["problem"]["data"], "y": [["-1"], *labels[1:]]}),
        ("problem", "data", {**data["problem"]["data"], "y": [["1"], *labels[1:]]}),
        ("problem", "weights", ["100", *(["1"] * (len(labels) - 1))]),
        ("problem", "weights", ["-1", *(["1"] * (len(labels) - 1))]),
        ("problem", "penalty", {"l2": "1/1000"}),
        ("problem", "loss", "logistic"),
        ("proof", "multipliers", [str(-Fraction(m)) for m in mu]),
        ("proof", "multipliers", ["0" for _ in mu]),
        ("proof", "free", proof["free"][:-1]),
        ("proof", "fields", proof["fields"][:-1]),
        ("proof", "radius", "1"),
        ("claim", "flat_dimension", data["claim"]["flat_dimension"] - 1),
    ]
    refused = 0
    for part, key, value in changes:
        changed = {**data, part: {**data[part], key: value}}
        if changed == data:
            continue
        rest = {name: entry for name, entry in changed.items() if name != "digest"}
        answer = spurious_checker.check({**rest, "digest": digest(rest)})
        assert not answer.valid and not answer.reason.startswith("the check failed"), (key, value)
        refused += 1
    assert refused >= len(changes) - 1
    rng = Random(0)
    loss, centre = problem.dense, flatten(read_point(proof["centre"]))
    least = value_at(loss, centre)
    for _ in range(300):
        size = 10.0 ** -rng.randint(3, 7)
        moved = [c + Fraction(rng.gauss(0, 1) * size * (rng.random() < 0.4)) for c in centre]
        assert value_at(loss, moved) >= least - Fraction(1, 10**24)


def read_point(data):
    layers = [
        Layer(tuple(tuple(map(Fraction, row)) for row in layer["weight"]),
              tuple(map(Fraction, layer["bias"])))
        for layer in data["layers"]
    ]  # fmt: skip
    return Point(tuple(layers))


def value_at(loss, flat):
    """The hinge loss of a relu network, exactly."""
    layers = unflatten(tuple(flat), loss.network).layers
    total = Fraction(0)
    for row, (y,) in zip(loss.data.x, loss.data.y, strict=True):
        state = list(row)
        for k, layer in enumerate(layers):
            state = [
                sum(w * s for w, s in zip(weights, state, strict=True)) + bias
                for weights, bias in zip(layer.weight, layer.bias, strict=True)
            ]
            state = state if k == len(layers) - 1 else [max(z, Fraction(0)) for z in state]
        total += max(1 - y * state[0], Fraction(0))
    return total
