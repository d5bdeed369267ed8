"""ReLU networks in exact fractions: values layer by layer, and the loss."""

from __future__ import annotations

from fractions import Fraction

from spurious.problem import Dataset, Point

__all__ = ["Vector", "hidden_preactivations", "outputs", "squared_loss"]

Vector = tuple[Fraction, ...]


def hidden_preactivations(point: Point, x: Vector) -> tuple[Vector, ...]:
    """The pre-activations of every hidden layer at one input.

    Args:
        point: A point of a ReLU network.
        x: The input, shape (d,).

    Returns:
        One vector per hidden layer, shape (width,).
    """
    return _values(point, x)[:-1]


def outputs(point: Point, x: Vector) -> Vector:
    """The network's output at one input, shape (K,)."""
    return _values(point, x)[-1]


def squared_loss(point: Point, data: Dataset) -> Fraction:
    """The plain sum of squared differences between outputs and targets."""
    return sum(
        (
            (f - y) ** 2
            for x, targets in zip(data.x, data.y, strict=True)
            for f, y in zip(outputs(point, x), targets, strict=True)
        ),
        Fraction(0),
    )


def _values(point: Point, x: Vector) -> tuple[Vector, ...]:
    """Pre-activations layer by layer, the output last."""
    state = x
    values: list[Vector] = []
    for layer in point.layers:
        z = tuple(
            sum((w * a for w, a in zip(row, state, strict=True)), bias)
            for row, bias in zip(layer.weight, layer.bias, strict=True)
        )
        values.append(z)
        state = tuple(max(value, Fraction(0)) for value in z)
    return tuple(values)
