"""Kinks at right angles: minima of D1 with decay, false certificates, a pair that would gain."""

import json
import random
from fractions import Fraction
from typing import Any

import pytest
from scipy.optimize import minimize

import spurious_checker
from spurious import certify, penalised_atlas
from spurious.problem import (
    DenseLoss,
    Network,
    Penalty,
    ProgramProblem,
    dataset,
    dataset_from_arrays,
)
from spurious.proof.certificate import digest
from spurious.verdict import Decision


def d1_loss(network_loss: DenseLoss, v: list[Fraction]) -> Fraction:
    """A penalised loss of a 1-h-1 relu network, computed anew in fractions."""
    h = network_loss.network.hidden[0]
    total = sum((p * p for p in v), Fraction(0)) * Fraction(str(network_loss.penalty.l2))
    for (x,), (y,) in zip(network_loss.data.x, network_loss.data.y, strict=True):
        units = (v[2 * h + k] * max(v[k] * x + v[h + k], Fraction(0)) for k in range(h))
        total += (sum(units, v[3 * h]) - y) ** 2
    return total


@pytest.mark.parametrize(("hidden", "l2"), [(1, "1/100"), (2, "1/10")])
def test_kinks_at_right_angles_are_proved(hidden: int, l2: str) -> None:
    """On D1 a unit that sees -1 alone is on its kink at 1 exactly, and nothing holds it there."""
    network = Network((1, hidden, 1), "relu")
    asked = DenseLoss(network, "squared", dataset("d1").data, Penalty(Fraction(l2)))
    found, loose, rng = penalised_atlas(asked), 0, random.Random(0)
    for family in found.minima:
        verdict = certify(found.problem(family), search=False)
        assert verdict.claim.is_minimum, verdict.reason
        assert verdict.flat_dimension == family.dimension
        proof = json.loads(json.dumps(verdict.certificate))["proof"]
        loose += "off" in proof
        centre = [Fraction(v) for v in proof["centre"]]
        base = d1_loss(asked, centre)
        for _ in range(200):
            size = Fraction(1, 10 ** rng.randint(2, 6))
            there = [v + size * Fraction(rng.randint(-9, 9), 9) for v in centre]
            assert d1_loss(asked, there) >= base - Fraction(1, 10**18)
    assert loose


def right_angle() -> Any:
    """The certificate of D1's lowest minimum with one unit, which has a pair that is off."""
    network = Network((1, 1, 1), "relu")
    asked = DenseLoss(network, "squared", dataset("d1").data, Penalty(Fraction(1, 100)))
    found = penalised_atlas(asked)
    certificate = certify(found.problem(found.minima[0]), search=False).certificate
    data = json.loads(json.dumps(certificate))
    assert data["proof"]["off"] == [[0, 3]]
    return data


def test_false_right_angles_are_refused() -> None:
    data = right_angle()
    assert spurious_checker.check(data).valid
    for path, value in (
        (("proof", "off"), []),
        (("proof", "off"), [[0, 4]]),
        (("proof", "off"), [[0, 3], [0, 2]]),
        (("proof", "off"), [[0, 3], [0, 0]]),
        (("proof", "off"), [[1, 3]]),
        (("proof", "off"), [[0, 9]]),
        (("problem", "data", "x"), [["5"], ["4"], ["3"], ["1000001/1000000"], ["-1"]]),
        (("problem", "data", "y"), [["2"], ["1"], ["0"], ["30"], ["3"]]),
        (("problem", "network", "activation"), "abs"),
        (("problem", "penalty"), {"l2": "1/100", "biases": False}),
    ):
        changed = json.loads(json.dumps(data))
        place = changed
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        rest = {key: entry for key, entry in changed.items() if key != "digest"}
        answer = spurious_checker.check({**rest, "digest": digest(rest)})
        assert not answer.valid and not answer.reason.startswith("the check failed"), path


def test_a_pair_at_right_angles_that_would_gain_is_no_minimum() -> None:
    """One unit sees -1 alone; at 1, on its kink, it would do well to turn on."""
    data = dataset_from_arrays([[-1], [1]], [[3], [2]])
    asked = DenseLoss(Network((1, 1, 1), "relu"), "squared", data, Penalty(Fraction(1, 10)))

    def off_at_1(p: Any) -> float:
        w, b, v, c = p
        return (v * (b - w) + c - 3) ** 2 + (c - 2) ** 2 + 0.1 * (w * w + b * b + v * v + c * c)

    best = minimize(off_at_1, [-1.0, 1.0, 1.0, 1.0], tol=1e-15).x
    assert abs(best[0] + best[1]) < 1e-6 and best[2] * (best[3] - 2) < 0
    point = tuple(Fraction(float(p)) for p in best)
    verdict = certify(ProgramProblem(asked.program(), point, dense=asked), search=False)
    assert verdict.decision is not Decision.LOCAL_MINIMUM
    claimed = verdict.decision is Decision.LOCAL_MINIMUM_NEARBY
    assert not claimed or "off" not in verdict.certificate["proof"]
