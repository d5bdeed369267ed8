"""Convolutions and sums over windows."""

from __future__ import annotations

import numpy as np

from spurious.errors import InputError
from spurious.program.build import Handle
from spurious.program.jax.arithmetic_rules import Params
from spurious.program.windows import grouped_product, padded, windows


def convolution(x: Handle, kernel: Handle, params: Params) -> Handle:
    """A `conv_general_dilated`: patches times the kernel, for each group of features."""
    if params["batch_group_count"] != 1:
        raise InputError("a convolution with groups of batches")
    spec = params["dimension_numbers"]
    groups = params["feature_group_count"]
    inputs = x.positions.transpose(spec.lhs_spec)  # (N, C, *space)
    weights = kernel.positions.transpose(spec.rhs_spec)  # (O, C / groups, *window)
    window = weights.shape[2:]
    patches = windows(
        inputs,
        window,
        params["window_strides"],
        params["padding"],
        params["lhs_dilation"],
        params["rhs_dilation"],
    )  # (N, C, *out, *window)
    whole = grouped_product(x, patches, kernel, weights, groups)
    return whole.transpose(*np.argsort(spec.out_spec).tolist())


def window_sum(x: Handle, params: Params) -> Handle:
    """A `reduce_window_sum`: average pooling, up to a factor."""
    window = params["window_dimensions"]
    places = windows(
        x.positions[None, None],
        window,
        params["window_strides"],
        params["padding"],
        params["base_dilation"],
        params["window_dilation"],
    )[0, 0]
    summed = tuple(range(len(window), 2 * len(window)))
    return padded(x, places).sum(*summed)
