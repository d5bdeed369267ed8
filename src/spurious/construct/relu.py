"""ReLU networks in exact fractions: values layer by layer, and the loss."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from spurious.exact.rationals import fraction
from spurious.problem import Dataset, Point, flatten
from spurious.program import ExactArithmetic, dense_layers, dense_network, evaluator

Vector = tuple[Fraction, ...]


def hidden_preactivations(point: Point, x: Sequence[Vector]) -> tuple[tuple[Vector, ...], ...]:
    """The pre-activations of every hidden layer at some inputs.

    Args:
        point: A point of a ReLU network.
        x: Inputs, shape (n, d).

    Returns:
        For each input one vector per hidden layer, shape (width,).
    """
    layers = [_rows(layer) for layer in _values(point, x)[:-1]]
    return tuple(tuple(layer[i] for layer in layers) for i in range(len(x)))


def outputs(point: Point, x: Sequence[Vector]) -> tuple[Vector, ...]:
    """The network's outputs at some inputs, shape (n, K)."""
    return _rows(_values(point, x)[-1])


def squared_loss(point: Point, data: Dataset) -> Fraction:
    """The plain sum of squared differences between outputs and targets."""
    rows = zip(outputs(point, data.x), data.y, strict=True)
    errors = (f - y for row, targets in rows for f, y in zip(row, targets, strict=True))
    return sum((error**2 for error in errors), Fraction(0))


def _values(point: Point, x: Sequence[Vector]) -> list[Any]:
    """Pre-activations layer by layer, shape (n, width), the output last."""
    widths = (len(point.layers[0].weight[0]), *(len(layer.bias) for layer in point.layers))
    program, exact = dense_network(widths, "relu", x), ExactArithmetic()
    values = evaluator(program, exact).run(exact.array(flatten(point)), 0).values
    return [values[layer.preactivation] for layer in dense_layers(program)]


def _rows(values: Any) -> tuple[Vector, ...]:
    return tuple(tuple(map(fraction, row)) for row in values.tolist())
