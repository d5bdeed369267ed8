"""Activations and their derivatives as the compiled engine has them: of packs, and of one number.

To train with a further activation of the table, add it to `NUMBERED`, `activate` and `activated`.
"""

from __future__ import annotations

import math
from typing import Any, Final

from numba import njit

from spurious.errors import InputError
from spurious.train.exp_log import exp_of_negative, log_of_one_plus
from spurious.train.pack import above, absolute, below, choose, fma, load, row, spread, store
from spurious.train.task import Open

NUMBERED: Final = (
    *("relu", "leaky_relu", "abs", "identity", "sigmoid", "tanh", "softplus", "softsign"),
    *("gelu", "silu", "elu", "mish"),
)
"""The activations by their numbers; those up to `IDENTITY` are piecewise linear."""

RELU, LEAKY, ABS, IDENTITY, SIGMOID, TANH, SOFTPLUS, SOFTSIGN, GELU, SILU, ELU, MISH = range(
    len(NUMBERED)
)


def number_of(activation: str) -> int:
    """An activation's number.

    Raises:
        InputError: The compiled engine does not have it.
    """
    if activation not in NUMBERED:
        raise InputError(
            f"network.activation: found {activation}, which the compiled engine does not train; "
            f"expected one of {', '.join(NUMBERED)}"
        )
    return NUMBERED.index(activation)


@njit(forceinline=True)
def _sigmoid(z: Any) -> Any:
    """1 / (1 + exp(-z)), from the exponential of -|z|, which cannot overflow."""
    one = spread(z, 1.0)
    e = exp_of_negative(spread(z, 0.0) - absolute(z))
    return choose(below(z, spread(z, 0.0)), e, one) / (one + e)


@njit
def _erf_in_place(entries: Any, count: int) -> None:
    """Replaces entries by their error function, one by one."""
    for i in range(count):
        entries[i] = math.erf(entries[i])


@njit(forceinline=True)
def times_slope(delta: Any, values: Any, slopes: Any, r: int, net: Open) -> Any:
    """The pack times act'(z): from act(z) where that gives it, else as `activate` left it.

    At a kink the derivative is that below zero.
    """
    kind, value = net.activation, load(values, r)
    if kind == RELU:
        return choose(above(value, spread(value, 0.0)), delta, spread(value, 0.0))
    elif kind == SIGMOID:
        return delta * (value * (spread(value, 1.0) - value))
    elif kind == TANH:
        return delta * (spread(value, 1.0) - value * value)
    return delta * load(slopes, r)


@njit(forceinline=True)
def activate(values: Any, slopes: Any, net: Open, count: int) -> None:
    """Turns rows of preactivations z into act(z), and writes act'(z) where `times_slope` needs it.

    For every activation but relu.
    """
    zero, one = spread(values, 0.0), spread(values, 1.0)
    half = spread(values, 0.5)
    kind = net.activation
    if kind <= IDENTITY:
        slope = spread(values, net.slope)
        for r in range(count):
            z = load(values, r)
            store(values, r, choose(above(z, zero), z, slope * z))
            store(slopes, r, choose(above(z, zero), one, slope))
    elif kind == SIGMOID:
        for r in range(count):
            store(values, r, _sigmoid(load(values, r)))
    elif kind == TANH:
        for r in range(count):
            z = load(values, r)
            s = _sigmoid(z + z)
            store(values, r, s + s - one)
    elif kind == SOFTPLUS:
        for r in range(count):
            z = load(values, r)
            e = exp_of_negative(zero - absolute(z))
            store(values, r, choose(below(z, zero), zero, z) + log_of_one_plus(e))
            store(slopes, r, choose(below(z, zero), e, one) / (one + e))
    elif kind == SOFTSIGN:
        for r in range(count):
            z = load(values, r)
            share = one / (one + absolute(z))
            store(values, r, z * share)
            store(slopes, r, share * share)
    elif kind == GELU:
        for r in range(count):
            z = load(values, r)
            store(values, r, z * spread(z, math.sqrt(0.5)))
            _erf_in_place(row(values, r), net.lanes)
            share = fma(load(values, r), half, half)
            density = exp_of_negative(z * z * (zero - half)) * spread(z, 1 / math.sqrt(2 * math.pi))
            store(values, r, z * share)
            store(slopes, r, fma(z, density, share))
    elif kind == SILU:
        for r in range(count):
            z = load(values, r)
            s = _sigmoid(z)
            store(values, r, z * s)
            store(slopes, r, fma(z * s, one - s, s))
    elif kind == MISH:
        for r in range(count):
            z = load(values, r)
            e = exp_of_negative(zero - absolute(z))
            low = below(z, zero)
            share = e * (e + one + one)  # (1 + exp z)^2 - 1, for z above 0 times exp(-2 z)
            rest = choose(low, one + one, (e + e) * e)
            top = choose(low, share, one + e + e)
            t = top / (top + rest)
            bend = (one - t) * (one + t) * choose(low, e, one) / (one + e)
            store(values, r, z * t)
            store(slopes, r, fma(z, bend, t))
    else:
        for r in range(count):
            z = load(values, r)
            e = exp_of_negative(choose(above(z, zero), zero, z))
            store(values, r, choose(above(z, zero), z, e - one))
            store(slopes, r, choose(above(z, zero), one, e))


@njit
def sigmoid(z: float) -> float:
    """1 / (1 + exp(-z))."""
    if z >= 0:
        return 1 / (1 + math.exp(-z))
    e = math.exp(z)
    return e / (1 + e)


@njit
def activated(z: float, kind: int, low: float) -> tuple[float, float]:
    """act(z) and act'(z); at a kink the derivative is that below zero."""
    if kind <= IDENTITY:
        return (z, 1.0) if z > 0 else (low * z, low)
    if kind == SIGMOID:
        s = sigmoid(z)
        return s, s * (1 - s)
    if kind == TANH:
        t = math.tanh(z)
        return t, 1 - t * t
    if kind == SOFTPLUS:
        return max(z, 0.0) + math.log1p(math.exp(-abs(z))), sigmoid(z)
    if kind == SOFTSIGN:
        share = 1 / (1 + abs(z))
        return z * share, share * share
    if kind == GELU:
        share = 0.5 * (1 + math.erf(z * math.sqrt(0.5)))
        return z * share, share + z * math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    if kind == SILU:
        s = sigmoid(z)
        return z * s, s + z * s * (1 - s)
    if kind == MISH:
        t = math.tanh(max(z, 0.0) + math.log1p(math.exp(-abs(z))))
        return z * t, t + z * (1 - t * t) * sigmoid(z)
    return (z, 1.0) if z > 0 else (math.expm1(z), math.exp(z))
