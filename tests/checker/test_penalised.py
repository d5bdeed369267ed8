"""Rule penalised: certificates made by hand, false ones, and changed ones."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from functools import cache
from typing import Any

import pytest
from tests.checker.mutations import mutations
from tests.checker.programs import ball, certificate, signed
from tests.checker.test_programs import changed, refused

from spurious import certify
from spurious.problem import parse_any_problem
from spurious_checker import check

PLUS: Any = {  # -Q <= 2 |w| for Q = -2 (b - w)+ + 4 b+ - 2 (b + w)+, with equality at b = 0
    "split": 0,
    "plus": {"split": 2, "plus": {"tau": {"1": "1"}}, "minus": {}},
    "minus": {"split": 2, "plus": {}, "minus": {"tau": {"1": "-1"}}},
}
MINUS: Any = {  # Q <= 0
    "split": 1,
    "plus": {"tau": {"0": "1", "2": "1"}},
    "minus": {"tau": {"0": "-1", "2": "-1"}},
}


def at_zero(cost: str, *, bias: str | None = None, x: str = "1") -> Any:
    """A unit at zero beside the best constant 0: it stays if the cost is above 1.

    Args:
        cost: Of the squares of all parameters of the unit.
        bias: The unit's, which then costs nothing.
        x: The last input.
    """
    costs = {"layers[0].weight": cost, "layers[1].weight": cost}
    problem = {
        "format": "spurious-problem/2",
        "network": {"widths": [1, 1, 1], "activation": "relu"},
        "loss": "squared",
        "data": {"x": [["-1"], ["0"], [x]], "y": [["1"], ["-2"], ["1"]]},
        "penalty": costs if bias else {**costs, "layers[0].bias": cost},
        "point": {
            "layers": [
                {"weight": [["0"]], "bias": [bias or "0"]},
                {"weight": [["0"]], "bias": ["0"]},
            ]
        },
    }
    radius = Fraction(1, 2**60)
    proof = {
        "rule": "penalised", "centre": ["0", bias or "0", "0", "0"], "radius": str(radius),
        "free": [3], "multipliers": [], "preconditioner": [["1/6"]],
        "zero": [{"layer": 0, "unit": 0, "trees": [] if bias else [PLUS, MINUS]}],
    }  # fmt: skip
    return certificate(
        problem, proof, verdict="local_minimum_nearby", strict="no" if bias else "yes",
        flat_dimension=1 if bias else 0, loss=ball(Fraction(6)), radius=str(radius),
    )  # fmt: skip


def test_a_unit_at_zero_by_hand() -> None:
    assert check(at_zero("101/100")).valid, check(at_zero("101/100")).reason
    for cost in ("1", "99/100", "0", "-2"):  # equality proves nothing
        refused(at_zero(cost))


def test_a_bias_that_costs_nothing() -> None:
    """D = (-2, 4, -2): with the last input at 2 the unit gains 2 w v, and 2 l (w^2 + v^2) / 2."""
    for bias in ("1", "-1"):
        assert check(at_zero("1/1000", bias=bias)).valid
        assert check(at_zero("101/100", bias=bias, x="2")).valid
    assert check(at_zero("1/1000", bias="-1", x="2")).valid  # it is off
    refused(at_zero("99/100", bias="1", x="2"))
    refused(changed(at_zero("2", bias="1"), "proof", "centre", to=["0", "0", "0", "0"]))
    refused(changed(at_zero("2", bias="1"), "claim", "strict", to="yes"))
    refused(changed(at_zero("2", bias="1"), "claim", "flat_dimension", to=0))
    other = at_zero("2", bias="1")
    other["problem"]["penalty"]["layers[1].bias"] = "1/10"
    refused(changed(other, "claim", "strict", to="no"))


def test_false_trees() -> None:
    data = at_zero("101/100")
    for tree in (
        {"tau": {"1": "1"}},
        {"tau": {"0": "1"}},
        {"split": 1, "plus": PLUS, "minus": {}},
        {"split": 3, "plus": PLUS, "minus": PLUS},
        {**PLUS, "minus": {}},
        {**PLUS, "minus": {"split": 0, "plus": {}, "minus": {}}},
        {**PLUS, "plus": {"split": 2, "plus": {"tau": {"1": "3/2"}}, "minus": {}}},
        {**PLUS, "plus": {"split": 2, "plus": {"mu": {"1": "1"}}, "minus": {}}},
        {**PLUS, "plus": {"split": 2, "plus": {"mu": {"0": "-1"}}, "minus": {}}},
        {**PLUS, "plus": {"split": 2, "plus": {"tau": {"0": "1"}}, "minus": {}}},
        [], None, "x", {"split": "0", "plus": PLUS, "minus": PLUS},
    ):  # fmt: skip
        refused(changed(data, "proof", "zero", 0, "trees", 0, to=tree))
    for trees in ([], [PLUS], [MINUS, PLUS], [PLUS, MINUS, MINUS], [PLUS, PLUS]):
        refused(changed(data, "proof", "zero", 0, "trees", to=trees))


def test_what_is_not_at_zero() -> None:
    data = at_zero("2")
    for centre in (["1", "0", "0", "0"], ["0", "1", "0", "0"], ["0", "0", "1", "0"]):
        refused(changed(data, "proof", "centre", to=centre))
    for zero in ([], data["proof"]["zero"] * 2, [{"layer": 1, "unit": 0, "trees": [PLUS, MINUS]}]):
        found = changed(data, "proof", "zero", to=zero)
        assert check(found).valid == (len(zero) == 2)  # twice the same says it once
    for free in ([], [0, 3], [2, 3], [3, 3], [4], [-1]):
        refused(changed(data, "proof", "free", to=free))


X = [["-2"], ["-1"], ["0"], ["1"], ["2"]]
Y = [["0"], ["0"], ["1/2"], ["1"], ["2"]]
TURNED = "0.7992 0.0484 0.4356 0.0264 0.9102 0.0552 0.0228"
KINKED = "-0.4264 0.8896 0 -0.0251 -0.4264 0.8899 0.3363"


@cache
def trained(numbers: str) -> Any:
    """The prover's certificate of a minimum of a network with two units."""
    v = numbers.split()
    point = [
        {"weight": [[v[0]], [v[1]]], "bias": v[2:4]},
        {"weight": [v[4:6]], "bias": v[6:]},
    ]
    data = {
        "format": "spurious-problem/2",
        "network": {"widths": [1, 2, 1], "activation": "relu"},
        "loss": "squared",
        "data": {"x": X, "y": Y},
        "penalty": {"l2": "1/10"},
        "point": {"layers": point},
    }
    verdict = certify(parse_any_problem(json.dumps(data)), search=False)
    assert verdict.method == "penalised", verdict.reason
    return json.loads(json.dumps(verdict.certificate))


def test_the_prover_and_the_checker_agree() -> None:
    turned, kinked = trained(TURNED), trained(KINKED)
    assert turned["claim"]["flat_dimension"] == 1 and turned["claim"]["strict"] == "no"
    assert turned["proof"]["symmetries"] == [{"layer": 0, "turn": [0, 1]}]
    assert kinked["claim"]["strict"] == "yes" and kinked["proof"]["multipliers"]
    for data in (turned, kinked):
        assert check(data).valid, check(data).reason
        assert not lower(data), "a point of the box is not a minimum"


def test_false_symmetries() -> None:
    data = trained(TURNED)
    for symmetries in (
        [], [{"layer": 0, "turn": [0, 0]}], [{"layer": 0, "turn": [0, 2]}],
        [{"layer": 1, "turn": [0, 1]}], [{"layer": 0, "shift": {"0": "1"}}],
        [{"layer": 1, "shift": {"0": "1"}}], [{"layer": 0, "turn": [0, 1], "shift": {}}],
        data["proof"]["symmetries"] * 2, [{}], [None], "x",
    ):  # fmt: skip
        refused(changed(data, "proof", "symmetries", to=symmetries))
    refused(changed(trained(KINKED), "proof", "symmetries", to=[{"layer": 0, "turn": [0, 1]}]))


OTHER_EVIDENCE = {"turn", "radius", "centre", "preconditioner", "multipliers", "tau", "mu", "trees"}


@pytest.mark.parametrize("numbers", [TURNED, KINKED])
def test_changed_evidence_is_refused_or_as_good(numbers: str) -> None:
    data = trained(numbers)
    every = random.Random(0).sample(list(mutations(data, "proof")), 25)
    for path, kind, other in every:
        result = check(signed(other))
        assert not result.reason.startswith("the check failed"), (path, kind, result.reason)
        assert not result.valid or set(path) & OTHER_EVIDENCE, (path, kind)


@pytest.mark.parametrize("numbers", [TURNED, KINKED])
def test_another_claim_is_refused_or_true(numbers: str) -> None:
    data = trained(numbers)
    for path, kind, other in mutations(data, "claim"):
        if check(signed(other)).valid:
            assert path[1] in ("radius", "loss"), (path, kind)


def test_another_problem_is_refused() -> None:
    data = trained(KINKED)
    for path, value in (
        (("data", "y", 0, 0), "1/10"),
        (("data", "x", 4, 0), "3"),
        (("penalty", "l2"), "1/9"),
        (("penalty",), {"l2": "1/10", "biases": False}),
        (("network", "activation"), "abs"),
        (("network", "activation"), "identity"),
        (("network", "activation"), "tanh"),
        (("loss",), "hinge"),
    ):
        refused(changed(data, "problem", *path, to=value))
    refused(changed(trained(TURNED), "problem", "weights", to=["1", "1", "1", "1", "2"]))


def lower(data: Any) -> bool:
    """Whether the loss is lower at some point around the centre, computed anew in fractions."""
    centre = [Fraction(v) for v in data["proof"]["centre"]]
    rng, base = random.Random(1), loss(centre)
    for _ in range(400):
        size = Fraction(1, 10 ** rng.randint(2, 6))
        if loss([v + size * Fraction(rng.randint(-9, 9), 9) for v in centre]) < base - Fraction(
            1, 10**18
        ):
            return True
    return False


def loss(v: list[Fraction]) -> Fraction:
    total = sum((p * p for p in v), Fraction(0)) / 10
    for (x,), (y,) in zip(X, Y, strict=True):
        f = v[6] + sum(v[4 + k] * max(v[k] * int(x) + v[2 + k], Fraction(0)) for k in range(2))
        total += (f - Fraction(y)) ** 2
    return total
