"""Floats for the logistic loss: they propose supports and coefficients, and prove nothing."""

# SciPy's annotations are partial.
# pyright: basic

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from flint import fmpq
from scipy.optimize import linprog, minimize, nnls
from scipy.special import expit

from spurious.exact.rationals import Vector, nearest_float

__all__ = ["inner_point", "newton", "supports"]

TOLERANCES: Final = (1e-4, 1e-6, 1e-3, 1e-8)
"""Shares of the largest coefficient above which a coefficient counts as positive."""

NOTHING: Final = 1e-7
"""Coefficients all below this are none."""

FAR: Final = 1e6
"""A coefficient beyond this is on its way to infinity."""


def _floats(values: Sequence[fmpq]) -> npt.NDArray[np.float64]:
    return np.array([nearest_float(v) for v in values])


def supports(
    generators: Sequence[Vector], positive: Sequence[fmpq], negative: Sequence[fmpq]
) -> list[tuple[int, ...]]:
    """Supports that a bounded descent suggests, as positions of generators, most likely first.

    Args:
        generators: Of the cell, each of shape (n,).
        positive: Labels 1 at each point, shape (n,).
        negative: Labels -1.
    """
    if not generators:
        return [()]
    columns = np.array([_floats(g) for g in generators]).T
    columns /= np.linalg.norm(columns, axis=0)
    plus, minus = _floats(positive), _floats(negative)
    design = np.hstack([columns, np.ones((len(columns), 1))])

    def loss(at: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        f = design @ at
        value = plus @ np.logaddexp(0, -f) + minus @ np.logaddexp(0, f)
        return float(value), design.T @ (minus * expit(f) - plus * expit(-f))

    count = columns.shape[1]
    end = minimize(
        loss,
        np.zeros(count + 1),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0, None)] * count + [(None, None)],
        options={"maxiter": 5000, "ftol": 1e-15, "gtol": 1e-11},
    )
    sparse = nnls(columns, columns @ end.x[:-1])[0]
    found: list[tuple[int, ...]] = []
    for values in (sparse, end.x[:-1]):
        largest = float(values.max())
        for tolerance in TOLERANCES if largest > NOTHING else ():
            found.append(tuple(int(p) for p in np.flatnonzero(values > tolerance * largest)))
    return list(dict.fromkeys([*found, ()]))


def newton(
    design: Sequence[Sequence[fmpq]], positive: Sequence[fmpq], negative: Sequence[fmpq]
) -> list[float] | None:
    """The minimiser on the span of a matrix's columns, by damped Newton steps.

    Args:
        design: Shape (n, k), of rank k.
        positive: Labels 1 at each point, shape (n,).
        negative: Labels -1.

    Returns:
        Shape (k,), or None if it runs off to infinity.
    """
    matrix = np.array([_floats(row) for row in design])
    scale = np.linalg.norm(matrix, axis=0)
    matrix = matrix / scale
    plus, minus = _floats(positive), _floats(negative)

    def loss(at: npt.NDArray[np.float64]) -> float:
        f = matrix @ at
        return float(plus @ np.logaddexp(0, -f) + minus @ np.logaddexp(0, f))

    at = np.zeros(matrix.shape[1])
    for _ in range(200):
        f = matrix @ at
        gradient = matrix.T @ (minus * expit(f) - plus * expit(-f))
        bends = (plus + minus) * expit(f) * expit(-f)
        hessian = matrix.T @ (bends[:, None] * matrix) + 1e-14 * np.eye(len(at))
        step = np.linalg.solve(hessian, gradient)
        if not np.isfinite(step).all() or np.abs(at).max() > FAR:
            return None
        size = 1.0
        while size > 1e-10 and loss(at - size * step) > loss(at) + 1e-15:
            size /= 2
        at = at - size * step
        if np.abs(step).max() < 1e-13 * (1 + np.abs(at).max()):
            break
    return [float(v) for v in at / scale]


def inner_point(
    columns: Sequence[Vector], needed: Sequence[bool], target: Sequence[fmpq]
) -> list[float] | None:
    """Coefficients t >= 0 with sum t_k column_k = target, those needed as large as possible.

    Args:
        columns: Each of shape (n,).
        needed: Which coefficients must be positive.
        target: Shape (n,).

    Returns:
        The coefficients, or None if floats find none that are positive where needed.
    """
    count = len(columns)
    if not count:
        return None
    matrix = np.array([_floats(column) for column in columns]).T
    wanted = np.array(needed, dtype=float)
    program = linprog(
        c=[*([0.0] * count), -1.0],
        A_ub=np.hstack([-np.diag(wanted), wanted[:, None]]),
        b_ub=np.zeros(count),
        A_eq=np.hstack([matrix, np.zeros((len(matrix), 1))]),
        b_eq=_floats(target),
        bounds=[(0, None)] * count + [(0, 1)],
    )
    if program.x is None or program.status != 0 or program.x[-1] < 1e-9:
        return None
    return [float(v) for v in program.x[:-1]]
