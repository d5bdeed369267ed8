"""Shallow networks with units that are nearly steps or relus, fitted above or trained."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from random import Random

import numpy as np

from fuzzing import pieces
from fuzzing.case import Case, size
from fuzzing.floats import activation, newton, surface
from fuzzing.pieces import place

SHAPES = ((1, 1, 1), (1, 1, 1), (1, 2, 1), (2, 1, 1), (2, 2, 1), (1, 1, 2), (1, 2, 2))
STEEP = (1, 3, 10, 10, 40, 40, 300)


def steps(rng: Random) -> Case:
    """Some units steep, perhaps held at a point; then the last layer is fitted, or all trained."""
    shape = rng.choice(SHAPES)
    count = rng.choice((3, 4, 6, 8))
    x = tuple(tuple(Fraction(rng.randint(-8, 8), 4) for _ in range(shape[0])) for _ in range(count))
    name = rng.choice(("squared", "squared", "squared", "logistic", "cross_entropy"))
    if shape[-1] == 1 and name == "cross_entropy":
        name = "logistic"
    y = pieces.targets(rng, name, count, shape[-1])
    point = [Fraction(rng.randint(-12, 12), 8) for _ in range(size(shape))]
    for j in range(shape[1]):
        steep = Fraction(rng.choice(STEEP))
        weights = [place(shape, 0, j, source) for source in range(shape[0])]
        for at in weights:
            point[at] *= steep
        held = rng.choice(x)
        back = -sum(point[at] * v for at, v in zip(weights, held, strict=True))
        near = Fraction(rng.randint(-9, 9), 10)
        offset = rng.choice((near, near, near * steep, steep / 8))
        point[place(shape, 0, j, None)] = back + offset
    case = Case(shape, rng.choice(("tanh", "tanh", "sigmoid")), None, name, x, y, tuple(point))
    if name == "squared" and rng.random() < 0.7:
        case = case.at(_fitted(case))
    return case.at(_trained(case)) if rng.random() < 0.7 else case


def sharp(rng: Random) -> Case:
    """The same with gelu and silu units, which are nearly relus."""
    case = steps(rng)
    factor = Fraction(rng.choice((1, 1, 3, 8)))
    first = case.widths[1] * (case.widths[0] + 1)
    point = [v * factor if p < first else v / factor for p, v in enumerate(case.point)]
    case = replace(case.at(point), activation=rng.choice(("gelu", "silu")))
    return case.at(_fitted(case)) if case.loss == "squared" and rng.random() < 0.7 else case


def _trained(case: Case) -> list[Fraction]:
    start = np.array([float(v) for v in case.point])
    with np.errstate(all="ignore"):
        end = newton(surface(case), start, 60)
    if not np.isfinite(end).all() or np.abs(end).max() > 1e6:
        end = start
    return [Fraction(float(v)) for v in end]


def _fitted(case: Case) -> list[Fraction]:
    """The point with the last layer that fits best, in floats."""
    inputs, hidden, outputs = case.widths
    first = hidden * (inputs + 1)
    values = np.array([float(v) for v in case.point[:first]])
    weight, bias = values[: hidden * inputs].reshape(hidden, inputs), values[hidden * inputs :]
    x = np.array([[float(v) for v in row] for row in case.x])
    y = np.array([[float(v) for v in row] for row in case.y])
    features = np.c_[activation(case)(x @ weight.T + bias)[0], np.ones(len(x))]
    best = np.linalg.lstsq(features, y, rcond=None)[0]
    last = [*best[:-1].T.ravel().tolist(), *best[-1].tolist()]
    assert len(last) == outputs * (hidden + 1)
    return [*case.point[:first], *(Fraction(v) for v in last)]
