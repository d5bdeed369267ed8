"""The theorem of docs/constructions/xor-no-minimum.md: roots of the gradient, and ways down."""

from typing import Any

import mpmath as mp
import numpy as np
import pytest
from benchmarks.xor_stationary_points import outputs, split, stationary

CORNERS = ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0))
SECOND = "1.1293823158937752"

Weights = list[tuple[Any, Any, Any, Any]]  # of each unit: two inputs, bias, output


def sigmoid(z: Any) -> Any:
    return 1 / (1 + mp.exp(-z))


def loss(units: Weights, bias: Any) -> Any:
    total = mp.mpf(0)
    for x1, x2, y in CORNERS:
        f = bias + sum(v * sigmoid(a * x1 + b * x2 + c) for a, b, c, v in units)
        total += (sigmoid(f) - y) ** 2
    return total


def balanced(units: Weights) -> Any:
    """The output bias with which f is 0 at (0, 0)."""
    return -sum(v * sigmoid(c) for _, _, c, v in units)


@pytest.mark.parametrize("units", [2, 3])
def test_roots_of_the_gradient_are_as_listed(units: int) -> None:
    found, bound = list(stationary(units, 80)), 0
    assert len(found) >= 2
    for end in found:
        w, _, v, _ = split(end, units)
        hidden, out = outputs(end, units)
        value = ((out - np.array([0, 1, 1, 0])) ** 2).sum()
        assert min(abs(value - 1), abs(value - float(SECOND))) < 1e-9
        slopes = (hidden * (1 - hidden)).min(axis=0)
        for j in range(units):
            if abs(v[j]) > 1e-3 and slopes[j] > 1e-3:  # not at its limits
                assert min(abs(w[j])) < 1e-3
                bound += 1
    assert bound


def test_the_second_value() -> None:
    with mp.workdps(40):
        x = mp.findroot(lambda x: (1 - x + x * x) ** 3 - x, 0.4)
        a = mp.log(x)
        assert x < 0.5
        value = 3 * sigmoid(a) ** 2 + sigmoid(-3 * a) ** 2
        assert abs(value - mp.mpf(SECOND)) < mp.mpf("1e-15")


def test_ways_down_from_the_constant() -> None:
    """The three of part 3, with e = 1e-4, in 60 digits."""
    with mp.workdps(60):
        e = mp.mpf("1e-4")
        silent: Weights = [(mp.mpf(1), mp.mpf(0), mp.mpf(1), mp.mpf(0))] * 2
        assert loss(silent, mp.mpf(0)) == 1
        spoken = [(mp.mpf(1), e, mp.mpf(1), sign * e * e) for sign in (1, -1)]
        assert any(loss([unit, silent[1]], mp.mpf(0)) < 1 for unit in spoken)

        b, v = mp.mpf(2), mp.mpf(3)
        bent: Weights = [(mp.mpf(0), -2 * b, b, v), (mp.mpf(0), -2 * b, b, -v)]
        assert abs(loss(bent, balanced(bent)) - 1) < mp.mpf("1e-50")
        slope = sigmoid(b) * (1 - sigmoid(b))
        down = [
            loss([(sign * e**1.5, -2 * b, b + e, v), bent[1]], balanced(bent) - v * slope * e)
            for sign in (1, -1)
        ]
        assert min(down) < 1 < max(down)

        flat: Weights = [(mp.mpf(0), mp.mpf(0), mp.mpf(c), mp.mpf(v)) for c, v in ((1, 2), (2, -3))]
        assert abs(loss(flat, balanced(flat)) - 1) < mp.mpf("1e-50")
        ends = []
        for sign in (1, -1):
            moved = []
            for side, (_, _, c, v) in zip((1, -1), flat, strict=True):
                s = sigmoid(c)
                step = side * e / (v * s * (1 - s))
                moved.append((step, sign * step, c, v))
            ends.append(loss(moved, balanced(moved)))
        assert min(ends) < 1 < max(ends)
