"""C13: how often BFGS from random starts ends at the bad minimum of the ten points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from spurious.problem import Dataset
from spurious.sweep import Rate, clopper_pearson

__all__ = ["StartsEnding", "ending_at"]

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
        loss: Of the minimum.
        seed: Of the starts.
    """
    x = np.array(data.x, dtype=np.float64)
    y = np.array(data.y, dtype=np.float64)[:, 0]
    found: list[StartsEnding] = []
    for index, spread in enumerate(SPREADS):
        runs = FEWER if index else RUNS
        starts = np.random.default_rng([seed, index]).normal(0, spread, (runs, 9))
        ends = [
            minimize(
                _loss, t, (x, y), method="BFGS", jac=True, options={"maxiter": MOST, "gtol": 1e-7}
            ).fun
            for t in starts
        ]
        there = int(np.sum(np.abs(np.array(ends) - loss) < CLOSE))
        found.append(StartsEnding(spread, clopper_pearson(there, runs)))
    return tuple(found)


def _loss(theta: Floats, x: Floats, y: Floats) -> tuple[float, Floats]:
    """The loss and its gradient."""
    weight, bias, out, offset = theta[:4].reshape(2, 2), theta[4:6], theta[6:8], theta[8]
    hidden: Floats = expit(x @ weight.T + bias)
    margin: Floats = y * (hidden @ out + offset)
    pull: Floats = -y * expit(-margin)
    back: Floats = pull[:, None] * out * hidden * (1 - hidden)
    gradient = np.concatenate([(back.T @ x).ravel(), back.sum(axis=0), pull @ hidden, [pull.sum()]])
    return float(np.logaddexp(0, -margin).sum()), gradient
