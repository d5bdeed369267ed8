"""The initial parameters of networks, and their orders of the points, drawn by their index."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from spurious.problem import Network
from spurious.train.initialisation import Initialisation
from spurious.train.recipe import Recipe


def starts(recipe: Recipe, seed: int, first: int, count: int) -> npt.NDArray[np.float64]:
    """The initial parameters of the networks first, ..., first + count - 1.

    Parameter p of a network is made from the p-th random number of its own stream, whatever the
    distribution; normal ones by the inverse of the distribution function.

    Args:
        recipe: Architecture and initial distribution.
        seed: From 0 to 2^64 - 1.
        first: Index of the first network.
        count: How many.

    Returns:
        Shape (count, P), layer by layer: the weight row by row, then the bias.
    """
    return drawn(recipe.network, recipe.initialisation, seed, first, count)


def drawn(
    network: Network, initialisation: Initialisation, seed: int, first: int, count: int
) -> npt.NDArray[np.float64]:
    """As `starts`, for any network and initial distribution."""
    from scipy.special import ndtri  # slow to import, as the next

    from spurious.train.philox import uniforms

    values = np.empty((count, network.parameter_count))
    uniforms(np.uint64(seed), first, values)
    start = 0
    layers = initialisation.layers(network.widths)
    for (wide, high), layer in zip(pairwise(network.widths), layers, strict=True):
        middle, end = start + wide * high, start + (wide + 1) * high
        part = values[:, start : middle if layer.bias is not None else end]
        if layer.normal:
            part[:] = layer.centre + layer.spread * np.asarray(ndtri(part))
        else:
            part[:] = layer.centre + layer.spread * (2 * part - 1)
        if layer.bias is not None:
            values[:, middle:end] = layer.bias
        start = end
    return values


def epoch_orders(
    seed: int, indices: Sequence[int], epoch: int, points: int
) -> npt.NDArray[np.int64]:
    """Each network's order of the points in an epoch, shape (points, networks)."""
    from spurious.train.philox import write_orders

    order = np.empty((points, len(indices)), np.int64)
    write_orders(np.uint64(seed), np.asarray(indices, np.int64), epoch, order)
    return order
