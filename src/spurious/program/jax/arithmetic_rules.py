"""Reading JAX's primitives that compute: one function each, from values to values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any, TypeAlias

import numpy as np

from spurious.errors import InputError
from spurious.program.branches import choose, maximum, minimum
from spurious.program.build import Builder, Handle
from spurious.program.entrywise import COMPOSED, divided, multiplied, power
from spurious.program.function_kinds import Function
from spurious.program.functions import (
    ABS,
    EXP,
    FUNCTIONS,
    RECIPROCAL,
    SIGMOID,
    SOFTPLUS,
    SQRT,
)
from spurious.program.jax.values import Comparison, Known, Value, as_handle
from spurious.program.operations import Add, Const, Join, Map, MatMul, Mul, Sum, Take, operands

Params: TypeAlias = Mapping[str, Any]


def _function_rules() -> dict[str, Callable[[Handle], Handle]]:
    """The primitives that the table of functions names."""
    return {f.jax: _mapping(f) for f in FUNCTIONS.values() if f.jax}


def _mapping(function: Function) -> Callable[[Handle], Handle]:
    return lambda z: z.map(function)


def _abs(z: Handle) -> Handle:
    return z if _positive(z) else z.map(ABS)


def _sign(z: Handle) -> Handle:
    if z.known is not None:
        return z.builder.const((z.known > 0).astype(int) - (z.known < 0).astype(int))
    if not _positive(z):
        raise InputError("the sign of a value that depends on parameters")
    return z.builder.const(np.ones(z.shape))


UNARY: Mapping[str, Callable[[Handle], Handle]] = {
    **_function_rules(),
    **COMPOSED,
    "abs": _abs,
    "sign": _sign,
}
"""Primitives that act entry by entry on one array."""

BINARY: Mapping[str, Callable[[Handle, Handle], Handle]] = {
    "add": lambda x, y: x + y,
    "add_any": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": multiplied,
    "div": divided,
    "max": maximum,
    "min": minimum,
    "pow": power,
    "logaddexp": lambda x, y: (x - y).map(SOFTPLUS) + y,
}
"""Primitives, and one function, that act entry by entry on two arrays."""


def _sum(x: Handle, params: Params) -> Handle:
    axes = tuple(sorted(params["axes"]))
    return x.sum(*axes) if axes else x


def _folded(
    combine: Callable[[Handle, Handle], Handle],
) -> Callable[[Handle, Params], Handle]:
    """A reduction by a chain of a function of two."""

    def reduce(x: Handle, params: Params) -> Handle:
        axes = tuple(params["axes"])
        kept = [axis for axis in range(len(x.shape)) if axis not in axes]
        moved = x.positions.transpose([*axes, *kept])
        rows = moved.reshape(-1, *(x.shape[axis] for axis in kept))
        if not len(rows):
            raise InputError("a maximum or product over no entries")
        found = x.take(rows[0])
        for row in rows[1:]:
            found = combine(found, x.take(row))
        return found

    return reduce


def _cumulative(x: Handle, params: Params) -> Handle:
    """Running sums along an axis, by a triangular matrix."""
    axis = int(params["axis"])
    size = x.shape[axis]
    ones = np.ones((size, size))
    ones = np.tril(ones) if params["reverse"] else np.triu(ones)
    last = np.moveaxis(x.positions, axis, -1)
    sums = x.take(last.reshape(-1, size)) @ x.builder.const(ones)
    return sums.take(np.moveaxis(np.arange(x.size).reshape(last.shape), -1, axis))


REDUCTIONS: Mapping[str, Callable[[Handle, Params], Handle]] = {
    "reduce_sum": _sum,
    "reduce_prod": _folded(lambda x, y: x * y),
    "reduce_max": _folded(maximum),
    "reduce_min": _folded(minimum),
    "cumsum": _cumulative,
    "integer_pow": lambda x, params: x ** int(params["y"]),
}
"""Primitives of one handle with parameters."""


def product(x: Handle, y: Handle, params: Params) -> Handle:
    """A `dot_general`: axes that are contracted, batched, or free."""
    axes: tuple[tuple[tuple[int, ...], ...], ...] = params["dimension_numbers"]
    (contracted_x, contracted_y), (batch_x, batch_y) = axes
    free_x = [d for d in range(len(x.shape)) if d not in (*contracted_x, *batch_x)]
    free_y = [d for d in range(len(y.shape)) if d not in (*contracted_y, *batch_y)]
    batch = [x.shape[d] for d in batch_x]
    inner = prod(x.shape[d] for d in contracted_x)
    rows, columns = [x.shape[d] for d in free_x], [y.shape[d] for d in free_y]
    left = x.transpose(*batch_x, *free_x, *contracted_x) if x.shape else x
    right = y.transpose(*batch_y, *contracted_y, *free_y) if y.shape else y
    left = left.reshape(*batch, prod(rows), inner)
    right = right.reshape(*batch, inner, prod(columns))
    return (left @ right).reshape(*batch, *rows, *columns)


def sign_of_difference(name: str, x: Handle, y: Handle) -> Value:
    """A comparison: known where both sides are, else by the sign of the difference.

    Raises:
        InputError: An equality of values that depend on parameters.
    """
    if x.known is not None and y.known is not None:
        compare: Callable[[Any, Any], Any] = {
            "gt": np.greater, "ge": np.greater_equal, "lt": np.less,
            "le": np.less_equal, "eq": np.equal, "ne": np.not_equal,
        }[name]  # fmt: skip
        return np.asarray(compare(x.known, y.known), dtype=np.bool_)
    if x.index == y.index:
        return np.full(x.shape, name in ("eq", "le", "ge"))
    if name in ("gt", "ge"):
        return Comparison(x - y)
    if name in ("lt", "le"):
        return Comparison(y - x)
    raise InputError("a test for equality of values that depend on parameters")


def select(builder: Builder, predicate: Value, cases: list[Value]) -> Value:
    """One of several values, entry by entry.

    Raises:
        InputError: The choice depends on parameters and is not continuous.
    """
    if isinstance(predicate, Comparison):
        negative, positive = (as_handle(builder, case) for case in cases)
        return choose(predicate.difference, positive, negative)
    if not isinstance(predicate, np.ndarray):
        raise InputError("a choice by numbers that depend on parameters")
    which = predicate.astype(np.intp)
    if which.size and (which == which.ravel()[0]).all():
        return cases[int(which.ravel()[0])]
    if all(isinstance(case, np.ndarray) for case in cases):
        return np.choose(which, [np.asarray(case) for case in cases])
    used = [as_handle(builder, _only(case, which == i)) for i, case in enumerate(cases)]
    offsets = np.cumsum([0, *(handle.size for handle in used)])
    index = np.choose(which, [h.positions + o for h, o in zip(used, offsets[:-1], strict=True)])
    return builder.join(used).take(index)


def _only(case: Value, used: Known) -> Value:
    """Known numbers with zeros where they are not used: there may be infinities."""
    return np.where(used, case, 0) if isinstance(case, np.ndarray) else case


def _positive(z: Handle) -> bool:
    """Whether all entries are positive for certain, by how they are computed."""
    builder = z.builder
    operation = builder.operations[z.index]
    inner = [Handle(builder, i) for i in operands(operation)]
    match operation:
        case Const(values):
            return bool((values > 0).all())
        case Map(function):
            return function in (EXP, SIGMOID, SOFTPLUS) or (
                function in (SQRT, RECIPROCAL) and _positive(inner[0])
            )
        case Add() | Mul() | MatMul() | Sum() | Take() | Join():
            return z.size > 0 and all(_positive(handle) for handle in inner)
        case _:
            return False
