"""Dead layers: every point certified, spurious exactly on decent data, and the basin's size."""

from fractions import Fraction
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spurious_checker
from spurious.certify import certify
from spurious.construct import dead_distance, dead_layer, dead_shares
from spurious.construct.dead_layer import (
    better_point,
    dead_point,
    hinge_point,
    is_decent,
    margin,
    target_means,
    tent_point,
)
from spurious.construct.relu import hidden_preactivations, outputs, squared_loss
from spurious.errors import InputError
from spurious.problem import Dataset, Layer, Network, Point, dataset_from_arrays
from spurious.verdict import Answer, Decision

FRACTIONS = {Fraction(p, q) for q in range(1, 5) for p in range(-3 * q, 3 * q + 1)}
small = st.sampled_from(sorted(FRACTIONS, key=lambda v: (v.denominator, abs(v), v < 0)))
"""Those of `st.fractions(-3, 3, max_denominator=4)`, which makes a new strategy at each draw."""


@st.composite
def datasets(draw: st.DrawFn) -> Dataset:
    inputs, outputs, size = (draw(st.integers(1, high)) for high in (3, 2, 6))
    x = draw(st.lists(st.lists(small, min_size=inputs, max_size=inputs), min_size=size, max_size=6))
    rows = st.lists(small, min_size=outputs, max_size=outputs)
    return dataset_from_arrays(x, [draw(rows) for _ in x])


@st.composite
def networks(draw: st.DrawFn, data: Dataset, first: int = 1) -> Network:
    hidden = draw(st.lists(st.integers(1, 4), min_size=0, max_size=3))
    widest = draw(st.integers(first, 4))
    return Network((data.inputs, widest, *hidden, len(data.y[0])), "relu")


def constant_loss(data: Dataset) -> Fraction:
    means = target_means(data)
    return sum(
        ((y - m) ** 2 for row in data.y for y, m in zip(row, means, strict=True)), Fraction(0)
    )


@settings(deadline=None)
@given(st.data())
def test_a_dead_point_is_off_on_all_data_and_answers_the_mean(draws: st.DataObject) -> None:
    data = draws.draw(datasets())
    network = draws.draw(networks(data))
    layer = draws.draw(st.integers(1, network.depth))
    point = dead_point(network, layer, data, draws.draw(st.integers(0, 10**6)))
    assert margin(point, layer, data) >= 1
    for layers in hidden_preactivations(point, data.x):
        assert all(z < 0 for z in layers[layer - 1])
    assert outputs(point, data.x) == (target_means(data),) * data.size
    assert squared_loss(point, data) == constant_loss(data)


def decent(data: Dataset) -> bool:
    """The paper's condition, written down again: some group's mean is not the overall mean."""
    for x in data.x:
        group = Dataset(
            tuple(a for a in data.x if a == x),
            tuple(b for a, b in zip(data.x, data.y, strict=True) if a == x),
        )
        if target_means(group) != target_means(data):
            return True
    return False


@settings(deadline=None)
@given(st.data())
def test_better_points_exist_exactly_on_decent_data(draws: st.DataObject) -> None:
    data = draws.draw(datasets())
    network = draws.draw(networks(data))
    assert is_decent(data) is decent(data)
    if not decent(data):
        for make in (better_point, hinge_point):
            with pytest.raises(InputError, match="differs from the overall mean"):
                make(network, data)
        return
    assert squared_loss(hinge_point(network, data), data) < constant_loss(data)
    better = better_point(network, data)
    assert squared_loss(better, data) < constant_loss(data)
    if network.widths[1] >= 3:
        assert len(set(outputs(better, data.x))) == 2, "one group against all others"


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_every_dead_layer_is_certified(draws: st.DataObject) -> None:
    data = draws.draw(datasets())
    network = draws.draw(networks(data))
    layer = draws.draw(st.integers(1, network.depth))
    found = dead_layer(network, data, layer, draws.draw(st.integers(0, 10**6)))
    verdict = certify(found.problem)
    assert verdict.decision is Decision.LOCAL_MINIMUM
    assert verdict.is_global is (Answer.NO if found.decent else Answer.YES)
    assert verdict.certificate is not None
    assert spurious_checker.check(dict(verdict.certificate)).valid


def test_data_without_a_telling_group_make_the_dead_point_global() -> None:
    data = dataset_from_arrays([[0], [0], [1]], [[1], [3], [2]])
    found = dead_layer(Network((1, 3, 1), "relu"), data, 1)
    assert not found.decent and found.problem.witness is None
    assert certify(found.problem).is_global is Answer.YES


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_the_layer_stays_dead_within_the_radius(draws: st.DataObject) -> None:
    data = draws.draw(datasets())
    network = draws.draw(networks(data))
    layer = draws.draw(st.integers(1, network.depth))
    found = dead_layer(network, data, layer, draws.draw(st.integers(0, 10**6)))
    distance = dead_distance(found)
    point = found.problem.point
    assert point is not None
    assert distance.all_layers > 0 and distance.all_layers**2 <= distance.own_squared * 11 / 10
    random = Random(draws.draw(st.integers(0, 10**6)))
    for _ in range(5):
        moved = _moved(point, random, distance.all_layers)
        assert margin(moved, layer, data) > 0


def _moved(point: Point, random: Random, radius: Fraction) -> Point:
    """The point moved by just less than `radius` in a random direction."""
    shape = [[len(layer.weight), len(layer.weight[0])] for layer in point.layers]
    draws = [[[random.gauss(0, 1) for _ in range(i + 1)] for _ in range(o)] for o, i in shape]
    norm = sum(v * v for layer in draws for row in layer for v in row) ** 0.5
    step = Fraction(float(radius) * 0.999 / norm)
    return Point(
        tuple(
            Layer(
                tuple(
                    tuple(w + step * Fraction(v) for w, v in zip(row, drawn[1:], strict=True))
                    for row, drawn in zip(layer.weight, rows, strict=True)
                ),
                tuple(b + step * Fraction(r[0]) for b, r in zip(layer.bias, rows, strict=True)),
            )
            for layer, rows in zip(point.layers, draws, strict=True)
        )
    )


def test_the_own_distance_is_that_of_the_nearest_kink() -> None:
    """One unit w = 1, b = -3 on x = 1: z = -2, so life is 2/sqrt(2) away."""
    data = dataset_from_arrays([[1], [-1]], [[0], [1]])
    found = dead_layer(Network((1, 1, 1), "relu"), data, 1, 5)
    point = found.problem.point
    assert point is not None
    (weight,), bias = point.layers[0].weight[0], point.layers[0].bias[0]
    expected = min((weight * x[0] + bias) ** 2 / (x[0] ** 2 + 1) for x in data.x)
    assert dead_distance(found).own_squared == expected


def test_dead_starts_stay_dead() -> None:
    data = dataset_from_arrays([[-2], [-1], [1], [2]], [[1], [0], [2], [-1]])
    (share,) = dead_shares(Network((1, 2, 1), "relu"), data, 500, 200, names=["pytorch"])
    assert 0 < share.at_start <= share.at_end < share.runs == 500


@pytest.mark.parametrize(
    ("widths", "activation", "layer", "line"),
    [
        ((1, 3, 1), "relu", 2, "layer: found 2, expected a hidden layer, 1 to 1"),
        ((1, 3, 1), "relu", 0, "layer: found 0, expected a hidden layer, 1 to 1"),
        ((1, 1), "relu", 1, "without hidden layers"),
        ((1, 3, 1), "tanh", 1, "expected relu"),
        ((2, 3, 1), "relu", 1, "found points of 1 inputs, expected 2"),
    ],
)
def test_impossible_requests(
    widths: tuple[int, ...], activation: str, layer: int, line: str
) -> None:
    data = dataset_from_arrays([[0], [1]], [[0], [1]])
    with pytest.raises(InputError, match=line):
        dead_layer(Network(widths, activation), data, layer)


def test_a_tent_needs_three_units() -> None:
    data = dataset_from_arrays([[0], [1]], [[0], [1]])
    with pytest.raises(InputError, match="fewer than 3 units"):
        tent_point(Network((1, 2, 1), "relu"), data)
