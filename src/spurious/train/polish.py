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


@njit
def _norm(vector: Floats) -> float:
    return np.sqrt((vector * vector).sum())


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
    inverse = np.eye(size)
    loss = loss_and_gradient(at, gradient, net, work)
    steps, marked = 0, 0
    milestone, before = PATIENCE, loss
    fresh = True
    for step in range(limit):
        norm = _norm(gradient)
        while marked < len(MARKS) and norm < MARKS[marked] * (1 + abs(loss)):
            marks[marked] = at
            marked += 1
        if not norm > GRADIENT * (1 + abs(loss)):
            break
        _apply(inverse, gradient, direction)
        direction *= -1.0
        slope = (direction * gradient).sum()
        if not (slope < 0.0 and _norm(direction) > 0.0):  # whose squares may be too small
            if fresh:
                break
            inverse[:] = np.eye(size)
            direction[:] = -gradient
            slope = -norm * norm
            fresh = True
        longest = TRUST * (1 + _norm(at)) / _norm(direction)
        low, high, length = 0.0, np.inf, min(1.0, longest)
        found = False
        value = loss
        for _ in range(60):
            trial[:] = at + length * direction
            value = loss_and_gradient(trial, other, net, work)
            if not value <= loss + 1e-4 * length * slope:
                high = length
            elif (other * direction).sum() < 0.5 * slope and length < longest:
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
            inverse[:] = np.eye(size)
            fresh = True
            continue
        if not value <= loss:
            trial[:] = at + low * direction
            value = loss_and_gradient(trial, other, net, work)
        change[:] = trial - at
        other -= gradient
        curvature, square = (change * other).sum(), (other * other).sum()
        at[:] = trial
        gradient += other
        loss = value
        steps = step + 1
        if steps == milestone:
            if before - loss < GAIN * (1 + abs(loss)):
                break
            milestone, before = steps + PATIENCE, loss
        if curvature > 0.0 and square > 0.0:
            if fresh:
                inverse *= curvature / square
            _apply(inverse, other, product)
            factor = (1 + (other * product).sum() / curvature) / curvature
            for i in range(size):
                for j in range(size):
                    inverse[i, j] += (
                        factor * change[i] * change[j]
                        - (change[i] * product[j] + product[i] * change[j]) / curvature
                    )
            fresh = False
    marks[marked:] = at
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
            out[row, i] = (ahead - behind) / (2 * step)


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
