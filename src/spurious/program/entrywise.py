"""Functions of entries that front ends share, with forms of the table's functions recognised.

A product, a quotient or a logarithm that computes a function of the table is read as that one:
z sigmoid(z) is the silu, as the table's `gate` says, z / (1 + |z|) the softsign, which has no kink,
and log(1 + exp z) the softplus.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Final

import numpy as np

from spurious.errors import InputError
from spurious.program.build import Handle
from spurious.program.function_kinds import Function
from spurious.program.functions import (
    ABS,
    COS,
    ELU,
    ERF,
    EXP,
    GELU,
    LOG,
    RELU,
    SIN,
    SMOOTH,
    SOFTPLUS,
    SOFTSIGN,
    SQRT,
    TANH,
)
from spurious.program.layers import clipped
from spurious.program.operations import Add, Map

GATED: Mapping[Function, Sequence[Function]] = {f: f.gate for f in SMOOTH.values() if f.gate}
"""Functions that are z times other functions of z."""

LARGEST_POWER = 1000
"""The largest exponent that is read as a chain of products."""


def applied(handle: Handle, function: Function) -> int | None:
    """The index of what a function was applied to, if the handle is its result."""
    operation = handle.builder.operations[handle.index]
    if isinstance(operation, Map) and operation.function is function:
        return operation.argument
    return None


def multiplied(x: Handle, y: Handle) -> Handle:
    """A product entry by entry."""
    for gate, z in ((x, y), (y, x)):
        for function, chain in GATED.items():
            if _applied_all(gate, chain) == z.index:
                return z.map(function)
    return x * y


def _applied_all(handle: Handle, functions: Sequence[Function]) -> int | None:
    """The index of what functions were applied to, one after the other."""
    for function in reversed(functions):
        inner = applied(handle, function)
        if inner is None:
            return None
        handle = Handle(handle.builder, inner)
    return handle.index


def divided(x: Handle, y: Handle) -> Handle:
    """A quotient entry by entry."""
    below = y.builder.operations[y.index]
    if isinstance(below, Add) and y.shape == x.shape:
        for size, one in ((below.left, below.right), (below.right, below.left)):
            known = Handle(y.builder, one).known
            is_one = known is not None and bool((known == 1).all())
            if is_one and applied(Handle(y.builder, size), ABS) == x.index:
                return x.map(SOFTSIGN)
    return x * y.reciprocal()


def log_one_plus(x: Handle) -> Handle:
    """log(1 + x)."""
    exponent = applied(x, EXP)
    return (x + 1).map(LOG) if exponent is None else Handle(x.builder, exponent).map(SOFTPLUS)


def power(x: Handle, exponent: Handle) -> Handle:
    """X to a power: by products for one known integer or half an odd one, else exp(y log x).

    Raises:
        InputError: The exponent is one number above 1000 in size.
    """
    known = exponent.known
    if known is not None and known.size and (known == known.ravel()[0]).all():
        number = Fraction(known.ravel()[0])
        if number.denominator <= 2:
            if abs(number) > LARGEST_POWER:
                raise InputError(f"the exponent {float(number):g}, expected one from -1000 to 1000")
            whole = x.broadcast(*np.broadcast_shapes(x.shape, exponent.shape))
            twice = int(2 * number)
            return whole.map(SQRT) ** twice if twice % 2 else whole ** (twice // 2)
    return (exponent * x.map(LOG)).map(EXP)


def prelu(x: Handle, slope: Handle) -> Handle:
    """X above 0 and slope x below, for slopes that may be parameters."""
    return x.map(RELU) - slope * (-x).map(RELU)


def elu(x: Handle, alpha: Fraction, scale: Fraction, input_scale: Fraction) -> Handle:
    """Scale times x above 0 and alpha (exp(input_scale x) - 1) below; input_scale > 0."""
    smooth = (x * input_scale).map(ELU) * alpha
    rest = 1 - alpha * input_scale
    return (smooth + x.map(RELU) * rest if rest else smooth) * scale


def selu(x: Handle, alpha: float, scale: float) -> Handle:
    """The elu with its own two constants, as the floats that a framework has for them."""
    return elu(x, Fraction(alpha), Fraction(scale), Fraction(1))


def gelu(x: Handle, factor: Fraction | None = None) -> Handle:
    """X Phi(x); with a factor, its approximation x (1 + tanh(factor (x + 0.044715 x^3))) / 2."""
    if factor is None:
        return x.map(GELU)
    inner = (x + x**3 * Fraction(0.044715)) * factor
    return x * (inner.map(TANH) + 1) * Fraction(1, 2)


HARD: Final = (Fraction(1, 6), Fraction(1, 2))
"""Slope and level of the usual hard sigmoid."""


def hard_sigmoid(x: Handle, slope: Fraction, level: Fraction) -> Handle:
    """Slope x + level, brought between 0 and 1."""
    return clipped(x * slope + level, x.builder.const(0), x.builder.const(1))


def _half_sum(x: Handle, sign: int) -> Handle:
    return (x.map(EXP) + (-x).map(EXP) * sign) * Fraction(1, 2)


COMPOSED: Mapping[str, Callable[[Handle], Handle]] = {
    "neg": lambda x: -x,
    "square": lambda x: x * x,
    "rsqrt": lambda x: x.map(SQRT).reciprocal(),
    "log1p": log_one_plus,
    "expm1": lambda x: x.map(EXP) - 1,
    "exp2": lambda x: (x * x.builder.const(2).map(LOG)).map(EXP),
    "erfc": lambda x: 1 - x.map(ERF),
    "tan": lambda x: x.map(SIN) * x.map(COS).reciprocal(),
    "sinh": lambda x: _half_sum(x, -1),
    "cosh": lambda x: _half_sum(x, 1),
}
"""Functions of one array that are made of the table's, by the names that PyTorch and JAX share."""
