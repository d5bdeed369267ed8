"""In how many linear regions of a fresh network the data lie (the paper's hypothesis, C14).

A region is an activation pattern: for every hidden unit whether it is on. On a region the network
is affine. Patterns are counted on the data points only, in double precision.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spurious.train import Recipe
from spurious.train.batched import preactivations


@dataclass(frozen=True, slots=True, eq=False)
class InitialRegions:
    """The regions of some networks that hold data.

    Attributes:
        regions: How many regions hold at least one point, shape (N,).
        mixed: Share of the points whose region also holds a point with another target, (N,).
    """

    regions: npt.NDArray[np.int64]
    mixed: npt.NDArray[np.float64]


def initial_regions(recipe: Recipe, parameters: npt.NDArray[np.float64]) -> InitialRegions:
    """Counts the activation patterns of the data.

    Args:
        recipe: Architecture and data.
        parameters: Parameters of the networks, shape (N, P).
    """
    hidden = np.concatenate(preactivations(recipe, parameters)[:-1], axis=2) > 0
    same = (hidden[:, :, None, :] == hidden[:, None, :, :]).all(axis=3)
    first = ~np.tril(same, -1).any(axis=2)
    targets = np.array(recipe.data.y, dtype=np.float64)
    other = (targets[:, None, :] != targets[None, :, :]).any(axis=2)
    mixed = (same & other).any(axis=2)
    return InitialRegions(first.sum(axis=1), mixed.mean(axis=1))
