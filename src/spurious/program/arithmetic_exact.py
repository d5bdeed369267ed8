"""Programs in rational arithmetic: exact, where every function met is rational."""

from __future__ import annotations

from typing import final

import numpy as np
from flint import fmpq, fmpq_mat

from spurious.exact.rationals import ZERO, rational
from spurious.program.arithmetic import Signs
from spurious.program.arithmetic_arrays import (
    ArrayArithmetic,
    Entries,
    merged_matmul,
    object_array,
)
from spurious.program.exact_array import fractions
from spurious.program.faults import IrrationalError, KinkError
from spurious.program.function_kinds import Function, PiecewiseLinear, Smooth
from spurious.program.operations import Const


@final
class ExactArithmetic(ArrayArithmetic):
    """Arrays of `flint.fmpq`; adjoints may be of any numbers that have products with these."""

    def constant(self, const: Const) -> Entries:
        """The same numbers."""
        return object_array([rational(v) for v in fractions(const.values)], const.values.shape)

    def zeros(self, shape: tuple[int, ...]) -> Entries:
        """Zeros."""
        return np.full(shape, ZERO, dtype=object)

    def matmul(self, left: Entries, right: Entries) -> Entries:
        """The matrix product."""
        return merged_matmul(_product, left, right, self.zeros)

    def jet(
        self, function: Function, array: Entries, order: int, sides: Signs | None = None
    ) -> tuple[Entries, ...]:
        """A function's exact value and derivatives."""
        flat = array.ravel().tolist()
        given = [None] * len(flat) if sides is None else sides.ravel().tolist()
        pairs = zip(flat, given, strict=True)
        if isinstance(function, PiecewiseLinear):
            jets = [_bent_line(function, z, order, side) for z, side in pairs]
        else:
            jets = [_smooth(function, z, order, side) for z, side in pairs]
        return tuple(object_array([jet[n] for jet in jets], array.shape) for n in range(order + 1))

    def signs(self, array: Entries) -> Signs:
        """The sign of each number."""
        found = [(z > 0) - (z < 0) for z in array.ravel().tolist()]
        return np.array(found, dtype=np.int8).reshape(array.shape)


def _product(left: Entries, right: Entries) -> Entries:
    (rows, inner), columns = left.shape, right.shape[1]
    try:
        x = fmpq_mat(rows, inner, left.ravel().tolist())
        y = fmpq_mat(inner, columns, right.ravel().tolist())
    except TypeError:  # not both rational
        return left @ right
    return object_array((x * y).entries(), (rows, columns))


def _bent_line(
    function: PiecewiseLinear, z: fmpq, order: int, side: int | None
) -> tuple[fmpq, ...]:
    where = side if z == 0 else (1 if z > 0 else -1)
    if where is None and function.kinked and order > 0:
        raise KinkError(f"{function.name}: an argument lies on the kink")
    slope = rational(function.below if where == -1 else function.above)
    return z * slope, slope, ZERO


def _smooth(function: Smooth, z: fmpq, order: int, side: int | None) -> tuple[fmpq, ...]:
    jet = function.rational(z)
    if order == 2 and z == 0 and function.bend is not None:
        if side is None:
            raise KinkError(f"{function.name}: the second derivative jumps at an argument of 0")
        jet = (*jet[:2], rational(function.bend[0 if side >= 0 else 1]))
    if len(jet) <= order:
        what = ("value", "first derivative", "second derivative")[len(jet)]
        raise IrrationalError(f"{function.name}: its {what} at {z} is not known to be rational")
    return jet
