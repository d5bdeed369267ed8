"""Layers that front ends share, as operations of a program being written."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import prod

import numpy as np
import numpy.typing as npt

from spurious.program.build import Handle
from spurious.program.functions import EXP, LOG, RELU, SOFTPLUS, SQRT

__all__ = [
    "clipped",
    "kept_sum",
    "larger",
    "largest",
    "log_softmax",
    "logsumexp",
    "mean",
    "normalised",
    "smaller",
    "softmax",
    "standardised",
    "variance",
]

Hidden = npt.NDArray[np.bool_] | None


def larger(x: Handle, y: Handle) -> Handle:
    """The larger of two, entry by entry: y + relu(x - y)."""
    if x.known is not None:
        x, y = y, x
    return y + (x - y).map(RELU)


def smaller(x: Handle, y: Handle) -> Handle:
    """The smaller of two, entry by entry."""
    return -larger(-x, -y)


def clipped(x: Handle, low: Handle | None, high: Handle | None) -> Handle:
    """Entries brought between two bounds."""
    if low is not None:
        x = larger(x, low)
    return x if high is None else smaller(x, high)


def largest(x: Handle) -> Handle:
    """The largest entry along the last axis, shape (..., n) to (...), by rounds of pairs."""
    while x.shape[-1] > 1:
        places, half = x.positions, x.shape[-1] // 2
        won = larger(x.take(places[..., :half]), x.take(places[..., half : 2 * half]))
        if x.shape[-1] % 2:
            rest = x.take(places[..., 2 * half :])
            won = _beside(won, rest)
        x = won
    return x.reshape(*x.shape[:-1])


def _beside(x: Handle, y: Handle) -> Handle:
    """Two arrays joined along the last axis."""
    places = np.concatenate([x.positions, y.positions + x.size], axis=-1)
    return x.builder.join([x, y]).take(places)


def kept_sum(x: Handle, axes: Sequence[int]) -> Handle:
    """The sum over some axes, which stay with size 1."""
    if not axes:
        return x
    chosen = {axis % len(x.shape) for axis in axes}
    return x.sum(*chosen).reshape(*(1 if i in chosen else s for i, s in enumerate(x.shape)))


def mean(x: Handle, axes: Sequence[int]) -> Handle:
    """The mean over some axes, which stay with size 1."""
    return kept_sum(x, axes) * Fraction(1, prod(x.shape[axis] for axis in axes))


def variance(x: Handle, axes: Sequence[int], correction: Fraction = Fraction(0)) -> Handle:
    """The variance over some axes, which stay with size 1; divided by n - correction."""
    error = x - mean(x, axes)
    count = prod(x.shape[axis] for axis in axes)
    return kept_sum(error * error, axes) * (1 / (count - correction))


def standardised(x: Handle, average: Handle, spread: Handle, epsilon: Fraction) -> Handle:
    """(x - average) / sqrt(spread + epsilon), spread a variance."""
    return (x - average) * (spread + epsilon).map(SQRT).reciprocal()


def normalised(x: Handle, axes: Sequence[int], epsilon: Fraction) -> Handle:
    """Entries with mean 0 and variance almost 1 over some axes."""
    return standardised(x, mean(x, axes), variance(x, axes), epsilon)


def softmax(x: Handle, axis: int, hidden: Hidden = None) -> Handle:
    """Exponentials divided by their sum along an axis; the usual shift cancels exactly.

    Args:
        x: Any shape.
        axis: The axis.
        hidden: Entries that count as minus infinity, shape of x.
    """
    powers = _powers(x, hidden)
    return powers * kept_sum(powers, [axis]).reciprocal()


def logsumexp(x: Handle, axis: int, hidden: Hidden = None) -> Handle:
    """The logarithm of the sum of exponentials along an axis, which stays with size 1."""
    return kept_sum(_powers(x, hidden), [axis]).map(LOG)


def log_softmax(x: Handle, axis: int, hidden: Hidden = None) -> Handle:
    """The logarithm of the softmax; of two classes by the softplus."""
    if x.shape[axis] == 2 and hidden is None:
        return -(x.take(np.flip(x.positions, axis)) - x).map(SOFTPLUS)
    return x - logsumexp(x, axis, hidden)


def _powers(x: Handle, hidden: Hidden) -> Handle:
    powers = x.map(EXP)
    return powers if hidden is None else powers * (~hidden).astype(np.int64)
