"""Compiles the engine ahead, in parts that can go on at the same time in two processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from spurious.problem import Network, dataset
from spurious.train.initialisation import Initialisation
from spurious.train.optimiser import Optimiser
from spurious.train.recipe import Recipe


def _recipe(precision: str = "float32") -> Recipe:
    data = dataset("xor")
    network = Network((2, 2, 1), "sigmoid")
    return Recipe(
        network,
        data.loss,
        data.data,
        Initialisation("pytorch"),
        Optimiser("gd", 0.1),
        updates=1,
        precision=precision,
    )


def training(precision: str = "float32") -> None:
    """What trains."""
    from spurious.train.ensemble import train

    train(_recipe(precision), 0, 0, 1)


def double() -> None:
    """What trains in float64; no part of those that studies need."""
    training("float64")


def naming() -> None:
    """What follows runs downhill and looks at where they end."""
    from spurious.train.polish import hessians, polish
    from spurious.train.scalar import model

    recipe = _recipe()
    at = np.zeros((1, recipe.network.parameter_count))
    polish(recipe, at)
    hessians(at, np.zeros((1, at.shape[1], at.shape[1])), model(recipe))


PARTS: Final[Mapping[str, Callable[[], None]]] = {"training": training, "naming": naming}
"""The parts by name; calling one compiles it, or loads it from the cache on disk."""


def is_compiled() -> bool:
    """Whether the cache on disk has the engine; what takes long to compile is asked about."""
    from spurious.train.compiled import is_cached
    from spurious.train.kernel import advance
    from spurious.train.polish import descend_all

    return is_cached(advance) and is_cached(descend_all)
