"""Floats for the logistic loss: they propose supports and coefficients, and prove nothing."""

# SciPy's annotations are partial.
# pyright: basic

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from flint import fmpq
from scipy.optimize import linprog
from scipy.special import expit

from spurious.exact.rationals import Vector, nearest_float

Floats = npt.NDArray[np.float64]

TOLERANCES: Final = (1e-7, 1e-5, 1e-10, 1e-3)
"""Shares of the largest coefficient above which a coefficient counts as positive."""

ENTERS: Final = 1e-10
"""Slope, for columns of length 1, from which on a generator enters."""

POSITIVE: Final = 1e-9
"""Smaller coefficients of a linear program, for columns of length 1, are taken for 0."""

FAR: Final = 1e6
"""A coefficient beyond this is on its way to infinity."""


def _floats(values: Sequence[fmpq]) -> Floats:
    return np.array([nearest_float(v) for v in values])


def supports(
    generators: Sequence[Vector], positive: Sequence[fmpq], negative: Sequence[fmpq]
) -> list[tuple[int, ...]]:
    """Supports of the minimiser on a cone, as positions of generators, most likely first.

    An active-set method as in C. L. Lawson and R. J. Hanson (1974), chapter 23, with Newton steps
    that stop where a coefficient reaches 0.

    Args:
        generators: Generators of the cell, each of shape (n,).
        positive: Labels 1 at each point, shape (n,).
        negative: Labels -1.
    """
    if not generators:
        return [()]
    columns = np.array([_floats(g) for g in generators]).T
    columns /= np.linalg.norm(columns, axis=0)
    plus, minus = _floats(positive), _floats(negative)
    size, count = columns.shape
    inside: list[int] = []
    value = np.zeros(count)
    constant = float(np.log(plus.sum() / minus.sum()))

    def slopes() -> Floats:
        f = columns @ value + constant
        return minus * expit(f) - plus * expit(-f)

    for _ in range(20 * count + 20):
        _settle(columns, plus, minus, inside, value, constant_box := [constant])
        constant = constant_box[0]
        pull = columns.T @ slopes()
        pull[inside] = 0.0
        entering = int(pull.argmin())
        if pull[entering] >= -ENTERS or len(inside) >= size:
            break
        inside.append(entering)
    largest = float(value.max(initial=0.0))
    found = [
        tuple(sorted(int(p) for p in inside if value[p] > tolerance * largest))
        for tolerance in TOLERANCES
    ]
    return list(dict.fromkeys([*found, ()]))


def _settle(
    columns: Floats,
    plus: Floats,
    minus: Floats,
    inside: list[int],
    value: Floats,
    constant: list[float],
) -> None:
    """Minimises over the coefficients inside and the constant, in place; those at 0 leave."""
    for _ in range(500):
        design = np.hstack([columns[:, inside], np.ones((len(columns), 1))])
        at = np.append(value[inside], constant[0])
        f = design @ at
        gradient, hessian = _derivatives(design, plus, minus, f)
        step = -np.linalg.lstsq(hessian + 1e-15 * np.eye(len(at)), gradient, rcond=None)[0]
        reach = np.inf
        for p in range(len(inside)):
            if step[p] < 0:
                reach = min(reach, at[p] / -step[p])
        share = min(1.0, reach)
        here = _loss(plus, minus, f)
        while share > 1e-12:
            if _loss(plus, minus, design @ (at + share * step)) <= here:
                break
            share /= 2
        at = at + share * step
        value[inside] = np.maximum(at[:-1], 0.0)
        constant[0] = float(at[-1])
        if share == reach:
            leaving = [p for p in inside if value[p] <= 1e-14 * (1 + value.max())]
            value[leaving] = 0.0
            inside[:] = [p for p in inside if p not in leaving]
        elif np.abs(step).max() < 1e-13 * (1 + np.abs(at).max()):
            return


def _loss(plus: Floats, minus: Floats, f: Floats) -> float:
    """The loss of outputs f, shape (n,)."""
    return float(plus @ np.logaddexp(0, -f) + minus @ np.logaddexp(0, f))


def _derivatives(design: Floats, plus: Floats, minus: Floats, f: Floats) -> tuple[Floats, Floats]:
    """Gradient and Hessian by the coefficients of a matrix's columns, whose outputs are f."""
    bends = (plus + minus) * expit(f) * expit(-f)
    return design.T @ (minus * expit(f) - plus * expit(-f)), design.T @ (bends[:, None] * design)


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

    def loss(at: Floats) -> float:
        return _loss(plus, minus, matrix @ at)

    at = np.zeros(matrix.shape[1])
    for _ in range(200):
        gradient, hessian = _derivatives(matrix, plus, minus, matrix @ at)
        step = np.linalg.solve(hessian + 1e-14 * np.eye(len(at)), gradient)
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
        columns: Each of shape (n,), not zero.
        needed: Which coefficients must be positive.
        target: Shape (n,), not zero.

    Returns:
        The coefficients, those that are almost 0 set to 0; or None if floats find none that are
        positive where needed.
    """
    count = len(columns)
    if not count:
        return None
    matrix = np.array([_floats(column) for column in columns]).T
    lengths = np.linalg.norm(matrix, axis=0)
    aim = _floats(target)
    size = np.linalg.norm(aim)
    if not 0 < size < np.inf:
        return None  # too small or too large for floats
    wanted = np.array(needed, dtype=float)
    program = linprog(
        c=[*([0.0] * count), -1.0],
        A_ub=np.hstack([-np.diag(wanted), wanted[:, None]]),
        b_ub=np.zeros(count),
        A_eq=np.hstack([matrix / lengths, np.zeros((len(matrix), 1))]),
        b_eq=aim / size,
        bounds=[(0, None)] * count + [(0, 1)],
    )
    if program.x is None or program.status != 0 or program.x[-1] < POSITIVE:
        return None
    found = np.where(program.x[:-1] < POSITIVE, 0.0, program.x[:-1])
    return [float(v) for v in found * size / lengths]


def functional(above: Sequence[Sequence[fmpq]], below: Sequence[fmpq]) -> list[float] | None:
    """Weights z in [-1, 1] with z.row positive for all rows above, and z.below negative.

    Args:
        above: Rows of shape (b,); each is scaled to length 1.
        below: Shape (b,).

    Returns:
        Shape (b,), with the smallest of these numbers as far from 0 as possible, or None.
    """
    count = len(below)
    if not count:
        return None
    rows = np.array([*(_floats(row) for row in above), -_floats(below)])
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-300)
    program = linprog(
        c=[*([0.0] * count), -1.0],
        A_ub=np.hstack([-rows, np.ones((len(rows), 1))]),
        b_ub=np.zeros(len(rows)),
        bounds=[(-1, 1)] * count + [(0, 1)],
    )
    if program.x is None or program.status != 0 or program.x[-1] < 1e-9:
        return None
    return [float(z) for z in program.x[:-1]]
