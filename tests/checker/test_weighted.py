"""Certificates of shallow networks with weights of points (9.12): false ones are refused."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import pytest
from tests.checker.programs import signed

import spurious
from spurious.problem import Problem, ProgramProblem
from spurious.problem.dense_files import dense_from_data
from spurious_checker import check

X, Y, POINT = [0, 1, 2], [0, 1, 0], [([[-1]], [-1]), ([[1]], ["1/3"])]
"""A relu unit that is off on all points, and the mean of the targets."""


def certified(problem: Problem | ProgramProblem) -> Any:
    verdict = spurious.certify(problem, search=False)
    assert verdict.certificate is not None, verdict.reason
    return dict(verdict.certificate)


@cache
def dead() -> Any:
    """`one_sided_derivatives`: the loss is 2/9."""
    return certified(spurious.problem(X, Y, hidden=1, reduction="mean", point=POINT))


@cache
def off() -> Any:
    """`zero_output_weight`: the unit sees data, but hands on nothing."""
    point = [([[1]], [0]), ([[0]], ["1/3"])]
    return certified(spurious.problem(X, Y, hidden=1, weights=[1, 1, 1], point=point))


@cache
def hinge() -> Any:
    """`one_sided_derivatives` with slopes: one margin is 1, and its slope is chosen."""
    given = spurious.problem(
        [0, 1], [1, -1], hidden=1, loss="hinge", point=[([[-1]], [-1]), ([[1]], [1])]
    )
    return certified(given)


@cache
def least() -> Any:
    """`cell_multipliers`: no network of this shape has a smaller hinge loss."""
    given = spurious.problem([0, 1, 2, 3], [1, -1, 1, -1], hidden=1, loss="hinge")
    return dict(spurious.optimum(given).verdict.certificate or {})


CASES = {"dead": dead, "off": off, "hinge": hinge, "least": least}
RULES = {
    "dead": "one_sided_derivatives",
    "off": "zero_output_weight",
    "hinge": "one_sided_derivatives",
    "least": "cell_multipliers",
}


def changed(data: Any, *path: Any, to: Any) -> Any:
    result = copy.deepcopy(data)
    target = result
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = to
    return signed(result)


@pytest.mark.parametrize("name", CASES)
def test_valid(name: str) -> None:
    data = CASES[name]()
    assert data["format"] == "spurious-certificate/2" and data["proof"]["rule"] == RULES[name]
    assert check(data).valid, check(data).reason


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(
    ("path", "to"),
    [
        (("claim", "loss"), {"mid": "1/5", "rad": "0"}),
        (("claim", "strict"), "yes"),
        (("claim", "radius"), "1"),
        (("claim", "index"), 1),
        (("proof", "rule"), "krawczyk"),
        (("proof", "more"), []),
    ],
)
def test_false_claims(name: str, path: tuple[str, ...], to: Any) -> None:
    result = check(changed(CASES[name](), *path, to=to))
    assert not result.valid and "failed" not in result.reason, result


@pytest.mark.parametrize("name", CASES)
def test_a_false_word_on_globality(name: str) -> None:
    word = "no" if name == "least" else "yes"
    assert not check(changed(CASES[name](), "claim", "global", to=word)).valid


@pytest.mark.parametrize(
    "slopes", [["-1", "1/2"], ["-2", "1"], ["0", "0"], ["1", "-1"], ["-1"], None]
)
def test_slopes_that_are_none_of_the_hinge_loss(slopes: Any) -> None:
    assert not check(changed(hinge(), "proof", "slopes", to=slopes)).valid


def test_slopes_of_other_losses() -> None:
    assert not check(changed(dead(), "proof", "slopes", to=["0", "0", "0"])).valid


def test_other_weights_are_another_problem() -> None:
    """With other weights the constant is no longer the mean."""
    data = dead()
    assert not check(changed(data, "problem", "weights", to=["1", "2", "1"])).valid


@pytest.mark.parametrize("rule", ["cell_multipliers", "pointwise_optimum", "affine_optimum"])
def test_what_makes_a_hinge_minimum_global(rule: str) -> None:
    """Multipliers alone: the other rules are about derivatives, which the hinge loss lacks."""
    best = least()
    given = dict(certified(dense_from_data(best["problem"])))
    assert given["proof"]["rule"] == "one_sided_derivatives" and "slopes" in given["proof"]
    by_cells = rule == "cell_multipliers"
    more = {"multipliers": best["proof"]["multipliers"]} if by_cells else {}
    claim = {**given["claim"], "global": "yes", "witness_loss": None}
    data = {**given, "claim": claim, "global_proof": {"rule": rule, **more}}
    assert check(signed(data)).valid is by_cells
    if by_cells:  # without one of the points in the middle the least loss is 0
        for weights in (["1", "0", "1", "1"], ["1", "1", "0", "1"]):
            assert not check(changed(data, "problem", "weights", to=weights)).valid
