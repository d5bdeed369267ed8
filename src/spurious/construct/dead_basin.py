"""How large the basin of a dead layer is: in distance, and in shares of random starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import isqrt
from typing import Final

import numpy as np

from spurious.construct.dead_layer import DeadLayer
from spurious.construct.relu import Vector, hidden_preactivations
from spurious.exact.plain import inner
from spurious.problem import Dataset, Layer, Loss, Network, Point
from spurious.train import (
    Initialisation,
    Optimiser,
    Outcome,
    Recipe,
    starts,
    train_to_ends,
)
from spurious.train.batched import dead, preactivations

STANDARD_STARTS: Final = (
    "glorot_uniform",
    "glorot_normal",
    "lecun_normal",
    "he_uniform",
    "he_normal",
    "pytorch",
)
"""The initial distributions that libraries offer by default."""

_FINENESS: Final = 10**9
"""Square roots are rounded up to multiples of 1 over this."""

_HALVINGS: Final = 24


@dataclass(frozen=True, slots=True)
class DeadDistance:
    """How far a point with a dead layer is from points where the layer is alive.

    Attributes:
        own_squared: Squared Euclidean distance, exact, to the nearest point at which some unit of
            the layer reaches 0 on some data point, when only this layer's weights and biases move.
        all_layers: A radius, proved: the layer stays dead if the parameters of every layer move by
            at most this in Euclidean norm, so also if all together do.
    """

    own_squared: Fraction
    all_layers: Fraction


@dataclass(frozen=True, slots=True)
class DeadShare:
    """How many of some random starts have a dead layer.

    Attributes:
        start: Name of the initial distribution.
        runs: Number of starts.
        at_start: With a layer strictly off on all data at the start.
        at_end: That ended so after training.
    """

    start: str
    runs: int
    at_start: int
    at_end: int


def dead_distance(found: DeadLayer) -> DeadDistance:
    """Measures the distance from a dead layer to life, exactly.

    A unit's pre-activation is z = w.h + b, linear in its own parameters, so it reaches 0 at
    distance |z| / sqrt(|h|^2 + 1), with h the layer below. If all layers move by at most r in
    Euclidean norm, the values of a layer l on a point move by at most
    e_l = r sqrt((|h_{l-1}| + e_{l-1})^2 + 1) + |W_l| e_{l-1} (relu is 1-Lipschitz; |W_l| is the
    Frobenius norm), e_0 = 0; r is good if the same bound for every unit of the dead layer, with
    |w_j| for |W_l|, is below |z_j|.
    """
    point, data = found.problem.point, found.problem.data
    assert point is not None
    layer = found.layer
    rows = hidden_preactivations(point, data.x)
    states = [
        (x, *(tuple(max(v, Fraction(0)) for v in z) for z in row))
        for x, row in zip(data.x, rows, strict=True)
    ]
    own = min(
        z * z / (inner(state[layer - 1], state[layer - 1]) + 1)
        for state, row in zip(states, rows, strict=True)
        for z in row[layer - 1]
    )

    def stays_dead(radius: Fraction) -> bool:
        """Whether the layer is dead on all data if each layer moves by at most `radius`."""
        return all(
            _stays_off(point, layer, state, row[layer - 1], radius)
            for state, row in zip(states, rows, strict=True)
        )

    radius = _root_above(own)
    while not stays_dead(radius):
        radius /= 2
    low, high = radius, 2 * radius
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        middle = Fraction(round(middle * _FINENESS * 1000), _FINENESS * 1000)
        if stays_dead(middle):
            low = middle
        else:
            high = middle
    return DeadDistance(own, low)


def dead_shares(
    network: Network,
    data: Dataset,
    runs: int,
    updates: int,
    *,
    names: Sequence[str] = STANDARD_STARTS,
    step_size: float = 0.001,
    seed: int = 0,
    threads: int | None = None,
) -> tuple[DeadShare, ...]:
    """Trains networks from standard starts by gradient descent and counts dead layers.

    Args:
        network: A ReLU network; widths at most 64.
        data: Regression data.
        runs: Starts of each distribution.
        updates: Steps of gradient descent.
        names: Initial distributions, as in `Initialisation`.
        step_size: Of gradient descent on the sum of squares.
        seed: Seed of the starts.
        threads: At most so many at once; changes no result.

    Raises:
        InputError: The network or the data are too large for the engine.
    """
    found: list[DeadShare] = []
    for name in names:
        recipe = Recipe(
            network,
            Loss.SQUARED,
            data,
            Initialisation(name),
            Optimiser("gd", step_size),
            updates,
            tolerance=0.0,
        )
        layers = preactivations(recipe, starts(recipe, seed, 0, runs))
        _, ends = train_to_ends(recipe, seed, 0, runs, threads=threads)
        at_end = int(np.count_nonzero(ends.outcome == Outcome.DEAD))
        found.append(DeadShare(name, runs, int(dead(recipe, layers).sum()), at_end))
    return tuple(found)


def _stays_off(
    point: Point, layer: int, state: Sequence[Vector], z_row: Vector, radius: Fraction
) -> bool:
    """Whether a layer stays off on one input if each layer moves by at most `radius` (Euclidean).

    Args:
        point: The point.
        layer: The layer, from 1.
        state: The input, and the values after each hidden layer.
        z_row: The layer's pre-activations.
        radius: How far each layer may move.
    """
    error = Fraction(0)
    for (below, _), parameters in zip(pairwise(state), point.layers[: layer - 1], strict=False):
        error = _moved(below, error, radius, _norm(parameters))
    rows = point.layers[layer - 1].weight
    return all(
        _moved(state[layer - 1], error, radius, _root_above(inner(row, row))) < -z
        for row, z in zip(rows, z_row, strict=True)
    )


def _moved(below: Vector, error: Fraction, radius: Fraction, norm: Fraction) -> Fraction:
    """How far w.h + b can move at most; rounded up."""
    reach = _root_above(inner(below, below)) + error
    return _up(radius * _root_above(reach**2 + 1) + norm * error)


def _norm(layer: Layer) -> Fraction:
    """The Frobenius norm of the weights, rounded up."""
    return _root_above(sum((inner(row, row) for row in layer.weight), Fraction(0)))


def _root_above(value: Fraction) -> Fraction:
    """A rational at or just above the square root."""
    scaled = -(-value.numerator * _FINENESS**2 // value.denominator)
    root = isqrt(scaled)
    return Fraction(root + (root * root < scaled), _FINENESS)


def _up(value: Fraction) -> Fraction:
    """Rounded up to a multiple of 1 over `_FINENESS`, so that numbers stay short."""
    return Fraction(-(-value.numerator * _FINENESS // value.denominator), _FINENESS)
