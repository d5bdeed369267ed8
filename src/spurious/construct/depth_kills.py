"""Depth kills: how probable it is that a fresh ReLU network is constant on the data.

The paper's fifth proposition: for every dataset and every zero-mean initial distribution, the
probability of ending in a constant model goes to 1 with depth. Theorem 18 of docs/mathematics.md
proves a lower bound for every depth; `constant_share` simulates. That deep ReLU
networks die in probability is also proved by L. Lu, Y. Shin, Y. Su, G. E. Karniadakis, "Dying ReLU
and initialization" (Communications in Computational Physics 28, 2020).

*Without biases* a point whose last hidden vector is 0 stays 0. From the second layer on each point
dies at a layer of h units with probability 2^-h, whatever happened below, and the deaths of n
points are positively dependent (Slepian's inequality: the values below are not negative, so all
correlations of pre-activations are not). So with normal weights

    P(constant) >= (1 - prod_l (1 - 2^-h_l))^n,

the product over the hidden layers but the first; over all if the inputs have no negative inner
products. Scales cancel: He, LeCun and Glorot starts have the same probability.

*With biases* points that differ must die in one layer, and a layer of h units on top of h' kills
all n with probability at least 2^-(h min(n, h' + 1)): by Slepian, or since a nonnegative vector
and 1 have a nonpositive product with weights and a bias that are all negative. So

    P(constant) >= 1 - prod_l (1 - 2^-(h_l min(n, h_{l-1} + 1))).

For uniform weights without biases the first bound holds in the form
1 - n prod_l (1 - 2^-h_l): one point's death needs only symmetry.

*Leaky units* never make different points equal (almost surely): the activation is injective.
*Residual* blocks h + relu(W h + b) neither: a network of them is constant only if its first layer
is. Both can come close; `constant_share` also counts networks that are constant up to 1 %.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, pairwise
from math import prod
from typing import Final

import numpy as np
import numpy.typing as npt

from spurious.construct.relu import Vector
from spurious.errors import InputError
from spurious.exact.plain import inner
from spurious.problem import Dataset
from spurious.train import Initialisation
from spurious.train.initialisation import LayerDistribution

CHUNK: Final = 20_000
"""Networks simulated together."""

LEAK: Final = 0.01
"""Slope of leaky units below 0."""

NEARLY: Final = 0.01
"""A network is nearly constant if the last hidden vectors differ by at most this share of the
largest entry."""

Floats = npt.NDArray[np.float64]


class Block(enum.StrEnum):
    """What a hidden layer after the first computes from the values h below it."""

    RELU = "relu"
    LEAKY = "leaky"
    RESIDUAL = "residual"


@dataclass(frozen=True, slots=True, eq=False)
class ConstantShare:
    """How many simulated networks are constant on the data.

    Attributes:
        runs: Number of networks.
        constant: For each number of hidden layers from 1 on, how many are constant, (L,).
        nearly: How many are constant or nearly so, (L,).
    """

    runs: int
    constant: npt.NDArray[np.int64]
    nearly: npt.NDArray[np.int64]


def constant_bound(data: Dataset, hidden: Sequence[int], start: Initialisation) -> Fraction:
    """A proved lower bound of the probability that a fresh ReLU network is constant on the data.

    Args:
        data: The data; only the inputs matter.
        hidden: Units of each hidden layer.
        start: An initial distribution with mean 0; biases 0, or drawn.

    Raises:
        InputError: The distribution has another mean, or its biases are neither.
    """
    _check(hidden, start)
    if len(set(data.x)) == 1:
        return Fraction(1)
    layers = start.layers((data.inputs, *hidden))
    if layers[0].bias is None:
        return _with_biases(data, hidden, layers[0].normal)
    return _without_biases(data, hidden, layers[0].normal)


def constant_share(
    data: Dataset,
    hidden: Sequence[int],
    start: Initialisation,
    runs: int,
    *,
    block: Block = Block.RELU,
    seed: int = 0,
) -> ConstantShare:
    """Draws networks and counts those constant on the data, at every depth.

    Different inputs become equal in one way only (almost surely): when a layer of relu units is off
    on all of them. So this is what is counted, and rounding cannot make points equal. Without
    biases each network's values are divided by their largest after every layer, which changes no
    sign.

    Args:
        data: The data; only the inputs matter.
        hidden: Units of each hidden layer; for `Block.RESIDUAL` all equal.
        start: The initial distribution.
        runs: Number of networks.
        block: relu(W h + b), leaky_relu(W h + b) with slope 1/100, or h + relu(W h + b).
        seed: Seed of the draws.

    Raises:
        InputError: `runs` or `hidden` cannot be used.
    """
    if runs < 1:
        raise InputError(f"runs: found {runs}, expected at least 1")
    if block is Block.RESIDUAL and len(set(hidden)) > 1:
        raise InputError("hidden: found different widths, expected equal ones for residual blocks")
    _check(hidden, start, any_mean=True)
    counts = np.zeros((2, len(hidden)), np.int64)
    if len(set(data.x)) == 1:
        raise InputError("data: found one input only, on which every network is constant")
    x = np.array(data.x, dtype=np.float64)
    generator = np.random.default_rng(seed)
    for first in range(0, runs, CHUNK):
        size = min(CHUNK, runs - first)
        counts += _simulate(x, hidden, start, size, block, generator)
    return ConstantShare(runs, counts[0], counts[1])


def _check(hidden: Sequence[int], start: Initialisation, any_mean: bool = False) -> None:
    if not hidden or min(hidden) < 1:
        raise InputError(
            f"hidden: found {min(hidden, default=0)} units in a layer, expected at least one layer "
            "of at least 1 unit"
        )
    layers = start.layers((1, *hidden))
    if not any_mean and any(layer.centre != 0 for layer in layers):
        raise InputError("start: found a mean that is not 0, expected a zero-mean distribution")
    if any(layer.spread <= 0 for layer in layers):
        raise InputError("start: found weights that are all equal, expected a positive variance")
    if not any_mean and any(layer.bias not in (None, 0.0) for layer in layers):
        raise InputError("start: found constant biases other than 0, expected 0 or drawn ones")


def _without_biases(data: Dataset, hidden: Sequence[int], normal: bool) -> Fraction:
    rays = _rays(data.x)
    if not rays:
        return Fraction(1)
    counted = hidden if _acute(rays) else hidden[1:]
    alive = _survival(counted)
    if normal:
        return (1 - alive) ** len(rays)
    return max(1 - len(rays) * alive, Fraction(0))


def _with_biases(data: Dataset, hidden: Sequence[int], normal: bool) -> Fraction:
    points = set(data.x)
    signs: list[int] = []
    if normal and _acute([(*x, Fraction(1)) for x in points]):
        signs.append(hidden[0] * len(points))
    for below, units in pairwise(hidden):
        signs.append(units * (min(len(points), below + 1) if normal else below + 1))
    return 1 - _survival(signs)


def _survival(signs: Iterable[int]) -> Fraction:
    """The product of the 1 - 2^-s, s the number of signs that a layer's death takes."""
    found = tuple(signs)
    return Fraction(prod(2**s - 1 for s in found), 2 ** sum(found))


def _rays(points: Sequence[Vector]) -> list[Vector]:
    """The directions of the points that are not 0, each once."""
    found: set[Vector] = set()
    for x in points:
        size = max(map(abs, x))
        if size:
            found.add(tuple(v / size for v in x))
    return list(found)


def _acute(points: Sequence[Vector]) -> bool:
    """Whether no two points have a negative inner product."""
    return all(inner(x, y) >= 0 for x, y in combinations(points, 2))


def _simulate(
    x: Floats,
    hidden: Sequence[int],
    start: Initialisation,
    size: int,
    block: Block,
    generator: np.random.Generator,
) -> npt.NDArray[np.int64]:
    """How many of `size` networks are constant, and nearly, after each hidden layer, (2, L)."""
    layers = start.layers((x.shape[1], *hidden))
    state: Floats = np.broadcast_to(x, (size, *x.shape))
    counts = np.zeros((2, len(hidden)), np.int64)
    for index, (units, layer) in enumerate(zip(hidden, layers, strict=True)):
        z = _preactivations(state, units, layer, generator)
        if block is Block.RESIDUAL and index:
            state = state + np.maximum(z, 0)
        elif block is Block.LEAKY:
            state = np.where(z > 0, z, LEAK * z)
        else:
            state = np.maximum(z, 0)
        state = state[(state != 0).any(axis=(1, 2))]
        largest = abs(state).max(axis=(1, 2), keepdims=True)
        spread = np.ptp(state, axis=1).max(axis=1)
        constant = size - len(state)
        counts[0, index] = constant
        counts[1, index] = constant + np.count_nonzero(spread <= NEARLY * largest[:, 0, 0])
        if layer.bias == 0:
            state = state / largest
    return counts


def _preactivations(
    state: Floats, units: int, layer: LayerDistribution, generator: np.random.Generator
) -> Floats:
    """W h + b of fresh layers, one for each network, (networks, n, units)."""
    shape = (len(state), state.shape[2] + 1, units)
    if layer.normal:
        draw = generator.normal(layer.centre, layer.spread, shape)
    else:
        draw = layer.centre + layer.spread * generator.uniform(-1, 1, shape)
    return state @ draw[:, :-1] + (draw[:, -1:] if layer.bias is None else layer.bias)
