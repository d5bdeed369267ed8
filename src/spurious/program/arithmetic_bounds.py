"""Programs in double precision with rigorous error bounds: large products at the speed of BLAS.

Every entry is a float and a radius: the true number lies within the radius of the float. For a sum
of k products, computed in any order with unit roundoff u, |fl(x y) - x y| <= g |x| |y| with
g = k u / (1 - k u) (N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2002, section
3.1); the inputs' own radii come on top. A radius is a sum of nonnegative terms, so its own relative
rounding error is far below the hundredth that is added; `TINY` covers underflow. An overflow gives
an infinite radius or a number that is not one, whose sign is unknown.

Smooth functions go through balls, entry by entry, so that no library's claim about its own accuracy
is trusted. The matrix product has to be a conventional one, as in every BLAS in use.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Final, TypeAlias, final

import numpy as np
import numpy.typing as npt
from flint import arb

from spurious.exact.balls import precision
from spurious.exact.rationals import nearest_float
from spurious.program.arithmetic import UNKNOWN, Signs
from spurious.program.arithmetic_balls import ball_jets
from spurious.program.arithmetic_numpy import NumpyArithmetic
from spurious.program.exact_array import exact_array, fractions, is_binary
from spurious.program.faults import KinkError
from spurious.program.function_kinds import Function, PiecewiseLinear
from spurious.program.operations import Const, Take

Floats: TypeAlias = npt.NDArray[np.float64]

ROUNDOFF: Final = 2.0**-53
SAFETY: Final = 1.01
TINY: Final = 1e-250
FLOATS: Final = NumpyArithmetic()


@dataclass(frozen=True, eq=False, slots=True)
class Bounded:
    """Floats with error bounds.

    Attributes:
        value: The floats.
        radius: How far the true numbers may be away, of the same shape.
    """

    value: Floats
    radius: Floats

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of both."""
        return self.value.shape

    @property
    def size(self) -> Floats:
        """A bound on the absolute value of the true numbers."""
        return np.abs(self.value) + self.radius


@final
class BoundedArithmetic:
    """Arrays of floats with error bounds."""

    def array(self, values: object) -> Bounded:
        """Fractions, integers or floats: a point, or a direction."""
        return self.constant(Const(exact_array(values)))

    def constant(self, const: Const) -> Bounded:
        """The nearest floats, and how far they are from the exact numbers."""
        value = FLOATS.constant(const)
        if is_binary(const.values):
            return Bounded(value, np.zeros(value.shape))
        exact = [
            Fraction(float(v)) == w
            for v, w in zip(value.flat, fractions(const.values), strict=True)
        ]
        rounded = np.abs(value) * (2 * ROUNDOFF) + TINY
        return Bounded(value, np.where(np.reshape(exact, value.shape), 0.0, rounded))

    def zeros(self, shape: tuple[int, ...]) -> Bounded:
        """Zeros."""
        return Bounded(np.zeros(shape), np.zeros(shape))

    def add(self, left: Bounded, right: Bounded) -> Bounded:
        """The sum."""
        value = FLOATS.add(left.value, right.value)
        return _bounded(value, left.radius + right.radius + ROUNDOFF * np.abs(value))

    def multiply(self, left: Bounded, right: Bounded) -> Bounded:
        """The product entry by entry."""
        value = FLOATS.multiply(left.value, right.value)
        inherited = np.abs(left.value) * right.radius + left.radius * right.size
        exact = (left.size == 0) | (right.size == 0)
        return _bounded(value, inherited + ROUNDOFF * np.abs(value), exact)

    def matmul(self, left: Bounded, right: Bounded) -> Bounded:
        """The matrix product."""
        growth = _growth(left.shape[-1])
        spread = growth * np.abs(right.value) + right.radius
        radius = np.abs(left.value) @ spread
        if left.radius.any():
            radius = radius + left.radius @ right.size
        return _bounded(left.value @ right.value, radius, np.False_)

    def sum(self, array: Bounded, axes: tuple[int, ...]) -> Bounded:
        """The sum over some axes."""
        growth = _growth(prod(array.shape[axis] for axis in axes))
        spread = array.radius + growth * np.abs(array.value)
        return _bounded(FLOATS.sum(array.value, axes), FLOATS.sum(spread, axes))

    def reshape(self, array: Bounded, shape: tuple[int, ...]) -> Bounded:
        """The same entries in another shape."""
        return Bounded(array.value.reshape(shape), array.radius.reshape(shape))

    def broadcast(self, array: Bounded, shape: tuple[int, ...]) -> Bounded:
        """The array repeated."""
        return Bounded(np.broadcast_to(array.value, shape), np.broadcast_to(array.radius, shape))

    def transpose(self, array: Bounded) -> Bounded:
        """The last two axes exchanged."""
        return Bounded(FLOATS.transpose(array.value), FLOATS.transpose(array.radius))

    def gather(self, array: Bounded, take: Take) -> Bounded:
        """Entries along the last axis."""
        return Bounded(FLOATS.gather(array.value, take), FLOATS.gather(array.radius, take))

    def scatter(self, array: Bounded, take: Take, size: int) -> Bounded:
        """The adjoint of `gather`."""
        value = FLOATS.scatter(array.value, take, size)
        if len(take.grouped.targets) == take.index.size:
            return Bounded(value, FLOATS.scatter(array.radius, take, size))
        most = int(np.diff(take.grouped.starts, append=take.index.size).max())
        spread = array.radius + _growth(most) * np.abs(array.value)
        return _bounded(value, FLOATS.scatter(spread, take, size))

    def join(self, arrays: Sequence[Bounded]) -> Bounded:
        """One after the other along the last axis."""
        return Bounded(
            FLOATS.join([a.value for a in arrays]), FLOATS.join([a.radius for a in arrays])
        )

    def split(self, array: Bounded, start: int, stop: int) -> Bounded:
        """A part of the last axis."""
        return Bounded(array.value[..., start:stop], array.radius[..., start:stop])

    def jet(
        self, function: Function, array: Bounded, order: int, sides: Signs | None = None
    ) -> tuple[Bounded, ...]:
        """Bounds on a function's value and derivatives."""
        if isinstance(function, PiecewiseLinear):
            return _bent_line(function, array, order, self.signs(array), sides)
        with precision(64):
            known = np.isfinite(array.value) & np.isfinite(array.radius)
            middles = np.where(known, array.value, np.nan).ravel().tolist()
            radii = np.where(known, array.radius, 0.0).ravel().tolist()
            entries = [arb(v, r) for v, r in zip(middles, radii, strict=True)]
            jets = ball_jets(function, entries, order, sides)
            parts = ([jet[n] for jet in jets] for n in range(order + 1))
            return tuple(_from_balls(part, array.shape) for part in parts)

    def signs(self, array: Bounded) -> Signs:
        """The sign of each entry."""
        known = np.where(
            array.value > array.radius, 1, np.where(array.value < -array.radius, -1, UNKNOWN)
        )
        zero = (array.value == 0) & (array.radius == 0)
        return np.where(zero, 0, known).astype(np.int8)


def _growth(terms: int) -> float:
    """The factor g for sums of so many products."""
    return terms * ROUNDOFF / (1 - terms * ROUNDOFF)


def _bounded(
    value: Floats, radius: Floats, exact: npt.NDArray[np.bool_] | np.bool_ | None = None
) -> Bounded:
    """A result with its radius, rounded up.

    Args:
        value: The floats.
        radius: The radii as computed.
        exact: Where the result is exactly 0; by default, where value and radius are. Sums do not
            underflow, products do.
    """
    zero = (value == 0) & (radius == 0) if exact is None else exact
    return Bounded(value, np.where(zero, 0.0, SAFETY * radius + TINY))


def _bent_line(
    function: PiecewiseLinear, z: Bounded, order: int, signs: Signs, sides: Signs | None
) -> tuple[Bounded, ...]:
    above, below = nearest_float(function.above), nearest_float(function.below)
    slope = np.where(z.value >= 0, above, below)
    value = slope * z.value
    steepest = np.where(signs == UNKNOWN, max(abs(above), abs(below)), np.abs(slope))
    flat = (slope == 0) if function.above == 0 or function.below == 0 else np.False_
    exact = (signs == 0) | ((signs != UNKNOWN) & flat)
    # the slope and the product are rounded once each
    result = _bounded(value, steepest * z.radius + 4 * ROUNDOFF * np.abs(value), exact)
    if order == 0:
        return (result,)
    where = np.where(signs == 0, UNKNOWN if sides is None else sides, signs)
    if function.kinked and (where == UNKNOWN).any():
        raise KinkError(f"{function.name}: an argument may lie on the kink")
    slope = np.where(where == -1, below, above)
    binary = Fraction(above) == function.above and Fraction(below) == function.below
    radius = np.zeros(z.shape) if binary else 2 * ROUNDOFF * np.abs(slope) + TINY
    first, second = Bounded(slope, radius), Bounded(np.zeros(z.shape), np.zeros(z.shape))
    return (result, first, second)[: order + 1]


def _from_balls(balls: Sequence[arb], shape: tuple[int, ...]) -> Bounded:
    value = np.array([float(ball.mid()) for ball in balls], dtype=np.float64)
    radius = np.array([float(ball.rad()) for ball in balls], dtype=np.float64)
    exact = np.array([ball.is_zero() for ball in balls], dtype=np.bool_)
    found = _bounded(value, radius + 2 * ROUNDOFF * np.abs(value), exact)
    return Bounded(found.value.reshape(shape), found.radius.reshape(shape))
