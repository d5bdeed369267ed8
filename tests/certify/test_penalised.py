"""Rule penalised: units at zero, split units, free biases, kinks, at several depths."""

import json
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from flint import arb

from spurious import certify
from spurious.certify.zero_units import AtZero, bound_by, propose
from spurious.exact.balls import bounds
from spurious.problem import parse_any_problem
from spurious.proof import (
    ConeTree,
    Decided,
    Penalised,
    Shift,
    Turn,
    verdict_from_certificate,
)

X = [["-2"], ["-1"], ["0"], ["1"], ["2"]]
Y = [["0"], ["1/3"], ["1/2"], ["1"], ["2"]]
SPREAD = [["-1"], ["0"], ["1"]], [["1"], ["-2"], ["1"]]
"""Around the best constant: a relu gains most by w alone, 2 |w v|."""


def problem(widths: list[int], point: str, l2: Any, data: Any = (X, Y), **more: Any) -> Any:
    """A problem of format 2; `point` lists the parameters in flat order."""
    numbers, layers = iter(point.split()), list[Any]()
    for below, above in pairwise(widths):
        weight = [[next(numbers) for _ in range(below)] for _ in range(above)]
        layers.append({"weight": weight, "bias": [next(numbers) for _ in range(above)]})
    x, y = data
    given = {
        "format": "spurious-problem/2", "network": {"widths": widths, "activation": "relu"},
        "loss": "squared", "data": {"x": x, "y": y},
        "penalty": l2 if isinstance(l2, dict) else {"l2": l2},
        "point": {"layers": layers},
    }  # fmt: skip
    return parse_any_problem(json.dumps({**given, **more}))


def proved(given: Any) -> tuple[Decided, Penalised]:
    verdict = certify(given, search=False)
    assert isinstance(verdict, Decided) and isinstance(verdict.evidence, Penalised), verdict.reason
    return verdict, verdict.evidence


COSTS = ("layers[0].weight", "layers[0].bias", "layers[1].weight")


def test_a_unit_at_zero_stays_where_leaving_costs_more() -> None:
    """By hand: it gains 2 |w v| to second order and pays l (w^2 + v^2), so l = 1 decides."""
    verdict, evidence = proved(problem([1, 1, 1], "0 0 0 0", dict.fromkeys(COSTS, "1.01"), SPREAD))
    assert verdict.strict == "yes" and verdict.flat_dimension == 0
    assert len(evidence.zero) == 1 and len(evidence.zero[0].trees) == 2
    for cost in ("1", "0.99"):
        undecided = certify(problem([1, 1, 1], "0 0 0 0", dict.fromkeys(COSTS, cost), SPREAD))
        assert not undecided.claim.is_minimum
        assert "unit at zero" in undecided.reason


def test_a_unit_at_zero_whose_bias_costs_nothing() -> None:
    costs = {"l2": "1/100", "biases": False}
    verdict, evidence = proved(problem([1, 1, 1], "0 1 0 0", costs, SPREAD))
    assert verdict.strict == "no" and verdict.flat_dimension == 1
    assert verdict.strict_up_to_rescaling == "yes"  # (0, b) is (0, 1) times b
    assert evidence.zero[0].trees == ()
    read = verdict_from_certificate(verdict.certificate)
    assert read.strict == "no" and read.claim.strict_up_to_rescaling == "unknown"
    assert not certify(problem([1, 1, 1], "0 0 0 0", costs, SPREAD)).claim.is_minimum


def test_a_unit_at_zero_beside_a_live_one_may_take_a_share_of_it() -> None:
    """Balance makes the condition an equality along the live unit: there the two are merged."""
    verdict, evidence = proved(problem([1, 2, 1], "0.7542 0 0.3262 0 0.8217 0 0.2127", "1/2"))
    assert [unit.unit for unit in evidence.zero] == [1]
    assert verdict.strict == "no" and verdict.flat_dimension is None
    pays = problem([1, 2, 1], "0.8228 0 0.2976 0 0.875 0 0.1749", "1/10")
    assert not certify(pays, search=False).claim.is_minimum


def test_all_units_at_zero_under_a_heavy_penalty() -> None:
    verdict, evidence = proved(problem([1, 2, 1], "0 0 0 0 0 0 0.153", "20"))
    assert len(evidence.zero) == 2 and len(evidence.free) == 1
    assert verdict.strict == "yes"


def test_one_unit_split_in_two_is_flat() -> None:
    split = problem([1, 2, 1], "-0.3687 -0.2209 0.7374 0.4417 -0.8245 -0.4939 1.5616", "1/10")
    verdict, evidence = proved(split)
    assert evidence.symmetries == (Turn(0, (0, 1)),)
    assert verdict.strict == "no" and verdict.flat_dimension == 1


def test_a_unit_that_is_always_on_shifts_its_bias() -> None:
    costs = {"l2": "1/100", "biases": False}
    verdict, evidence = proved(problem([1, 1, 1], "0.6824 1.4512 0.6824 -0.2236", costs))
    assert [type(s) for s in evidence.symmetries] == [Shift]
    assert verdict.flat_dimension == 1


@pytest.mark.parametrize("signs", [1, -1])
def test_a_tree_proves_the_largest_gain(signs: int) -> None:
    """Against directions, dense."""
    rng = np.random.default_rng(3)
    states, back = rng.normal(size=(7, 1)).round(2), signs * rng.normal(size=7).round(2)
    unit = AtZero(
        [[arb(float(v)) for v in row] for row in states],
        (Fraction(1), Fraction(0)),
        (Fraction(1, 4), Fraction(1, 9)),
    )
    angles = np.linspace(0, 2 * np.pi, 200_001)
    w, b = 2 * np.cos(angles), 3 * np.sin(angles)  # of norm 1
    gains = -(back @ np.maximum(states * w + b, 0))
    largest = float(gains.max())
    balls = [arb(float(v)) for v in back]
    tree = propose(unit, balls, 1.0001 * largest)
    assert tree is not None
    assert largest <= float(bounds(bound_by(tree, unit, balls))[1]) <= 1.0001 * largest
    assert propose(unit, balls, 0.9999 * largest) is None
    least: ConeTree | None = propose(unit, balls, 0.0)
    assert least is not None
    assert float(bounds(bound_by(least, unit, balls))[1]) == pytest.approx(largest, rel=1e-5)


def test_numbers_too_large_for_floats_warn_of_nothing() -> None:
    """A run that diverged: its loss is 1e384. (Here warnings are errors.)"""
    point = " ".join(["1e64", "1"] * 3)
    data = [["2"], ["1"]], [["1"], ["-1"]]
    found = certify(problem([1, 1, 1, 1], point, "1/10", data), search=False)
    assert not found.claim.is_minimum


def test_a_unit_that_is_all_but_at_zero_is_not_taken_for_a_live_one() -> None:
    """Its box reached beyond zero, and the checker refused: a warning, which fails here."""
    point = (
        "4780037165747421/9007199254740992 0 7970110616381887/9007199254740992 0 "
        "-4780037166084815/9007199254740992 0 -6169186005056255/36028797018963968"
    )
    costs = {"layers[0].weight": "1/5", "layers[1].weight": "1/5"}
    data = [["-5/3"], ["2/3"]], [["0"], ["-1"]]
    network = {"widths": [1, 2, 1], "activation": "leaky_relu", "slope": "1/10"}
    given = problem([1, 2, 1], point, costs, data, network=network, weights=["1/2", "1/2"])
    verdict = certify(given, search=False)
    assert not verdict.claim.is_minimum
