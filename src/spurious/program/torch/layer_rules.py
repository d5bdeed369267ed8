"""Reading ATen's layers: linear maps, convolutions, pools, norms, softmax, attention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

import numpy as np
import torch

from spurious.errors import InputError
from spurious.program.build import Builder, Handle
from spurious.program.functions import SQRT
from spurious.program.layers import (
    largest_at,
    log_softmax,
    logsumexp,
    matmul,
    mean,
    normalised,
    softmax,
    standardised,
    variance,
)
from spurious.program.torch.arithmetic_rules import Rule
from spurious.program.torch.values import Unreadable, Value, as_handle, as_scores, axes_of
from spurious.program.windows import (
    convolution,
    grouped_product,
    window_means,
    window_places,
    windows,
)

PLACES: Final = Unreadable("the place of a maximum, which depends on parameters")
STATISTICS: Final = Unreadable("a layer's own statistics")


def _linear(b: Builder, x: Any, weight: Any, bias: Any = None, **_: Any) -> Value:
    w = as_handle(b, weight)
    found = matmul(as_handle(b, x), w.transpose())
    return found if bias is None else found + as_handle(b, bias)


# convolutions and pools


def _each(value: int | Sequence[int], depth: int) -> list[int]:
    """One number for each axis of space."""
    given = [value] if isinstance(value, int) else list(value)
    return given * depth if len(given) == 1 else given


def _convolution(
    b: Builder, x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0,
    dilation: Any = 1, groups: int = 1, transposed: bool = False, output_padding: Any = 0,
    **_: Any,
) -> Value:  # fmt: skip
    z, kernel = as_handle(b, x), as_handle(b, weight)
    depth = len(kernel.shape) - 2
    single = len(z.shape) == depth + 1
    z = z.reshape(1, *z.shape) if single else z
    window = kernel.shape[2:]
    steps, spread = _each(stride, depth), _each(dilation, depth)
    reach = [spread[i] * (window[i] - 1) for i in range(depth)]
    if padding == "same":
        around = [(r // 2, r - r // 2) for r in reach]
    else:
        around = [(p, p) for p in _each(0 if padding == "valid" else padding, depth)]
    if transposed:
        more = _each(output_padding, depth)
        around = [
            (reach[i] - around[i][0], reach[i] - around[i][1] + more[i]) for i in range(depth)
        ]
        patches = windows(z.positions, window, [1] * depth, around, steps, spread)
        found = grouped_product(z, patches, kernel, _turned(kernel, groups), groups)
    else:
        found = convolution(z, kernel, steps, around, spread, groups)
    if bias is not None:
        found = found + as_handle(b, bias).reshape(-1, *(1,) * depth)
    return found.reshape(*found.shape[1:]) if single else found


def _turned(kernel: Handle, groups: int) -> np.ndarray:
    """The positions of a transposed convolution's kernel, as those of the convolution it is."""
    inputs, outputs, *window = kernel.shape
    split = kernel.positions.reshape(groups, inputs // groups, outputs, *window).swapaxes(1, 2)
    joined = split.reshape(groups * outputs, -1, *window)
    return np.flip(joined, tuple(range(2, joined.ndim)))


def _convolution_transposed(b: Builder, **arguments: Any) -> Value:
    return _convolution(b, transposed=True, **arguments)


def _pool_places(
    z: Handle, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> np.ndarray:
    """Positions under each window, -1 on padding, shape (..., *out, entries)."""
    if ceil_mode:
        raise InputError("ceil_mode")
    depth = len(_each(kernel_size, 1)) if not isinstance(kernel_size, int) else 1
    size = _each(kernel_size, depth)
    around = [(p, p) for p in _each(padding, depth)]
    steps = _each(stride or size, depth)
    return window_places(z, size, steps, around, _each(dilation, depth))


def _max_pool(
    b: Builder, x: Any, kernel_size: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, **_: Any,
) -> Value:  # fmt: skip
    z = as_handle(b, x)
    places = _pool_places(z, kernel_size, stride, padding, dilation, ceil_mode)
    return largest_at(z, places)


def _max_pool_with_indices(b: Builder, **arguments: Any) -> Value:
    return [_max_pool(b, **arguments), PLACES]


def _avg_pool(
    b: Builder, x: Any, kernel_size: Any, stride: Any = (), padding: Any = 0,
    ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: int | None = None,
    **_: Any,
) -> Value:  # fmt: skip
    z = as_handle(b, x)
    places = _pool_places(z, kernel_size, stride, padding, 1, ceil_mode)
    size = places.shape[-1] if count_include_pad else None
    return window_means(z, places, divisor_override or size)


def _adaptive_windows(size: int, out: int) -> list[tuple[int, int]]:
    return [(i * size // out, -(-(i + 1) * size // out)) for i in range(out)]


def _adaptive_avg_pool(b: Builder, x: Any, output_size: Any, **_: Any) -> Value:
    """Means over windows that cover the input, one axis at a time."""
    z = as_handle(b, x)
    wanted = [output_size] if isinstance(output_size, int) else list(output_size)
    for axis, out in zip(range(-len(wanted), 0), wanted, strict=True):
        size = z.shape[axis]
        shares = np.full((size, out), Fraction(0), dtype=object)
        for i, (start, stop) in enumerate(_adaptive_windows(size, out)):
            shares[start:stop, i] = Fraction(1, stop - start)
        rows = z.take(np.moveaxis(z.positions, axis, -1))
        found = (rows.reshape(-1, size) @ shares).reshape(*rows.shape[:-1], out)
        z = found.take(np.moveaxis(found.positions, -1, axis))
    return z


def _adaptive_max_pool(b: Builder, x: Any, output_size: Any, **_: Any) -> Value:
    """Maxima over the same windows, one axis at a time."""
    z = as_handle(b, x)
    wanted = [output_size] if isinstance(output_size, int) else list(output_size)
    for axis, out in zip(range(-len(wanted), 0), wanted, strict=True):
        ends = _adaptive_windows(z.shape[axis], out)
        width = max(stop - start for start, stop in ends)
        steps = np.arange(width)
        index = np.array(
            [np.where(start + steps < stop, start + steps, -1) for start, stop in ends]
        )
        rows = np.moveaxis(z.positions, axis, -1)
        found = largest_at(z, np.where(index < 0, -1, rows[..., index]))
        z = found.take(np.moveaxis(found.positions, -1, axis))
    return [z, PLACES]


# norms


def _scaled(b: Builder, z: Handle, weight: Any, bias: Any, shape: Sequence[int]) -> Handle:
    if weight is not None:
        z = z * as_handle(b, weight).reshape(*shape)
    return z if bias is None else z + as_handle(b, bias).reshape(*shape)


def _layer_norm(
    b: Builder, x: Any, normalized_shape: Sequence[int], weight: Any = None, bias: Any = None,
    eps: float = 1e-5, **_: Any,
) -> Value:  # fmt: skip
    z = as_handle(b, x)
    axes = list(range(len(z.shape) - len(normalized_shape), len(z.shape)))
    return _scaled(b, normalised(z, axes, Fraction(eps)), weight, bias, normalized_shape)


def _group_norm(
    b: Builder, x: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5,
    **_: Any,
) -> Value:  # fmt: skip
    z = as_handle(b, x)
    grouped = z.reshape(z.shape[0], num_groups, -1)
    found = normalised(grouped, [2], Fraction(eps)).reshape(*z.shape)
    return _scaled(b, found, weight, bias, (-1, *(1,) * (len(z.shape) - 2)))


def _batch_norm(
    b: Builder, x: Any, weight: Any = None, bias: Any = None, running_mean: Any = None,
    running_var: Any = None, training: bool = False, eps: float = 1e-5, **_: Any,
) -> Handle:  # fmt: skip
    """With the batch's own mean and variance in training, with the running ones otherwise."""
    z = as_handle(b, x)
    shape = (-1, *(1,) * (len(z.shape) - 2))
    axes = [axis for axis in range(len(z.shape)) if axis != 1]
    if training or running_mean is None:
        average, spread = mean(z, axes), variance(z, axes)
    else:
        average, spread = (as_handle(b, v).reshape(*shape) for v in (running_mean, running_var))
    found = standardised(z, average, spread, Fraction(eps))
    return _scaled(b, found, weight, bias, shape)


def _first_of(rule: Rule, count: int, **fixed: Any) -> Rule:
    """An operator that also returns statistics, which a loss does not use."""

    def read(b: Builder, **arguments: Any) -> Value:
        return [rule(b, **arguments, **fixed), *[STATISTICS] * count]

    return read


def _instance_norm(
    b: Builder, x: Any, weight: Any = None, bias: Any = None, running_mean: Any = None,
    running_var: Any = None, use_input_stats: bool = True, eps: float = 1e-5, **_: Any,
) -> Value:  # fmt: skip
    z = as_handle(b, x)
    if not use_input_stats:
        return _batch_norm(b, z, weight, bias, running_mean, running_var, False, eps)
    found = normalised(z, list(range(2, len(z.shape))), Fraction(eps))
    return _scaled(b, found, weight, bias, (-1, *(1,) * (len(z.shape) - 2)))


# softmax and attention


def _softmax(b: Builder, x: Any, dim: int, **_: Any) -> Value:
    scores, hidden = as_scores(b, x)
    return softmax(scores, dim, _with_rest(hidden, dim))


def _log_softmax(b: Builder, x: Any, dim: int, **_: Any) -> Value:
    scores, hidden = as_scores(b, x)
    if hidden is not None:
        raise InputError("minus infinity in the logarithm of a softmax")
    return log_softmax(scores, dim)


def _logsumexp(b: Builder, x: Any, dim: Any, keepdim: bool = False, **_: Any) -> Value:
    scores, hidden = as_scores(b, x)
    axes = axes_of(scores, dim)
    if len(axes) != 1:
        raise InputError(f"a logsumexp over {len(axes)} axes")
    found = logsumexp(scores, axes[0], _with_rest(hidden, axes[0]))
    return found if keepdim else found.reshape(*np.delete(found.shape, axes[0]).tolist())


def _with_rest(hidden: np.ndarray | None, axis: int) -> np.ndarray | None:
    """The mask, checked: something has to be left along the axis."""
    if hidden is not None and hidden.all(axis=axis).any():
        raise InputError("a softmax of nothing but minus infinity")
    return hidden


def _attention(
    b: Builder, query: Any, key: Any, value: Any, attn_mask: Any = None, dropout_p: float = 0,
    is_causal: bool = False, scale: float | None = None, enable_gqa: bool = False, **_: Any,
) -> Value:  # fmt: skip
    """softmax(Q K' scale + mask) V, without the entries that the mask hides."""
    if dropout_p:
        raise InputError(f"attention with dropout {dropout_p}, expected 0 or model.eval()")
    if enable_gqa:
        raise InputError("attention with enable_gqa")
    q, k, v = (as_handle(b, part) for part in (query, key, value))
    turned = k.take(np.swapaxes(k.positions, -1, -2))
    factor = b.const(q.shape[-1]).map(SQRT).reciprocal() if scale is None else b.const(scale)
    scores = q @ turned * factor
    hidden = None
    if is_causal:
        hidden = np.broadcast_to(~np.tri(*scores.shape[-2:], dtype=bool), scores.shape)
    if isinstance(attn_mask, torch.Tensor) and attn_mask.dtype == torch.bool:
        hidden = np.broadcast_to(~attn_mask.numpy(), scores.shape)
    elif attn_mask is not None:
        bias, dead = as_scores(b, attn_mask)
        scores = scores + bias
        hidden = None if dead is None else np.broadcast_to(dead, scores.shape)
    return softmax(scores, -1, _with_rest(hidden, -1)) @ v


def _dropout(_: Builder, x: Any, p: float = 0.5, train: bool = True) -> Value:
    if train and p:
        raise InputError(
            f"dropout with p={p} in training, expected p=0 or model.eval(): it is random"
        )
    return x


LAYERS: Final[Mapping[str, Rule]] = {
    "linear": _linear,
    **dict.fromkeys(("convolution", "conv1d", "conv2d", "conv3d"), _convolution),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d"), _convolution_transposed),
    **dict.fromkeys(("max_pool1d", "max_pool2d", "max_pool3d"), _max_pool),
    **dict.fromkeys(("max_pool2d_with_indices",), _max_pool_with_indices),
    **dict.fromkeys(("avg_pool1d", "avg_pool2d", "avg_pool3d"), _avg_pool),
    **dict.fromkeys(("adaptive_avg_pool1d", "adaptive_avg_pool2d"), _adaptive_avg_pool),
    **dict.fromkeys(("adaptive_max_pool1d", "adaptive_max_pool2d"), _adaptive_max_pool),
    "_adaptive_avg_pool2d": _adaptive_avg_pool,
    "layer_norm": _layer_norm,
    "native_layer_norm": _first_of(_layer_norm, 2),
    "group_norm": _group_norm,
    "instance_norm": _instance_norm,
    "batch_norm": _batch_norm,
    "_native_batch_norm_legit_functional": _first_of(_batch_norm, 4),
    "_native_batch_norm_legit_no_training": _first_of(_batch_norm, 2),
    "_native_batch_norm_legit": _first_of(_batch_norm, 2),
    **dict.fromkeys(("softmax", "_softmax"), _softmax),
    **dict.fromkeys(("log_softmax", "_log_softmax"), _log_softmax),
    "logsumexp": _logsumexp,
    "scaled_dot_product_attention": _attention,
    "dropout": _dropout,
    "native_dropout": _first_of(_dropout, 1),
}
"""By ATen's names."""
