"""Windows that slide over arrays: positions in the input for each entry of the output."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from spurious.program.build import Handle
from spurious.program.operations import Index


def windows(
    positions: Index,
    window: Sequence[int],
    strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    dilation: Sequence[int],
    window_dilation: Sequence[int],
) -> Index:
    """Positions under each place of a window, -1 where it lies on padding.

    Args:
        positions: Shape (N, C, *space).
        window: The window's size along each axis of space.
        strides: The step from a place to the next.
        padding: What is added before and after, or taken away where negative.
        dilation: The step from an entry to the next in the padded input; zeros lie between.
        window_dilation: The step from an entry of the window to the next.

    Returns:
        Shape (N, C, *out, *window).
    """
    depth = len(window)
    for axis in range(depth):
        size = positions.shape[2 + axis]
        low, high = padding[axis]
        spread = (size - 1) * dilation[axis] + 1 if size else 0
        places = np.arange(-low, spread + high)
        inside = (places >= 0) & (places < spread) & (places % dilation[axis] == 0)
        source = np.where(inside, places // dilation[axis], 0)
        taken = np.take(positions, source, axis=2 + axis)
        mask = inside.reshape(-1, *(1,) * (positions.ndim - 3 - axis))
        positions = np.where(mask, taken, -1)
    for axis in range(depth):
        reach = (window[axis] - 1) * window_dilation[axis] + 1
        last = int(positions.shape[2 + axis]) - reach
        starts = np.arange(0, last + 1, strides[axis])
        reached = starts[:, None] + np.arange(window[axis]) * window_dilation[axis]
        positions = np.take(positions, reached, axis=2 + axis)
        positions = np.moveaxis(positions, 3 + axis, -1)
    return positions


def padded(x: Handle, places: Index) -> Handle:
    """Entries of an array, zeros at -1."""
    if (places >= 0).all():
        return x.take(places)
    return x.builder.join([x, x.builder.const([0])]).take(np.where(places < 0, x.size, places))


def grouped_product(
    x: Handle, patches: Index, kernel: Handle, weights: Index, groups: int
) -> Handle:
    """A convolution: patches times the kernel, for each group of channels.

    Args:
        x: The input.
        patches: Positions in it from `windows`, shape (N, C, *out, *window).
        kernel: The kernel.
        weights: Positions in it, shape (O, C / groups, *window).
        groups: Groups of channels.

    Returns:
        Shape (N, O, *out).
    """
    depth = weights.ndim - 2
    count, channels, out = patches.shape[0], patches.shape[1], patches.shape[2 : 2 + depth]
    patches = np.moveaxis(patches, 1, 1 + depth)  # (N, *out, C, *window)
    patches = patches.reshape(-1, groups, channels // groups * int(np.prod(weights.shape[2:])))
    left = padded(x, patches.transpose(1, 0, 2))  # (groups, N out, C window / groups)
    features = len(weights)
    columns = weights.reshape(groups, features // groups, -1).transpose(0, 2, 1)
    found = left @ kernel.take(columns)  # (groups, N out, O / groups)
    order = found.positions.transpose(1, 0, 2).reshape(count, *out, features)
    return found.take(np.moveaxis(order, -1, 1))


def convolution(
    x: Handle,
    kernel: Handle,
    strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    window_dilation: Sequence[int],
    groups: int,
) -> Handle:
    """A convolution of x, shape (N, C, *space), with a kernel (O, C / groups, *window)."""
    weights = kernel.positions
    ones = [1] * (weights.ndim - 2)
    places = windows(x.positions, weights.shape[2:], strides, padding, ones, window_dilation)
    return grouped_product(x, places, kernel, weights, groups)


def window_places(
    x: Handle,
    window: Sequence[int],
    strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    window_dilation: Sequence[int],
) -> Index:
    """Positions under each place of a window over the last axes, -1 on padding.

    Returns:
        Shape (..., *out, entries).
    """
    depth = len(window)
    kept, space = x.shape[:-depth], x.shape[-depth:]
    places = x.positions.reshape(1, -1, *space)
    found = windows(places, window, strides, padding, [1] * depth, window_dilation)
    return found.reshape(*kept, *found.shape[2 : 2 + depth], prod(window))


def window_means(x: Handle, places: Index, divisor: int | None) -> Handle:
    """Means of the entries at `places`, shape (..., n) to (...).

    Args:
        x: Any shape.
        places: Positions, -1 for zeros.
        divisor: What the sums are divided by; None for the number of entries without padding.
    """
    total = padded(x, places).sum(places.ndim - 1)
    counts = (places >= 0).sum(axis=-1) if divisor is None else np.full(total.shape, divisor)
    return total * x.builder.const(counts).reciprocal()
