"""The initial parameters of networks, drawn by their index."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from spurious.train.philox import uniforms
from spurious.train.recipe import Recipe

__all__ = ["starts"]


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
    network = recipe.network
    values = np.empty((count, network.parameter_count))
    uniforms(np.uint64(seed), first, values)
    start = 0
    layers = recipe.initialisation.layers(network.widths)
    for (wide, high), layer in zip(pairwise(network.widths), layers, strict=True):
        middle, end = start + wide * high, start + (wide + 1) * high
        drawn = values[:, start : middle if layer.bias is not None else end]
        if layer.normal:
            drawn[:] = layer.centre + layer.spread * np.asarray(ndtri(drawn))
        else:
            drawn[:] = layer.centre + layer.spread * (2 * drawn - 1)
        if layer.bias is not None:
            values[:, middle:end] = layer.bias
        start = end
    return values
