"""The rules of the nine operations, each written once for every arithmetic.

Every operation that is not linear is linear in each of its *factors* when the others are fixed:
the operands of a product, the derivative f'(z) of a function. So two rules, `tangent` and
`adjoint`, both linear in what they carry, are enough; applied to the factors' own derivatives they
give the second order (product rule). Forward over reverse: B. A. Pearlmutter, "Fast exact
multiplication by the Hessian", 1994.

Arrays may have axes in front of those of their operation: a batch of points or directions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from math import prod
from typing import Generic, TypeAlias

from spurious.program.arithmetic import Arithmetic, Array
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
)
from spurious.program.shapes import Shape

Factors: TypeAlias = Sequence[Array | None]
"""What an operation multiplies by, one for each operand; None for zeros."""


@dataclass(frozen=True, slots=True)
class Rules(Generic[Array]):
    """The rules of one operation.

    Attributes:
        arithmetic: The arithmetic.
        operation: The operation.
        shape: The shape of its result.
        shapes: The shapes of its operands.
    """

    arithmetic: Arithmetic[Array]
    operation: Operation
    shape: Shape
    shapes: tuple[Shape, ...]

    def value(self, values: Sequence[Array]) -> Array:
        """The result of an operation other than `Param` and `Map`, from its operands."""
        operation = self.operation
        match operation:
            case Const():
                return self.arithmetic.constant(operation)
            case Add():
                return self.arithmetic.add(*self._aligned(values))
            case Mul() | MatMul():
                return self._times(*self._aligned(values))
            case Param() | Map():
                raise TypeError(f"{operation} has no value by itself")
            case Sum() | Take() | Join():
                return self._linear(values)

    def tangent(self, tangents: Factors[Array], factors: Factors[Array]) -> Array | None:
        """The derivative of the result along the operands' derivatives, None for zero.

        Args:
            tangents: The operands' derivatives.
            factors: The operands of a product, the derivative of a function, at any order.
        """
        if all(tangent is None for tangent in tangents):
            return None
        match self.operation:
            case Add():
                parts = [t if t is None else self._align(t, i) for i, t in enumerate(tangents)]
                return self._full(self._total(parts))
            case Mul() | MatMul():
                (a, b), (x, y) = tangents, factors
                left = None if a is None or y is None else self._times(*self._aligned((a, y)))
                right = None if b is None or x is None else self._times(*self._aligned((x, b)))
                return self._total((left, right))
            case Map():
                return self._scaled(tangents[0], factors[0])
            case _:
                return self._linear(self._filled(tangents))

    def adjoint(self, seed: Array, factors: Factors[Array], operand: int) -> Array | None:
        """What an adjoint of the result gives to that of one operand, None for zero.

        Args:
            seed: The derivative of the loss with respect to the result.
            factors: As for `tangent`.
            operand: Which operand, counted from 0.
        """
        ar, operation = self.arithmetic, self.operation
        other = None if len(factors) < 2 else factors[1 - operand]
        match operation:
            case Add():
                return self._reduced(seed, operand)
            case Mul():
                if other is None:
                    return None
                product = ar.multiply(seed, self._align(other, 1 - operand))
                return self._reduced(product, operand)
            case MatMul():
                if other is None:
                    return None
                turned = ar.transpose(self._align(other, 1 - operand))
                product = ar.matmul(*((turned, seed) if operand else (seed, turned)))
                return self._reduced(product, operand)
            case Map():
                return self._scaled(seed, factors[0])
            case Sum(axes=axes):
                kept = [1 if i in axes else size for i, size in enumerate(self.shapes[0])]
                lead = self._lead(seed, self.shape)
                return ar.broadcast(ar.reshape(seed, (*lead, *kept)), (*lead, *self.shapes[0]))
            case Take():
                lead = self._lead(seed, self.shape)
                flat = ar.reshape(seed, (*lead, prod(self.shape)))
                gathered = ar.scatter(flat, operation, prod(self.shapes[0]))
                return ar.reshape(gathered, (*lead, *self.shapes[0]))
            case Join():
                start = sum(prod(shape) for shape in self.shapes[:operand])
                part = ar.split(seed, start, start + prod(self.shapes[operand]))
                return ar.reshape(part, (*self._lead(seed, self.shape), *self.shapes[operand]))
            case Param() | Const():
                raise TypeError(f"{operation} has no operands")

    def _linear(self, arrays: Sequence[Array]) -> Array:
        """The result of a linear operation of one kind of arrays: values or tangents."""
        ar = self.arithmetic
        operation, leads = self.operation, [self._lead(a, s) for a, s in self._pairs(arrays)]
        match operation:
            case Sum(axes=axes):
                return ar.sum(arrays[0], tuple(axis + len(leads[0]) for axis in axes))
            case Take():
                flat = ar.reshape(arrays[0], (*leads[0], prod(self.shapes[0])))
                return ar.gather(flat, operation)
            case _:
                lead = max(leads, key=len)
                flat = [
                    ar.reshape(a, (*own, prod(s)))
                    for (a, s), own in zip(self._pairs(arrays), leads, strict=True)
                ]
                return ar.join([ar.broadcast(a, (*lead, a.shape[-1])) for a in flat])

    def _times(self, left: Array, right: Array) -> Array:
        product: Callable[[Array, Array], Array] = (
            self.arithmetic.multiply if isinstance(self.operation, Mul) else self.arithmetic.matmul
        )
        return product(left, right)

    def _scaled(self, array: Array | None, factor: Array | None) -> Array | None:
        if array is None or factor is None:
            return None
        return self.arithmetic.multiply(array, factor)

    def _total(self, parts: Sequence[Array | None]) -> Array | None:
        there = [part for part in parts if part is not None]
        return reduce(self.arithmetic.add, there) if there else None

    def _full(self, array: Array | None) -> Array | None:
        """An operand's tangent, repeated to the shape of the result."""
        if array is None:
            return None
        lead = array.shape[: len(array.shape) - len(self.shape)]
        whole = (*lead, *self.shape)
        return array if array.shape == whole else self.arithmetic.broadcast(array, whole)

    def _filled(self, arrays: Factors[Array]) -> list[Array]:
        """Zeros in place of None."""
        return [
            self.arithmetic.zeros(shape) if array is None else array
            for array, shape in zip(arrays, self.shapes, strict=True)
        ]

    def _pairs(self, arrays: Sequence[Array]) -> list[tuple[Array, Shape]]:
        return list(zip(arrays, self.shapes, strict=True))

    def _lead(self, array: Array, shape: Shape) -> Shape:
        """The axes in front of an operation's own."""
        return array.shape[: len(array.shape) - len(shape)]

    def _align(self, array: Array, operand: int) -> Array:
        """Ones between the batch and an operand's axes, where the result has more axes."""
        own = self.shapes[operand]
        missing = len(self.shape) - len(own)
        if missing <= 0 or len(array.shape) == len(own):
            return array
        lead = self._lead(array, own)
        return self.arithmetic.reshape(array, (*lead, *(1,) * missing, *own))

    def _aligned(self, arrays: Sequence[Array]) -> list[Array]:
        return [self._align(array, operand) for operand, array in enumerate(arrays)]

    def _reduced(self, array: Array, operand: int) -> Array:
        """The adjoint of broadcasting: sums over the axes along which an operand was repeated."""
        ar, own = self.arithmetic, self.shapes[operand]
        if own == self.shape == array.shape:
            return array
        whole = len(array.shape)
        ahead = len(self._lead(array, self.shape))
        lead = array.shape[:ahead]
        missing = len(self.shape) - len(own)
        padded = (*(1,) * missing, *own)
        found = array.shape[ahead:]
        axes = tuple(ahead + i for i in range(whole - ahead) if padded[i] == 1 and found[i] != 1)
        if axes:
            array = ar.sum(array, axes)
        return array if array.shape == (*lead, *own) else ar.reshape(array, (*lead, *own))
