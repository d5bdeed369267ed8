"""Newton's method to full precision: a critical point near a given one. Not rigorous: proposals."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from spurious.certify.arithmetics import (
    BallProgram,
    FloatProgram,
    Floats,
    around,
    rational_gradient,
)
from spurious.certify.subject import Subject, distance, nearby_limit
from spurious.exact import balls
from spurious.exact.rationals import nearest_float
from spurious.problem import FlatPoint
from spurious.program import Program, ProgramError
from spurious.proof import Undecided

CENTRE_DECIMALS = 30
"""The centre of a box is rounded to this many decimals."""

FLOAT_STEPS = 50
"""Newton steps in floats."""

STEPS = 40
"""Steps that refine the end of these, with its Hessian."""

DONE = Fraction(1, 10**38)
"""Smaller steps end the refinement."""

PATIENCE = 0.5
"""Each refining step has to be smaller than the one before by this factor."""


@dataclass(frozen=True, slots=True)
class Critical:
    """A point with a tiny gradient.

    Attributes:
        centre: The point, shape (P,).
        eigenvalues: Of the Hessian there, ascending, in floats.
        hessian: The Hessian there, in floats, shape (P, P).
    """

    centre: FlatPoint
    eigenvalues: Floats
    hessian: Floats


def is_critical(subject: Subject) -> bool:
    """Whether the gradient is rational and exactly zero; for `Subject.once`."""
    try:
        return not any(rational_gradient(subject.program, subject.values))
    except ProgramError:
        return False


def nearest_critical(subject: Subject) -> Critical | Undecided:
    """The critical point that Newton's method leads to; for `Subject.once`."""
    return critical_point(subject.program, subject.values, nearby_limit(subject.values))


def critical_point(program: Program, point: FlatPoint, limit: Fraction) -> Critical | Undecided:
    """Newton's method in floats, then refined in balls with the last Hessian.

    Args:
        program: The loss.
        point: Where to start.
        limit: How far from there no parameter may go.
    """
    start = np.array([nearest_float(value) for value in point])
    found = _in_floats(FloatProgram(program), start, nearest_float(limit))
    if isinstance(found, Undecided):
        return found
    values, curved = found
    spectrum = np.asarray(np.linalg.eigvalsh(curved), dtype=np.float64)
    with balls.precision(balls.PRECISIONS[1]):
        centre = _refined(program, values, curved)
    if isinstance(centre, Undecided):
        return centre
    if distance(centre, point) > limit:
        return Undecided("Newton's method left the neighbourhood of the point")
    return Critical(centre, spectrum, curved)


def _in_floats(
    program: FloatProgram, start: Floats, limit: float
) -> tuple[Floats, Floats] | Undecided:
    values, last = start, float("inf")
    for _ in range(FLOAT_STEPS):
        with np.errstate(all="ignore"):
            _, gradient = program.loss_and_gradient(values)
            curved = program.hessian(values)
        curved = (curved + curved.T) / 2
        if not (np.isfinite(gradient).all() and np.isfinite(curved).all()):
            return Undecided("the loss or a derivative is not finite in floats")
        try:
            step = np.linalg.solve(curved, gradient)
        except np.linalg.LinAlgError:
            return Undecided("the Hessian is singular: the critical point is not isolated")
        size = float(np.abs(step).max())
        if not float(np.abs(values - step - start).max()) <= limit:
            return Undecided("Newton's method left the neighbourhood of the point")
        scale = 1 + float(np.abs(values).max())
        if size < 1e-9 * scale and size >= PATIENCE * last:
            return values, curved
        values, last = values - step, size
        if size < 1e-13 * scale:
            return values, curved
    return Undecided("Newton's method did not converge")


def _refined(program: Program, start: Floats, curved: Floats) -> FlatPoint | Undecided:
    evaluated = BallProgram.of(program)
    inverse = np.linalg.inv(curved)
    values = [Fraction(float(value)) for value in start]
    last = float("inf")
    for _ in range(STEPS):
        try:
            gradient = evaluated.gradient(around(values))
        except ProgramError as error:
            return Undecided(f"near the critical point: {error}")
        entries = np.array([float(entry.mid()) for entry in gradient])
        step = inverse @ entries
        size = float(np.abs(step).max())
        if not size < PATIENCE * last:
            return Undecided("Newton's method did not converge to full precision")
        moved = (v - Fraction(float(s)) for v, s in zip(values, step, strict=True))
        values = [balls.round_to(value, CENTRE_DECIMALS + 10) for value in moved]
        last = size
        if size < DONE:
            return tuple(balls.round_to(value, CENTRE_DECIMALS) for value in values)
    return Undecided("Newton's method did not converge to full precision")
