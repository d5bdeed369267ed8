"""C13: how often BFGS from random starts ends at the bad minimum of the ten points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from spurious.problem import Dataset, Loss, Network
from spurious.sweep import Rate, clopper_pearson
from spurious.train import Initialisation, Optimiser, Recipe
from spurious.train.scalar import evaluated, model

RUNS: Final = 1_000
FEWER: Final = 250
"""Runs for spreads other than the first."""

SPREADS: Final = (1.0, 0.5, 2.0)
"""Standard deviations of the starts. The paper does not say its own; the first is our choice."""

CLOSE: Final = 1e-4
"""Runs that end within this of the minimum's loss count as ending there."""

MOST: Final = 5_000
"""Iterations."""


Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class StartsEnding:
    """Starts of one spread.

    Attributes:
        spread: Standard deviation of the normal starts, all parameters alike.
        rate: Share of runs that end at the minimum.
    """

    spread: float
    rate: Rate


def ending_at(data: Dataset, loss: float, seed: int = 0) -> tuple[StartsEnding, ...]:
    """Runs BFGS on a 2-2-1 sigmoid network under log loss, from normal starts.

    Args:
        data: Two inputs, labels -1 and 1.
        loss: The minimum's loss.
        seed: Seed of the starts.
    """
    function = _loss_of(data)
    found: list[StartsEnding] = []
    for index, spread in enumerate(SPREADS):
        runs = FEWER if index else RUNS
        starts = np.random.default_rng([seed, index]).normal(0, spread, (runs, 9))
        ends = [
            minimize(
                function, t, method="BFGS", jac=True, options={"maxiter": MOST, "gtol": 1e-7}
            ).fun
            for t in starts
        ]
        there = int(np.sum(np.abs(np.array(ends) - loss) < CLOSE))
        found.append(StartsEnding(spread, clopper_pearson(there, runs)))
    return tuple(found)


def _loss_of(data: Dataset) -> Callable[[Floats], tuple[float, Floats]]:
    """The loss and its gradient at 9 parameters, from the compiled network of `train`."""
    never = Initialisation("normal"), Optimiser("gd", 1.0), 1  # nothing is trained
    net = model(Recipe(Network((2, 2, 1), "sigmoid"), Loss.LOGISTIC, data, *never))
    work = np.empty((3, net.units + net.outputs))

    def function(parameters: Floats) -> tuple[float, Floats]:
        gradient = np.empty_like(parameters)
        return evaluated(parameters, gradient, net, work), gradient

    return function
