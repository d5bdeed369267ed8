"""Data for which a merged network has a critical point with any B (Theorem 19, "Which data")."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from flint import arb, fmpq, fmpq_mat

from spurious.certify.rules.twin_units import split
from spurious.problem import Dataset, Loss, Network, Point, Problem, flatten, unflatten
from spurious.program import SMOOTH


def jets(activation: str, z: np.ndarray) -> np.ndarray:
    """act, act', act'' at each z, shape (3, n)."""
    flat = [[float(v.mid()) for v in SMOOTH[activation].ball(arb(float(a)))] for a in z.ravel()]
    return np.moveaxis(np.array(flat).reshape(*z.shape, 3), -1, 0)


def form_of_sign(
    rng: np.random.Generator, wide: int, sign: int, w: np.ndarray | None
) -> np.ndarray:
    """A form that is positive (1) or negative definite (-1) or neither (0).

    With elu, 1 + act = act' + z (act' - act''), so w and (0, 1) are always orthogonal in B.
    """
    basis = np.eye(wide) + 0.3 * rng.normal(size=(wide, wide))
    if w is not None:
        basis[:, 0], basis[:, -1] = w, np.eye(wide)[-1]
    root = np.linalg.inv(basis)
    return root.T @ np.diag([sign or 1.0] * (wide - 1) + [sign or -1.0]) @ root


def made_to_order(
    seed: int, activation: str, units: int, inputs: int, signs: Sequence[int]
) -> tuple[Problem, Point, float]:
    """A merged network, squared loss, nearly critical, with B_k of the signs asked for.

    Args:
        seed: Of the data and the network.
        activation: A smooth one.
        units: Of the merged network.
        inputs: Of the network.
        signs: For each unit 1 (B positive definite), -1 (negative), or 0 (indefinite).

    Returns:
        The problem without a point, the merged point, and the smallest eigenvalue of its Hessian,
        or 0 if the data allow no such B (elu with all units on one side, say).
    """
    rng = np.random.default_rng(seed)
    wide = inputs + 1
    n = 4 + 2 * (1 + units + units * wide + units * wide * (wide + 1) // 2)
    x = np.round(rng.uniform(-3, 3, size=(n, inputs)), 3)
    rows = np.round(np.column_stack([x, np.ones(n)]), 3)
    w = np.round(rng.normal(size=(units, wide)) * 1.2, 3)
    v = np.round(rng.choice([-1, 1], size=units) * rng.uniform(0.5, 2, size=units), 3)
    act, first, second = jets(activation, rows @ w.T)
    upper = [(a, b) for a in range(wide) for b in range(a, wide)]
    conditions, wanted = [np.ones(n)], [0.0]
    for k in range(units):
        conditions += [act[:, k], *(first[:, k] * column for column in rows.T)]
        wanted += [0.0] * (1 + wide)
        form = form_of_sign(rng, wide, signs[k], w[k] if activation == "elu" else None)
        conditions += [second[:, k] * rows[:, a] * rows[:, b] for a, b in upper]
        wanted += [form[a, b] for a, b in upper]
    matrix = np.array(conditions)
    g = np.linalg.lstsq(matrix, np.array(wanted), rcond=None)[0]
    parts = [np.column_stack([v[k] * first[:, k, None] * rows, act[:, k]]) for k in range(units)]
    jacobian = np.column_stack([*parts, np.ones(n)])
    gauss = 2 * jacobian.T @ jacobian
    bends = np.zeros_like(gauss)
    for k in range(units):
        at = slice(k * (wide + 1), k * (wide + 1) + wide)
        bends[at, at] = v[k] * (rows.T * (g * second[:, k])) @ rows
    limit = 0.3 * np.linalg.eigvalsh(gauss)[0]
    share = min(1.0, limit / max(np.abs(np.linalg.eigvalsh(bends)).max(), 1e-9))
    y = act @ v - share * g / 2
    network = Network((inputs, units, 1), activation)
    data = Dataset(
        tuple(tuple(Fraction(str(a)) for a in row) for row in x),
        tuple((Fraction(float(a)),) for a in y),
    )
    values = [*w[:, :-1].ravel(), *w[:, -1], *v, 0.0]
    point = unflatten([Fraction(str(float(a))) for a in values], network)
    solved = np.abs(matrix @ g - wanted).max() < 1e-6
    lowest = float(np.linalg.eigvalsh(gauss + share * bends)[0]) if solved else 0.0
    return Problem(network, Loss.SQUARED, data), point, lowest


def duplicated(
    merged: Problem, small: Point, groups: Sequence[Sequence[int]], shares: Sequence[Fraction]
) -> Problem:
    """The large network whose units in a group are equal and share the output weight."""
    network = Network((merged.network.inputs, len(shares), 1), merged.network.activation)
    return Problem(network, merged.loss, merged.data, split(small, groups, shares))


def precise_loss(problem: Problem, values: Sequence[arb]) -> arb:
    """The squared loss at parameters in flat order, at the current precision."""
    d, h, _ = problem.network.widths
    act = SMOOTH[problem.network.activation].ball
    total = arb(0)
    for x, (y,) in zip(problem.data.x, problem.data.y, strict=True):
        f = values[-1]
        for j in range(h):
            z = values[d * h + j]
            for k in range(d):
                z += values[j * d + k] * arb(x[k].numerator) / x[k].denominator
            f += values[d * h + h + j] * act(z)[0]
        total += (f - arb(y.numerator) / y.denominator) ** 2
    return arb(total.mid())


def balls_of(point: Point) -> list[arb]:
    """A point's parameters, at the current precision."""
    return [arb(v.numerator) / v.denominator for v in flatten(point)]


def exactly_critical(side: int, *, kink: bool = False) -> tuple[Problem, Point]:
    """One softsign unit at a rational point, exactly critical, with B of a sign, v of the same.

    The equations of `made_to_order` in rationals: w = 1, b = 1/2, v = side.

    Args:
        side: 1 or -1.
        kink: Whether z = 0 at one input.
    """
    xs = [Fraction(a, 2) for a in (-7, -5, -3, -2, 0, 1, 3, 6)] + [Fraction(-1, 2)] * kink
    columns = [
        (
            fmpq(1), z / (1 + abs(z)), slope, slope * x, bend * x * x, bend * x, bend,
        )
        for x in (fmpq(a.numerator, a.denominator) for a in xs)
        for z in (x + fmpq(1, 2),)
        for slope in (1 / (1 + abs(z)) ** 2,)
        for bend in ((fmpq(2) if z < 0 else fmpq(-2) if z > 0 else fmpq(0)) / (1 + abs(z)) ** 3,)
    ]  # fmt: skip
    rows = fmpq_mat([list(row) for row in zip(*columns, strict=True)])
    square = rows * rows.transpose()
    wanted = fmpq_mat([[fmpq(side * a, 1000)] for a in (0, 0, 0, 0, 1, 0, 1)])
    g = rows.transpose() * square.solve(wanted)
    v = Fraction(side)
    ys = [
        (v * Fraction(int(c[1].p), int(c[1].q)) - Fraction(int(g[i, 0].p), int(g[i, 0].q)) / 2,)
        for i, c in enumerate(columns)
    ]
    network = Network((1, 1, 1), "softsign")
    data = Dataset(tuple((x,) for x in xs), tuple(ys))
    return Problem(network, Loss.SQUARED, data), unflatten(
        [Fraction(1), Fraction(1, 2), v, Fraction(0)], network
    )
