import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from spurious.problem import (
    ACTIVATIONS,
    Loss,
    Network,
    Problem,
    dataset,
    dataset_from_arrays,
    flatten,
    unflatten,
)
from spurious.problem.forward import float_data, float_point, forward, layer_values, losses

SCALAR: dict[str, Callable[[float], float]] = {
    "relu": lambda z: max(z, 0.0),
    "leaky_relu": lambda z: z if z > 0 else 0.25 * z,
    "abs": abs,
    "identity": lambda z: z,
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "tanh": math.tanh,
    "softplus": lambda z: math.log1p(math.exp(z)),
    "softsign": lambda z: z / (1 + abs(z)),
    "gelu": lambda z: z * 0.5 * math.erfc(-z / math.sqrt(2)),
    "silu": lambda z: z / (1 + math.exp(-z)),
    "mish": lambda z: z * math.tanh(math.log1p(math.exp(z))),
    "elu": lambda z: z if z > 0 else math.expm1(z),
}


def network_of(activation: str) -> Network:
    slope = Fraction(1, 4) if activation == "leaky_relu" else None
    return Network((2, 3, 2, 2), activation, slope)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_forward_agrees_with_plain_loops(activation: str) -> None:
    network = network_of(activation)
    values = [Fraction(7 * k % 11 - 5, 4) for k in range(network.parameter_count)]
    point = unflatten(values, network)
    x = np.array([[0.0, 0.0], [1.0, -2.0], [-0.5, 3.0]])
    found = forward(network, float_point(point), x)
    for row, outputs in zip(x, found, strict=True):
        state = [float(value) for value in row]
        for index, layer in enumerate(point.layers):
            state = [
                sum(float(w) * a for w, a in zip(weights, state, strict=True)) + float(bias)
                for weights, bias in zip(layer.weight, layer.bias, strict=True)
            ]
            if index < len(point.layers) - 1:
                state = [SCALAR[activation](z) for z in state]
        np.testing.assert_allclose(outputs, state, rtol=1e-12, atol=1e-12)


def test_many_networks_at_once_are_the_same_as_one_by_one() -> None:
    network = network_of("tanh")
    vectors = np.random.default_rng(0).standard_normal((4, 5, network.parameter_count))
    x = np.random.default_rng(1).standard_normal((6, 2))
    together = forward(network, vectors, x)
    assert together.shape == (4, 5, 6, 2)
    alone = forward(network, vectors[2, 3], x)
    np.testing.assert_allclose(together[2, 3], alone)
    assert [z.shape for z in layer_values(network, vectors[0, 0], x)] == [
        (6, 3),
        (6, 2),
        (6, 2),
    ]


def test_float_point_has_the_order_of_flatten() -> None:
    network = network_of("relu")
    values = [Fraction(k) for k in range(network.parameter_count)]
    point = unflatten(values, network)
    np.testing.assert_array_equal(float_point(point), [float(v) for v in flatten(point)])


def total_loss(loss: Loss, outputs: object, y: object) -> float:
    """The loss where the network is the identity."""
    problem = Problem(Network((2, 2), "identity"), loss, dataset_from_arrays(outputs, y))
    return float(losses(problem, np.array([1.0, 0.0, 0.0, 1.0, 0.0, 0.0])))


def test_losses() -> None:
    outputs = np.array([[0.5, -1.0], [2.0, 0.25]])
    squared = total_loss(Loss.SQUARED, outputs, [[1.0, 1.0], [2.0, 0.0]])
    assert squared == pytest.approx(0.25 + 4 + 0.0625)
    signs = np.array([[1.0, -1.0], [1.0, 1.0]])
    logistic = sum(
        math.log1p(math.exp(-y * f)) for y, f in zip(signs.ravel(), outputs.ravel(), strict=True)
    )
    assert total_loss(Loss.LOGISTIC, outputs, signs) == pytest.approx(logistic)
    entropy = sum(
        math.log(sum(map(math.exp, row))) - row[label]
        for row, label in zip(outputs, (1, 0), strict=True)
    )
    assert total_loss(Loss.CROSS_ENTROPY, outputs, [[1], [0]]) == pytest.approx(entropy)


def test_float_data() -> None:
    x, y = float_data(dataset_from_arrays([["1/4", "2"]], [["-3"]]))
    np.testing.assert_array_equal(x, [[0.25, 2.0]])
    np.testing.assert_array_equal(y, [[-3.0]])
    assert float_data(dataset("d1").data)[0].shape == (5, 1)
