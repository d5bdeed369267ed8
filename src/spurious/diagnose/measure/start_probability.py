"""How probable a dead start is, under a network's own distribution of weights and the usual one.

Theorem 18 of docs/mathematics.md bounds the probability from below for zero-mean starts, and
`spurious.construct.constant_share` draws networks (claims C9 and C10 of the paper).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from spurious.construct import constant_bound, constant_share
from spurious.diagnose.measure.records import Affine
from spurious.errors import InputError
from spurious.problem import dataset_from_arrays
from spurious.train import Initialisation
from spurious.train.initialisation import LayerDistribution

RUNS: Final = 300
"""Networks drawn."""

POINTS: Final = 32
"""Points that must all have one output; a subset, so the shares are upper bounds."""

MOST_WIDTH: Final = 512
"""Wider networks are not drawn: the time would be seconds, and the share 0."""


@dataclass(frozen=True, slots=True)
class StartProbability:
    """How often a fresh network has one output on all points.

    Attributes:
        runs: Networks drawn of each distribution.
        points: Points that they were tried on.
        own: How many were constant with each layer's own mean and spread of the weights, and its
            mean bias.
        default: How many with PyTorch's default start.
        default_bound: A proved lower bound for the default start.
    """

    runs: int
    points: int
    own: int
    default: int
    default_bound: float


@dataclass(frozen=True)
class _Own:
    """Each layer's weights normal with their present mean and spread."""

    affine: tuple[Affine, ...]

    def layers(self, widths: tuple[int, ...]) -> tuple[LayerDistribution, ...]:
        """The distributions of the first layers."""
        found = (LayerDistribution(True, a.mean, a.std, a.bias_mean) for a in self.affine)
        return tuple(found)[: len(widths) - 1]


def start_probability(
    affine: tuple[Affine, ...], inputs: NDArray[np.float64]
) -> StartProbability | None:
    """Draws dense ReLU networks of the shape seen.

    Args:
        affine: Its layers, first to last.
        inputs: Of the data, (n, d).

    Returns:
        None where the networks are too large, or have no hidden layer.
    """
    hidden = tuple(layer.units for layer in affine[:-1])
    if not hidden or max(*hidden, inputs.shape[1]) > MOST_WIDTH:
        return None
    chosen = np.unique(inputs, axis=0)
    chosen = chosen[np.linspace(0, len(chosen) - 1, min(len(chosen), POINTS)).astype(int)]
    if len(chosen) < 2 or any(layer.std == 0 for layer in affine[:-1]):
        return None
    data = dataset_from_arrays(chosen, np.zeros((len(chosen), 1)))
    usual = Initialisation("pytorch")
    try:
        own = constant_share(data, hidden, cast(Initialisation, _Own(affine)), RUNS)
        default = constant_share(data, hidden, usual, RUNS)
    except InputError:
        return None
    bound = float(constant_bound(data, hidden, usual))
    return StartProbability(
        RUNS, len(chosen), int(own.constant[-1]), int(default.constant[-1]), bound
    )
