"""Which parameters decay, and how fast: the penalty of a loss, and AdamW's own decay."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from spurious.errors import InputError
from spurious.problem import Network, Penalty
from spurious.train.optimiser import Optimiser

Floats = npt.NDArray[np.float64]


def check_penalty(penalty: Penalty, network: Network) -> None:
    """Refuses a penalty that is no weight decay of the network.

    Raises:
        InputError: It names a block that the network lacks, or a factor is negative.
    """
    for factor in (factor for pair in penalty.of_layers(network) for factor in pair):
        if factor < 0:
            raise InputError(f"l2: found {factor}, expected a number that is not negative")


def penalty_factors(penalty: Penalty, network: Network) -> Floats:
    """What the square of each parameter costs, shape (P,)."""
    return _of_parameters(network, penalty.of_layers(network))


def per_layer(optimiser: Optimiser, network: Network) -> tuple[tuple[float, float], ...]:
    """1 or 0 for each layer's weight and bias: whether the update rule lets it decay."""
    decays = optimiser.name == "adamw"
    pair = (float(decays), float(decays and bool(optimiser.biases)))
    return (pair,) * (len(network.widths) - 1)


def decaying(optimiser: Optimiser, network: Network) -> Floats:
    """1 for each parameter that the update rule lets decay, else 0; shape (P,)."""
    return _of_parameters(network, per_layer(optimiser, network))


def _of_parameters(
    network: Network, layers: Sequence[tuple[float | Fraction, float | Fraction]]
) -> Floats:
    """A number for each layer's weight and bias as one for each parameter."""
    parts = [
        np.repeat(np.array(pair, dtype=np.float64), (wide * high, high))
        for pair, (wide, high) in zip(layers, pairwise(network.widths), strict=True)
    ]
    return np.concatenate(parts)
