"""Refutations for programs: a direction along which the loss falls, or curves down.

One-sided derivatives at kinks are exact where the values are rational, else enclosed. Floats
propose directions; exact arithmetic or balls decide.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import cast

import numpy as np
from flint import arb, fmpq

from spurious.certify.arithmetics import (
    BallProgram,
    Entries,
    FloatProgram,
    Floats,
    around,
    entries,
    exact_program,
)
from spurious.certify.outcome import Undecided
from spurious.certify.programs.outcome import ProgramProof
from spurious.certify.programs.strongly_convex import texts
from spurious.exact import balls
from spurious.exact.rationals import fraction, rational
from spurious.problem.program_problem import FlatPoint
from spurious.program import (
    Evaluator,
    Line,
    Program,
    ProgramError,
    along,
)
from spurious.verdict import Decision

__all__ = ["refute"]

DIGITS = 6
"""Significant digits of a proposed direction."""

RANDOM_DIRECTIONS = 32
"""Pseudo-random directions tried where the gradient does not do."""

CURVATURE_LIMIT = 200
"""With more parameters no direction of negative curvature is looked for."""


def refute(program: Program, point: FlatPoint) -> ProgramProof | Undecided:
    """Proves that a point is no local minimum, if a direction shows it.

    Args:
        program: The loss.
        point: The point.
    """
    floats = FloatProgram(program)
    start = np.array([float(value) for value in point])
    with np.errstate(all="ignore"):
        _, gradient = floats.loss_and_gradient(start)
    lines = _Lines(program, point)
    reason = "no direction was found along which the loss provably falls"
    for direction in _directions(gradient):
        try:
            slope = lines.negative_slope(direction)
        except ProgramError as error:
            reason = str(error)
            continue
        if slope is not None:
            return ProgramProof(
                decision=Decision.NOT_LOCAL_MINIMUM,
                evidence={"rule": "descent_direction", "direction": texts(direction)},
                reason=f"the loss falls along a direction, at rate {float(slope):.3g}",
                directions=(direction,),
                slope=slope,
            )
    direction = _bent_down(floats, start)
    second = None if direction is None else lines.negative_curvature(direction)
    if direction is None or second is None:
        return Undecided(reason)
    return ProgramProof(
        decision=Decision.NOT_LOCAL_MINIMUM,
        evidence={"rule": "negative_curvature", "direction": texts(direction)},
        reason=f"the loss curves down along a line: second derivative {float(second):.3g}",
        directions=(direction,),
    )


def _directions(gradient: Floats) -> Iterator[FlatPoint]:
    """Against the gradient, then along random directions."""
    largest = float(np.abs(gradient).max())
    if 0 < largest < float("inf"):
        yield tuple(balls.rounded(Fraction(v), DIGITS) for v in (-gradient / largest).tolist())
    rng = np.random.Generator(np.random.Philox(key=0))
    for _ in range(RANDOM_DIRECTIONS):
        drawn = [balls.rounded(Fraction(v), 3) for v in rng.normal(size=len(gradient)).tolist()]
        yield tuple(drawn)
        yield tuple(-v for v in drawn)


def _bent_down(floats: FloatProgram, start: Floats) -> FlatPoint | None:
    """The eigenvector of the least eigenvalue of the Hessian, if that is negative in floats."""
    if len(start) > CURVATURE_LIMIT:
        return None
    with np.errstate(all="ignore"):
        curved = floats.hessian(start)
    if not np.isfinite(curved).all():
        return None
    values, vectors = np.linalg.eigh((curved + curved.T) / 2)
    if values[0] >= 0:
        return None
    return tuple(balls.rounded(Fraction(v), DIGITS) for v in vectors[:, 0].tolist())


class _Lines:
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
        """The one-sided derivative along a direction, if it is proved to be negative.

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
        """The second derivative, if it exists on the whole line and is proved to be negative."""
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
