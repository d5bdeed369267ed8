from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spurious.paper.c11 import AWAY, off_the_mean
from spurious.paper.c12 import CASES, better_point, dead_point
from spurious.paper.dead_cases import margin, target_means
from spurious.paper.relu import hidden_preactivations, outputs, squared_loss
from spurious.problem import Dataset, Network, dataset_from_arrays

small = st.fractions(min_value=-3, max_value=3, max_denominator=4)


@st.composite
def datasets(draw: st.DrawFn) -> Dataset:
    inputs, outputs, size = (draw(st.integers(1, high)) for high in (3, 2, 6))
    x = draw(st.lists(st.lists(small, min_size=inputs, max_size=inputs), min_size=size, max_size=6))
    rows = st.lists(small, min_size=outputs, max_size=outputs)
    return dataset_from_arrays(x, [draw(rows) for _ in x])


@st.composite
def networks(draw: st.DrawFn, data: Dataset) -> Network:
    hidden = draw(st.lists(st.integers(1, 4), min_size=0, max_size=3))
    first = draw(st.integers(3, 4))
    return Network((data.inputs, first, *hidden, len(data.y[0])), "relu")


def constant_loss(data: Dataset) -> Fraction:
    means = target_means(data)
    return sum(
        ((y - m) ** 2 for row in data.y for y, m in zip(row, means, strict=True)), Fraction(0)
    )


@given(st.data())
def test_a_dead_point_is_off_on_all_data_and_answers_the_mean(draws: st.DataObject) -> None:
    data = draws.draw(datasets())
    network = draws.draw(networks(data))
    layer = draws.draw(st.integers(1, network.depth))
    point = dead_point(network, layer, data, draws.draw(st.integers(0, 10**6)))
    assert margin(point, layer, data) >= 1
    for x in data.x:
        assert all(z < 0 for z in hidden_preactivations(point, x)[layer - 1])
        assert outputs(point, x) == target_means(data)
    assert squared_loss(point, data) == constant_loss(data)
    raised = off_the_mean(point)
    extra = data.size * len(data.y[0]) * AWAY**2
    assert squared_loss(raised, data) == constant_loss(data) + extra


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


@given(st.data())
def test_the_better_point_is_better_exactly_on_decent_data(draws: st.DataObject) -> None:
    data = draws.draw(datasets())
    network = draws.draw(networks(data))
    if not decent(data):
        with pytest.raises(ValueError, match="differs from the overall mean"):
            better_point(network, data)
        return
    better = better_point(network, data)
    assert squared_loss(better, data) < constant_loss(data)
    values = {outputs(better, x) for x in data.x}
    assert len(values) == 2, "one group against all others"


def test_refusals() -> None:
    data = CASES[0].data
    with pytest.raises(ValueError, match="at least 3"):
        better_point(Network((1, 2, 1), "relu"), data)
    with pytest.raises(ValueError, match="expected 1 to 1"):
        dead_point(Network((1, 3, 1), "relu"), 2, data, 0)
