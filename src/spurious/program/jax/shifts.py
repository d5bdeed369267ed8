"""The maximum that a stable softmax subtracts: followed until it cancels.

With m the maximum, x - m, exp(x - m), sums of these and quotients of the sums depend on m in a way
that is known exactly: base + weight m, or base exp(weight m). At weight 0 the value does not depend
on m at all, and then it equals the base, where m is read as 0.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from spurious.errors import InputError
from spurious.program.build import Builder, Handle
from spurious.program.functions import EXP, LOG
from spurious.program.jax.arithmetic_rules import UNARY, Params
from spurious.program.jax.values import Scale, Shifted, Value, as_handle

MAXIMA: Final = 2**32
"""How many maxima one equation may take."""


def maximum_as_shift(x: Handle, axes: tuple[int, ...], number: int) -> Shifted:
    """The maximum over some axes as a new shift.

    Args:
        x: What the maximum is taken of.
        axes: The axes.
        number: The number of the equation, counted over those that take maxima.
    """
    shape = tuple(size for axis, size in enumerate(x.shape) if axis not in axes)
    base = x.builder.const(np.zeros(shape))
    which = number * MAXIMA + np.arange(base.size).reshape(shape)
    return Shifted(base, Scale.SUM, 1, which)


def equations(value: Shifted) -> set[int]:
    """The numbers of the equations whose maxima a value depends on."""
    return {int(number) for number in np.unique(value.which // MAXIMA)}


def shifted(builder: Builder, name: str, args: list[Value], params: Params) -> Value:
    """A primitive of which at least one operand is shifted.

    Raises:
        InputError: The shift cannot be followed through this primitive.
    """
    first = args[0]
    if name == "stop_gradient":
        return first
    if name == "max" and len(args) == 2:
        return _above_minus_infinity(args)
    if name in ("add", "add_any", "sub"):
        return _sum(builder, args, -1 if name == "sub" else 1)
    if name in ("mul", "div"):
        return _product(builder, args, -1 if name == "div" else 1)
    if isinstance(first, Shifted) and len(args) == 1:
        if name == "neg" and first.scale is Scale.SUM:
            return Shifted(-first.base, Scale.SUM, -first.weight, first.which)
        if name == "exp" and first.scale is Scale.SUM:
            return Shifted(first.base.map(EXP), Scale.PRODUCT, first.weight, first.which)
        if name == "log" and first.scale is Scale.PRODUCT:
            return Shifted(first.base.map(LOG), Scale.SUM, first.weight, first.which)
        if name == "abs" and first.scale is Scale.PRODUCT:
            base = UNARY["abs"](first.base)
            return Shifted(base, Scale.PRODUCT, first.weight, first.which)
        if name == "sign" and first.scale is Scale.PRODUCT:
            return UNARY["sign"](first.base)
        if name == "reduce_sum" and first.scale is Scale.PRODUCT:
            return _reduced(first, tuple(sorted(params["axes"])))
    raise InputError(f"{name} of values from which a maximum has been subtracted")


def _above_minus_infinity(args: list[Value]) -> Value:
    for low, other in ((args[0], args[1]), (args[1], args[0])):
        if isinstance(low, np.ndarray) and np.isneginf(low).all():
            return other
    raise InputError("the larger of a maximum and another value")


def _sum(builder: Builder, args: list[Value], sign: int) -> Value:
    left, right = args
    if isinstance(left, Shifted) and isinstance(right, Shifted):
        _require_same(left, right, Scale.SUM)
        base = left.base + right.base * sign
        return _settled(base, Scale.SUM, left.weight + sign * right.weight, left.which)
    if isinstance(left, Shifted) and left.scale is Scale.SUM:
        base = left.base + as_handle(builder, right) * sign
        return _settled(base, Scale.SUM, left.weight, left.which)
    if isinstance(right, Shifted) and right.scale is Scale.SUM:
        base = as_handle(builder, left) + right.base * sign
        return _settled(base, Scale.SUM, sign * right.weight, right.which)
    raise InputError("a sum with a value scaled by the exponential of a maximum")


def _product(builder: Builder, args: list[Value], sign: int) -> Value:
    left, right = args
    other = [arg.base if isinstance(arg, Shifted) else as_handle(builder, arg) for arg in args]
    base = other[0] * other[1] if sign > 0 else other[0] / other[1]
    if isinstance(left, Shifted) and isinstance(right, Shifted):
        _require_same(left, right, Scale.PRODUCT)
        return _settled(base, Scale.PRODUCT, left.weight + sign * right.weight, left.which)
    for arg, exponent in ((left, 1), (right, sign)):
        if isinstance(arg, Shifted) and arg.scale is Scale.PRODUCT:
            return _settled(base, Scale.PRODUCT, exponent * arg.weight, arg.which)
    raise InputError("a product with a value from which a maximum has been subtracted")


def _reduced(value: Shifted, axes: tuple[int, ...]) -> Value:
    """A sum over entries that all depend on one maximum."""
    first = value.which[tuple(slice(0, 1) if i in axes else slice(None) for i in _axes(value))]
    if not (value.which == first).all():
        raise InputError("a sum over values from which different maxima have been subtracted")
    which = first.squeeze(axes)
    return Shifted(value.base.sum(*axes), Scale.PRODUCT, value.weight, which)


def _axes(value: Shifted) -> range:
    return range(value.which.ndim)


def _require_same(left: Shifted, right: Shifted, scale: Scale) -> None:
    if left.scale is not scale or right.scale is not scale:
        raise InputError("a combination of a maximum and the exponential of one")
    try:
        equal = bool((left.which == right.which).all())
    except ValueError:
        equal = False
    if not equal:
        raise InputError("a combination of different maxima")


def _settled(base: Handle, scale: Scale, weight: int, which: npt.NDArray[np.intp]) -> Value:
    """The value by itself once the maximum has cancelled."""
    if weight == 0:
        return base
    return Shifted(base, scale, weight, np.broadcast_to(which, base.shape))
