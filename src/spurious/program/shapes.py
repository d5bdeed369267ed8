"""The shape of an operation's result, from the shapes of its operands."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TypeAlias

import numpy as np

from spurious.errors import InputError
from spurious.program.operations import (
    Add,
    Const,
    Join,
    Map,
    MatMul,
    Mul,
    Operation,
    Param,
    Sum,
    Take,
    operands,
)

Shape: TypeAlias = tuple[int, ...]


def result_shape(operation: Operation, position: int, shapes: Sequence[Shape]) -> Shape:
    """The shape of an operation's result.

    Args:
        operation: The operation.
        position: Its index in the program, for messages.
        shapes: The shapes of the operations before it.

    Raises:
        InputError: It reads an operation that is not before it, or the shapes do not fit.
    """
    where = f"operation {position} ({type(operation).__name__})"
    for operand in operands(operation):
        if not 0 <= operand < position:
            raise InputError(
                f"{where}: found the operand {operand}, expected the index of an operation "
                f"before it, from 0 to {position - 1}"
            )
    found = [shapes[operand] for operand in operands(operation)]
    match operation:
        case Param(shape=shape):
            if any(size < 0 for size in shape):
                raise InputError(f"{where}: found the shape {shape}, expected sizes of 0 or more")
            return shape
        case Const(values):
            return values.shape
        case Map():
            return found[0]
        case Add() | Mul():
            return _broadcast(where, found)
        case MatMul():
            return _product(where, *found)
        case Sum(axes=axes):
            return _summed(where, found[0], axes)
        case Take():
            return _taken(where, found[0], operation)
        case Join():
            if not found:
                raise InputError(f"{where}: found no argument, expected at least 1")
            return (sum(prod(shape) for shape in found),)


def _broadcast(where: str, shapes: Sequence[Shape]) -> Shape:
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        shown = " and ".join(map(str, shapes))
        raise InputError(
            f"{where}: found shapes {shown}, expected sizes that are equal or 1, from the last on"
        ) from None


def _product(where: str, left: Shape, right: Shape) -> Shape:
    if min(len(left), len(right)) < 2 or left[-1] != right[-2]:
        raise InputError(
            f"{where}: found shapes {left} and {right}, "
            "expected (..., n, k) and (..., k, m): matrices with one inner size"
        )
    return (*_broadcast(where, [left[:-2], right[:-2]]), left[-2], right[-1])


def _summed(where: str, shape: Shape, axes: tuple[int, ...]) -> Shape:
    if list(axes) != sorted(set(axes)) or any(not 0 <= axis < len(shape) for axis in axes):
        raise InputError(
            f"{where}: found the axes {axes}, expected different axes of the shape {shape}, "
            "counted from 0 and ascending"
        )
    return tuple(size for axis, size in enumerate(shape) if axis not in axes)


def _taken(where: str, shape: Shape, take: Take) -> Shape:
    count = prod(shape)
    if take.index.size and not (take.index.min() >= 0 and take.index.max() < count):
        wrong = int(take.index.min() if take.index.min() < 0 else take.index.max())
        raise InputError(
            f"{where}: found the index {wrong}, expected indices from 0 to {count - 1}, "
            f"positions in the flattened argument of shape {shape}"
        )
    return take.index.shape
