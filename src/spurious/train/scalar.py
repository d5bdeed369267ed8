# pyright: basic
"""One network in double precision: the loss and its gradient, for polishing."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from spurious.train.activations import activated, number_of, sigmoid
from spurious.train.compiled import compiled
from spurious.train.decay import penalty_factors
from spurious.train.recipe import Recipe
from spurious.train.runs import float_data
from spurious.train.task import CROSS_ENTROPY, HINGE, LOSSES, SQUARED

Floats = npt.NDArray[np.float64]


class Model(NamedTuple):
    """Architecture, loss and data.

    Attributes:
        x: Inputs, shape (n, d).
        y: Targets, shape (n, K); one-hot for cross entropy.
        weights: What the loss of each point is multiplied by, shape (n,).
        widths: Units of each layer, from inputs to outputs.
        units: Number of hidden units.
        outputs: Number of outputs, K.
        activation: Its number, see `activations.py`.
        slope: Of a homogeneous activation below zero.
        loss: Position in `LOSSES`.
        penalty: What the square of each parameter costs, shape (P,).
    """

    x: Floats
    y: Floats
    weights: Floats
    widths: npt.NDArray[np.int64]
    units: int
    outputs: int
    activation: int
    slope: float
    loss: int
    penalty: Floats


def model(recipe: Recipe) -> Model:
    """The recipe's architecture, loss with its penalty, and data."""
    network = recipe.network
    x, y = float_data(recipe.data, recipe.loss, network.outputs)
    return Model(
        x,
        y,
        recipe.factors,
        np.array(network.widths),
        sum(network.hidden),
        network.outputs,
        number_of(network.activation),
        float(network.slopes[1]) if network.homogeneous else 0.0,
        LOSSES.index(recipe.loss),
        penalty_factors(recipe.penalty, network),
    )


@njit
def _loss(outputs: Floats, y: Floats, weight: float, kind: int, out: Floats) -> float:
    """The loss of a point times its weight; writes the derivatives by the outputs."""
    total = 0.0
    if kind == CROSS_ENTROPY:
        top, mass = outputs[0], 0.0
        for k in range(1, y.size):
            top = max(top, outputs[k])
        for k in range(y.size):
            mass += math.exp(outputs[k] - top)
        for k in range(y.size):
            out[k] = weight * (math.exp(outputs[k] - top) / mass - y[k])
            total -= y[k] * (outputs[k] - top - math.log(mass))
        return weight * total
    for k in range(y.size):
        if kind == SQUARED:
            r = outputs[k] - y[k]
            total += r * r
            out[k] = weight * (2 * r)
        elif kind == HINGE:
            slack = 1 - y[k] * outputs[k]
            if slack <= 0:
                out[k] = 0.0
            else:
                total += slack
                out[k] = -y[k] * weight
        else:
            margin = y[k] * outputs[k]
            total += max(-margin, 0.0) + math.log1p(math.exp(-abs(margin)))
            out[k] = weight * (-y[k] * sigmoid(-margin))
    return weight * total


@njit
def loss_and_gradient(at: Floats, gradient: Floats, net: Any, work: Floats) -> float:
    """The loss at parameters (P,), and its gradient, written.

    Args:
        at: Parameters, layer by layer: the weight row by row, then the bias.
        gradient: Written, shape (P,).
        net: A `Model`.
        work: Scratch memory, shape (3, hidden units + outputs): values, slopes, deltas.
    """
    total = 0.0
    for p in range(at.size):
        pull = net.penalty[p] * at[p]
        gradient[p] = pull + pull
        total += pull * at[p]
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
                    value, slope = activated(z, net.activation, net.slope)  # pyright: ignore
                    values[base + j], slopes[base + j] = value, slope
            start += (wide + 1) * high
            base += high
        units = net.units
        weight, outputs = net.weights[point], values[units:]
        total += _loss(outputs, net.y[point], weight, net.loss, deltas[units:])
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


@compiled
def evaluated(at: Floats, gradient: Floats, net: Model, work: Floats) -> float:
    """`loss_and_gradient` where Python asks, which would compile that one in every process."""
    return loss_and_gradient(at, gradient, net, work)
