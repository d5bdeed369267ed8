"""How networks are trained to measure basins, with weight decay and without."""

from __future__ import annotations

from typing import Final

from spurious.errors import InputError
from spurious.problem import DenseLoss
from spurious.train import Initialisation, Optimiser, Recipe

STEP: Final = 0.01

CHUNK: Final = 4_096
"""Networks that are trained together; bounds the memory."""


def from_random_starts(loss: DenseLoss, spread: float, updates: int) -> Recipe:
    """Adam in float64, from weights and biases that are normal with a given standard deviation.

    Raises:
        InputError: The points have weights, or the loss is a mean.
    """
    if set(loss.factors) != {1}:
        raise InputError("starts: found weights of points or a mean, expected a plain sum; use 0")
    return Recipe(
        network=loss.network,
        loss=loss.loss,
        data=loss.data,
        initialisation=Initialisation("normal", std=spread, bias="drawn"),
        optimiser=Optimiser("adam", STEP),
        updates=updates,
        precision="float64",
        tolerance=0.0,
        stop=False,
        penalty=loss.penalty,
    )
