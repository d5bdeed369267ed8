"""The loss along lines through a point with a dead layer, in floating point, for a figure."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from spurious.figures import Profile
from spurious.figures.evaluate import (
    Array,
    FloatPoint,
    float_data,
    float_point,
    forward,
    preactivations,
    total_loss,
)
from spurious.paper.claim import DataTable
from spurious.problem import Point, Problem

__all__ = ["dead_layer_profiles", "output_bias_profile", "profile_table"]

SAMPLES: Final = 801
DIRECTIONS: Final = 3
BEYOND: Final = 1.8
"""How far to go, in multiples of the distance at which the first unit wakes up."""


def dead_layer_profiles(
    problem: Problem, point: Point, layer: int, seed: int = 0
) -> tuple[Profile, ...]:
    """The loss along random directions of a dead layer's weights and biases.

    Args:
        problem: A ReLU network, its loss and data.
        point: A point whose hidden layer is off on all data.
        layer: That layer, counted from 1.
        seed: Of the directions, which are uniform on the unit sphere.
    """
    floats = float_point(point)
    index = layer - 1
    random = np.random.default_rng(seed)
    directions: list[tuple[Array, Array]] = []
    for _ in range(DIRECTIONS):
        weight = random.standard_normal(floats.weights[index].shape)
        bias = random.standard_normal(floats.biases[index].shape)
        size = np.sqrt(np.sum(weight**2) + np.sum(bias**2))
        directions.append((weight / size, bias / size))
    edges = [_edges(problem, floats, index, direction) for direction in directions]
    nearest = [min(abs(low), abs(high)) for low, high in edges]
    reach = BEYOND * max(edge for edge in nearest if np.isfinite(edge))
    t = np.linspace(-reach, reach, SAMPLES)
    return tuple(
        Profile(
            f"direction {number}",
            t,
            _losses(problem, floats, index, direction, t),
            np.array([edge for edge in pair if abs(edge) < reach]),
        )
        for number, (direction, pair) in enumerate(zip(directions, edges, strict=True), 1)
    )


def output_bias_profile(problem: Problem, point: Point, label: str, reach: float) -> Profile:
    """The loss as the bias of the first output moves by -reach to reach.

    Args:
        problem: The network, its loss and data.
        point: Where the bias has its own value.
        label: Entry in the legend.
        reach: How far to go.
    """
    floats = float_point(point)
    index = len(floats.biases) - 1
    bias = np.zeros_like(floats.biases[index])
    bias[0] = 1.0
    t = np.linspace(-reach, reach, SAMPLES)
    direction = np.zeros_like(floats.weights[index]), bias
    return Profile(label, t, _losses(problem, floats, index, direction, t), np.array([]))


def profile_table(name: str, profiles: tuple[Profile, ...]) -> DataTable:
    """The values behind profiles, one row per sample."""
    return DataTable(
        name,
        ("series", "position", "loss"),
        tuple(
            (profile.label, float(t), float(value))
            for profile in profiles
            for t, value in zip(profile.position, profile.loss, strict=True)
        ),
    )


def _edges(
    problem: Problem, floats: FloatPoint, index: int, direction: tuple[Array, Array]
) -> tuple[float, float]:
    """The positions, below and above 0, at which a dead layer's first unit wakes up."""
    x, _ = float_data(problem.data)
    here = preactivations(problem.network, floats, x)[index]
    there = preactivations(problem.network, _moved(floats, index, direction, 1.0), x)[index]
    slope = there - here
    with np.errstate(divide="ignore"):
        crossing = -here / slope
    below, above = crossing[slope < 0], crossing[slope > 0]
    return (
        float(below.max()) if below.size else -np.inf,
        float(above.min()) if above.size else np.inf,
    )


def _moved(floats: FloatPoint, index: int, direction: tuple[Array, Array], t: float) -> FloatPoint:
    """The point with one layer moved by t times a direction."""
    weights, biases = list(floats.weights), list(floats.biases)
    weights[index] = weights[index] + t * direction[0]
    biases[index] = biases[index] + t * direction[1]
    return replace(floats, weights=tuple(weights), biases=tuple(biases))


def _losses(
    problem: Problem, floats: FloatPoint, index: int, direction: tuple[Array, Array], t: Array
) -> Array:
    """The loss at every position along the direction, shape (m,)."""
    x, y = float_data(problem.data)
    values = [
        total_loss(
            problem.loss, forward(problem.network, _moved(floats, index, direction, float(s)), x), y
        )
        for s in t
    ]
    return np.array(values)
