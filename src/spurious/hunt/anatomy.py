# pyright: basic
"""A minimum from inside: the loss along its eigenvectors, and how it dies as points change weight.

Multiply one term of the loss by exp(t) and follow the minimum by Newton's method as t leaves 0. At
some t its smallest eigenvalue reaches 0: it meets a saddle, and both vanish (a fold).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from spurious.errors import InputError
from spurious.hunt.ascent import outputs
from spurious.hunt.request import Request
from spurious.problem import Loss, Problem, flatten

REACH: Final = 2.0
"""Distances along eigenvectors."""

SAMPLES: Final = 121

STRIDE: Final = 0.005
"""Step of t, the logarithm of one point's weight."""

FARTHEST: Final = 1.5
"""Largest t; a minimum that is there still counts as surviving."""

NEWTON: Final = 12

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Death:
    """The minimum while a point's weight is multiplied by exp(t).

    Attributes:
        t: Shape (k,), rising.
        eigenvalue: The smallest of the Hessian, (k,).
        moved: Distance of the parameters from the minimum at t = 0, (k,).
    """

    t: Floats
    eigenvalue: Floats
    moved: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Anatomy:
    """A strict local minimum from inside.

    Attributes:
        eigenvalues: Eigenvalues of the Hessian, rising, shape (P,).
        distances: Along eigenvectors, (k,).
        losses: Along each eigenvector, (P, k).
        deaths: One for each data point.
    """

    eigenvalues: Floats
    distances: Floats
    losses: Floats
    deaths: tuple[Death, ...]


def anatomy(problem: Problem) -> Anatomy:
    """Looks into a problem's point, a strict local minimum of a smooth network, in floats.

    Raises:
        InputError: The problem has no point, or cannot be hunted.
    """
    if problem.point is None:
        raise InputError("point: missing, but its anatomy is asked for")
    request = Request(problem.data.size, problem.network, problem.loss)
    x = np.array(problem.data.x, dtype=np.float64)
    y = np.array(problem.data.y, dtype=np.float64)[:, 0]
    start = np.array([float(value) for value in flatten(problem.point)])

    def loss(theta, weight):
        f = outputs(request, theta, x)
        if problem.loss is Loss.LOGISTIC:
            return jnp.sum(weight * jax.nn.softplus(-y * f))
        return jnp.sum(weight * (f - y) ** 2)

    slope, curve = jax.grad(loss), jax.jit(jax.hessian(loss))

    @jax.jit
    def settle(theta, weight):
        def body(_, t):
            return t - jnp.linalg.solve(curve(t, weight), slope(t, weight))

        theta = jax.lax.fori_loop(0, NEWTON, body, theta)
        lowest = jnp.linalg.eigvalsh(curve(theta, weight))[0]
        return theta, lowest, jnp.linalg.norm(slope(theta, weight))

    with jax.enable_x64(True):
        ones = np.ones(len(y))
        minimum = np.asarray(settle(start, ones)[0])
        values, vectors = np.linalg.eigh(np.asarray(curve(minimum, ones)))
        distances = np.linspace(-REACH, REACH, SAMPLES)
        places = minimum + distances[None, :, None] * vectors.T[:, None, :]
        losses = jax.jit(jax.vmap(jax.vmap(lambda t: loss(t, ones))))(places)

        def follow(point: int, direction: int) -> list[tuple[float, float, float]]:
            theta, found = minimum, []
            for step in range(1, round(FARTHEST / STRIDE) + 1):
                t = direction * step * STRIDE
                weights = ones.copy()
                weights[point] = np.exp(t)
                moved, lowest, gradient = map(np.asarray, settle(theta, weights))
                if not (lowest > 0 and gradient < 1e-9 and np.abs(moved - theta).max() < 1):
                    break
                theta = moved
                found.append((t, float(lowest), float(jnp.linalg.norm(theta - minimum))))
            return found

        deaths: list[Death] = []
        for point in range(len(y)):
            rows = [*follow(point, -1)[::-1], (0.0, float(values[0]), 0.0), *follow(point, 1)]
            deaths.append(Death(*np.array(rows).T))
    return Anatomy(values, distances, np.asarray(losses), tuple(deaths))
