"""Units that merge, and gates that open: false certificates, and what just misses."""

from __future__ import annotations

import copy
from fractions import Fraction
from typing import Any

import mpmath as mp
import pytest
from tests.checker.pencil import CASES, ball, column, point, problem, seal
from tests.checker.truth import DIGITS, Landscape, flat, layers_of, no_valley

from spurious_checker import check

F = Fraction
KINKS, SMOOTH, SHARP = CASES["split pair"], CASES["slope of a unit"], CASES["sharp unit"]


def refused(data: Any) -> str:
    result = check(seal(data))
    assert not result.valid, result.claim
    assert result.reason and not result.reason.startswith("the check failed"), result.reason
    return result.reason


def changed(case: Any, **proof: Any) -> Any:
    data = copy.deepcopy(case)
    data["proof"].update(proof)
    return data


def with_loss(data: Any, limit: Any) -> Any:
    """The loss at the point computed anew, and another limit."""
    with mp.workdps(DIGITS):
        loss = Landscape(data["problem"]).loss(flat(layers_of(data["problem"]["point"])))
        exact = data["problem"]["network"]["activation"] == "relu"
        found = F(str(mp.nstr(loss, 60)))
        found = found.limit_denominator(10**12) if exact else found
    data["claim"]["loss"] = ball(found, 0 if exact else F(1, 10**30))
    data["claim"]["valley_limit"] = ball(limit, F(1, 10**30))
    return data


def test_valid_ones_are_true() -> None:
    for case in (KINKS, SMOOTH, SHARP):
        assert check(case).valid
        with mp.workdps(DIGITS):
            assert not list(no_valley(case))


@pytest.mark.parametrize("case", [KINKS, SMOOTH])
def test_false_pairs(case: Any) -> None:
    good = case["proof"]["pairs"][0]
    for change in (
        {"units": [0, 0]}, {"units": [0, 2]}, {"units": [-1, 1]}, {"units": [0]}, {"layer": 1},
        {"layer": -1}, {"factor": "0"}, {"factor": "-1"}, {"factor": "-2"}, {"units": [1, 0]},
    ):  # fmt: skip
        refused(changed(case, pairs=[{**good, **change}]))
    refused(changed(case, pairs=[]))
    refused(changed(case, pairs=[good, good]))
    refused(changed(case, curve=[]))


def test_factors() -> None:
    """Rescaling is a symmetry of relu, but then the curve has to begin where the point is."""
    good = KINKS["proof"]["pairs"][0]
    refused(changed(KINKS, pairs=[{**good, "factor": "2"}]))
    scaled = copy.deepcopy(KINKS)
    layers = scaled["problem"]["point"]["layers"]
    layers[0]["weight"][1], layers[0]["bias"][1] = ["1/2"], "-1/4"
    assert check(seal(changed(scaled, pairs=[{**good, "factor": "2"}]))).valid
    assert "symmetry" in refused(changed(SMOOTH, pairs=[{**good, "factor": "2"}]))


def test_odd_units() -> None:
    """With w_k and V_k turned round the same holds for the factor -1, for tanh alone."""
    turned = copy.deepcopy(SMOOTH)
    layers = turned["problem"]["point"]["layers"]
    layers[0]["weight"][1], layers[1]["weight"][0][1] = ["1/8"], "4"
    pairs = [{**SMOOTH["proof"]["pairs"][0], "factor": "-1"}]
    assert check(seal(changed(turned, pairs=pairs))).valid
    turned["problem"]["network"]["activation"] = "sigmoid"
    assert "symmetry" in refused(changed(turned, pairs=pairs))


def test_the_kink_has_to_go_through_the_point_between() -> None:
    """At x = 0 the units are on different sides; w.x~ = 0 there in the limit, or no limit is."""
    for hair in (F(1, 10), F(1, 10**9), F(-1, 10**30)):
        curve = [point(([[0], [1]], [1, hair]), ([[4, 2]], [0]))]
        refused(changed(KINKS, curve=curve))


@pytest.mark.parametrize(("x", "valid"), [("1/4", False), ("1/2", False), ("51/100", True)])
def test_no_kink_passes_a_point(x: str, valid: bool) -> None:
    """The second unit's kink moves from 1/2 to 0; where it is now, its slope is not settled."""
    data = copy.deepcopy(KINKS)
    data["problem"]["data"]["x"][2], data["problem"]["data"]["y"][2] = [x], [str(2 + 4 * F(x))]
    if valid:
        assert check(seal(data)).valid
    else:
        assert "sign" in refused(data)


@pytest.mark.parametrize("target", ["1", "1000001/1000000", "3/2", "2", "3"])
def test_the_loss_has_to_fall_all_along_with_kinks(target: str) -> None:
    """The output at 0 goes from 2 to 1: towards targets up to 1."""
    data, t = copy.deepcopy(KINKS), F(target)
    data["problem"]["data"]["y"][1] = [target]
    refused(with_loss(data, (1 - t) ** 2))


@pytest.mark.parametrize(
    ("target", "valid"), [("999999/1000000", False), ("1000001/1000000", True), ("1/2", False)]
)
def test_the_loss_has_to_fall_all_along(target: str, valid: bool) -> None:
    """The output goes from 8 tanh(1/8) to 1: towards targets from 1 on."""
    data = copy.deepcopy(SMOOTH)
    data["problem"]["data"]["y"][0] = [target]
    data = with_loss(data, (1 - F(target)) ** 2)
    if valid:
        assert check(seal(data)).valid
        with mp.workdps(DIGITS):
            assert not list(no_valley(data))
    else:
        refused(data)


def test_something_has_to_grow() -> None:
    curve = [point(([[F(1, 4)], [0]], [0, 0]), ([[0, 0]], [0]))]
    assert "grows" in refused(changed(SMOOTH, curve=curve))


@pytest.mark.parametrize("case", [KINKS, SMOOTH, SHARP])
def test_false_limits(case: Any) -> None:
    middle = F(case["claim"]["valley_limit"]["mid"])
    for limit in (ball(middle + F(1, 100), F(1, 10**30)), ball(middle, 1), None):
        data = copy.deepcopy(case)
        data["claim"]["valley_limit"] = limit
        refused(data)


@pytest.mark.parametrize("activation", ["softsign", "silu", "elu", "softplus", "mish", "relu"])
def test_other_activations(activation: str) -> None:
    data = copy.deepcopy(SMOOTH)
    data["problem"]["network"]["activation"] = activation
    refused(data)


def test_deep_smooth_networks() -> None:
    data = copy.deepcopy(SMOOTH)
    data["problem"]["network"]["widths"] = [1, 2, 1, 1]
    data["problem"]["point"]["layers"].append({"weight": [["1"]], "bias": ["0"]})
    data["proof"]["curve"][0]["layers"].append({"weight": [["1"]], "bias": ["0"]})
    assert "[d,h,K]" in refused(data)


def sharp(outer: Any, activation: str = "gelu", weight: Any = 1) -> Any:
    """Points at z = w and 2 w; the inner one draws the unit on with h = -2."""
    data = copy.deepcopy(SHARP)
    problem = data["problem"]
    problem["network"]["activation"] = activation
    problem["point"]["layers"][0]["weight"] = [[str(weight)]]
    problem["data"] = {"x": [["1"], ["2"]], "y": [[str(F(weight) + 1)], [str(F(outer))]]}
    return with_loss(data, 1 + (2 * F(weight) - F(outer)) ** 2)


@pytest.mark.parametrize("activation", ["gelu", "silu"])
@pytest.mark.parametrize("weight", [1, 3])
def test_points_further_out_count_for_what_they_weigh(activation: str, weight: int) -> None:
    """-2 + 4 h R < 0 with h = 2 (2 w - outer)."""
    with mp.workdps(30):
        ratio = mp.exp(-mp.mpf(3) / 2 * weight**2)
        if activation == "silu":
            ratio = mp.exp(-weight) * (1 + mp.exp(-weight)) ** 2
        border = 1 / (2 * ratio)
    for share, valid in ((0.99, True), (1.01, False)):
        data = sharp(2 * weight - F(float(border) * share) / 2, activation, weight)
        assert check(seal(data)).valid is valid
        if valid:
            with mp.workdps(DIGITS):
                assert not list(no_valley(data))


def test_false_gates() -> None:
    held = copy.deepcopy(SHARP)
    for gates in (["-1"], ["0"], ["1", "1"], [], [1], "1", None):
        refused(changed(SHARP, gates=gates))
    assert check(seal(changed(SHARP, gates=["1/3"]))).valid
    for direction in (["-1", "0", "0", "0"], ["0", "0", "0", "1"], ["0", "0", "-1", "0"]):
        refused(changed(SHARP, direction=direction))
    del held["proof"]["gates"]
    refused(held)
    held_back = copy.deepcopy(SHARP)
    held_back["problem"]["data"]["y"][0] = ["1/2"]
    assert "fall" in refused(with_loss(held_back, F(37, 4)))
    blind = copy.deepcopy(SHARP)
    blind["problem"]["point"]["layers"][0]["weight"] = [["0"]]
    refused(with_loss(blind, 13))
    other = copy.deepcopy(SHARP)
    other["problem"]["network"]["activation"] = "softplus"
    assert "gelu" in refused(other)


def stacked(straight: int) -> Any:
    """Two pairs, one above the other; T of the lower one is 1 in the row of u of the upper one.

    Along the curve only the output's bias moves, from 5 to 0, if it is 0 in the row of w, else also
    the second layer's weights, to infinity; but both units below are x + 1, so nobody sees it.
    """
    near, s = F(1, 2), F(straight)
    at = point(
        ([[1], [1]], [1, 1]),
        ([[1 + s + near, 1 - s - near], [1 + s - near, 1 - s + near]], [0, 0]),
        ([[1, 1]], [5]),
    )
    limit = point(([[0], [1]], [0, 1]), ([[0, 1], [2, straight]], [0, 0]), ([[2, 0]], [0]))
    pairs = [{"layer": m, "units": [0, 1], "factor": "1"} for m in (0, 1)]
    given = problem([1, 2, 2, 1], "relu", "squared", column(0, 1), column(3, 7), at)
    return {
        **copy.deepcopy(KINKS), "problem": given,
        "claim": {**KINKS["claim"], "loss": ball(72, 0), "valley_limit": ball(2, F(1, 2**40))},
        "proof": {"rule": "merging_valley", "pairs": pairs, "curve": [limit]},
    }  # fmt: skip


def test_something_has_to_grow_after_all() -> None:
    """T/tau times tau/2 does not."""
    assert check(seal(stacked(1))).valid, check(seal(stacked(1))).reason
    assert "grows" in refused(stacked(0))


@pytest.mark.parametrize("activation", ["gelu", "silu"])
def test_other_units_stay(activation: str) -> None:
    """A second unit, at x + 2, whose gate does not open."""
    data = sharp(F(15, 8), activation)
    first, last = data["problem"]["point"]["layers"]
    data["problem"]["network"]["widths"] = [1, 2, 1]
    first["weight"], first["bias"] = [["1"], ["1"]], ["0", "2"]
    last["weight"] = [["1", "1/1000"]]
    with mp.workdps(DIGITS):
        shares = [mp.ncdf(z) if activation == "gelu" else 1 / (1 + mp.exp(-z)) for z in (3, 4)]
        ends = [z + mp.mpf(z + 2) / 1000 * s for z, s in zip((1, 2), shares, strict=True)]
        end = F(mp.nstr((ends[0] - 2) ** 2 + (ends[1] - mp.mpf(15) / 8) ** 2, 60))
    for gates, valid in ((["1", "0"], True), (["0", "0"], False), (["0", "1"], False)):
        data["proof"].update(direction=["0"] * 7, gates=gates)
        assert check(seal(with_loss(data, end))).valid is valid, gates
