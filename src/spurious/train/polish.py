"""Polishing: follows unsolved runs downhill, in double precision, to where descent ends.

BFGS with a weak Wolfe line search, which also converges on functions with kinks. Steps are limited
to a fraction of the point's size, so that it stays in the basin where training left it.

Source: Lewis & Overton, "Nonsmooth optimization via quasi-Newton methods", Math. Programming 141
(2013), 135-163.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import njit

from spurious.train.compiled import compiled
from spurious.train.recipe import Recipe
from spurious.train.runs import Cancelled
from spurious.train.scalar import Model, loss_and_gradient, model

__all__ = ["Polished", "hessians", "polish"]

Floats = npt.NDArray[np.float64]

ITERATIONS: Final = 2000
"""Most steps of a descent."""

GRADIENT: Final = 1e-12
"""A descent ends when the gradient's norm is below this times 1 + the loss."""

MARKS: Final = (1e-5, 1e-7)
"""Where a descent passes when its gradient is first below these times 1 + the loss is kept."""

PATIENCE: Final = 40
"""A descent also ends when so many steps lower the loss by less than `GAIN` of 1 + the loss."""

GAIN: Final = 1e-14

TRUST: Final = 0.25
"""Longest step, as a share of 1 + the parameters' norm."""

CHUNK: Final = 64
"""Networks that a thread polishes between two looks at whether to stop."""


@dataclass(frozen=True, slots=True, eq=False)
class Polished:
    """Where descents ended; one row for each network.

    Attributes:
        parameters: Shape (N, P).
        loss: The loss there.
        gradient_norm: Euclidean norm of the gradient there, shape (N,).
        marks: The parameters where the gradient first fell below `MARKS`, shape (N, 2, P); the end
            where it never did.
        steps: How many steps were made.
    """

    parameters: Floats
    loss: Floats
    gradient_norm: Floats
    marks: Floats
    steps: npt.NDArray[np.int64]


def polish(
    recipe: Recipe,
    parameters: npt.NDArray[Any],
    *,
    threads: int = 1,
    cancelled: Callable[[], bool] = lambda: False,
) -> Polished:
    """Descends from every row of parameters, shape (N, P).

    Raises:
        Cancelled: `cancelled` said so.
    """
    at = np.array(parameters, dtype=np.float64)
    marks = np.zeros((len(at), len(MARKS), at.shape[1]))
    found = np.zeros((len(at), 2))
    steps = np.zeros(len(at), np.int64)
    net = model(recipe)

    def work(start: int) -> None:
        if cancelled():
            raise Cancelled("polishing was cancelled")
        part = slice(start, start + CHUNK)
        descend_all(at[part], marks[part], found[part], steps[part], net, ITERATIONS)

    starts = range(0, len(at), CHUNK)
    if threads == 1:
        for start in starts:
            work(start)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, starts))
    return Polished(at, found[:, 0], found[:, 1], marks, steps)


# Loops, not expressions of arrays: for each of those Numba compiles for seconds what would tell of
# shapes that do not fit.


@njit
def _dot(one: Floats, other: Floats) -> float:
    total = 0.0
    for i in range(one.size):
        total += one[i] * other[i]
    return total


@njit
def _norm(vector: Floats) -> float:
    return np.sqrt(_dot(vector, vector))


@njit
def _copy(vector: Floats, out: Floats) -> None:
    for i in range(vector.size):
        out[i] = vector[i]


@njit
def _move(at: Floats, length: float, direction: Floats, out: Floats) -> None:
    """Out = at + length direction."""
    for i in range(at.size):
        out[i] = at[i] + length * direction[i]


@njit
def _subtract(one: Floats, other: Floats, out: Floats) -> None:
    """Out = one - other."""
    for i in range(one.size):
        out[i] = one[i] - other[i]


@njit
def _negate(vector: Floats, out: Floats) -> None:
    """Out = -vector."""
    for i in range(vector.size):
        out[i] = -vector[i]


@njit
def _reset(inverse: Floats) -> None:
    """Makes it the identity."""
    for i in range(inverse.shape[0]):
        for j in range(inverse.shape[1]):
            inverse[i, j] = 1.0 if i == j else 0.0


@njit
def _scale(matrix: Floats, factor: float) -> None:
    for i in range(matrix.shape[0]):
        for j in range(matrix.shape[1]):
            matrix[i, j] *= factor


@njit
def _apply(matrix: Floats, vector: Floats, out: Floats) -> None:
    """Out = matrix vector."""
    for i in range(vector.size):
        total = 0.0
        for j in range(vector.size):
            total += matrix[i, j] * vector[j]
        out[i] = total


@njit
def _descend(at: Floats, marks: Floats, net: Model, limit: int) -> tuple[float, float, int]:
    """One descent, in place; returns the loss, the gradient's norm and the number of steps."""
    size = at.size
    work = np.empty((3, net.units + net.outputs))
    gradient, other = np.empty(size), np.empty(size)
    direction, trial, change, product = (
        np.empty(size),
        np.empty(size),
        np.empty(size),
        np.empty(size),
    )
    inverse = np.empty((size, size))
    _reset(inverse)
    loss = loss_and_gradient(at, gradient, net, work)
    steps, marked = 0, 0
    milestone, before = PATIENCE, loss
    fresh = True
    for step in range(limit):
        norm = _norm(gradient)
        while marked < len(MARKS) and norm < MARKS[marked] * (1 + abs(loss)):
            _copy(at, marks[marked])
            marked += 1
        if not norm > GRADIENT * (1 + abs(loss)):
            break
        _apply(inverse, gradient, direction)
        _negate(direction, direction)
        slope = _dot(direction, gradient)
        if not (slope < 0.0 and _norm(direction) > 0.0):  # whose squares may be too small
            if fresh:
                break
            _reset(inverse)
            _negate(gradient, direction)
            slope = -norm * norm
            fresh = True
        longest = TRUST * (1 + _norm(at)) / _norm(direction)
        low, high, length = 0.0, np.inf, min(1.0, longest)
        found = False
        value = loss
        for _ in range(60):
            _move(at, length, direction, trial)
            value = loss_and_gradient(trial, other, net, work)
            if not value <= loss + 1e-4 * length * slope:
                high = length
            elif _dot(other, direction) < 0.5 * slope and length < longest:
                low = length
                found = True
            else:
                found = True
                break
            length = 0.5 * (low + high) if high < np.inf else min(2 * length, longest)
            if high - low < 1e-14 * high:
                break
        if not found:
            if fresh:
                break
            _reset(inverse)
            fresh = True
            continue
        if not value <= loss:
            _move(at, low, direction, trial)
            value = loss_and_gradient(trial, other, net, work)
        _subtract(trial, at, change)
        _subtract(other, gradient, other)
        curvature, square = _dot(change, other), _dot(other, other)
        _copy(trial, at)
        _move(gradient, 1.0, other, gradient)
        loss = value
        steps = step + 1
        if steps == milestone:
            if before - loss < GAIN * (1 + abs(loss)):
                break
            milestone, before = steps + PATIENCE, loss
        if curvature > 0.0 and square > 0.0:
            if fresh:
                _scale(inverse, curvature / square)
            _apply(inverse, other, product)
            factor = (1 + _dot(other, product) / curvature) / curvature
            for i in range(size):
                for j in range(size):
                    inverse[i, j] += (
                        factor * change[i] * change[j]
                        - (change[i] * product[j] + product[i] * change[j]) / curvature
                    )
            fresh = False
    for mark in range(marked, len(MARKS)):
        _copy(at, marks[mark])
    return loss, _norm(gradient), steps


@compiled
def hessians(at: Floats, out: Floats, net: Model) -> None:
    """Writes the Hessian at each row of parameters (N, P), by central differences of the gradient.

    Args:
        at: Parameters; changed and put back.
        out: Shape (N, P, P).
        net: The model.
    """
    size = at.shape[1]
    work = np.empty((3, net.units + net.outputs))
    ahead, behind = np.empty(size), np.empty(size)
    for row in range(at.shape[0]):
        for i in range(size):
            centre = at[row, i]
            step = 1e-5 * (1 + abs(centre))
            at[row, i] = centre + step
            loss_and_gradient(at[row], ahead, net, work)
            at[row, i] = centre - step
            loss_and_gradient(at[row], behind, net, work)
            at[row, i] = centre
            for j in range(size):
                out[row, i, j] = (ahead[j] - behind[j]) / (2 * step)


@compiled
def descend_all(
    at: Floats,
    marks: Floats,
    found: Floats,
    steps: npt.NDArray[np.int64],
    net: Model,
    limit: int,
) -> None:
    for i in range(at.shape[0]):
        found[i, 0], found[i, 1], steps[i] = _descend(at[i], marks[i], net, limit)
