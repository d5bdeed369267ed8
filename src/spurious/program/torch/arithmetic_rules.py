"""Reading ATen's operators with more arguments than arrays: arithmetic, activations, reductions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import prod, sqrt
from typing import Any, Final

import numpy as np

from spurious.errors import InputError
from spurious.program.branches import maximum, minimum
from spurious.program.build import Builder, Handle
from spurious.program.entrywise import elu, gelu, power, prelu
from spurious.program.functions import ABS, SOFTPLUS, SQRT, leaky_relu
from spurious.program.layers import clipped, extreme, matmul, mean, variance
from spurious.program.torch.values import Masked, Unreadable, Value, as_handle, as_scores, axes_of

Rule = Callable[..., Value]
"""From the program being written and the operator's arguments by name; `self` and `input` are x."""


# sums and products


def _add(b: Builder, x: Any, other: Any, alpha: float = 1, **_: Any) -> Value:
    left, hidden = as_scores(b, x)
    right, more = as_scores(b, other)
    if more is not None and alpha <= 0:
        raise InputError("minus infinity times a number that is not positive")
    found = left + right * Fraction(alpha)
    if hidden is None and more is None:
        return found
    masks = [np.zeros((), bool) if mask is None else mask for mask in (hidden, more)]
    dead = np.broadcast_to(masks[0] | masks[1], found.shape)
    return Masked(found * (~dead).astype(np.int64), dead)


def _sub(b: Builder, x: Any, other: Any, alpha: float = 1, **_: Any) -> Value:
    return _add(b, x, as_handle(b, other), -alpha)


def _rsub(b: Builder, x: Any, other: Any, alpha: float = 1, **_: Any) -> Value:
    return _add(b, other, as_handle(b, x), -alpha)


def _addmm(
    b: Builder, x: Any, mat1: Any = None, mat2: Any = None, beta: float = 1, alpha: float = 1,
    **rest: Any,
) -> Value:  # fmt: skip
    left = mat1 if mat1 is not None else rest.get("batch1", rest.get("mat"))
    right = mat2 if mat2 is not None else rest.get("batch2", rest.get("vec"))
    product = matmul(as_handle(b, left), as_handle(b, right)) * Fraction(alpha)
    return _add(b, product, x, beta) if beta else product


def _pow(b: Builder, x: Any, exponent: Any, **_: Any) -> Value:
    return power(as_handle(b, x), as_handle(b, exponent))


# activations


def _gelu(b: Builder, x: Any, approximate: str = "none", **_: Any) -> Value:
    factor = None if approximate == "none" else Fraction(sqrt(2) * (2 / sqrt(np.pi)) * 0.5)
    return gelu(as_handle(b, x), factor)


def _leaky_relu(b: Builder, x: Any, negative_slope: float = 0.01, **_: Any) -> Value:
    return as_handle(b, x).map(leaky_relu(Fraction(negative_slope)))


def _elu(
    b: Builder, x: Any, alpha: float = 1, scale: float = 1, input_scale: float = 1, **_: Any
) -> Value:
    if input_scale <= 0:
        raise InputError(f"input_scale {input_scale}")
    return elu(as_handle(b, x), *map(Fraction, (alpha, scale, input_scale)))


def _celu(b: Builder, x: Any, alpha: float = 1, **_: Any) -> Value:
    steep = Fraction(alpha)
    return elu(as_handle(b, x), steep, Fraction(1), 1 / steep)


def _softplus(b: Builder, x: Any, beta: float = 1, **_: Any) -> Value:
    steep = Fraction(beta)
    return (as_handle(b, x) * steep).map(SOFTPLUS) * (1 / steep)


def _clamp(b: Builder, x: Any, **bounds: Any) -> Value:
    low, high = (
        next((v for k in keys if (v := bounds.get(k)) is not None), None)
        for keys in (("min", "min_val"), ("max", "max_val"))
    )
    ends = (None if end is None else as_handle(b, end) for end in (low, high))
    return clipped(as_handle(b, x), *ends)


def _prelu(b: Builder, x: Any, weight: Any, **_: Any) -> Value:
    z, slope = as_handle(b, x), as_handle(b, weight)
    if slope.size > 1 and len(z.shape) > 1 and slope.shape != z.shape:
        slope = slope.reshape(-1, *(1,) * (len(z.shape) - 2))
    return prelu(z, slope)


# reductions


def _reduced(x: Handle, kept: Handle, axes: list[int], keepdim: bool) -> Handle:
    """A result whose axes of size 1 stay or go."""
    if keepdim:
        return kept
    return kept.reshape(*(size for i, size in enumerate(x.shape) if i not in axes))


def _sum(b: Builder, x: Any, dim: Any = None, keepdim: bool = False, **_: Any) -> Value:
    z = as_handle(b, x)
    axes = axes_of(z, dim)
    total = z.sum(*axes) if axes else z
    return (
        total.reshape(*(1 if i in axes else s for i, s in enumerate(z.shape))) if keepdim else total
    )


def _mean(b: Builder, x: Any, dim: Any = None, keepdim: bool = False, **_: Any) -> Value:
    z = as_handle(b, x)
    axes = axes_of(z, dim)
    return _reduced(z, mean(z, axes), axes, keepdim)


def _var(
    b: Builder, x: Any, dim: Any = None, unbiased: bool = True, correction: float | None = None,
    keepdim: bool = False, **_: Any,
) -> Handle:  # fmt: skip
    z = as_handle(b, x)
    axes = axes_of(z, dim)
    count = prod(z.shape[axis] for axis in axes)
    less = Fraction(unbiased if correction is None else correction)
    if count <= less:
        raise InputError(f"the variance of {count} numbers, divided by {count - less}")
    return _reduced(z, variance(z, axes, less), axes, keepdim)


def _std(b: Builder, x: Any, **rest: Any) -> Handle:
    return _var(b, x, **rest).map(SQRT)


def _with_mean(rule: Callable[..., Handle]) -> Rule:
    def read(b: Builder, x: Any, **rest: Any) -> Value:
        chosen = {key: rest[key] for key in ("dim", "keepdim") if key in rest}
        return [rule(b, x, **rest), _mean(b, x, **chosen)]

    return read


def _axis_last(z: Handle, axis: int) -> Handle:
    return z.take(np.moveaxis(z.positions, axis, -1))


def _extreme(sign: int) -> Rule:
    """Maxima (1) or minima (-1): of all, over axes, or of two arrays."""

    def read(
        b: Builder, x: Any, dim: Any = None, keepdim: bool = False, other: Any = None, **_: Any
    ) -> Value:
        z = as_handle(b, x)
        if other is not None:
            return (maximum if sign > 0 else minimum)(z, as_handle(b, other))
        axes = axes_of(z, dim)
        return _reduced(z, extreme(z, axes, sign), axes, keepdim)

    return read


def _with_place(rule: Rule) -> Rule:
    """Maxima along an axis come with their places, which depend on parameters."""

    def read(b: Builder, x: Any, dim: Any = None, other: Any = None, **rest: Any) -> Value:
        found = rule(b, x, dim=dim, other=other, **rest)
        places = Unreadable("the place of an extreme, which depends on parameters")
        return found if dim is None else [found, places]

    return read


def _prod(b: Builder, x: Any, dim: int | None = None, keepdim: bool = False, **_: Any) -> Value:
    z = as_handle(b, x)
    axes = axes_of(z, dim)
    rows = z.ravel() if dim is None else _axis_last(z, axes[0])
    places = rows.positions
    found = rows.take(places[..., 0])
    for i in range(1, rows.shape[-1]):
        found = found * rows.take(places[..., i])
    ones = [1 if i in axes else size for i, size in enumerate(z.shape)]
    return found.reshape(*ones) if keepdim else found


def _cumsum(b: Builder, x: Any, dim: int, **_: Any) -> Value:
    z = as_handle(b, x)
    if not z.shape:
        return z
    rows = _axis_last(z, dim)
    count = rows.shape[-1]
    flat = rows.reshape(-1, count) @ np.triu(np.ones((count, count), dtype=np.int64))
    found = flat.reshape(*rows.shape)
    return found.take(np.moveaxis(found.positions, -1, dim))


def _vector_norm(b: Builder, x: Any, dim: Any = None, keepdim: bool = False, **rest: Any) -> Value:
    z, order = as_handle(b, x), rest.get("ord", 2)
    if order not in (1, 2):
        raise InputError(f"a norm of order {order}")
    total = _sum(b, z.map(ABS) if order == 1 else z * z, dim, keepdim)
    return total if order == 1 else as_handle(b, total).map(SQRT)


MAXIMUM, MINIMUM = _extreme(1), _extreme(-1)

ARITHMETIC: Final[Mapping[str, Rule]] = {
    "add": _add,
    "sub": _sub,
    "subtract": _sub,
    "rsub": _rsub,
    "addmm": _addmm,
    "baddbmm": _addmm,
    "addmv": _addmm,
    "pow": _pow,
    "gelu": _gelu,
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "celu": _celu,
    "softplus": _softplus,
    "hardtanh": _clamp,
    "clamp": _clamp,
    "clamp_min": _clamp,
    "clamp_max": _clamp,
    "prelu": _prelu,
    "_prelu_kernel": _prelu,
    "sum": _sum,
    "mean": _mean,
    "var": _var,
    "std": _std,
    "var_mean": _with_mean(_var),
    "std_mean": _with_mean(_std),
    "amax": MAXIMUM,
    "amin": MINIMUM,
    "max": _with_place(MAXIMUM),
    "min": _with_place(MINIMUM),
    "prod": _prod,
    "cumsum": _cumsum,
    "linalg_vector_norm": _vector_norm,
}
"""By ATen's names."""
