"""Where a local minimisation of our own ends, in many digits, started at a certificate's centre."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from fuzzing import exact, precise
from fuzzing.case import Case, Vector, groups
from fuzzing.floats import hessian, surface
from fuzzing.probe import near

DIGITS = 80

CLOSE = Fraction(1, 10**5)
"""Kinks within this are too close for differences in floats."""

FAINT = 1_000_000
"""Bits after the point beyond which a number counts as 0."""


@dataclass(frozen=True)
class Settled:
    """What the minimisation came to.

    Attributes:
        point: Its end.
        converged: Whether the gradient vanishes there.
        first_step: The largest entry of Newton's first step.
        eigenvalues: Of the Hessian at the start, in the directions that it may move in, ascending.
    """

    point: Vector
    converged: bool
    first_step: Fraction
    eigenvalues: tuple[float, ...]

    @property
    def saddle(self) -> bool:
        """Whether one of them is markedly negative."""
        return self.eigenvalues[0] < -1e-4 * self.eigenvalues[-1]


def settle(case: Case) -> Settled | None:
    """Newton's method from the case's point; None where it cannot be set up.

    Units that are exactly on a kink are kept there (one hidden layer); the Hessian is taken once,
    and directions in which it vanishes are left alone.
    """
    basis = _basis(case)
    if basis is None or not basis:
        return None
    ctx = precise.context(DIGITS)
    point = [precise.real(ctx, v) for v in case.point]
    chart = np.array([[float(v) for v in row] for row in basis])
    rows = [[precise.real(ctx, v) for v in row] for row in basis]
    free = len(basis) == len(case.point) and not (case.bent and near(case) < CLOSE)
    curvature = _hessian(case) if free else _slow_hessian(case, ctx, point, rows)
    if curvature is None or not np.isfinite(curvature).all():
        return None
    back = np.linalg.pinv(curvature, rcond=1e-11, hermitian=True)
    values = np.linalg.eigvalsh(curvature)
    first, converged = Fraction(0), False
    for turn in range(14):
        slopes = precise.gradient(case, ctx, point)
        g = [ctx.fdot((a, b[0]) for a, b in zip(row, slopes, strict=True)) for row in rows]
        size = max(s for _, s in slopes) or ctx.one
        largest = max(abs(v) for v in g)
        if largest <= size * ctx.mpf(10) ** -50:
            converged = True
            break
        move = -(back @ np.array([float(v / largest) for v in g])) @ chart
        if not np.isfinite(move).all():
            return None
        steps = [largest * float(m) for m in move]
        if turn == 0:
            first = max(abs(rational(s)) for s in steps)
        point = [v + s for v, s in zip(point, steps, strict=True)]
    return Settled(tuple(rational(v) for v in point), converged, first, tuple(values))


def on_kinks(case: Case, slack: Fraction) -> Case | None:
    """The closest point with units exactly on the kinks that they are next to.

    Args:
        case: One hidden layer, if any unit is next to a kink; else None is returned.
        slack: How far a unit may be from a kink, for inputs of size 1.
    """
    hidden = exact.preactivations(case, case.point) if case.bent else []
    inputs, point = case.widths[0], list(case.point)
    for rows in hidden:
        for j in range(len(rows[0])):
            held = [
                (*case.x[g[0]], Fraction(1))
                for g in groups(case)
                if abs(rows[g[0]][j]) <= slack * (1 + sum(map(abs, case.x[g[0]])))
            ]
            if held and len(hidden) > 1:
                return None
            at = [*range(j * inputs, (j + 1) * inputs), case.widths[1] * inputs + j]
            for shift, row in zip(_multipliers(held, [point[p] for p in at]), held, strict=True):
                for p, entry in zip(at, row, strict=True):
                    point[p] -= shift * entry
    return case.at(tuple(point))


def _multipliers(held: Sequence[Vector], values: Sequence[Fraction]) -> list[Fraction]:
    """How often each row is to be taken away, so that the values are orthogonal to all."""
    if not held:
        return []
    products = [
        [
            sum((a * b for a, b in zip(row, other, strict=True)), Fraction(0))
            for other in (*held, values)
        ]
        for row in held
    ]
    found = null_space([[*row[:-1], -row[-1]] for row in products], len(held) + 1)
    return list(found[-1][:-1])


def rational(value: Any) -> Fraction:
    """An mpmath number, exactly; 0 for one below 2^-FAINT, too small to write down."""
    sign, mantissa, power, bits = value._mpf_
    if power + bits < -FAINT:
        return Fraction(0)
    whole = int(-mantissa if sign else mantissa)
    return Fraction(whole * 2**power) if power >= 0 else Fraction(whole, 2**-power)


def _hessian(case: Case) -> Any:
    try:
        return hessian(surface(case), np.array([float(v) for v in case.point]))
    except OverflowError:
        return None


def _slow_hessian(case: Case, ctx: Any, point: list[Any], rows: list[list[Any]]) -> Any:
    tiny = ctx.mpf(10) ** -30
    columns = []
    for row in rows:
        ends = [
            precise.gradient(case, ctx, [v + s * tiny * u for v, u in zip(point, row, strict=True)])
            for s in (1, -1)
        ]
        columns.append(
            [
                float(
                    ctx.fsum(r * (a[0] - b[0]) for r, a, b in zip(other, *ends, strict=True))
                    / (2 * tiny)
                )
                for other in rows
            ]
        )
    return (np.array(columns) + np.array(columns).T) / 2


def _basis(case: Case) -> list[Vector] | None:
    """Directions that keep units on the kinks they are on: all, if there are none."""
    size = len(case.point)
    everything = [tuple(Fraction(k == j) for k in range(size)) for j in range(size)]
    if not case.bent:
        return everything
    hidden = exact.preactivations(case, case.point)
    if not any(z == 0 for rows in hidden for row in rows for z in row):
        return everything
    if len(hidden) > 1:
        return None
    inputs, found = case.widths[0], []
    count = case.widths[1]
    for j in range(count):
        held = [(*case.x[g[0]], Fraction(1)) for g in groups(case) if hidden[0][g[0]][j] == 0]
        for vector in null_space(held, inputs + 1):
            row = [Fraction(0)] * size
            row[j * inputs : (j + 1) * inputs] = vector[:-1]
            row[count * inputs + j] = vector[-1]
            found.append(tuple(row))
    return [*found, everything[-1]]


def null_space(rows: Sequence[Sequence[Fraction]], columns: int) -> list[Vector]:
    """A basis of the vectors orthogonal to all rows."""
    work, pivots = [list(row) for row in rows], []
    for column in range(columns):
        at = len(pivots)
        pick = next((i for i in range(at, len(work)) if work[i][column]), None)
        if pick is None:
            continue
        work[at], work[pick] = work[pick], work[at]
        work[at] = [v / work[at][column] for v in work[at]]
        for i in range(len(work)):
            if i != at and work[i][column]:
                work[i] = [a - work[i][column] * b for a, b in zip(work[i], work[at], strict=True)]
        pivots.append(column)
    found = []
    for column in range(columns):
        if column not in pivots:
            vector = [Fraction(k == column) for k in range(columns)]
            for row, pivot in zip(work, pivots, strict=False):
                vector[pivot] = -row[column]
            found.append(tuple(vector))
    return found
