"""Derivatives of a loss along lines through a point: exact where rational, else in balls."""

from __future__ import annotations

from fractions import Fraction
from typing import cast

from flint import arb, fmpq

from spurious.certify.arithmetics import BallProgram, Entries, around, entries, exact_program
from spurious.certify.subject import Subject
from spurious.exact import balls
from spurious.exact.rationals import fraction, rational
from spurious.problem import FlatPoint
from spurious.program import Evaluator, Line, Program, ProgramError, along

CONVERGED = 1e-6
"""Training has stopped, for all that a user can tell, where no derivative is larger."""


def has_converged(subject: Subject) -> bool:
    """Whether all derivatives are tiny; for `Subject.once`.

    Raises:
        ProgramError: there are none: on a kink, or a function is undefined.
    """
    return all(abs(float(entry.mid())) <= CONVERGED for entry in subject.once(ball_gradient))


def ball_gradient(subject: Subject) -> list[arb]:
    """The gradient in balls of the lowest precision, shape (P,); for `Subject.once`.

    Raises:
        ProgramError: there is none: on a kink, or a function is undefined.
    """
    with balls.precision(balls.PRECISIONS[0]):
        return BallProgram.of(subject.program).gradient(around(subject.values))


class Lines:
    """Derivatives along lines through a point: exact where rational, else in balls.

    Args:
        program: The loss.
        point: The point.
    """

    def __init__(self, program: Program, point: FlatPoint) -> None:
        self.program = program
        self.point = point
        try:
            self.exact: Evaluator[Entries] | None = exact_program(program)
        except ProgramError:  # a function of constants that is not rational
            self.exact = None

    def negative_slope(self, direction: FlatPoint) -> Fraction | None:
        """The one-sided derivative along a direction, rounded, if it is proved to be negative.

        Raises:
            ProgramError: it is not known on which side of a kink the line goes on.
        """
        if self.exact is not None:
            try:
                ends = (entries(map(rational, v)) for v in (self.point, direction))
                found = along(self.exact, *ends, order=1).first
            except ProgramError:
                self.exact = None
            else:
                slope = fmpq(0) if found is None else cast("fmpq", found[()])
                return fraction(slope) if slope < 0 else None
        for bits in (balls.PRECISIONS[0], balls.PRECISIONS[-1]):
            with balls.precision(bits):
                first = self._in_balls(direction, 1).first
                value = arb(0) if first is None else cast("arb", first[()])
                if balls.sign(value) == -1:
                    return fraction(balls.midpoint(value))
        return None

    def negative_curvature(self, direction: FlatPoint) -> Fraction | None:
        """The second derivative, rounded, if it exists around here and is proved to be negative."""
        with balls.precision(balls.PRECISIONS[1]):
            try:
                if not BallProgram.of(self.program).is_smooth(around(self.point)):
                    return None
                second = self._in_balls(direction, 2).second
            except ProgramError:
                return None
            value = arb(0) if second is None else cast("arb", second[()])
            return fraction(balls.midpoint(value)) if balls.sign(value) == -1 else None

    def _in_balls(self, direction: FlatPoint, order: int) -> Line[Entries]:
        return along(
            BallProgram.of(self.program).evaluator,
            entries(around(self.point)),
            entries(around(direction)),
            order=order,
        )
