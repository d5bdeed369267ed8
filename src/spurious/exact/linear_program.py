"""Exact feasibility of bounded linear systems: multipliers, or a Farkas vector.

The matrix is rational. The right-hand side and the upper bounds may be softmax numbers: pivots
only ever divide by matrix entries, reduced costs stay rational, and the ratio test needs no more
than the order of an ordered vector space over the rationals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flint import fmpq

from spurious.exact.rationals import ONE, ZERO, Vector
from spurious.exact.softmax_numbers import Exact, sign


@dataclass(frozen=True, slots=True)
class Feasible:
    """Multipliers x with A x = b and 0 <= x <= upper."""

    multipliers: tuple[Exact, ...]


@dataclass(frozen=True, slots=True)
class Infeasible:
    """A Farkas vector pi: pi.b exceeds the largest value of pi.(A x) over 0 <= x <= upper."""

    farkas: Vector


def is_feasible(
    columns: Sequence[Sequence[fmpq]],
    rhs: Sequence[fmpq],
    free: Sequence[Sequence[fmpq]] = (),
) -> bool:
    """Whether A x + F y = b has a solution with x >= 0 and any y.

    Args:
        columns: A by columns, each of shape (m,).
        rhs: b, shape (m,).
        free: F by columns.
    """
    both = [side for column in free for side in (column, [-v for v in column])]
    return isinstance(solve([*both, *columns], rhs), Feasible)


def solve(
    columns: Sequence[Sequence[fmpq]],
    rhs: Sequence[Exact],
    upper: Sequence[Exact | None] | None = None,
) -> Feasible | Infeasible:
    """Solves A x = b, 0 <= x <= upper, exactly, or proves that there is no solution.

    Phase one of the simplex method with upper bounds (G. B. Dantzig 1955) and Bland's rule (R. G.
    Bland 1977), which cannot cycle. If the least sum of artificial variables is positive, the
    simplex multipliers are a Farkas vector.

    Args:
        columns: The matrix A by columns, each of shape (m,).
        rhs: b, shape (m,).
        upper: An upper bound at least 0, or None, for each column; None if there are none.

    Raises:
        UndecidedSignError: softmax numbers that cannot be compared.
    """
    rows = len(rhs)
    count = len(columns)
    flip = [-ONE if sign(value) < 0 else ONE for value in rhs]
    table = [
        [flip[i] * columns[j][i] for j in range(count)]
        + [ONE if k == i else ZERO for k in range(rows)]
        for i in range(rows)
    ]
    value: list[Exact] = [rhs[i] * flip[i] for i in range(rows)]
    basis = [count + i for i in range(rows)]
    bound: list[Exact | None] = [*(upper or [None] * count), *([None] * rows)]
    at_upper = [False] * count
    cost = [sum((-table[i][j] for i in range(rows)), ZERO) for j in range(count)] + [ZERO] * rows

    while True:
        basic = set(basis)
        entering = next(
            (
                j
                for j in range(count)
                if j not in basic and (cost[j] > 0 if at_upper[j] else cost[j] < 0)
            ),
            None,
        )
        if entering is None:
            break
        step = fmpq(-1) if at_upper[entering] else ONE
        leaving, limit, to_upper = _ratio_test(table, value, basis, bound, entering, step)
        if limit is None:
            raise ArithmeticError("phase one of the simplex method cannot be unbounded")
        for i in range(rows):
            value[i] = value[i] - limit * (step * table[i][entering])
        if leaving is None:
            at_upper[entering] = not at_upper[entering]
            continue
        start = bound[entering] if at_upper[entering] else ZERO
        assert start is not None
        out = basis[leaving]
        if out < count:
            at_upper[out] = to_upper
        at_upper[entering] = False
        basis[leaving] = entering
        value[leaving] = start + limit * step
        _pivot(table, cost, leaving, entering)

    shortfall: Exact = ZERO
    for i in range(rows):
        if basis[i] >= count:
            shortfall = shortfall + value[i]
    if sign(shortfall) > 0:
        return Infeasible(tuple(flip[i] * (ONE - cost[count + i]) for i in range(rows)))
    result: list[Exact] = []
    for j in range(count):
        top = bound[j]
        result.append(top if at_upper[j] and top is not None else ZERO)
    for i in range(rows):
        if basis[i] < count:
            result[basis[i]] = value[i]
    return Feasible(tuple(result))


def _ratio_test(
    table: list[list[fmpq]],
    value: list[Exact],
    basis: list[int],
    bound: list[Exact | None],
    entering: int,
    step: fmpq,
) -> tuple[int | None, Exact | None, bool]:
    """How far the entering variable can move, which row stops it, and at which of its bounds."""
    leaving: int | None = None
    limit: Exact | None = bound[entering]
    to_upper = False
    chosen = entering
    for i, basic in enumerate(basis):
        slope = step * table[i][entering]
        if slope > 0:
            room: Exact = value[i] / slope
            hits_upper = False
        elif slope < 0 and (top := bound[basic]) is not None:
            room = (top - value[i]) / (-slope)
            hits_upper = True
        else:
            continue
        order = -1 if limit is None else sign(room - limit)
        if order < 0 or (order == 0 and basic < chosen):
            leaving, limit, to_upper, chosen = i, room, hits_upper, basic
    return leaving, limit, to_upper


def _pivot(table: list[list[fmpq]], cost: list[fmpq], row: int, column: int) -> None:
    """Gaussian elimination that makes a column a unit vector, in place."""
    pivot = table[row][column]
    table[row] = [entry / pivot for entry in table[row]]
    source = table[row]
    for i, target in enumerate(table):
        factor = target[column]
        if i != row and factor != 0:
            table[i] = [a - factor * b for a, b in zip(target, source, strict=True)]
    factor = cost[column]
    if factor != 0:
        cost[:] = [a - factor * b for a, b in zip(cost, source, strict=True)]
