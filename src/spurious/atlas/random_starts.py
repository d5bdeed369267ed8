"""How networks are trained to measure basins, with weight decay and without."""

from __future__ import annotations

from typing import Final

from spurious.problem import Dataset, Loss, Network, Penalty
from spurious.train import Initialisation, Optimiser, Recipe

STEP: Final = 0.01

CHUNK: Final = 4_096
"""Networks that are trained together; bounds the memory."""


def from_random_starts(
    network: Network,
    loss: Loss,
    data: Dataset,
    spread: float,
    updates: int,
    penalty: Penalty | None = None,
) -> Recipe:
    """Adam in float64, from weights and biases that are normal with a given standard deviation."""
    return Recipe(
        network=network,
        loss=loss,
        data=data,
        initialisation=Initialisation("normal", std=spread, bias="drawn"),
        optimiser=Optimiser("adam", STEP),
        updates=updates,
        precision="float64",
        tolerance=0.0,
        stop=False,
        penalty=penalty or Penalty(),
    )
