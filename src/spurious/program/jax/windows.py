"""Convolutions and sums over windows: positions in the input for each entry of the output."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spurious.errors import InputError
from spurious.program.build import Handle
from spurious.program.jax.arithmetic_rules import Params
from spurious.program.operations import Index

__all__ = ["convolution", "window_sum"]


def convolution(x: Handle, kernel: Handle, params: Params) -> Handle:
    """A `conv_general_dilated`: patches times the kernel, for each group of features."""
    if params["batch_group_count"] != 1:
        raise InputError("a convolution with groups of batches")
    spec = params["dimension_numbers"]
    groups = params["feature_group_count"]
    inputs = x.positions.transpose(spec.lhs_spec)  # (N, C, *space)
    weights = kernel.positions.transpose(spec.rhs_spec)  # (O, C / groups, *window)
    window = weights.shape[2:]
    patches = _windows(
        inputs,
        window,
        params["window_strides"],
        params["padding"],
        params["lhs_dilation"],
        params["rhs_dilation"],
    )  # (N, C, *out, *window)
    depth = len(window)
    count, channels, out = inputs.shape[0], inputs.shape[1], patches.shape[2 : 2 + depth]
    patches = np.moveaxis(patches, 1, 1 + depth)  # (N, *out, C, *window)
    patches = patches.reshape(-1, groups, channels // groups * int(np.prod(window)))
    left = _padded(x, patches.transpose(1, 0, 2))  # (groups, N out, C window / groups)
    features = len(weights)
    columns = weights.reshape(groups, features // groups, -1).transpose(0, 2, 1)
    found = left @ kernel.take(columns)  # (groups, N out, O / groups)
    order = found.positions.transpose(1, 0, 2).reshape(count, *out, features)
    whole = np.moveaxis(order, -1, 1)  # (N, O, *out)
    return found.take(whole.transpose(np.argsort(spec.out_spec)))


def window_sum(x: Handle, params: Params) -> Handle:
    """A `reduce_window_sum`: average pooling, up to a factor."""
    window = params["window_dimensions"]
    places = _windows(
        x.positions[None, None],
        window,
        params["window_strides"],
        params["padding"],
        params["base_dilation"],
        params["window_dilation"],
    )[0, 0]
    summed = tuple(range(len(window), 2 * len(window)))
    return _padded(x, places).sum(*summed)


def _windows(
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
        windows = starts[:, None] + np.arange(window[axis]) * window_dilation[axis]
        positions = np.take(positions, windows, axis=2 + axis)
        positions = np.moveaxis(positions, 3 + axis, -1)
    return positions


def _padded(x: Handle, places: Index) -> Handle:
    """Entries of an array, zeros at -1."""
    if (places >= 0).all():
        return x.take(places)
    return x.builder.join([x, x.builder.const([0])]).take(np.where(places < 0, x.size, places))
