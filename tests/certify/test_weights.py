"""Means and weights of points: what is proved of a sum is proved of them, and nothing false."""

from __future__ import annotations

import copy
from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Any

import pytest
from tests.checker.cases import CASES
from tests.checker.programs import signed

import spurious
from spurious import Decision
from spurious.problem import Dataset, DenseLoss, Penalty, Problem, ProgramProblem, flatten
from spurious_checker import SUMS, check

SHARES = (Fraction(1, 4), Fraction(1), Fraction(2, 3), Fraction(1, 2), Fraction(0))
"""Of the weight of a point: its copy gets the rest."""

INSTEAD = {
    "classwise_optimum": "idle_parameters",
    "constant_output": "idle_parameters",
    "convex_ball": "strongly_convex",
}
"""Rules that certificates of format 2 may have instead: they come first, and prove as much."""

MINIMA = (Decision.LOCAL_MINIMUM, Decision.LOCAL_MINIMUM_NEARBY)


def posed(problem: Problem, **other: Any) -> ProgramProblem:
    """The same with weights or a mean, and perhaps other data."""
    given = {"network": problem.network, "loss": problem.loss.value, "data": problem.data, **other}
    loss, at, better = DenseLoss(**given), problem.point, problem.witness
    return ProgramProblem(
        loss.program(), at and flatten(at), None if better is None else flatten(better), loss
    )


def split(problem: Problem) -> ProgramProblem:
    """Every point twice, with weights that add up to 1: the same loss."""
    shares = [SHARES[i % len(SHARES)] for i in range(problem.data.size)]
    data = Dataset(problem.data.x * 2, problem.data.y * 2)
    return posed(problem, data=data, weights=(*shares, *(1 - s for s in shares)))


@cache
def plain(name: str) -> spurious.Verdict:
    return spurious.certify(CASES[name], search=False)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("kind", ["mean", "weights", "split"])
def test_as_of_the_sum(name: str, kind: str) -> None:
    problem, size = CASES[name], CASES[name].data.size
    given, factor = {
        "mean": (posed(problem, reduction="mean"), Fraction(1, size)),
        "weights": (posed(problem, weights=(Fraction(3, 2),) * size), Fraction(3, 2)),
        "split": (split(problem), Fraction(1)),
    }[kind]
    expected, found = plain(name), spurious.certify(given, search=False)
    assert found.decision is expected.decision, found.reason
    assert found.method in (expected.method, INSTEAD.get(expected.method))
    assert (found.is_global, found.strict) == (expected.is_global, expected.strict)
    for one, other in ((found.loss, expected.loss), (found.valley_limit, expected.valley_limit)):
        assert (one is None) is (other is None)
        if one is not None and other is not None:
            assert abs(one.mid - factor * other.mid) <= one.rad + factor * other.rad
    if found.method == expected.method:
        shape = expected.strict_up_to_rescaling, expected.flat_dimension
        assert (found.strict_up_to_rescaling, found.flat_dimension) == shape


@cache
def dead_above_a_kink() -> Any:
    """The first unit is on its kink, the second is off everywhere: `constant_output`."""
    x, y = [0, 1, 2, 0], [0, 1, 0, 5]
    point = [([[1]], [0]), ([[-1]], [-1]), ([[1]], ["333333333333/1000000000000"])]
    given = spurious.problem(x, y, hidden=[1, 1], weights=[1, 1, 1, 0], point=point)
    return spurious.certify(given, search=False)


def test_a_dead_layer_above_a_kink() -> None:
    verdict = dead_above_a_kink()
    assert verdict.method == "constant_output" and verdict.loss == Fraction(2, 3)
    data = copy.deepcopy(verdict.certificate)
    data["problem"]["weights"] = ["1", "1", "1", "1/1000"]
    assert not check(signed(data)).valid  # the mean is another


def test_every_rule_has_a_case() -> None:
    rules = {weighted_certificate(name)["proof"]["rule"] for name in CASES}
    no_longer_written = "kinked_ball"
    assert set(SUMS) <= {*rules, dead_above_a_kink().method, no_longer_written}


def test_a_weighted_minimum_of_its_own() -> None:
    """Of weights 1, 2, 1 the best constant is that of the data with the second point twice."""
    x, y, point = [0, 1, 2], [0, 1, 0], [([[-1]], [-1]), ([[1]], ["1/2"])]
    weighted = spurious.certify(spurious.problem(x, y, hidden=1, weights=[1, 2, 1], point=point))
    twice = spurious.certify(spurious.problem([*x, 1], [*y, 1], hidden=1, point=point))
    assert weighted.decision is twice.decision is Decision.LOCAL_MINIMUM
    assert weighted.loss == twice.loss == 1


def test_points_without_weight_count_for_nothing() -> None:
    """A network that is dead on the data: what a point without weight asks for does not matter."""
    case = CASES["constant_output"]
    data = Dataset((*case.data.x, case.data.x[0]), (*case.data.y, case.data.y[-1]))
    weights = (*([Fraction(1)] * case.data.size), Fraction(0))
    found = spurious.certify(posed(case, data=data, weights=weights), search=False)
    expected = plain("constant_output")
    assert found.decision is expected.decision and found.loss == expected.loss


@pytest.mark.parametrize("name", CASES)
def test_negative_weights_and_none(name: str) -> None:
    """A weight of -1, whose loss is not convex in the outputs, and a loss that is 0 everywhere."""
    case, size = CASES[name], CASES[name].data.size
    weights = (*([Fraction(1)] * (size - 1)), Fraction(-1))
    found = spurious.certify(posed(case, weights=weights), search=False)
    allowed = {"strongly_convex", "idle_parameters", "interpolation"}  # no convexity is used
    assert found.decision not in MINIMA or found.method in allowed
    zero = spurious.certify(posed(case, weights=(Fraction(0),) * size), search=False)
    assert zero.decision is not Decision.NOT_LOCAL_MINIMUM
    assert zero.loss is None or zero.loss.lower <= 0 <= zero.loss.upper


@cache
def weighted_certificate(name: str) -> Any:
    return spurious.certify(split(CASES[name]), search=False).certificate


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("change", ["negative", "penalty", "hinge", "more", "none"])
def test_other_losses_are_refused(name: str, change: str) -> None:
    """The proof of one loss is none of another."""
    data = copy.deepcopy(weighted_certificate(name))
    problem = data["problem"]
    if change == "negative":
        problem["weights"] = ["-1", *problem["weights"][1:]]
    elif change == "penalty":
        problem["penalty"] = {"l2": "1/1000"}
    elif change == "hinge":
        problem["loss"] = "hinge"
    elif change == "more":
        problem["weights"] = [*problem["weights"], "1"]
    else:
        problem["weights"] = ["0" for _ in problem["weights"]]
    assert check(weighted_certificate(name)).valid
    result = check(signed(data))
    assert not result.valid and "failed" not in result.reason, result


def test_a_penalty_is_another_loss() -> None:
    """With decay, even where it costs little, no rule of sums is tried."""
    for name in ("kinked", "constant_rank", "convex_ball, rescalings fixed"):
        given = posed(CASES[name], penalty=Penalty(Fraction(1, 10**6)), reduction="mean")
        found = spurious.certify(given, search=False)
        assert found.method in ("none", "penalised", "descent_direction"), found
        free = replace(given.dense, penalty=Penalty(Fraction(0), biases=False))  # type: ignore[type-var]
        again = spurious.certify(replace(given, program=free.program(), dense=free), search=False)
        assert again.method == plain(name).method


@pytest.mark.parametrize("name", CASES)
def test_false_claims_are_refused(name: str) -> None:
    given = weighted_certificate(name)
    claim = given["claim"]
    changes: dict[str, Any] = {
        "loss": {"mid": str(Fraction(claim["loss"]["mid"]) + Fraction(1, 1000)), "rad": "0"},
        "strict": "no" if claim["strict"] == "yes" else "yes",
        "global": "no" if claim["global"] == "yes" else "yes",
        "flat_dimension": 99,
        "strict_up_to_rescaling": "no" if claim.get("strict_up_to_rescaling") == "yes" else "yes",
        "eigenvalue_bound": "1000000",
        "radius": "1/1000000000000000000000000000000000000000000",
        "valley_limit": {"mid": "77", "rad": "0"},
    }
    for key, value in changes.items():
        if key in claim:
            data = {**copy.deepcopy(given), "claim": {**claim, key: value}}
            result = check(signed(data))
            assert not result.valid and "failed" not in result.reason, (key, result)
