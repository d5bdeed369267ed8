"""Entries of a program's results that are equal for all parameters, seen from the operations."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from math import prod

import numpy as np
import numpy.typing as npt

from spurious.program.exact_array import fractions
from spurious.program.operations import Add, Const, Join, Map, MatMul, Mul, Param, Sum, Take
from spurious.program.program import Program

Numbers = npt.NDArray[np.int64]


def equal_entries(program: Program, last: int) -> list[Numbers]:
    """A number for each entry of each result; entries with one number agree for all parameters.

    A number stands for an operation and the numbers of what it reads, so points of the data with
    equal inputs come out with equal numbers. Entries with different numbers may agree too.

    Args:
        program: The program.
        last: The last operation that matters.

    Returns:
        For each operation up to the last an array of the shape of its result.
    """
    known: dict[Hashable, int] = {}

    def numbered(names: Iterable[Hashable], shape: tuple[int, ...]) -> Numbers:
        found = [known.setdefault(name, len(known)) for name in names]
        return np.array(found, dtype=np.int64).reshape(shape)

    def sums(rows: list[list[int]], shape: tuple[int, ...]) -> Numbers:
        found = (("+", *sorted(row)) for row in rows)
        if rows and len(rows[0]) == 1:
            return np.array(rows, dtype=np.int64).reshape(shape)
        return numbered(found, shape)

    found: list[Numbers] = []
    for shape, operation in zip(program.shapes, program.operations[: last + 1], strict=False):
        match operation:
            case Param(name):
                new = numbered((("parameter", name, i) for i in range(prod(shape))), shape)
            case Const(values):
                new = numbered((("constant", value) for value in fractions(values)), shape)
            case Add(left, right):
                new = sums(_pairs(found[left], found[right]), shape)
            case Mul(left, right):
                pairs = _pairs(found[left], found[right])
                new = numbered((("*", *sorted(pair)) for pair in pairs), shape)
            case MatMul(left, right):
                rows, columns = found[left], np.swapaxes(found[right], -1, -2)
                ups, downs = (
                    numbered((("row", *v) for v in side.reshape(-1, side.shape[-1]).tolist()),
                             side.shape[:-1])
                    for side in (rows, columns)
                )  # fmt: skip
                pairs = _pairs(ups[..., :, None], downs[..., None, :])
                new = numbered((("@", *pair) for pair in pairs), shape)
            case Map(function, argument):
                new = numbered((("map", function, z) for z in found[argument].flat), shape)
            case Sum(argument, axes):
                moved = np.moveaxis(found[argument], axes, range(-len(axes), 0))
                new = sums(moved.reshape(prod(shape), -1).tolist(), shape)
            case Take(argument, index):
                new = found[argument].ravel()[index]
            case Join(arguments):
                new = np.concatenate([found[i].ravel() for i in arguments])
        found.append(new)
    return found


def _pairs(left: Numbers, right: Numbers) -> list[list[int]]:
    """The entries of two arrays side by side, broadcast."""
    one, other = np.broadcast_arrays(left, right)
    return np.stack([one.ravel(), other.ravel()], axis=1).tolist()
