"""Limited memory BFGS in float64, for proposals only: nothing here proves anything.

SciPy has one too, but takes longer to import than most questions take to answer. The line search
asks for the weak Wolfe conditions by bisection, which suits kinks as well.

Source: J. Nocedal and S. J. Wright, Numerical Optimization, algorithm 7.4; A. S. Lewis and
M. L. Overton, Nonsmooth optimization via quasi-Newton methods, algorithm 2.6.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["minimise"]

MEMORY: Final = 10
"""How many steps the inverse Hessian is built from."""

ARMIJO, WOLFE = 1e-4, 0.9
TRIALS: Final = 30
"""Most evaluations along a line."""

STILL: Final = 1e-9
"""A descent has ended when the largest entry of the gradient is below this, or a step gains less
than this share of the loss."""

Floats = npt.NDArray[np.float64]
Function = Callable[[Floats], tuple[float, Floats]]


def minimise(function: Function, start: Floats, steps: int) -> Floats:
    """The point that a descent comes to.

    Args:
        function: The loss and its gradient, as a function of a vector.
        start: Where it starts, shape (P,).
        steps: Most steps.
    """
    here, (loss, gradient) = start, function(start)
    pairs: deque[tuple[Floats, Floats, float]] = deque(maxlen=MEMORY)
    for _ in range(steps):
        if not np.abs(gradient).max() > STILL:
            break
        direction = _direction(gradient, pairs)
        if not direction @ gradient < 0:
            direction = -gradient
            pairs.clear()
        first = 1.0 if pairs else min(1.0, 1 / float(np.abs(gradient).sum()))
        found = _search(function, here, direction, loss, float(direction @ gradient), first)
        if found is None:
            break
        there, lower, slope = found
        move, change = there - here, slope - gradient
        curvature = float(move @ change)
        if curvature > 0:
            pairs.append((move, change, curvature))
        gained = loss - lower
        here, loss, gradient = there, lower, slope
        if gained <= STILL * max(abs(loss), 1e-3):
            break
    return here


def _direction(gradient: Floats, pairs: deque[tuple[Floats, Floats, float]]) -> Floats:
    """Minus the inverse Hessian's guess times the gradient: the two-loop recursion."""
    rest = gradient.copy()
    shares: list[float] = []
    for move, change, curvature in reversed(pairs):
        share = float(move @ rest) / curvature
        rest -= share * change
        shares.append(share)
    if pairs:
        _, change, curvature = pairs[-1]
        rest *= curvature / float(change @ change)
    for (move, change, curvature), share in zip(pairs, reversed(shares), strict=True):
        rest += (share - float(change @ rest) / curvature) * move
    return -rest


def _search(
    function: Function, here: Floats, direction: Floats, loss: float, slope: float, first: float
) -> tuple[Floats, float, Floats] | None:
    """A point along a direction that meets the weak Wolfe conditions, or a lower one; or None."""
    low, high, size = 0.0, np.inf, first
    best: tuple[Floats, float, Floats] | None = None
    for _ in range(TRIALS):
        there = here + size * direction
        value, gradient = function(there)
        if not value < loss + ARMIJO * size * slope:  # too high, or not a number
            high = size
        else:
            best = there, value, gradient
            if float(gradient @ direction) >= WOLFE * slope:
                break
            low = size
        size = (low + high) / 2 if high < np.inf else 2 * size
    return best
