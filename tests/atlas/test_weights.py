"""Weights of points and means: lists and least losses against z3, against repeated points."""

import json
from dataclasses import replace
from fractions import Fraction
from itertools import combinations_with_replacement
from random import Random

import pytest
import z3
from tests.atlas.test_brute_force import _brute_force, _of_atlas
from typer.testing import CliRunner

import spurious
import spurious_checker
from spurious import Answer, Decision, InputError, atlas, certify, optimum
from spurious.atlas.basins import measure_basins
from spurious.atlas.files import atlas_to_data, certificates
from spurious.cli.app import app
from spurious.problem import (
    DenseLoss,
    Network,
    Penalty,
    Problem,
    any_problem_to_data,
    dataset,
    dataset_from_arrays,
    flatten,
    problem_at,
)
from spurious.proof.certificate import digest


def loss_of(x, y, hidden, weights=None, *, loss="squared", mean=False, activation="relu"):
    slope = Fraction(1, 3) if activation == "leaky_relu" else None
    network = Network((len(x[0]), hidden, 1), activation, slope)
    data = dataset_from_arrays(x, [[target] for target in y])
    given = None if weights is None else tuple(map(Fraction, weights))
    return DenseLoss(network, loss, data, Penalty(), "mean" if mean else "sum", given)


def sealed_again(certificate):
    rest = {key: value for key, value in certificate.items() if key != "digest"}
    return {**rest, "digest": digest(rest)}


LINE = ([[-1], [0], [2]], [1, -1, 2])
TINY = {
    "three points": (*LINE, 2, ["1", "5/2", "1/3"], "relu"),
    "huge and tiny": (*LINE, 1, ["1e12", "1", "1e-12"], "relu"),
    "tied by weights": ([[-1], [0], [1]], [1, 0, 1], 1, ["2", "1", "2"], "relu"),
    "contradicting": ([[0], [2], [0], [1]], [1, 0, -2, -1], 1, ["2", "1", "1", "3"], "relu"),
    "collinear in the plane": ([[0, 0], [1, 2], [2, 4]], [1, -1, 2], 1, ["1", "1/7", "3"], "relu"),
    "abs": (*LINE, 1, ["3", "1", "1/2"], "abs"),
    "leaky": (*LINE, 1, ["3", "1", "1/2"], "leaky_relu"),
    "one point": ([[3]], [2], 1, ["7"], "relu"),
}


@pytest.mark.parametrize("name", TINY)
def test_the_same_strata_as_brute_force(name):
    x, y, hidden, weights, activation = TINY[name]
    loss = loss_of(x, y, hidden, weights, activation=activation)
    slopes = list(loss.network.slopes)
    targets = [row[0] for row in loss.data.y]
    assert _of_atlas(loss) == _brute_force(loss.data.x, targets, hidden, slopes, loss.factors)


def told(family, share=1):
    """What a family says of itself, but for its point."""
    return (family.loss * share, family.dimension, family.orbit, family.differentiable)


@pytest.mark.parametrize("kind", ["squared", "logistic"])
def test_weights_count_like_repeated_points(kind):
    x, y = [[-1], [0], [1], [2]], [1, -1, -1, 1]
    weighted = atlas(loss_of(x, y, 1, [1, 2, 3, 1], loss=kind))
    more = [0, 1, 1, 2, 2, 2, 3]
    repeated = atlas(loss_of([x[i] for i in more], [y[i] for i in more], 1, loss=kind))
    assert weighted.complete and weighted.minima
    pairs = list(zip(weighted.minima, repeated.minima, strict=True))
    assert all(told(a)[1:] == told(b)[1:] for a, b in pairs)
    assert all(abs(a.loss - b.loss) <= a.loss_radius + b.loss_radius for a, b in pairs)


def test_a_mean_has_the_minima_of_the_sum():
    d1 = dataset("d1").data
    total = DenseLoss(Network((1, 1, 1), "relu"), "squared", d1)
    mean = DenseLoss(Network((1, 1, 1), "relu"), "squared", d1, reduction="mean")
    assert [told(f, 5) for f in atlas(mean).minima] == [told(f) for f in atlas(total).minima]
    assert optimum(mean).loss * 5 == optimum(total).loss == 14


def test_points_of_weight_zero_are_left_out():
    x, y = [[-1], [7], [0], [2]], [1, 100, -1, 2]
    with_it = atlas(loss_of(x, y, 1, ["1", "0", "5/2", "1/3"]))
    without = atlas(loss_of(*LINE, 1, ["1", "5/2", "1/3"]))
    place = {0: 0, 2: 1, 3: 2}
    moved = [replace(f, blind_spots=tuple(place[i] for i in f.blind_spots)) for f in with_it.minima]
    assert tuple(moved) == without.minima
    assert len(with_it.minima[0].outputs) == 3


@pytest.mark.parametrize("weights", [None, ["1/2", "0", "2", "3", "1"]])
def test_every_family_has_a_certificate_and_the_lowest_is_proved_to_be_global(weights):
    d1 = dataset("d1").data
    given = None if weights is None else tuple(map(Fraction, weights))
    loss = DenseLoss(Network((1, 1, 1), "relu"), "squared", d1, Penalty(), "mean", given)
    found = atlas(loss)
    proofs = certificates(found)
    assert len(proofs) == len(found.minima) > 3
    for family, verdict in zip(found.minima, proofs, strict=True):
        assert verdict.decision is Decision.LOCAL_MINIMUM
        assert verdict.is_global is found.is_global(family)
        assert spurious_checker.check(json.loads(json.dumps(verdict.certificate))).valid
        assert verdict.flat_dimension in (None, family.dimension)
    assert atlas_to_data(found)["problem"] == any_problem_to_data(problem_at(loss))


def test_a_bad_minimum_of_a_mean_is_decided_as_that_of_the_sum():
    given = spurious.read_problem("src/spurious/problem/points/c5-d1.json")
    point = [(layer.weight, layer.bias) for layer in given.point.layers]
    x, y = given.data.x, given.data.y
    mean = certify(spurious.problem(x, y, hidden=1, reduction="mean", point=point))
    plain = certify(given)
    assert mean.decision is plain.decision is Decision.LOCAL_MINIMUM
    assert (mean.strict_up_to_rescaling, mean.flat_dimension) == (
        plain.strict_up_to_rescaling,
        plain.flat_dimension,
    )
    weights = [1, 1, 1, 2, 1]
    moved = certify(spurious.problem(x, y, hidden=1, weights=weights, point=point))
    assert moved.decision is not Decision.UNDECIDED
    assert spurious_checker.check(dict(moved.certificate)).valid


def test_the_exact_minimum_next_to_a_float_point_is_found_with_weights():
    loss = loss_of(*LINE, 1, ["1", "5/2", "1/3"])
    family = next(f for f in atlas(loss).minima if f.differentiable and f.dead_units == 0)
    nudged = tuple(Fraction(float(v)) + Fraction(1, 10**9) for v in flatten(family.point))
    verdict = certify(problem_at(loss, nudged))
    assert verdict.decision is Decision.LOCAL_MINIMUM_NEARBY
    assert abs(verdict.loss.mid - family.loss) <= verdict.loss.rad
    assert spurious_checker.check(dict(verdict.certificate)).valid


def test_a_perfect_fit_with_weights_is_global():
    loss = loss_of([[0], [1], [2]], [0, 0, 1], 1, [1, 2, 3], mean=True)
    best = optimum(loss)
    assert best.loss == 0 and best.verdict.is_global is Answer.YES
    verdict = certify(best.problem)
    assert verdict.is_global is Answer.YES  # by the sums over equal inputs, without multipliers
    assert spurious_checker.check(dict(verdict.certificate)).valid


def least_hinge(loss):
    """The least hinge loss by z3, one sign of output weights after the other."""
    p, q = loss.network.slopes
    found = []
    for signs in combinations_with_replacement((1, -1), loss.network.hidden[0]):
        solver, c = z3.Optimize(), z3.Real("c")
        outputs = [c] * loss.data.size
        for j, sign in enumerate(signs):
            a = [z3.Real(f"a{j}_{k}") for k in range(loss.data.inputs + 1)]
            for i, point in enumerate(loss.data.x):
                z = sum(u * v for u, v in zip(a, (*point, 1), strict=True))
                outputs[i] = outputs[i] + sign * z3.If(z >= 0, p * z, q * z)
        total = 0
        for i, ((y,), factor) in enumerate(zip(loss.data.y, loss.factors, strict=True)):
            missed = z3.Real(f"m{i}")
            solver.add(missed >= 0, missed >= 1 - y * outputs[i])
            total = total + factor * missed
        goal = solver.minimize(total)
        assert solver.check() == z3.sat
        found.append(Fraction(str(solver.lower(goal))))
    return min(found)


HINGE = {
    "alternating": ([[0], [1], [2], [3]], [1, -1, 1, -1], 1, None, "relu"),
    "weighted": ([[0], [1], [2], [3]], [1, -1, 1, -1], 1, ["1", "1/3", "2", "5"], "relu"),
    "contradicting": ([[0], [0], [1]], [1, -1, 1], 1, ["1", "3", "1"], "relu"),
    "one class": ([[0], [1]], [1, 1], 1, None, "relu"),
    "one point": ([[2]], [-1], 2, None, "relu"),
    "a weight of zero": ([[0], [1], [2]], [1, -1, 1], 1, ["1", "0", "1"], "relu"),
    "line": ([[0], [1], [2]], [1, -1, 1], 1, ["2", "1", "1"], "identity"),
    "abs": ([[0], [1], [2], [3]], [1, -1, 1, -1], 1, None, "abs"),
    "leaky": ([[0], [1], [2], [3]], [1, -1, 1, -1], 1, ["1", "1", "1e9", "1e-9"], "leaky_relu"),
    "xor": ([[0, 1], [1, 0], [0, 0], [1, 1]], [1, 1, -1, -1], 1, None, "relu"),
}


@pytest.mark.parametrize("name", HINGE)
def test_the_least_hinge_loss_is_that_of_z3(name):
    x, y, hidden, weights, activation = HINGE[name]
    loss = loss_of(x, y, hidden, weights, loss="hinge", activation=activation, mean=name == "xor")
    best = optimum(loss)
    assert best.loss == least_hinge(loss)
    assert best.verdict.decision is Decision.LOCAL_MINIMUM
    assert best.verdict.is_global is Answer.YES
    assert best.verdict.loss.lower <= best.loss <= best.verdict.loss.upper
    assert spurious_checker.check(json.loads(json.dumps(best.verdict.certificate))).valid


@pytest.mark.parametrize("kind", ["squared", "hinge"])
def test_certificates_of_a_smaller_least_loss_are_refused(kind):
    x, y = [[0], [1], [2], [3]], [1, -1, 1, -1]
    best = optimum(loss_of(x, y, 1, [1, 2, 1, 1], loss=kind, mean=True))
    assert best.loss > 0
    sealed = json.loads(json.dumps(best.verdict.certificate))
    rng = Random(kind)
    rows = sealed["proof" if kind == "hinge" else "global_proof"]["multipliers"]
    refused = 0
    for _ in range(12):
        changed = json.loads(json.dumps(sealed))
        part = changed["proof" if kind == "hinge" else "global_proof"]["multipliers"]
        row = rng.randrange(len(rows))
        place = rng.randrange(len(y))
        part[row][place] = str(Fraction(part[row][place]) + rng.choice((1, -1)))
        refused += not spurious_checker.check(sealed_again(changed)).valid
    for loss in ("weights", "point"):
        changed = json.loads(json.dumps(sealed))
        if loss == "weights":
            changed["problem"]["weights"] = ["2", "4", "2", "2"]
        else:
            changed["problem"]["point"]["layers"][1]["bias"] = ["7"]
        refused += not spurious_checker.check(sealed_again(changed)).valid
    assert refused == 14


def test_exact_rules_take_no_penalty_and_no_negative_weight():
    loss = loss_of(*LINE, 1, [1, 2, 1])
    best = optimum(loss)
    for key, value in (("penalty", {"l2": "1/100"}), ("weights", ["1", "-2", "1"])):
        changed = json.loads(json.dumps(best.verdict.certificate))
        changed["problem"][key] = value
        answer = spurious_checker.check(sealed_again(changed))
        assert not answer.valid


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": [1, -1, 1]}, "weights: found a negative number"),
        ({"weights": [0, 0, 0]}, "weights: found zeros only"),
    ],
)
def test_bad_weights_are_refused_in_one_line(change, message):
    for entry in (atlas, optimum):
        with pytest.raises(InputError, match=message):
            entry(loss_of(*LINE, 1, **change))


def test_losses_without_a_list_or_a_proof_are_refused():
    with pytest.raises(InputError, match="a proof of the optimum needs squared or hinge"):
        optimum(loss_of([[0], [1]], [1, -1], 1, loss="logistic"))


def test_starts_with_weights_are_refused():
    with pytest.raises(InputError, match="expected a plain sum"):
        measure_basins(atlas(loss_of(*LINE, 1, [1, 2, 1])), 1, 0)


def written(tmp_path, loss):
    path = tmp_path / "asked.json"
    path.write_text(json.dumps(any_problem_to_data(problem_at(loss))))
    return str(path)


def test_the_commands_answer_the_file_with_its_weights(tmp_path):
    path = written(tmp_path, loss_of(*LINE, 1, ["1", "5/2", "1/3"], mean=True))
    result = CliRunner().invoke(app, ["atlas", path, "--workers", "1", "--out", str(tmp_path / "o"),
                                      "--starts", "0"])  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "weighted mean squared loss" in result.stdout
    data = json.loads((tmp_path / "o" / "atlas.json").read_text())
    assert data["problem"]["weights"] == ["1", "5/2", "1/3"]
    assert all(row["certificate"] for row in data["minima"])
    found = CliRunner().invoke(app, ["global", path, "--json"])
    assert json.loads(found.stdout)["loss"] == data["minima"][0]["loss"]


def test_the_command_proves_the_least_hinge_loss(tmp_path):
    path = written(tmp_path, loss_of([[0], [1], [2]], [1, -1, 1], 1, [2, 1, 1], loss="hinge"))
    result = CliRunner().invoke(app, ["global", path, "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert "weighted hinge loss: global optimum, loss 2" in result.stdout
    checked = spurious_checker.check(
        json.loads((tmp_path / "asked-1-global.certificate.json").read_text())
    )
    assert checked.valid


def test_a_plain_problem_stays_one_of_format_1():
    found = atlas(Problem(Network((1, 1, 1), "relu"), "squared", dataset("d1").data))
    assert isinstance(found.problem(found.minima[0]), Problem)
