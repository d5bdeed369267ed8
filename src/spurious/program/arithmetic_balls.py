"""Programs in ball arithmetic: every result encloses the true one, at the precision in force.

A ball around a point gives enclosures over all points in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np
from flint import arb, arb_mat

from spurious.exact.balls import sign
from spurious.exact.rationals import rational
from spurious.program.arithmetic import UNKNOWN, Signs
from spurious.program.arithmetic_arrays import (
    ArrayArithmetic,
    Entries,
    merged_matmul,
    object_array,
)
from spurious.program.exact_array import fractions, is_binary
from spurious.program.faults import KinkError
from spurious.program.function_kinds import Function, PiecewiseLinear
from spurious.program.operations import Const

ZERO = arb(0)


@final
class BallArithmetic(ArrayArithmetic):
    """Arrays of `flint.arb`."""

    def constant(self, const: Const) -> Entries:
        """Balls around exact numbers; of radius 0 for floats."""
        values = const.values
        if is_binary(values):
            return object_array([arb(v) if v else ZERO for v in values.ravel()], values.shape)
        return object_array([arb(rational(v)) for v in fractions(values)], values.shape)

    def zeros(self, shape: tuple[int, ...]) -> Entries:
        """Zeros."""
        return np.full(shape, ZERO, dtype=object)

    def matmul(self, left: Entries, right: Entries) -> Entries:
        """The matrix product."""
        return merged_matmul(_product, left, right, self.zeros)

    def jet(
        self, function: Function, array: Entries, order: int, sides: Signs | None = None
    ) -> tuple[Entries, ...]:
        """Enclosures of a function's value and derivatives over each ball."""
        jets = _ball_jets(function, array.ravel().tolist(), order, sides)
        return tuple(object_array([jet[n] for jet in jets], array.shape) for n in range(order + 1))

    def signs(self, array: Entries) -> Signs:
        """The sign of each ball."""
        found = [sign(z) for z in array.ravel().tolist()]
        known = [UNKNOWN if side is None else side for side in found]
        return np.array(known, dtype=np.int8).reshape(array.shape)


def _ball_jets(
    function: Function, entries: Sequence[arb], order: int, sides: Signs | None
) -> list[tuple[arb, ...]]:
    """A function's value and at least `order` derivatives over each ball of a flat array.

    Raises:
        KinkError: A ball may contain the kink, and no side says where it is approached from.
        DomainError: A ball may leave the function's domain.
    """
    if not (isinstance(function, PiecewiseLinear) or (sides is not None and function.bend)):
        return [function.ball(z) for z in entries]
    given = [None] * len(entries) if sides is None else sides.ravel().tolist()
    return [_cornered(function, z, order, s) for z, s in zip(entries, given, strict=True)]


def _product(left: Entries, right: Entries) -> Entries:
    (rows, inner), columns = left.shape, right.shape[1]
    x = arb_mat(rows, inner, left.ravel().tolist())
    y = arb_mat(inner, columns, right.ravel().tolist())
    return object_array((x * y).entries(), (rows, columns))


def _cornered(function: Function, z: arb, order: int, side: int | None) -> tuple[arb, ...]:
    """A jet where a derivative may jump at 0; `side` is where an exact 0 is approached from."""
    if not isinstance(function, PiecewiseLinear):
        value, first, second = function.ball(z)
        if function.bend and z.is_zero() and side not in (None, UNKNOWN):
            second = arb(rational(function.bend[0 if side >= 0 else 1]))
        return value, first, second
    above, below = arb(rational(function.above)), arb(rational(function.below))
    where = sign(z)
    if where is None:
        value = above * z.max(ZERO) + below * z.min(ZERO)
    else:
        value = z * (above if where >= 0 else below)
    if order == 0:
        return (value,)
    if where == 0:
        where = None if side == UNKNOWN else side
    if where is None and function.kinked:
        raise KinkError(f"{function.name}: an argument may lie on the kink: {z}")
    return value, below if where == -1 else above, ZERO
