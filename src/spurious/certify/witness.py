"""Looks for a point with a smaller loss, in floats; whatever is found is compared exactly."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

from spurious.certify.one_thread import one_thread
from spurious.certify.subject import Subject
from spurious.exact import balls
from spurious.exact.rationals import nearest_float
from spurious.problem import DenseLoss, FlatPoint, Loss
from spurious.program import ProgramError
from spurious.verdict import Enclosure

if TYPE_CHECKING:
    import numpy as np

    from spurious.certify.float_network import Array

STARTS = 24
"""Random starts before the search gives up."""

STEPS = 500
"""Quasi-Newton steps from each start."""

DIGITS = (2, 3, 4, 6, 9, 17)
"""A witness is given with as few significant digits as still prove it better."""


def better_point(subject: Subject, loss: Enclosure) -> tuple[FlatPoint, Enclosure] | None:
    """A point, shape (P,), with a provably smaller loss, and its loss; None if none is found.

    Quasi-Newton descents (L-BFGS). In dense networks from starts whose hidden units bend between
    data points, with the squared loss the last layer at its least-squares fit; in programs from
    normally distributed starts of several sizes. Always the same starts.

    Args:
        subject: Whose loss it is.
        loss: The loss to beat.
    """
    import numpy as np  # heavy, so imported where used
    from scipy.optimize import minimize

    function = _function(subject)
    target = nearest_float(loss.lower)
    rng = np.random.Generator(np.random.Philox(key=1))
    with one_thread(), np.errstate(all="ignore"):
        for _ in range(STARTS):
            if subject.is_dense:
                start = _start(subject.dense, rng)
            else:
                start = rng.normal(size=len(subject.values)) * 2 ** rng.uniform(-1, 2)
            end = minimize(
                function, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS}
            ).x
            for parameters in (start, end):
                if function(parameters)[0] < target - 1e-9 * max(1.0, abs(target)):
                    found = _shortest(subject, parameters, loss)
                    if found is not None:
                        return found
    return None


def _function(subject: Subject) -> Callable[[Array], tuple[float, Array]]:
    """Loss and gradient in floats."""
    if subject.is_dense:
        from spurious.certify.float_network import loss_function

        return loss_function(subject.dense)
    from spurious.certify.arithmetics import FloatProgram

    return FloatProgram(subject.program).loss_and_gradient


def _start(problem: DenseLoss, rng: np.random.Generator) -> Array:
    """A random start: bends between data points, then a fitted last layer for squared loss."""
    import numpy as np

    from spurious.certify.float_network import activation

    widths = problem.network.widths
    state = np.array([[nearest_float(v) for v in row] for row in problem.data.x])
    y = np.array([[nearest_float(v) for v in row] for row in problem.data.y])
    act = activation(problem.network)
    pieces: list[Array] = []
    for wide, high in pairwise(widths[:-1]):
        spread = max(1e-12, float(np.abs(state - state.mean(axis=0)).max()))
        weight = rng.normal(size=(high, wide)) * 2 ** rng.uniform(0, 3) / (spread * np.sqrt(wide))
        one, two = state[rng.integers(len(state), size=(2, high))]
        share = rng.uniform(size=(high, 1))
        bias = -(weight * (share * one + (1 - share) * two)).sum(axis=1)
        pieces.extend([weight.ravel(), bias])
        state = act(state @ weight.T + bias)[0]
    if problem.loss == Loss.SQUARED:
        root = np.sqrt([[nearest_float(w)] for w in problem.factors])
        design = np.column_stack([state, np.ones(len(state))])
        solved = np.linalg.lstsq(root * design, root * y, rcond=1e-8)[0]
        fit: Array = np.asarray(solved.T, dtype=np.float64)
        pieces.extend([fit[:, :-1].ravel(), fit[:, -1]])
    else:
        pieces.extend([rng.normal(size=widths[-2] * widths[-1]), np.zeros(widths[-1])])
    return np.concatenate(pieces)


def _shortest(
    subject: Subject, parameters: Array, loss: Enclosure
) -> tuple[FlatPoint, Enclosure] | None:
    if not all(abs(value) < 1e30 for value in parameters):
        return None
    exact = [Fraction(float(value)) for value in parameters]
    for digits in DIGITS:
        point = tuple(balls.rounded(value, digits) for value in exact)
        try:
            found = subject.loss_at(point)
        except ProgramError:  # a function is undefined there
            continue
        if found.upper < loss.lower:
            return point, found
    return None
