"""Depth kills: the proved bound never exceeds what is simulated, and exact cases agree."""

from fractions import Fraction
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spurious.construct import Block, constant_bound, constant_share
from spurious.errors import InputError
from spurious.problem import dataset, dataset_from_arrays
from spurious.sweep import clopper_pearson
from spurious.train import Initialisation

STARTS = (
    Initialisation("he_normal"),
    Initialisation("glorot_uniform"),
    Initialisation("pytorch"),
    Initialisation("normal", bias="drawn"),
)
RUNS = 4_000


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.lists(st.integers(-2, 2), min_size=2, max_size=2), min_size=2, max_size=5),
    st.lists(st.integers(1, 4), min_size=1, max_size=12),
    st.sampled_from(STARTS),
)
def test_the_bound_is_below_the_simulated_probability(
    x: list[list[int]], hidden: list[int], start: Initialisation
) -> None:
    data = dataset_from_arrays(x, [[0]] * len(x))
    bound = constant_bound(data, hidden, start)
    assert 0 <= bound <= 1
    if len(set(data.x)) == 1:
        return
    share = constant_share(data, hidden, start, RUNS)
    assert (np.diff(share.constant) >= 0).all()
    assert (share.nearly >= share.constant).all()
    rate = clopper_pearson(int(share.constant[-1]), RUNS, 1 - 1e-9)
    assert float(bound) <= rate.high


@given(st.lists(st.integers(1, 5), min_size=1, max_size=30))
def test_one_ray_without_biases_is_exact(hidden: list[int]) -> None:
    """Two points on one ray die together: the bound is the probability itself."""
    data = dataset_from_arrays([[1, 1], [2, 2]], [[0], [1]])
    bound = constant_bound(data, hidden, STARTS[0])
    assert bound == 1 - prod((1 - Fraction(1, 2**h) for h in hidden), start=Fraction(1))


@pytest.mark.parametrize("start", STARTS, ids=lambda start: start.name)
def test_one_input_is_always_constant(start: Initialisation) -> None:
    """Then one ray is no exact case, and no bound below 1 is right."""
    data = dataset_from_arrays([[1, -1], [1, -1]], [[0], [1]])
    assert constant_bound(data, [3, 3], start) == 1


def test_the_exact_case_is_what_is_simulated() -> None:
    data = dataset_from_arrays([[1, 1], [2, 2]], [[0], [1]])
    share = constant_share(data, [2] * 10, STARTS[0], 20_000)
    for depth in (1, 3, 10):
        rate = clopper_pearson(int(share.constant[depth - 1]), 20_000, 1 - 1e-6)
        assert rate.low <= float(constant_bound(data, [2] * depth, STARTS[0])) <= rate.high


@pytest.mark.parametrize("start", STARTS, ids=lambda start: start.name)
def test_the_bound_goes_to_one(start: Initialisation) -> None:
    data = dataset("xor").data
    bounds = [constant_bound(data, [2] * depth, start) for depth in (1, 10, 100, 2_000)]
    assert bounds == sorted(bounds)
    assert bounds[-1] > 0.999


def test_leaky_and_residual_layers() -> None:
    data = dataset("jellyfish").data
    for start in STARTS:
        leaky = constant_share(data, [2] * 20, start, 2_000, block=Block.LEAKY)
        assert not leaky.constant.any()
        residual = constant_share(data, [2] * 20, start, 2_000, block=Block.RESIDUAL)
        assert len(set(residual.constant)) == 1
        plain = constant_share(data, [2] * 20, start, 2_000)
        assert plain.constant[0] == residual.constant[0] < plain.constant[-1]


def test_impossible_requests() -> None:
    data = dataset("xor").data
    start = STARTS[0]
    for call, line in (
        (lambda: constant_bound(data, [], start), "at least one layer"),
        (lambda: constant_bound(data, [2, 0], start), "at least one layer"),
        (lambda: constant_bound(data, [2], Initialisation("normal", mean=1.0)), "zero-mean"),
        (lambda: constant_bound(data, [2], Initialisation("normal", std=0.0)), "positive variance"),
        (lambda: constant_bound(data, [2], Initialisation("he_normal", bias=1.0)), "biases"),
        (lambda: constant_share(data, [2], start, 0), "runs: found 0"),
        (
            lambda: constant_share(data, [2, 3], start, 1, block=Block.RESIDUAL),
            "equal ones for residual",
        ),
    ):
        with pytest.raises(InputError, match=line):
            call()
