"""The nine operations of which every loss is made.

An operand is the index of an earlier operation. Shapes are those of NumPy; `shapes.py` holds the
rules that they obey.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from spurious.errors import InputError
from spurious.program.exact_array import ExactArray, exact_array
from spurious.program.functions import Function

Index: TypeAlias = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Param:
    """A named block of parameters.

    Attributes:
        name: Its name, unlike that of any other block.
        shape: Its shape; its entries follow each other in C order.
    """

    name: str
    shape: tuple[int, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Const:
    """Exact numbers: data, targets, weights of classes.

    Attributes:
        values: Anything that `exact_array` takes; kept as what it returns.

    Raises:
        InputError: An entry is no finite number.
    """

    values: ExactArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", exact_array(self.values))


@dataclass(frozen=True, slots=True)
class Add:
    """The sum, entry by entry, with NumPy's broadcasting."""

    left: int
    right: int


@dataclass(frozen=True, slots=True)
class Mul:
    """The product, entry by entry, with NumPy's broadcasting."""

    left: int
    right: int


@dataclass(frozen=True, slots=True)
class MatMul:
    """The matrix product over the last two axes, with NumPy's broadcasting of the axes before."""

    left: int
    right: int


@dataclass(frozen=True, slots=True)
class Map:
    """A function from the table, applied to every entry."""

    function: Function
    argument: int


@dataclass(frozen=True, slots=True)
class Sum:
    """The sum over some axes, which disappear.

    Attributes:
        argument: What is summed.
        axes: Axes counted from 0, ascending.
    """

    argument: int
    axes: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Take:
    """Entries of the flattened argument: reshape, transpose, broadcast, slice, patches.

    Attributes:
        argument: Where entries are taken from.
        index: A position in the flattened argument for each entry of the result, any shape.

    Raises:
        InputError: The index does not consist of integers.
    """

    argument: int
    index: Index

    def __post_init__(self) -> None:
        index = np.array(self.index)
        if index.size == 0:
            index = index.astype(np.intp)
        if index.dtype.kind not in "iu":
            raise InputError(f"take.index: found numbers of type {index.dtype}, expected integers")
        index = index.astype(np.intp)
        index.flags.writeable = False
        object.__setattr__(self, "index", index)

    @cached_property
    def axes(self) -> tuple[int, ...] | None:
        """The order of the index's axes in which it counts 0, 1, 2, ...; None if there is none.

        A take of as many entries as its argument has is then a reshape and a transposition.
        """
        strides = [
            int(self.index.take(1, axis).flat[0]) if self.index.size and size > 1 else 0
            for axis, size in enumerate(self.index.shape)
        ]
        order = tuple(sorted(range(self.index.ndim), key=lambda axis: -strides[axis]))
        counts = np.array_equal(self.index.transpose(order).ravel(), np.arange(self.index.size))
        return order if counts else None

    @cached_property
    def grouped(self) -> Grouped:
        """The entries of the result, sorted by what they were taken from."""
        flat = self.index.ravel()
        order = np.argsort(flat, kind="stable")
        targets, starts = np.unique(flat[order], return_index=True)
        return Grouped(order, starts, targets)


@dataclass(frozen=True, eq=False, slots=True)
class Grouped:
    """How to add up a take's entries into its argument.

    Attributes:
        order: Positions in the flattened result, those from the same source side by side.
        starts: Where in `order` each source begins.
        targets: The sources, ascending.
    """

    order: Index
    starts: Index
    targets: Index


@dataclass(frozen=True, slots=True)
class Join:
    """The arguments, each flattened, one after the other."""

    arguments: tuple[int, ...]


Operation: TypeAlias = Param | Const | Add | Mul | MatMul | Map | Sum | Take | Join


def operands(operation: Operation) -> tuple[int, ...]:
    """The indices of the operations that this one reads."""
    match operation:
        case Param() | Const():
            return ()
        case Add(left, right) | Mul(left, right) | MatMul(left, right):
            return left, right
        case Map(argument=argument) | Sum(argument=argument) | Take(argument=argument):
            return (argument,)
        case Join(arguments):
            return arguments
