# pyright: basic
"""One network in double precision: the loss and its gradient, for polishing."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from spurious.problem import ACTIVATIONS, Loss
from spurious.train.ensemble import float_data
from spurious.train.recipe import Recipe
from spurious.train.task import (
    CROSS_ENTROPY,
    GELU,
    IDENTITY,
    SIGMOID,
    SILU,
    SOFTPLUS,
    SOFTSIGN,
    SQUARED,
    TANH,
)

__all__ = ["Model", "loss_and_gradient", "model"]

Floats = npt.NDArray[np.float64]


class Model(NamedTuple):
    """Architecture, loss and data.

    Attributes:
        x: Inputs, shape (n, d).
        y: Targets, shape (n, K); one-hot for cross entropy.
        widths: Units of each layer, from inputs to outputs.
        units: Number of hidden units.
        outputs: Number of outputs, K.
        activation: Position in `ACTIVATIONS`.
        slope: Of a homogeneous activation below zero.
        loss: Position among the losses.
    """

    x: Floats
    y: Floats
    widths: npt.NDArray[np.int64]
    units: int
    outputs: int
    activation: int
    slope: float
    loss: int


def model(recipe: Recipe) -> Model:
    """The recipe's architecture, loss and data."""
    network = recipe.network
    x, y = float_data(recipe.data, recipe.loss, network.outputs)
    return Model(
        x,
        y,
        np.array(network.widths),
        sum(network.hidden),
        network.outputs,
        ACTIVATIONS.index(network.activation),
        float(network.slopes[1]) if network.homogeneous else 0.0,
        list(Loss).index(recipe.loss),
    )


@njit
def _sigmoid(z: float) -> float:
    if z >= 0:
        return 1 / (1 + math.exp(-z))
    e = math.exp(z)
    return e / (1 + e)


@njit
def _activation(z: float, kind: int, low: float) -> tuple[float, float]:
    """act(z) and act'(z); at a kink the derivative is that below zero."""
    if kind <= IDENTITY:
        return (z, 1.0) if z > 0 else (low * z, low)
    if kind == SIGMOID:
        s = _sigmoid(z)
        return s, s * (1 - s)
    if kind == TANH:
        t = math.tanh(z)
        return t, 1 - t * t
    if kind == SOFTPLUS:
        return max(z, 0.0) + math.log1p(math.exp(-abs(z))), _sigmoid(z)
    if kind == SOFTSIGN:
        share = 1 / (1 + abs(z))
        return z * share, share * share
    if kind == GELU:
        share = 0.5 * (1 + math.erf(z * math.sqrt(0.5)))
        return z * share, share + z * math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    if kind == SILU:
        s = _sigmoid(z)
        return z * s, s + z * s * (1 - s)
    return (z, 1.0) if z > 0 else (math.expm1(z), math.exp(z))


@njit
def _loss(outputs: Floats, y: Floats, kind: int, out: Floats) -> float:
    """The loss of a point; writes its derivatives by the outputs."""
    total = 0.0
    if kind == CROSS_ENTROPY:
        top = outputs.max()
        mass = np.exp(outputs - top).sum()
        for k in range(y.size):
            out[k] = math.exp(outputs[k] - top) / mass - y[k]
            total -= y[k] * (outputs[k] - top - math.log(mass))
        return total
    for k in range(y.size):
        if kind == SQUARED:
            r = outputs[k] - y[k]
            total += r * r
            out[k] = 2 * r
        else:
            margin = y[k] * outputs[k]
            total += max(-margin, 0.0) + math.log1p(math.exp(-abs(margin)))
            out[k] = -y[k] * _sigmoid(-margin)
    return total


@njit
def loss_and_gradient(at: Floats, gradient: Floats, net: Any, work: Floats) -> float:
    """The loss at parameters (P,), and its gradient, written.

    Args:
        at: Parameters, layer by layer: the weight row by row, then the bias.
        gradient: Written, shape (P,).
        net: A `Model`.
        work: Scratch memory, shape (3, hidden units + outputs): values, slopes, deltas.
    """
    gradient[:] = 0.0
    total = 0.0
    values, slopes, deltas = work[0], work[1], work[2]
    last = net.widths.size - 2
    for point in range(net.x.shape[0]):
        start, base = 0, 0
        for layer in range(last + 1):
            wide, high = net.widths[layer], net.widths[layer + 1]
            source = net.x[point] if layer == 0 else values[base - wide : base]
            for j in range(high):
                z = at[start + wide * high + j]
                for i in range(wide):
                    z += at[start + j * wide + i] * source[i]
                if layer == last:
                    values[base + j] = z
                else:
                    value, slope = _activation(z, net.activation, net.slope)  # pyright: ignore
                    values[base + j], slopes[base + j] = value, slope
            start += (wide + 1) * high
            base += high
        units = net.units
        total += _loss(values[units:], net.y[point], net.loss, deltas[units:])
        for layer in range(last, -1, -1):
            wide, high = net.widths[layer], net.widths[layer + 1]
            start -= (wide + 1) * high
            base -= high
            source = net.x[point] if layer == 0 else values[base - wide : base]
            for j in range(high):
                delta = deltas[base + j]
                gradient[start + wide * high + j] += delta
                for i in range(wide):
                    gradient[start + j * wide + i] += delta * source[i]
            if layer > 0:
                for i in range(wide):
                    pull = 0.0
                    for j in range(high):
                        pull += deltas[base + j] * at[start + j * wide + i]
                    deltas[base - wide + i] = pull * slopes[base - wide + i]
    return total
