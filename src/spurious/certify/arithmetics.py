"""A program in balls, exactly, and in floats: loss, gradient and Hessian at flat points."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import cast

import numpy as np
import numpy.typing as npt
from flint import arb, arb_mat, fmpq

from spurious.certify.enclosures import enclosure, is_narrow
from spurious.exact import balls
from spurious.exact.rationals import fraction, rational
from spurious.problem.program_problem import FlatPoint
from spurious.program import (
    BallArithmetic,
    Evaluator,
    ExactArithmetic,
    Function,
    Map,
    NumpyArithmetic,
    Program,
    ProgramError,
    Run,
    Smooth,
    evaluator,
    hessian,
)
from spurious.verdict import Enclosure

Floats = npt.NDArray[np.float64]
Entries = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class BallProgram:
    """A program in balls of the precision that was in force when it was made.

    Attributes:
        evaluator: The program with its constants enclosed.
    """

    evaluator: Evaluator[Entries]

    @staticmethod
    def of(program: Program) -> BallProgram:
        """The program at the current precision; made once for each."""
        return _ball_program(program, balls.working_precision())

    def run(self, values: Sequence[arb], order: int = 2) -> Run[Entries]:
        """All values over a box or at a point, shape (P,), with that many derivatives.

        Raises:
            ProgramError: a function or derivative may be undefined there.
        """
        return self.evaluator.run(entries(values), order)

    def loss(self, values: Sequence[arb]) -> arb:
        """The loss over a box or at a point, shape (P,).

        Raises:
            ProgramError: a function may be undefined there.
        """
        return loss_of(self.run(values, order=0))

    def gradient(self, values: Sequence[arb]) -> list[arb]:
        """The gradient, shape (P,).

        Raises:
            ProgramError: an argument may be on a kink, or outside of a domain.
        """
        return list(self.run(values, order=1).gradient)

    def hessian(self, values: Sequence[arb]) -> arb_mat:
        """The Hessian (generalised where a second derivative jumps), shape (P, P).

        Raises:
            ProgramError: as for the gradient.
        """
        return curvature(self.run(values))

    def is_smooth(self, values: Sequence[arb]) -> bool:
        """Whether no argument may be where a function's first or second derivative jumps.

        Raises:
            ProgramError: a function may be undefined there.
        """
        return is_smooth(self.run(values, order=0))


@lru_cache(maxsize=16)
def _ball_program(program: Program, bits: int) -> BallProgram:
    with balls.precision(bits):
        return BallProgram(evaluator(program, BallArithmetic()))


def loss_of(run: Run[Entries]) -> arb:
    """The loss of a program in balls."""
    return cast("arb", run.loss[()])


def curvature(run: Run[Entries]) -> arb_mat:
    """The Hessian of a program in balls."""
    found = hessian(run)
    return arb_mat(len(found), len(found), found.ravel().tolist())


def is_smooth(run: Run[Entries]) -> bool:
    """Whether no argument may be where a function's first or second derivative jumps."""
    return all(
        balls.sign(z) in (1, -1)
        for operation in run.evaluator.program.operations
        if isinstance(operation, Map) and _jumps(operation.function)
        for z in run.values[operation.argument].ravel().tolist()
    )


def _jumps(function: Function) -> bool:
    return function.kinked or (isinstance(function, Smooth) and function.bend is not None)


class FloatProgram:
    """A program in double precision: proposals only.

    Args:
        program: The program.
    """

    def __init__(self, program: Program) -> None:
        self.evaluator = evaluator(program, NumpyArithmetic())

    def loss(self, values: Floats) -> float:
        """The loss at a point, shape (P,)."""
        return float(self.evaluator.run(values, order=0).loss)

    def loss_and_gradient(self, values: Floats) -> tuple[float, Floats]:
        """Loss and gradient, shape (P,)."""
        run = self.evaluator.run(values, order=1)
        return float(run.loss), np.asarray(run.gradient, dtype=np.float64)

    def hessian(self, values: Floats) -> Floats:
        """The Hessian, shape (P, P)."""
        return np.asarray(hessian(self.evaluator.run(values, order=2)), dtype=np.float64)


def entries(values: Iterable[object]) -> Entries:
    """Numbers as an array of objects, shape (P,)."""
    listed = list(values)
    found = np.empty(len(listed), dtype=object)
    found[:] = listed
    return found


def around(point: Sequence[Fraction], radius: Fraction = Fraction(0)) -> list[arb]:
    """Balls around a point's entries that hold everything within the radius."""
    spread = arb(0, arb(rational(radius)).upper())
    return [arb(rational(value)) + spread for value in point]


def loss_at(program: Program, point: FlatPoint) -> Enclosure:
    """The loss at an exact point, enclosed.

    Where sizes differ so much that no ball is narrow enough for a certificate, it is exact if it is
    rational, else the last ball.

    Raises:
        ProgramError: a function is undefined there.
        OutOfRangeError: the loss is too large.
    """
    found = _enclosed_loss(program, point, balls.PRECISIONS[1])
    for bits in balls.PRECISIONS[2:]:
        if is_narrow(found):
            return found
        found = _enclosed_loss(program, point, bits)
    return found if is_narrow(found) else _rational_loss(program, point) or found


def _enclosed_loss(program: Program, point: FlatPoint, bits: int) -> Enclosure:
    with balls.precision(bits):
        return enclosure(BallProgram.of(program).loss(around(point)))


def _rational_loss(program: Program, point: FlatPoint) -> Enclosure | None:
    try:
        run = exact_program(program).run(entries(map(rational, point)), order=0)
    except ProgramError:
        return None
    return Enclosure(fraction(cast("fmpq", run.loss[()])))


def rational_gradient(program: Program, point: FlatPoint) -> list[Fraction]:
    """The gradient in exact arithmetic.

    Raises:
        ProgramError: a value or derivative is not known to be rational, or lies on a kink.
    """
    found = exact_program(program).run(entries(map(rational, point)), order=1).gradient
    return [fraction(cast("fmpq", entry)) for entry in found]


@lru_cache(maxsize=16)
def exact_program(program: Program) -> Evaluator[Entries]:
    """The program in exact arithmetic.

    Raises:
        ProgramError: a function of constants is not rational.
    """
    return evaluator(program, ExactArithmetic())
