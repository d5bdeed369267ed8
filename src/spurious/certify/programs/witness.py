"""Looks for parameters with a smaller loss, in floats; what is found is compared in balls."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from spurious.certify.arithmetics import FloatProgram, loss_at
from spurious.exact import balls
from spurious.problem.program_problem import FlatPoint
from spurious.program import Program, ProgramError
from spurious.verdict import Enclosure

__all__ = ["better_point"]

STARTS = 24
"""Random starts before the search gives up."""

STEPS = 500
"""Quasi-Newton steps from each start."""

DIGITS = (3, 6, 17)
"""A witness is given with as few significant digits as still prove it better."""


def better_point(program: Program, loss: Enclosure) -> tuple[FlatPoint, Enclosure] | None:
    """A point with a provably smaller loss, and its loss; None if the search finds none.

    L-BFGS from normally distributed starts of several sizes. Always the same starts.

    Args:
        program: The loss.
        loss: The loss to beat.
    """
    from scipy.optimize import minimize  # heavy, so imported where used

    floats = FloatProgram(program)
    target = float(loss.lower)
    rng = np.random.Generator(np.random.Philox(key=1))
    with np.errstate(all="ignore"):
        for _ in range(STARTS):
            start = rng.normal(size=program.parameter_count) * 2 ** rng.uniform(-1, 2)
            end = minimize(
                floats.loss_and_gradient,
                start,
                jac=True,
                method="L-BFGS-B",
                options={"maxiter": STEPS},
            ).x
            if floats.loss_and_gradient(end)[0] < target - 1e-9 * max(1.0, abs(target)):
                found = _shortest(program, end.tolist(), loss)
                if found is not None:
                    return found
    return None


def _shortest(
    program: Program, values: list[float], loss: Enclosure
) -> tuple[FlatPoint, Enclosure] | None:
    if not all(abs(value) < 1e30 for value in values):
        return None
    for digits in DIGITS:
        point = tuple(balls.rounded(Fraction(value), digits) for value in values)
        try:
            found = loss_at(program, point)
        except ProgramError:
            continue
        if found.upper < loss.lower:
            return point, found
    return None
