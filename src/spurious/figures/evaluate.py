"""Networks in floating point, for drawing only: no verdict ever rests on these numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spurious.certify.float_network import activation
from spurious.problem import Dataset, Loss, Network, Point

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class FloatPoint:
    """Weights and biases, possibly of many networks at once.

    Attributes:
        weights: For each layer an array of shape (..., out, in).
        biases: For each layer an array of shape (..., out).
    """

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]


def float_point(point: Point) -> FloatPoint:
    """Rounds an exact point to binary floats."""
    return FloatPoint(
        tuple(
            np.array([[float(w) for w in row] for row in layer.weight]) for layer in point.layers
        ),
        tuple(np.array([float(b) for b in layer.bias]) for layer in point.layers),
    )


def ravel(point: FloatPoint) -> Array:
    """One point as a vector, layer by layer: the weight row by row, then the bias; shape (P,)."""
    parts = [
        part.ravel()
        for weight, bias in zip(point.weights, point.biases, strict=True)
        for part in (weight, bias)
    ]
    return np.concatenate(parts)


def unravel(vectors: Array, network: Network) -> FloatPoint:
    """Undoes `ravel` for any number of points at once.

    Args:
        vectors: Parameters, shape (..., P).
        network: The architecture.
    """
    weights: list[Array] = []
    biases: list[Array] = []
    start = 0
    for width_in, width_out in zip(network.widths, network.widths[1:], strict=False):
        middle = start + width_in * width_out
        stop = middle + width_out
        shape = (*vectors.shape[:-1], width_out, width_in)
        weights.append(vectors[..., start:middle].reshape(shape))
        biases.append(vectors[..., middle:stop])
        start = stop
    return FloatPoint(tuple(weights), tuple(biases))


def float_data(data: Dataset) -> tuple[Array, Array]:
    """Inputs (n, d) and targets (n, K), rounded to binary floats."""
    x = np.array([[float(value) for value in row] for row in data.x])
    y = np.array([[float(value) for value in row] for row in data.y])
    return x, y


def preactivations(network: Network, point: FloatPoint, x: Array) -> tuple[Array, ...]:
    """The values before the activation, layer by layer; the last entry is the output.

    Args:
        network: The architecture.
        point: Weights and biases with leading shape (...).
        x: Inputs, shape (n, d).

    Returns:
        Arrays of shape (..., n, width), one for each layer.
    """
    act = activation(network)
    state: Array = x
    values: list[Array] = []
    for weight, bias in zip(point.weights, point.biases, strict=True):
        values.append(np.matmul(state, np.swapaxes(weight, -1, -2)) + bias[..., None, :])
        state, _ = act(values[-1])
    return tuple(values)


def forward(network: Network, point: FloatPoint, x: Array) -> Array:
    """The network's outputs, shape (..., n, K), at inputs of shape (n, d)."""
    return preactivations(network, point, x)[-1]


def total_loss(loss: Loss, outputs: Array, y: Array) -> Array:
    """The loss summed over the data, for outputs (..., n, K); shape (...)."""
    if loss is Loss.SQUARED:
        return np.sum((outputs - y) ** 2, axis=(-1, -2))
    if loss is Loss.LOGISTIC:
        return np.sum(np.logaddexp(0.0, -y * outputs), axis=(-1, -2))
    labels = y[:, 0].astype(int)
    chosen = outputs[..., np.arange(len(labels)), labels]
    return np.sum(np.logaddexp.reduce(outputs, axis=-1) - chosen, axis=-1)
