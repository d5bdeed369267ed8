"""Writing programs: handles with operators, for front ends and for tests.

Nothing that is folded changes the exact meaning: entries taken from constants or from other takes,
sums and products of constants, products with one and sums with zero, equal operations. What the
loss does not depend on is left out of the program.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import prod
from typing import Any, TypeAlias

import numpy as np

from spurious.program.exact_array import ExactArray, is_binary
from spurious.program.function_kinds import Function, PiecewiseLinear
from spurious.program.functions import RECIPROCAL
from spurious.program.operations import (
    Add,
    Const,
    Index,
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
from spurious.program.program import Program
from spurious.program.shapes import Shape, result_shape


@dataclass(eq=False)
class Builder:
    """A program being written.

    Attributes:
        operations: The operations so far.
        shapes: The shapes of their results.
    """

    operations: list[Operation] = field(default_factory=list[Operation])
    shapes: list[Shape] = field(default_factory=list[Shape])
    _known: dict[object, int] = field(default_factory=dict[object, int])

    def param(self, name: str, shape: Sequence[int]) -> Handle:
        """A block of parameters."""
        return self._append(Param(name, tuple(shape)))

    def const(self, values: object) -> Handle:
        """Exact numbers; equal ones are kept once."""
        operation = Const(values)  # pyright: ignore[reportArgumentType]
        exact = operation.values
        content = exact.tobytes() if is_binary(exact) else tuple(exact.ravel().tolist())
        return self._append(operation, ("const", exact.shape, content))

    def map(self, function: Function, argument: Handle) -> Handle:
        """A function of every entry; exact for constants and piecewise linear functions."""
        known = argument.known
        if known is not None and isinstance(function, PiecewiseLinear):
            exact = [Fraction(v) for v in known.ravel().tolist()]
            mapped = [v * (function.above if v >= 0 else function.below) for v in exact]
            return self.const(np.array(mapped, dtype=object).reshape(known.shape))
        return self._append(Map(function, argument.index))

    def join(self, arguments: Sequence[Handle]) -> Handle:
        """The arguments flattened, one after the other."""
        if len(arguments) == 1:
            return arguments[0].ravel()
        known = [argument.known for argument in arguments]
        if all(values is not None for values in known):
            return self.const(
                np.concatenate([values.ravel() for values in known if values is not None])
            )
        return self._append(Join(tuple(argument.index for argument in arguments)))

    def handle(self, value: Operand) -> Handle:
        """A handle as it is, numbers as constants."""
        return value if isinstance(value, Handle) else self.const(value)

    def program(self, loss: Handle, outputs: Handle | None = None) -> Program:
        """The program of a loss; every block of parameters stays, used or not.

        Raises:
            InputError: The loss is no scalar.
        """
        needed = {i for i, op in enumerate(self.operations) if isinstance(op, Param)}
        needed |= {loss.index} | ({outputs.index} if outputs else set())
        for i in range(len(self.operations) - 1, -1, -1):
            if i in needed:
                needed |= set(operands(self.operations[i]))
        kept = sorted(needed)
        place = {old: new for new, old in enumerate(kept)}
        written = [renumbered(self.operations[i], place) for i in kept]
        if kept[-1] != loss.index:
            written.append(Take(place[loss.index], np.arange(prod(loss.shape)).reshape(loss.shape)))
        return Program(tuple(written), place[outputs.index] if outputs else None)

    def binary(self, operation: type[Add | Mul | MatMul], left: Handle, right: Handle) -> Handle:
        """A sum or product; of constants, a constant."""
        x, y = left.known, right.known
        if x is not None and y is not None:
            result_shape(operation(0, 1), 2, (left.shape, right.shape))
            return self.const(_FOLDED[operation](_exact(x), _exact(y)))
        return self._append(operation(left.index, right.index))

    def sum(self, argument: Handle, axes: tuple[int, ...]) -> Handle:
        """The sum over some axes, counted from 0 and ascending."""
        if argument.known is not None and argument.size:
            result_shape(Sum(0, axes), 1, (argument.shape,))
            return self.const(np.asarray(_exact(argument.known).sum(axis=axes)))
        return self._append(Sum(argument.index, axes))

    def take(self, argument: Handle, index: Index) -> Handle:
        """Entries of the flattened argument, in the shape of the index."""
        if index.shape == argument.shape and np.array_equal(
            index.ravel(), np.arange(argument.size)
        ):
            return argument
        result_shape(Take(0, index), 1, (argument.shape,))
        if argument.known is not None:
            return self.const(argument.known.ravel()[index])
        inner = self.operations[argument.index]
        if isinstance(inner, Take):
            return self.take(Handle(self, inner.argument), inner.index.ravel()[index])
        key = ("take", argument.index, index.shape, index.astype(np.intp).tobytes())
        return self._append(Take(argument.index, index), key)

    def _append(self, operation: Operation, key: object = None) -> Handle:
        key = operation if key is None else key
        if key in self._known and not isinstance(operation, Param):
            return Handle(self, self._known[key])
        shape = result_shape(operation, len(self.operations), self.shapes)
        self.operations.append(operation)
        self.shapes.append(shape)
        self._known[key] = len(self.operations) - 1
        return Handle(self, len(self.operations) - 1)


@dataclass(frozen=True, eq=False)
class Handle:
    """The result of an operation in a program being written; adds and multiplies like an array.

    Attributes:
        builder: The program.
        index: The operation.
    """

    builder: Builder
    index: int

    __array_ufunc__ = None  # so that an array on the left leaves the operation to the handle

    @property
    def shape(self) -> Shape:
        """The shape of the result."""
        return self.builder.shapes[self.index]

    @property
    def size(self) -> int:
        """The number of its entries."""
        return prod(self.shape)

    @property
    def known(self) -> ExactArray | None:
        """The numbers of a constant."""
        operation = self.builder.operations[self.index]
        return operation.values if isinstance(operation, Const) else None

    @property
    def positions(self) -> Index:
        """The positions of the entries in the flattened result, in its shape: for `take`."""
        return np.arange(self.size).reshape(self.shape)

    def __add__(self, other: Operand) -> Handle:
        right = self.builder.handle(other)
        for zero, kept in ((self, right), (right, self)):
            if _is_all(zero, 0, kept.shape):
                return kept
        return self.builder.binary(Add, self, right)

    def __mul__(self, other: Operand) -> Handle:
        right = self.builder.handle(other)
        for one, kept in ((self, right), (right, self)):
            if _is_all(one, 1, kept.shape):
                return kept
        return self.builder.binary(Mul, self, right)

    def __matmul__(self, other: Operand) -> Handle:
        return self.builder.binary(MatMul, self, self.builder.handle(other))

    def __radd__(self, other: Operand) -> Handle:
        return self + other

    def __rmul__(self, other: Operand) -> Handle:
        return self * other

    def __rmatmul__(self, other: Operand) -> Handle:
        return self.builder.handle(other) @ self

    def __neg__(self) -> Handle:
        return self * -1

    def __sub__(self, other: Operand) -> Handle:
        return self + -self.builder.handle(other)

    def __rsub__(self, other: Operand) -> Handle:
        return self.builder.handle(other) + -self

    def __truediv__(self, other: Operand) -> Handle:
        right = self.builder.handle(other)
        return self * right.reciprocal()

    def __rtruediv__(self, other: Operand) -> Handle:
        return self.builder.handle(other) / self

    def __pow__(self, exponent: int) -> Handle:
        """A power with an integer exponent, by repeated squaring."""
        if exponent < 0:
            return (self**-exponent).reciprocal()
        if exponent == 0:
            return self.builder.const(np.ones(self.shape))
        half = self ** (exponent // 2) if exponent > 1 else None
        square = self if half is None else half * half
        return square * self if half is not None and exponent % 2 else square

    def reciprocal(self) -> Handle:
        """One over every entry; exact where the entries are known and not zero."""
        known = self.known
        if known is not None and known.astype(bool).all():
            inverses = [1 / Fraction(v) for v in known.ravel().tolist()]
            return self.builder.const(np.array(inverses, dtype=object).reshape(self.shape))
        return self.builder.map(RECIPROCAL, self)

    def sum(self, *axes: int) -> Handle:
        """The sum over some axes, over all of them if none is named."""
        chosen = axes or range(len(self.shape))
        ascending = tuple(sorted(axis % len(self.shape) for axis in chosen))
        return self.builder.sum(self, ascending) if ascending else self

    def take(self, index: Index) -> Handle:
        """Entries of the flattened result, in the shape of the index."""
        return self.builder.take(self, index)

    def reshape(self, *shape: int) -> Handle:
        """The same entries in another shape."""
        return self.take(self.positions.reshape(shape))

    def ravel(self) -> Handle:
        """The entries in flat order."""
        return self.reshape(-1)

    def transpose(self, *axes: int) -> Handle:
        """The axes in another order, reversed if none is given."""
        return self.take(self.positions.transpose(axes or None))

    def broadcast(self, *shape: int) -> Handle:
        """The entries repeated to a larger shape."""
        return self.take(np.broadcast_to(self.positions, shape))

    def map(self, function: Function) -> Handle:
        """A function of every entry."""
        return self.builder.map(function, self)


Operand: TypeAlias = Handle | Any
"""A handle, or numbers: what `Const` takes."""

_FOLDED: dict[type[Add | Mul | MatMul], Callable[[Any, Any], Any]] = {
    Add: lambda x, y: np.asarray(x + y),
    Mul: lambda x, y: np.asarray(x * y),
    MatMul: lambda x, y: x @ y,
}


def _exact(values: ExactArray) -> ExactArray:
    """Numbers as fractions, so that sums and products are exact."""
    exact = [Fraction(v) for v in values.ravel().tolist()]
    found = np.empty(len(exact), dtype=object)
    found[:] = exact
    return found.reshape(values.shape)


def _is_all(handle: Handle, number: int, shape: Shape) -> bool:
    """Whether a constant holds one number alone, and broadcasts to a shape."""
    known = handle.known
    if known is None or len(known.shape) > len(shape):
        return False
    fits = all(a in (1, b) for a, b in zip(known.shape[::-1], shape[::-1], strict=False))
    return fits and bool((known == number).all())


def renumbered(operation: Operation, place: Mapping[int, int]) -> Operation:
    """An operation whose operands have new indices.

    Args:
        operation: The operation.
        place: The new index for each operand's old one.
    """
    match operation:
        case Param() | Const():
            return operation
        case Add(left, right) | Mul(left, right) | MatMul(left, right):
            return replace(operation, left=place[left], right=place[right])
        case Join(arguments):
            return Join(tuple(place[argument] for argument in arguments))
        case _:
            return replace(operation, argument=place[operation.argument])
