"""Numbers of a program along a ray: affine, or strictly monotone with a limit (Theorem 33)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
from flint import arb

from spurious.certify.arithmetics import BallProgram, Entries, around
from spurious.exact import balls
from spurious.exact.rationals import rational
from spurious.problem.program_problem import FlatPoint
from spurious.program import (
    Add,
    DomainError,
    Function,
    Join,
    Map,
    MatMul,
    Mul,
    Param,
    PiecewiseLinear,
    Program,
    Smooth,
    Sum,
    Take,
)

Paths = npt.NDArray[np.object_]

ZERO: Final = arb(0)
INFINITY: Final = arb.pos_inf()

INCREASING: Final = {
    "exp": (ZERO, INFINITY),
    "sigmoid": (ZERO, arb(1)),
    "tanh": (arb(-1), arb(1)),
    "erf": (arb(-1), arb(1)),
    "softsign": (arb(-1), arb(1)),
    "softplus": (ZERO, INFINITY),
    "elu": (arb(-1), INFINITY),
    "log": (-INFINITY, INFINITY),
    "sqrt": (ZERO, INFINITY),
}
"""Strictly increasing functions, and their limits at the two ends of their domain."""

POSITIVE: Final = ("log", "sqrt", "reciprocal")
"""Functions of numbers above 0; `reciprocal` decreases there."""


@dataclass(frozen=True, slots=True)
class Path:
    """A number a(t) for t >= 0.

    Attributes:
        start: a(0).
        rate: a(t) = start + t rate, if it is affine, else None.
        way: 1 if it strictly increases, -1 if it strictly decreases, 0 if it is fixed; None if that
            is not certain.
        limit: For t to infinity; infinite, too. Means nothing without a way.
    """

    start: arb
    rate: arb | None
    way: int | None
    limit: arb

    @staticmethod
    def affine(start: arb, rate: arb) -> Path:
        """Start + t rate."""
        way = balls.sign(rate)
        return Path(start, rate, way, INFINITY * way if way else start)

    @staticmethod
    def monotone(start: arb, way: int, limit: arb | None) -> Path:
        """One that moves one way; unknown if its limit is."""
        return UNKNOWN if limit is None else Path(start, None, way, limit)

    @property
    def side(self) -> int | None:
        """1 if a(t) >= 0 for every t, -1 if a(t) <= 0, else None."""
        if self.way is None:
            return None
        ends = (self.start, self.limit)
        return 1 if all(e >= 0 for e in ends) else -1 if all(e <= 0 for e in ends) else None

    def __add__(self, other: Path) -> Path:
        """The sum: of affine ones, or of such as move the same way."""
        if self.rate is not None and other.rate is not None:
            return Path.affine(self.start + other.start, self.rate + other.rate)
        if self.way is None or other.way is None or self.way * other.way < 0:
            return UNKNOWN
        limit = self.limit + other.limit
        return Path.monotone(self.start + other.start, self.way or other.way, limit)

    def __mul__(self, other: Path) -> Path:
        """The product: by a fixed number, or of such as move away from 0 or towards it together."""
        for one, factor in ((self, other), (other, self)):
            if factor.way == 0:
                return one.times(factor.start)
        sides = self.side, other.side
        if self.way is None or other.way is None or None in sides:
            return UNKNOWN
        side, other_side = cast("tuple[int, int]", sides)
        if self.way * side != other.way * other_side:
            return UNKNOWN
        limit = _product(self.limit, other.limit)
        return Path.monotone(self.start * other.start, self.way * other_side, limit)

    def times(self, factor: arb) -> Path:
        """The product by a fixed number."""
        sign = balls.sign(factor)
        if sign == 0:
            return Path.affine(ZERO, ZERO)
        if self.rate is not None:
            return Path.affine(self.start * factor, self.rate * factor)
        if self.way is None or sign is None:
            return UNKNOWN
        return Path.monotone(self.start * factor, self.way * sign, _product(self.limit, factor))

    def mapped(self, function: Function) -> Path:
        """A function of it.

        Raises:
            ProgramError: It may be undefined for some t.
        """
        if self.way == 0:
            return Path.affine(_value(function, self.start), ZERO)
        if isinstance(function, PiecewiseLinear):
            if self.side is None:
                return UNKNOWN
            slope = function.above if self.side == 1 else function.below
            return self.times(arb(rational(slope)))
        rising = function.name in INCREASING
        positive = self.way is not None and self.start > 0 and self.limit >= 0
        if function.name in POSITIVE and not positive:
            raise DomainError(f"{function.name} may be undefined along the ray")
        if self.way is None or not (rising or function.name in POSITIVE):
            return UNKNOWN
        way = self.way if rising else -self.way
        return Path.monotone(_value(function, self.start), way, self._limit(function, rising))

    def _limit(self, function: Smooth, rising: bool) -> arb | None:
        """The function's limit; None if the argument's may be at the end of the domain, or not."""
        low, high = INCREASING[function.name] if rising else (INFINITY, ZERO)
        if _is_infinite(self.limit):
            return high if self.way == 1 else low
        if function.name not in POSITIVE or self.limit > 0:
            return _value(function, self.limit)
        return low if self.limit == 0 else None


UNKNOWN: Final = Path(ZERO, None, None, ZERO)
"""Nothing is known of it but that it is a number."""


def loss_path(program: Program, point: FlatPoint, direction: FlatPoint) -> Path:
    """The loss along a ray, at the precision in force.

    Args:
        program: The loss.
        point: Where the ray begins, shape (P,).
        direction: Where it leads, shape (P,).

    Raises:
        ProgramError: A function may be undefined somewhere on the ray.
    """
    run = BallProgram.of(program).run(around(point), order=0)
    found: list[Paths | None] = []  # None for what does not move
    for k, operation in enumerate(program.operations):
        paths: Paths | None = None
        if isinstance(operation, Param):
            rates = [arb(rational(v)) for v in direction[program.parameters[operation.name]]]
            if any(rate != 0 for rate in rates):
                paths = _affine(run.values[k], rates)
        elif any(found[i] is not None for i in program.operands[k]):
            args = [(found[i], run.values[i]) for i in program.operands[k]]
            paths = _result(
                operation, [_affine(fixed) if own is None else own for own, fixed in args]
            )
        found.append(paths)
    last = found[-1]
    return cast("Path", _affine(run.loss)[()] if last is None else last[()])


def _affine(starts: Entries, rates: Sequence[arb] | None = None) -> Paths:
    """Numbers that move straight, fixed ones if there are no rates."""
    flat: list[arb] = starts.ravel().tolist()
    speeds = [ZERO] * len(flat) if rates is None else rates
    return _array([Path.affine(a, r) for a, r in zip(flat, speeds, strict=True)], starts.shape)


def _result(operation: Any, args: Sequence[Paths]) -> Paths:
    match operation:
        case Add():
            found = args[0] + args[1]
        case Mul():
            found = args[0] * args[1]
        case MatMul():
            found = np.matmul(args[0], args[1])
        case Sum(axes=axes):
            found = args[0].sum(axis=axes)
        case Take(index=index):
            found = args[0].ravel()[index]
        case Join():
            found = np.concatenate([a.ravel() for a in args])
        case Map(function=function):
            flat = [path.mapped(function) for path in args[0].ravel().tolist()]
            found = _array(flat, args[0].shape)
        case _:
            raise TypeError(f"{operation} has no operands")
    return cast("Paths", found) if isinstance(found, np.ndarray) else _array([found], ())


def _array(paths: Sequence[Path], shape: tuple[int, ...]) -> Paths:
    found = np.empty(len(paths), dtype=object)
    found[:] = paths
    return found.reshape(shape)


def _is_infinite(limit: arb) -> bool:
    return limit in (INFINITY, -INFINITY)


def _product(one: arb, other: arb) -> arb | None:
    """Of limits, one of which may be infinite; None where that may be infinity times zero."""
    if not (_is_infinite(one) or _is_infinite(other)):
        return one * other
    signs = balls.sign(one), balls.sign(other)
    return INFINITY * signs[0] * signs[1] if signs[0] and signs[1] else None


def _value(function: Function, z: arb) -> arb:
    if isinstance(function, PiecewiseLinear):
        steep, flat = (arb(rational(slope)) for slope in (function.above, function.below))
        return z * steep if z >= 0 else z * flat if z <= 0 else (z * steep).union(z * flat)
    return function.ball(z)[0]
