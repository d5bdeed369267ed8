"""Dense networks in floats, by their programs: for drawing and proposals, never for a verdict."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from spurious.problem.dataset import Dataset
from spurious.problem.network import Network
from spurious.problem.point import Point, flatten
from spurious.problem.problem import Problem
from spurious.program import Evaluator, NumpyArithmetic, dense_layers, dense_network, evaluator

Floats: TypeAlias = npt.NDArray[np.float64]


def layer_values(network: Network, parameters: Floats, x: Floats) -> tuple[Floats, ...]:
    """The values before the activation, layer by layer; the outputs last.

    Args:
        network: The architecture.
        parameters: In the order of `flatten`, shape (..., P).
        x: Inputs, shape (n, d).

    Returns:
        Arrays of shape (..., n, units), one for each layer.
    """
    ready = _ready(network, x.shape, np.ascontiguousarray(x, np.float64).tobytes())
    values = ready.run(parameters, 0).values
    return tuple(values[layer.preactivation] for layer in dense_layers(ready.program))


@lru_cache(maxsize=8)
def _ready(network: Network, shape: tuple[int, ...], content: bytes) -> Evaluator[Floats]:
    """The network on some inputs, given as bytes of float64."""
    x = np.frombuffer(content).reshape(shape)
    program = dense_network(network.widths, network.activation, x, slope=network.slope)
    return evaluator(program, NumpyArithmetic())


def forward(network: Network, parameters: Floats, x: Floats) -> Floats:
    """A network's outputs, shape (..., n, K), at parameters (..., P) and inputs (n, d)."""
    return layer_values(network, parameters, x)[-1]


def losses(problem: Problem, parameters: Floats) -> Floats:
    """The loss summed over the data, shape (...), at parameters (..., P)."""
    return loss_evaluator(problem).run(parameters, 0).loss


def loss_evaluator(problem: Problem) -> Evaluator[Floats]:
    """A problem's loss, ready for parameters (..., P): its value, gradient, Hessian."""
    return evaluator(problem.dense.program(), NumpyArithmetic())


def float_point(point: Point) -> Floats:
    """A point's parameters in the order of `flatten`, rounded to binary floats, shape (P,)."""
    return np.array([float(value) for value in flatten(point)])


def float_data(data: Dataset) -> tuple[Floats, Floats]:
    """Inputs (n, d) and targets (n, K), rounded to binary floats."""
    x = np.array([[float(value) for value in row] for row in data.x])
    y = np.array([[float(value) for value in row] for row in data.y])
    return x, y
