"""Layers that front ends share, as operations of a program being written."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import prod

import numpy as np
import numpy.typing as npt

from spurious.program.branches import maximum, minimum
from spurious.program.build import Handle
from spurious.program.functions import EXP, LOG, SOFTPLUS, SQRT
from spurious.program.operations import Index

Hidden = npt.NDArray[np.bool_] | None


def matmul(x: Handle, y: Handle) -> Handle:
    """A product of matrices, batches of them, or vectors, as in NumPy."""
    left = x.reshape(1, *x.shape) if len(x.shape) == 1 else x
    right = y.reshape(*y.shape, 1) if len(y.shape) == 1 else y
    found = left @ right
    shape = list(found.shape)
    if len(y.shape) == 1:
        shape.pop(-1)
    if len(x.shape) == 1:
        shape.pop(len(shape) - 1 if len(y.shape) == 1 else len(shape) - 2)
    return found.reshape(*shape)


def clipped(x: Handle, low: Handle | None, high: Handle | None) -> Handle:
    """Entries brought between two bounds."""
    if low is not None:
        x = maximum(x, low)
    return x if high is None else minimum(x, high)


def largest(x: Handle) -> Handle:
    """The largest entry along the last axis, shape (..., n) to (...), by rounds of pairs."""
    while x.shape[-1] > 1:
        places, half = x.positions, x.shape[-1] // 2
        won = maximum(x.take(places[..., :half]), x.take(places[..., half : 2 * half]))
        if x.shape[-1] % 2:
            rest = x.take(places[..., 2 * half :])
            won = _beside(won, rest)
        x = won
    return x.reshape(*x.shape[:-1])


def extreme(x: Handle, axes: Sequence[int], sign: int) -> Handle:
    """The largest (sign 1) or smallest (-1) entry over some axes, which stay with size 1."""
    kept = [size for i, size in enumerate(x.shape) if i not in axes]
    moved = np.moveaxis(x.positions, axes, range(-len(axes), 0))
    found = largest(x.take(moved.reshape(*kept, -1)) * sign) * sign
    return found.reshape(*(1 if i in axes else size for i, size in enumerate(x.shape)))


def largest_at(x: Handle, places: Index) -> Handle:
    """The largest of some entries, by rounds of pairs; no entry is compared with itself.

    Args:
        x: Any shape.
        places: Positions in the flattened x, -1 for none, shape (..., n); in each row at least
            one.

    Returns:
        Shape (...).
    """
    if (places >= 0).all():
        return largest(x.take(places))
    shape, flat = places.shape[:-1], x.ravel()
    places = places.reshape(-1, places.shape[-1])
    while places.shape[-1] > 1:
        half = places.shape[-1] // 2
        left, right = places[:, :half], places[:, half : 2 * half]
        both = (left >= 0) & (right >= 0) & (left != right)
        won = np.maximum(left, right)
        won[both] = flat.size + np.arange(int(both.sum()))
        best = maximum(flat.take(left[both]), flat.take(right[both]))
        flat = flat.builder.join([flat, best])
        places = np.concatenate([won, places[:, 2 * half :]], axis=1)
    return flat.take(places.reshape(shape))


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
