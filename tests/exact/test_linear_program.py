"""Exact feasibility against SciPy, and every answer verified by its own evidence."""

import random

import numpy as np
import pytest
from flint import fmpq
from scipy.optimize import linprog

from spurious.exact.linear_program import Feasible, solve
from spurious.exact.rationals import dot
from spurious.exact.softmax_numbers import Exact, atom, sign


def random_system(
    seed: int,
) -> tuple[list[list[fmpq]], list[fmpq], list[fmpq | None]]:
    rng = random.Random(seed)
    rows, count = rng.randint(1, 4), rng.randint(1, 8)
    columns = [[fmpq(rng.randint(-3, 3)) for _ in range(rows)] for _ in range(count)]
    if rng.random() < 0.3:
        columns[-1] = columns[0]
    rhs = [fmpq(rng.randint(-4, 4), rng.randint(1, 3)) for _ in range(rows)]
    upper = [fmpq(rng.randint(0, 3)) if rng.random() < 0.6 else None for _ in range(count)]
    return columns, rhs, upper


def verified(columns: list[list[fmpq]], rhs: list[Exact], upper: list[Exact | None]) -> bool:
    """Whether the system is feasible; the evidence for the answer is checked."""
    result = solve(columns, rhs, upper)
    if isinstance(result, Feasible):
        for i, b in enumerate(rhs):
            total: Exact = -b
            for column, x in zip(columns, result.multipliers, strict=True):
                total = total + x * column[i]
            assert sign(total) == 0
        for x, top in zip(result.multipliers, upper, strict=True):
            assert sign(x) >= 0
            assert top is None or sign(top - x) >= 0
        return True
    most: Exact = fmpq(0)
    for column, top in zip(columns, upper, strict=True):
        slope = dot(result.farkas, column)
        assert top is not None or slope <= 0
        if slope > 0:
            most = most + top * slope
    left: Exact = fmpq(0)
    for pi, b in zip(result.farkas, rhs, strict=True):
        left = left + b * pi
    assert sign(left - most) > 0
    return False


@pytest.mark.parametrize("seed", range(200))
def test_agrees_with_scipy(seed: int) -> None:
    columns, rhs, upper = random_system(seed)
    feasible = verified(columns, list(rhs), list(upper))
    matrix = np.array([[float(column[i]) for column in columns] for i in range(len(rhs))])
    bounds = [(0, None if top is None else float(top)) for top in upper]
    found = linprog(
        np.zeros(len(columns)), A_eq=matrix, b_eq=[float(b) for b in rhs], bounds=bounds
    )
    assert feasible == (found.status == 0)


@pytest.mark.parametrize("seed", range(60))
def test_softmax_right_hand_sides_carry_their_evidence(seed: int) -> None:
    columns, rhs, upper = random_system(seed)
    rng = random.Random(seed)
    numbers = [atom(fmpq(k, 2)) for k in range(1, 4)]
    right = [b + rng.choice(numbers) * fmpq(rng.randint(-2, 2)) for b in rhs]
    top = [None if t is None else t + rng.choice(numbers) for t in upper]
    verified(columns, right, top)


def test_a_degenerate_system_ends() -> None:
    zero = fmpq(0)
    columns = [[fmpq(a), fmpq(b)] for a, b in [(1, 1), (-1, -1), (1, -1), (0, 0), (1, 1)]]
    assert verified(columns, [zero, zero], [zero] * 5)
