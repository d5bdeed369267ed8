"""The loss along lines through a point with a dead layer, in floating point, for a figure."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np

from spurious.figures import Profile
from spurious.problem import Network, Point, Problem
from spurious.problem.forward import Floats, float_data, float_point, layer_values, losses

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
        seed: Seed of the directions, which are uniform on the unit sphere.
    """
    floats = float_point(point)
    own = _place(problem.network, layer)
    random = np.random.default_rng(seed)
    directions = np.zeros((DIRECTIONS, len(floats)))
    directions[:, own] = random.standard_normal((DIRECTIONS, own.stop - own.start))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    edges = [_edges(problem, floats, layer, direction) for direction in directions]
    nearest = [min(abs(low), abs(high)) for low, high in edges]
    reach = BEYOND * max(edge for edge in nearest if np.isfinite(edge))
    t = np.linspace(-reach, reach, SAMPLES)
    return tuple(
        Profile(
            f"direction {number}",
            t,
            losses(problem, floats + t[:, None] * direction),
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
    t = np.linspace(-reach, reach, SAMPLES)
    moved = np.tile(floats, (SAMPLES, 1))
    moved[:, -problem.network.outputs] += t
    return Profile(label, t, losses(problem, moved), np.array([]))


def _edges(problem: Problem, floats: Floats, layer: int, direction: Floats) -> tuple[float, float]:
    """The positions, below and above 0, at which a dead layer's first unit wakes up."""
    x, _ = float_data(problem.data)
    ends = np.stack([floats, floats + direction])
    here, there = layer_values(problem.network, ends, x)[layer - 1]
    slope = there - here
    with np.errstate(divide="ignore"):
        crossing = -here / slope
    below, above = crossing[slope < 0], crossing[slope > 0]
    return (
        float(below.max()) if below.size else -np.inf,
        float(above.min()) if above.size else np.inf,
    )


def _place(network: Network, layer: int) -> slice:
    """Where a layer's weights and biases are among the parameters."""
    sizes = [(wide + 1) * high for wide, high in pairwise(network.widths)]
    return slice(sum(sizes[: layer - 1]), sum(sizes[:layer]))
