"""Points in flat channels: two units that merge, with targets that draw or push them there.

In the limit the pair is a unit and its derivative. The targets are the limit's outputs and a
residual that is orthogonal to all that the limit can reach, so the limit is critical; whether the
channel falls towards it is for the residual's bends to say. With kinks, one passes between the two
units' kinks through a data point, or misses it by a hair.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np

from fuzzing.case import Case, size
from fuzzing.floats import Array, activation, as_floats
from fuzzing.pieces import place

SMOOTH_SHAPES = ((1, 2, 1), (1, 2, 1), (1, 3, 1), (2, 2, 1), (1, 2, 2))
KINKED_SHAPES = ((1, 2, 2), (1, 3, 2), (2, 2, 2), (2, 3, 3), (1, 2, 1))
HAIRS = (Fraction(0), Fraction(0), Fraction(1, 10**12), Fraction(1, 10**9), Fraction(1, 10**6))
NEAR = 1e-4
"""Stands for the limit in floats."""


def channels(rng: Random) -> Case:
    """Units 0 and 1 merge, or almost."""
    kinked = rng.random() < 0.5
    shape = rng.choice(KINKED_SHAPES if kinked else SMOOTH_SHAPES)
    act = rng.choice(("relu", "relu", "leaky_relu") if kinked else ("tanh", "sigmoid", "gelu"))
    slope = Fraction(1, 10) if act == "leaky_relu" else None
    count = size(shape) // shape[-1] + rng.choice((2, 3, 6))
    x = tuple(
        tuple(Fraction(rng.randint(-30, 30), 10) for _ in range(shape[0])) for _ in range(count)
    )
    eta = [Fraction(rng.randint(-20, 20), 10) or Fraction(1, 2) for _ in range(size(shape))]
    if kinked:
        kink = [place(shape, 0, 1, source) for source in range(shape[0])]
        through = -sum(eta[p] * v for p, v in zip(kink, rng.choice(x), strict=True))
        eta[place(shape, 0, 1, None)] = through + rng.choice(HAIRS)
    case = Case(shape, act, slope, "squared", x, (), tuple(eta))
    tau = Fraction(1, 10 ** rng.choice((1, 2, 3, 4)))
    case = replace(case, y=_targets(case, rng))
    hair = rng.choice(HAIRS)
    return case.at([v + hair * rng.randint(-3, 3) for v in _weights(case, eta, tau)])


def _targets(case: Case, rng: Random) -> tuple[tuple[Fraction, ...], ...]:
    middle = np.array([float(v) for v in case.point])
    steps = 1e-5 * np.eye(len(middle))
    limit = _outputs(case, middle)
    reached = np.array([_outputs(case, middle + s) - _outputs(case, middle - s) for s in steps]).T
    residual = np.array([rng.gauss(0, rng.choice((0.1, 1, 3))) for _ in limit])
    found, _, rank, _ = np.linalg.lstsq(reached, residual, rcond=1e-9)
    rest = residual - reached @ found if rank < len(limit) else 0 * residual
    rows = (limit + rest).reshape(len(case.x), -1).tolist()
    return tuple(tuple(Fraction(v) for v in row) for row in rows)


def _outputs(case: Case, eta: Array) -> Array:
    """All outputs in a row, near the limit."""
    point = np.array(_weights(case, eta, NEAR))
    inputs, hidden, outputs = case.widths
    first = hidden * inputs
    weight, bias = point[:first].reshape(hidden, inputs), point[first : first + hidden]
    top = point[first + hidden :]
    states = activation(case)(as_floats(case.x) @ weight.T + bias)[0]
    return (states @ top[:-outputs].reshape(outputs, hidden).T + top[-outputs:]).ravel()


def _weights(case: Case, eta: Sequence[Any] | Array, tau: Any) -> list[Any]:
    """Parameters from coordinates: w and T stand at unit 1, u and C at unit 0."""
    shape, found = case.widths, list(eta)
    for source in (*range(shape[0]), None):
        a, b = place(shape, 0, 0, source), place(shape, 0, 1, source)
        u, w = found[a], found[b]
        found[a], found[b] = w + tau * u / 2, w - tau * u / 2
    for output in range(shape[2]):
        a, b = place(shape, 1, output, 0), place(shape, 1, output, 1)
        c, t = found[a], found[b]
        found[a], found[b] = t / tau + c / 2, c / 2 - t / tau
    return found
