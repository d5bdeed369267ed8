"""Rays on which a unit saturates: false certificates, and the inequality of Theorem 25."""

from __future__ import annotations

import copy
import random
from fractions import Fraction
from itertools import pairwise
from typing import Any

import mpmath as mp
import pytest
from tests.checker.pencil import CASES, ball, column, point, problem, ray, seal
from tests.checker.truth import DIGITS, Landscape, flat, gated_curve, layers_of, reals

import spurious_checker as checker
from spurious_checker import check

STEP = CASES["step unit"]


def refused(data: Any) -> str:
    result = check(seal(data))
    assert not result.valid, result.claim
    assert result.reason and not result.reason.startswith("the check failed"), result.reason
    return result.reason


def with_proof(**changes: Any) -> Any:
    data = copy.deepcopy(STEP)
    data["proof"].update(changes)
    return data


def test_false_directions() -> None:
    """Backwards, through 0, not moving at all, of a wrong length."""
    for way in (["-1", "0"], ["1", "1"], ["1", "-1"], ["0", "1"], ["0", "0"], ["1"], []):
        refused(with_proof(direction=[*way, "0", "0"]))
    assert check(seal(with_proof(direction=["1/7", "0", "0", "0"]))).valid
    for other in (["1", "0", "1", "0"], ["1", "0", "-1/9", "0"], ["1", "0", "0", "1"]):
        refused(with_proof(direction=other))  # the other layer moves, too
    for gates in (["1"], ["0"], [], None):
        assert "gelu" in refused(with_proof(gates=gates))


def test_false_limits() -> None:
    for limit in (ball(26, Fraction(1, 10**40)), ball(27, 1), None):
        data = copy.deepcopy(STEP)
        data["claim"]["valley_limit"] = limit
        refused(data)


@pytest.mark.parametrize("activation", ["relu", "softsign", "gelu", "elu", "softplus", "silu"])
def test_other_activations(activation: str) -> None:
    data = copy.deepcopy(STEP)
    data["problem"]["network"]["activation"] = activation
    refused(data)


@pytest.mark.parametrize(("inner", "outer", "valid"), [(2, 2, True), ("3/2", "1/2", False)])
def test_two_layers(inner: Any, outer: Any, valid: bool) -> None:
    """Where all points gain their ways are enough; nothing is said of how fast deep units move."""
    data = steps((inner, outer, f"-{inner}", f"-{outer}"), 4)
    assert check(data).valid
    data["problem"]["network"]["widths"] = [1, 1, 1, 1]
    data["problem"]["point"]["layers"].append({"weight": [["1"]], "bias": ["0"]})
    data["proof"]["direction"] += ["0", "0"]
    with mp.workdps(DIGITS):
        loss = Landscape(data["problem"]).loss(flat(layers_of(data["problem"]["point"])))
        end = sum(2 * (mp.tanh(1) - mp.mpf(Fraction(v).numerator) / Fraction(v).denominator) ** 2
                  for v in (inner, outer))  # fmt: skip
        for key, value in (("loss", loss), ("valley_limit", end)):
            data["claim"][key] = ball(Fraction(mp.nstr(value, 60)), Fraction(1, 10**40))
    if valid:
        assert check(seal(data)).valid
    else:
        assert "fall" in refused(data)


def test_a_penalty_is_paid_along_the_ray() -> None:
    """On the weights that grow. One on a bias at 0 matters only where outputs are weighed up."""
    mixed = steps(("3/2", "1/2", "-3/2", "-1/2"), 4)
    for case, block, valid in (
        (STEP, "layers[0].weight", False), (STEP, "layers[1].bias", True),
        (mixed, "layers[1].bias", False), (mixed, "", True),
    ):  # fmt: skip
        data = copy.deepcopy(case)
        data["problem"]["format"] = "spurious-problem/2"
        data["problem"]["penalty"] = {block: "1/1000000"} if block else {}
        with mp.workdps(DIGITS):
            loss = Landscape(case["problem"]).loss(flat(layers_of(case["problem"]["point"])))
            paid = Fraction(mp.nstr(loss, 60)) + Fraction(1, 10**6) * (block == "layers[0].weight")
        data["claim"]["loss"] = ball(paid, Fraction(1, 10**40))
        assert check(seal(data)).valid is valid, block


def test_two_units_at_once() -> None:
    """Halves of the step unit saturate together, along a ray of both."""
    layers = {"layers": [{"weight": [["1"], ["1"]], "bias": ["0", "0"]},
                         {"weight": [["1/2", "1/2"]], "bias": ["0"]}]}  # fmt: skip
    pb = copy.deepcopy(STEP["problem"])
    pb["network"]["widths"], pb["point"] = [1, 2, 1], layers
    claim = STEP["claim"]
    for way, valid in (([1, 1], True), ([1, 2], True), ([1, -1], False), ([2, 0], False)):
        data = ray(pb, claim["loss"], claim["valley_limit"], [*way, 0, 0, 0, 0, 0])
        assert check(data).valid is valid, way


def steps(targets: tuple[Any, ...], weight: Any) -> Any:
    """A tanh unit at x = 1, 2, -1, -2, with the limits 1 and -1."""
    at = point(([[weight]], [0]), ([[1]], [0]))
    pb = problem([1, 1, 1], "tanh", "squared", column(1, 2, -1, -2), column(*targets), at)
    with mp.workdps(DIGITS):
        loss = Landscape(pb).loss(flat(layers_of(at)))
        found = Fraction(mp.nstr(loss, 60))
    limit = sum((f - Fraction(t)) ** 2 for f, t in zip((1, 1, -1, -1), targets, strict=True))
    tiny = Fraction(1, 10**40)
    return ray(pb, ball(found, tiny), ball(limit, tiny), [1, 0, 0, 0])


def test_the_nearest_point_decides() -> None:
    """Inner targets above the step draw it on; below they hold it back, whatever outer ones say."""
    assert check(steps(("3/2", "1/2", "-3/2", "-1/2"), 4)).valid
    assert "fall" in refused(steps(("1/2", "3/2", "-1/2", "-3/2"), 4))
    assert check(steps(("1", "2", "-1", "-2"), 4)).valid  # exactly right: then outer ones decide
    assert "fall" in refused(steps(("1", "1/2", "-1", "-1/2"), 4))


def test_points_further_out_count_for_what_they_weigh() -> None:
    """h = -1 for the inner points, 2 R for the outer: R e^(-2 w) (1 + e^(-2 w))^2 < 1/2 or so."""
    for weight in ("1/2", "1", "2", "4"):
        with mp.workdps(30):
            w = mp.mpf(Fraction(weight).numerator) / Fraction(weight).denominator
            # 0 is one of two inner points, the other is left out; both outer points count
            border = mp.exp(2 * w) / (1 + mp.exp(-2 * w)) ** 2 / 4
        for share, valid in ((0.99, True), (1.01, False)):
            risen = Fraction(float(border) * share)
            data = steps(("3/2", 1 - risen / 2, "-3/2", -1 + risen / 2), weight)
            assert check(data).valid is valid, (weight, share)


def test_the_loss_falls_along_rays_that_pass() -> None:
    """The condition, on random steep units; where it holds the loss is lower further out."""
    rng, passed = random.Random(3), 0
    for _ in range(300):
        weight = Fraction(rng.randint(4, 40), 8)
        targets = tuple(Fraction(rng.randint(-16, 16), 8) for _ in range(4))
        data = steps(targets, weight)
        if not check(data).valid:
            continue
        passed += 1
        landscape, at = Landscape(data["problem"]), layers_of(data["problem"]["point"])
        with mp.workdps(DIGITS):
            along = reals([data["proof"]["direction"]])[0]
            places = [0, mp.mpf("0.01"), mp.mpf("0.1"), *range(1, 12)]
            values = [landscape.loss([a + s * b for a, b in zip(flat(at), along, strict=True)])
                      for s in places]  # fmt: skip
            assert all(a > b for a, b in pairwise(values))
            limit = Fraction(data["claim"]["valley_limit"]["mid"])
            assert values[-1] > mp.mpf(limit.numerator) / limit.denominator
    assert 5 <= passed <= 150


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "gelu", "silu"])
def test_rays_of_several_units(activation: str) -> None:
    """Whatever the checker accepts of random rays, or gates, the loss falls along it."""
    rng, passed, mixed, gated = random.Random(activation), 0, 0, activation in ("gelu", "silu")
    for _ in range(150):
        outputs = rng.randint(1, 2)
        first, bias = ([Fraction(rng.choice([-9, -6, 6, 9]), 4) for _ in range(2)] for _ in "wb")
        above = [[Fraction(rng.randint(-8, 8), 8) for _ in range(2)] for _ in range(outputs)]
        x = column(*(rng.choice([-3, -2, 1, 2, 3]) for _ in range(3)))
        y = [[Fraction(rng.randint(-16, 16), 8) for _ in range(outputs)] for _ in x]
        at = point(([[v] for v in first], bias), (above, [0] * outputs))
        pb = problem([1, 2, outputs], activation, "squared", x, y, at)
        speeds = [Fraction(rng.randint(0, 2)) for _ in range(2)]
        turn = [v * s for row in (first, bias) for v, s in zip(row, speeds, strict=True)]
        size = 4 + 3 * outputs
        proof: dict[str, Any] = {"direction": [*(["0"] * 4 if gated else map(str, turn))]}
        proof["direction"] += ["0"] * (size - 4)
        if gated:
            proof["gates"] = [str(s) for s in speeds]
        case = checker.Case(checker.read_any(pb), {}, 128, layered=False)
        try:
            found = checker.monotone_valley(case, proof)
        except checker.Invalid:
            continue
        passed += 1
        mixed += all(speeds)
        landscape = Landscape(pb)
        data = {"problem": pb, "proof": {**proof, "gates": proof.get("gates", ["0", "0"])}}
        with mp.workdps(DIGITS):
            losses = [landscape.loss(gated_curve(data, 1 / (1 + mp.mpf(t))))
                      for t in ("0", "0.01", "0.1", "0.3", "0.6", "1")]  # fmt: skip
            assert all(a > b for a, b in pairwise(losses)), (pb, proof)
            assert found.limit is not None
            lower = checker.interval(found.limit, 128).lower
            assert losses[-1] > mp.mpf(lower.numerator) / lower.denominator - mp.mpf(10) ** -30
    assert passed >= 10 and mixed >= 1


@pytest.mark.parametrize("digits", [20, 60, 400])
def test_a_rate_is_zero_only_if_it_is_so_exactly(digits: int) -> None:
    """The second output moves as two weights whose rates cancel up to so many digits."""
    with mp.workdps(DIGITS + digits):
        low, high = mp.tanh(1), mp.tanh(2)
        share = Fraction(str(mp.nstr(low / high, digits)))
        loss, limit = ((end - 2) ** 2 + (low + high - 1) ** 2 for end in (low, mp.mpf(1)))
        found = [Fraction(str(mp.nstr(v, 60))) for v in (loss, limit)]
    at = point(([[1], [1], [2]], [0, 0, 0]), ([[1, 0, 0], [0, 1, 1]], [0, 0]))
    data = copy.deepcopy(STEP)
    data["problem"] = problem([1, 3, 2], "tanh", "squared", [[1]], [[2, 1]], at)
    for name, value in zip(("loss", "valley_limit"), found, strict=True):
        data["claim"][name] = ball(value, Fraction(1, 10**30))
    for rates, valid in (((0, 0), True), ((1, -share), False)):
        data["proof"]["direction"] = ["1", *["0"] * 9, *map(str, rates), "0", "0"]
        assert check(seal(data)).valid is valid


def classes(labels: tuple[int, ...], copies: int = 1) -> Any:
    """Tanh units, one or equal shares of it, and three classes at x = 1, 2, -1, -2."""
    out = [[str(Fraction(v, copies))] * copies for v in (0, 2, 4)]
    at = point(([[1]] * copies, [0] * copies), (out, [-1, 3, 0]))
    pb = problem([1, copies, 3], "tanh", "cross_entropy", column(1, 2, -1, -2), column(*labels), at)
    losses: list[Fraction] = []
    with mp.workdps(DIGITS):
        for t in (0, 1, 10, 10**6):
            there = copy.deepcopy(pb)
            there["point"]["layers"][0]["weight"] = [[str(1 + t)]] * copies
            loss = Landscape(there).loss(flat(layers_of(there["point"])))
            losses.append(Fraction(mp.nstr(loss, 60)))
    tiny, way = Fraction(1, 10**40), [1] * copies + [0] * (4 * copies + 3)
    data = ray(pb, ball(losses[0], tiny), ball(losses[-1], tiny), way)
    assert check(data).valid <= all(a > b for a, b in pairwise(losses))
    return data


def test_outputs_of_a_point_that_move_on_a_segment_count_at_its_end() -> None:
    """Over the hull of the outputs the gradient of the log loss would be too wide here.

    Halves of the unit move at the same rates, but as two numbers: then the hull counts.
    """
    assert check(classes((2, 2, 0, 2))).valid
    assert "fall" in refused(classes((2, 2, 0, 2), copies=2))
    assert "fall" in refused(classes((0, 0, 2, 2)))
