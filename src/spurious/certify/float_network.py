"""A network in float64, for proposals only: nothing here proves anything."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from spurious.exact.rationals import nearest_float
from spurious.problem import DenseLoss, Loss, Network
from spurious.program import FUNCTIONS, Function, NumpyArithmetic

Array: TypeAlias = npt.NDArray[np.float64]


def activation(network: Network) -> Callable[[Array], tuple[Array, Array]]:
    """The activation as a function from z to (value, derivative), entrywise."""
    if network.homogeneous:
        return partial(_bent, *(nearest_float(slope) for slope in network.slopes))
    return partial(_value_and_slope, FUNCTIONS[network.activation])


def _bent(high: float, low: float, z: Array) -> tuple[Array, Array]:
    slope = np.where(z > 0, high, low)
    return slope * z, slope


def _value_and_slope(function: Function, z: Array) -> tuple[Array, Array]:
    value, slope = NumpyArithmetic().jet(function, z, 1)
    return value, slope


def layers_of(parameters: Array, widths: tuple[int, ...]) -> list[tuple[Array, Array]]:
    """Flat parameters as (weight (out, in), bias (out,)) of each layer."""
    layers: list[tuple[Array, Array]] = []
    start = 0
    for wide, high in pairwise(widths):
        end = start + wide * high
        layers.append((parameters[start:end].reshape(high, wide), parameters[end : end + high]))
        start = end + high
    return layers


def loss_function(problem: DenseLoss) -> Callable[[Array], tuple[float, Array]]:
    """The loss and its gradient as a function of flat parameters, shape (P,)."""
    x = np.array([[nearest_float(v) for v in row] for row in problem.data.x])
    y = np.array([[nearest_float(v) for v in row] for row in problem.data.y])
    weights = np.array([nearest_float(w) for w in problem.factors])
    act = activation(problem.network)

    def function(parameters: Array) -> tuple[float, Array]:
        layers = layers_of(parameters, problem.network.widths)
        states, slopes = [x], list[Array]()
        for weight, bias in layers[:-1]:
            value, slope = act(states[-1] @ weight.T + bias)
            states.append(value)
            slopes.append(slope)
        outputs = states[-1] @ layers[-1][0].T + layers[-1][1]
        loss, backward = output_loss(problem.loss, outputs, y, weights)
        pieces: list[Array] = []
        for level in range(len(layers) - 1, -1, -1):
            pieces.append(np.add.reduce(backward))
            pieces.append((backward.T @ states[level]).ravel())
            if level:
                backward = (backward @ layers[level][0]) * slopes[level - 1]
        return loss, np.concatenate(pieces[::-1])

    return function


def output_loss(loss: str, outputs: Array, y: Array, weights: Array) -> tuple[float, Array]:
    """The loss and its derivative with respect to the outputs, shape (n, K); weights (n,)."""
    w = weights[:, None]
    if loss == Loss.SQUARED:
        residual = outputs - y
        return float((w * residual**2).sum()), 2 * w * residual
    if loss == Loss.LOGISTIC:
        margin = y * outputs
        slope = -y * np.exp(-np.logaddexp(0, margin))
        return float((w * np.logaddexp(0, -margin)).sum()), w * slope
    labels = y[:, 0].astype(int)
    logs = outputs - np.logaddexp.reduce(outputs, axis=1, keepdims=True)
    rows = np.arange(len(labels))
    shares = np.exp(logs)
    shares[rows, labels] -= 1
    return float(-(weights * logs[rows, labels]).sum()), w * shares
