"""Choices by the sign of a value: relu, leaky relu, abs, elu, clipping.

Both branches are compared as linear forms: sums of other operations with constant factors. Only a
choice whose branches meet where the sign changes is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Final, TypeAlias

import numpy as np

from spurious.errors import InputError
from spurious.program.build import Builder, Handle
from spurious.program.functions import ABS, ELU, EXP, RELU, leaky_relu
from spurious.program.operations import Add, Map, Mul

ONE: Final = -1
"""The key of a linear form's constant."""

Linear: TypeAlias = Mapping[int, Fraction]
"""A sum of operations, by index, with factors that are not 0, and of a constant."""


def maximum(left: Handle, right: Handle) -> Handle:
    """The larger of two, entry by entry."""
    if left.known is not None and right.known is not None:
        return left.builder.const(np.maximum(left.known, right.known))
    if left.known is not None:
        left, right = right, left
    return (left - right).map(RELU) + right


def minimum(left: Handle, right: Handle) -> Handle:
    """The smaller of two, entry by entry."""
    return -maximum(-left, -right)


def positive_part(z: Handle, above: Fraction, below: Fraction) -> Handle:
    """`above` z for z >= 0, `below` z for z < 0, by the shortest way."""
    if above == 0:
        return (-z).map(RELU) * -below
    ratio = below / above
    function = {Fraction(0): RELU, Fraction(-1): ABS}.get(ratio) or leaky_relu(ratio)
    return (z if ratio == 1 else z.map(function)) * above


def choose(difference: Handle, positive: Handle, negative: Handle) -> Handle:
    """One of two branches, of one shape, by the sign of a difference.

    Raises:
        InputError: The branches are not known to meet where the difference is 0.
    """
    return _chosen(difference, positive, negative).broadcast(*positive.shape)


def _chosen(difference: Handle, positive: Handle, negative: Handle) -> Handle:
    z = _linear(difference)
    upper, lower = _linear(positive), _linear(negative)
    slopes = _ratio(upper, z), _ratio(lower, z)
    if slopes[0] is not None and slopes[1] is not None:
        return positive_part(difference, slopes[0], slopes[1])
    decay = _decay(difference.builder, difference, lower)
    if decay is not None and decay == slopes[0]:
        return difference.map(ELU) * decay
    rise = _ratio(_sum(_linear(positive, z), _linear(negative, z), Fraction(-1)), z)
    if rise is not None:  # where the difference is positive, the branches differ by this multiple
        return negative + difference.map(RELU) * rise
    raise InputError(
        "a choice by a sign that depends on parameters, with branches not known to meet there"
    )


def _linear(handle: Handle, positive: Linear | None = None) -> Linear:
    """A result as a sum of other operations, by index, with constant factors.

    Args:
        handle: The result.
        positive: A linear form that may be taken to be at least 0 everywhere.
    """
    builder = handle.builder
    constant = _uniform(handle)
    if constant is not None:
        return {ONE: constant} if constant else {}
    operation = builder.operations[handle.index]
    if isinstance(operation, Add):
        left, right = Handle(builder, operation.left), Handle(builder, operation.right)
        return _sum(_linear(left, positive), _linear(right, positive), Fraction(1))
    if isinstance(operation, Mul):
        left, right = Handle(builder, operation.left), Handle(builder, operation.right)
        for factor, other in ((left, right), (right, left)):
            scale = _uniform(factor)
            if scale is not None:
                return {key: scale * c for key, c in _linear(other, positive).items() if scale}
    if isinstance(operation, Map) and positive is not None:
        inner = _linear(Handle(builder, operation.argument), positive)
        if operation.function is EXP and not inner:
            return {ONE: Fraction(1)}
        side = _side(inner, positive) if operation.function == RELU else None
        if side is not None:
            return inner if side > 0 else {}
    return {handle.index: Fraction(1)}


def _side(form: Linear, positive: Linear) -> int | None:
    """The sign of a linear form where another one is at least 0, if it is certain; 1 for zero."""
    key = next((key for key in positive if key != ONE), None)
    if key is None:
        return None
    slope = form.get(key, Fraction(0)) / positive[key]
    rest = _sum(form, positive, -slope)
    if rest.keys() - {ONE}:
        return None
    offset = rest.get(ONE, Fraction(0))
    if slope >= 0 and offset >= 0:
        return 1
    return -1 if slope <= 0 and offset <= 0 else None


def _uniform(handle: Handle) -> Fraction | None:
    """The one number that a constant consists of."""
    known = handle.known
    if known is None or known.size == 0:
        return None
    first = known.ravel()[0]
    return Fraction(first) if (known == first).all() else None


def _sum(left: Linear, right: Linear, scale: Fraction) -> Linear:
    """One linear form plus a multiple of another."""
    keys = left.keys() | right.keys()
    total = {k: left.get(k, Fraction(0)) + scale * right.get(k, Fraction(0)) for k in keys}
    return {key: factor for key, factor in total.items() if factor}


def _ratio(form: Linear, unit: Linear) -> Fraction | None:
    """The c with form = c unit."""
    if not unit:
        return None
    key = next(iter(unit))
    ratio = form.get(key, Fraction(0)) / unit[key]
    return None if _sum(form, unit, -ratio) else ratio


def _decay(builder: Builder, z: Handle, form: Linear) -> Fraction | None:
    """The a with form = a (exp(z) - 1) or a (exp(min(z, 0)) - 1), which are the same for z < 0."""
    for exponent in (positive_part(z, Fraction(0), Fraction(1)), z):
        power = builder.map(EXP, exponent)
        factor = form.get(power.index)
        if factor and form == {power.index: factor, ONE: -factor}:
            return factor
    return None
