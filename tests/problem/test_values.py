"""Network, Loss, Dataset, Point and Problem."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spurious.errors import InputError, SpuriousError
from spurious.problem import (
    ACTIVATIONS,
    HOMOGENEOUS,
    Dataset,
    Layer,
    Loss,
    Network,
    Point,
    Problem,
    dataset_from_arrays,
    flatten,
    incoming_indices,
    point_from_arrays,
    unflatten,
)

ONE = Fraction(1)


def test_network_properties() -> None:
    network = Network((2, 3, 4, 1), "relu")
    assert (network.inputs, network.hidden, network.outputs) == (2, (3, 4), 1)
    assert network.depth == 2
    assert network.parameter_count == 2 * 3 + 3 + 3 * 4 + 4 + 4 + 1
    assert network.homogeneous
    assert not Network((2, 1), "tanh").homogeneous
    assert Network((2, 1), "tanh").depth == 0


def test_slopes() -> None:
    assert Network((1, 1), "relu").slopes == (1, 0)
    assert Network((1, 1), "abs").slopes == (1, -1)
    assert Network((1, 1), "identity").slopes == (1, 1)
    assert Network((1, 1), "leaky_relu", Fraction(1, 100)).slopes == (1, Fraction(1, 100))
    with pytest.raises(InputError, match="found tanh, which has no constant slopes"):
        _ = Network((1, 1), "tanh").slopes


def test_names() -> None:
    assert ACTIVATIONS[:4] == HOMOGENEOUS
    assert len(set(ACTIVATIONS)) == 12
    assert [loss.value for loss in Loss] == ["squared", "logistic", "cross_entropy"]
    assert issubclass(InputError, SpuriousError)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((1,), "relu"), r"network\.widths: found a list of 1, expected at least 2 integers"),
        (("11", "relu"), r"network\.widths: found '11'"),
        (((1, 0), "relu"), r"network\.widths\[1\]: found 0, expected an integer from 1"),
        (((-1, 1), "relu"), r"network\.widths\[0\]: found -1"),
        (((True, 1), "relu"), r"network\.widths\[0\]: found true"),
        (((1.0, 1), "relu"), r"network\.widths\[0\]: found 1\.0"),
        (((10**9, 1), "relu"), r"network\.widths\[0\]: found 1000000000, expected .* to 1000000"),
        (((1, 1), "RELU"), r"network\.activation: found 'RELU', expected one of relu, leaky_relu"),
        (((1, 1), "leaky_relu"), r"network\.slope: found nothing, expected the exact slope"),
        (((1, 1), "leaky_relu", 0.1), r"network\.slope: found 0\.1, expected the exact slope"),
        (((1, 1), "relu", ONE), r"network\.slope: found 1, expected no slope for relu; leave it"),
    ],
)
def test_bad_networks(arguments: tuple, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Network(*arguments)


def test_dataset_properties() -> None:
    data = dataset_from_arrays([[1, 2], [3, 4], [5, 6]], [[0], [1], [2]])
    assert (data.size, data.inputs) == (3, 2)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([], [], r"data\.x: found no rows, expected at least 1"),
        ([[]], [[1]], r"data\.x\[0\]: found no numbers, expected at least 1"),
        ([[1], [1, 2]], [[1], [1]], r"data\.x\[1\]: found a row of 2 numbers, expected 1"),
        ([[1], [2]], [[1]], r"data\.y: found 1 rows, expected 2, one for each row of data\.x"),
        (3, [[1]], r"data\.x: found 3, expected a list of rows"),
        ([1], [[1]], r"data\.x\[0\]: found 1, expected a list of numbers"),
        ([["a"]], [[1]], r"data\.x\[0\]\[0\]: found 'a', expected a finite number"),
        ([[1]], [[float("nan")]], r"data\.y\[0\]\[0\]: found nan, expected a finite number"),
        ({0: 1}, [[1]], r"data\.x: found an object"),
    ],
)
def test_bad_datasets(x: object, y: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        dataset_from_arrays(x, y)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([[ONE]], r"data\.x: found a list of 1, expected a tuple of rows"),
        (([ONE],), r"data\.x\[0\]: found a list of 1, expected a tuple of Fractions"),
        (((0.5,),), r"data\.x\[0\]\[0\]: found a float, expected a Fraction; convert it with"),
        (((1,),), r"data\.x\[0\]\[0\]: found a int, expected a Fraction"),
    ],
)
def test_datasets_hold_only_tuples_of_fractions(x: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Dataset(x, ((ONE,),))  # pyright: ignore[reportArgumentType]


def test_values_are_frozen_and_hashable() -> None:
    problem = _problem()
    assert hash(problem) == hash(_problem())
    with pytest.raises(dataclasses.FrozenInstanceError):
        problem.loss = Loss.LOGISTIC  # pyright: ignore[reportAttributeAccessIssue]


def test_flatten_goes_layer_by_layer() -> None:
    point = point_from_arrays([[[1, 2], [3, 4]], [[7, 8]]], [[5, 6], [9]])
    assert flatten(point) == tuple(range(1, 10))
    assert unflatten(flatten(point), Network((2, 2, 1), "relu")) == point


def test_incoming_indices_are_where_flatten_puts_a_unit_s_parameters() -> None:
    network = Network((2, 3, 1), "relu")
    numbered = unflatten(list(map(Fraction, range(network.parameter_count))), network)
    assert incoming_indices(network) == [
        [[*row, bias] for row, bias in zip(layer.weight, layer.bias, strict=True)]
        for layer in numbered.layers
    ]


@given(st.data())
@settings(deadline=None, print_blob=True)
def test_unflatten_undoes_flatten(data: st.DataObject) -> None:
    widths = data.draw(st.lists(st.integers(1, 4), min_size=2, max_size=4))
    network = Network(tuple(widths), "tanh")
    count = network.parameter_count
    values = tuple(data.draw(st.lists(st.fractions(), min_size=count, max_size=count)))
    assert flatten(unflatten(values, network)) == values


@pytest.mark.parametrize("count", [3, 5])
def test_unflatten_wants_the_parameter_count(count: int) -> None:
    with pytest.raises(InputError, match=f"values: found {count} numbers, expected 4"):
        unflatten((ONE,) * count, Network((1, 1, 1), "relu"))


def test_point_from_numpy_arrays_is_exact() -> None:
    point = point_from_arrays([np.array([[0.1, 1.0]])], [np.array([2], dtype=np.int32)])
    assert flatten(point) == (Fraction(3602879701896397, 2**55), 1, 2)


@pytest.mark.parametrize(
    ("weights", "biases", "message"),
    [
        ([], [], r"layers: found a list of 0, expected a tuple of at least 1 Layer"),
        ([[[1]]], [], r"biases: found 0 vectors, expected 1"),
        ([[[1]]], [[1, 2]], r"bias: found 2 numbers, expected 1, one for each row of weight"),
        ([[[1], [1, 2]]], [[1, 2]], r"weights\[0\]\[1\]: found a row of 2 numbers, expected 1"),
        ([[[1]], [[1, 2]]], [[1], [1]], r"layers\[1\]\.weight: found 2 columns, expected 1"),
        ([[[1]]], [[]], r"bias: found no numbers"),
        (1, [[1]], r"weights: found 1, expected one matrix per layer"),
    ],
)
def test_bad_points(weights: object, biases: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        point_from_arrays(weights, biases)


def test_a_layer_refuses_floats() -> None:
    with pytest.raises(InputError, match=r"bias\[0\]: found a float, expected a Fraction"):
        Layer(((ONE,),), (0.5,))  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match="layers: found a list of 1, expected a tuple"):
        Point([Layer(((ONE,),), (ONE,))])  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"loss": "square"}, r"loss: found 'square', expected one of Loss\.SQUARED"),
        ({"network": Network((2, 1), "relu")}, r"data\.x: found points of 1 inputs, expected 2"),
        ({"network": Network((1, 2), "relu")}, r"data\.y: found rows of 1 numbers, expected 2"),
        (
            {"loss": Loss.LOGISTIC, "data": dataset_from_arrays([[1]], [[0]])},
            r"data\.y\[0\]\[0\]: found 0, expected -1 or 1 for the loss logistic",
        ),
        (
            {"loss": Loss.CROSS_ENTROPY},
            r"network\.widths\[2\]: found 1 output, expected at least 2 .* use logistic",
        ),
        (
            {"point": point_from_arrays([[[1]]], [[1]])},
            r"point\.layers: found 1 layers, expected 2",
        ),
        (
            {"witness": point_from_arrays([[[1], [1]], [[1, 1]]], [[1, 1], [1]])},
            r"witness\.layers\[0\]\.weight: found shape \(2, 1\), expected \(out, in\) = \(1, 1\)",
        ),
    ],
)
def test_bad_problems(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        dataclasses.replace(_problem(), **changes)


@pytest.mark.parametrize("label", ["3", "-1", "1/2"])
def test_labels_must_fit_the_classes(label: str) -> None:
    data = dataset_from_arrays([[1], [2]], [[2], [label]])
    with pytest.raises(InputError, match=r"data\.y\[1\]\[0\]: found .*, expected an integer label"):
        Problem(Network((1, 3), "relu"), Loss.CROSS_ENTROPY, data)


def test_one_label_per_point() -> None:
    data = dataset_from_arrays([[1]], [[0, 1]])
    with pytest.raises(InputError, match=r"data\.y: found rows of 2 numbers, expected 1 \(1 label"):
        Problem(Network((1, 2), "relu"), Loss.CROSS_ENTROPY, data)


def _problem() -> Problem:
    network = Network((1, 1, 1), "relu")
    point = unflatten((ONE,) * 4, network)
    return Problem(network, Loss.SQUARED, dataset_from_arrays([[1]], [[2]]), point)
