"""Smooth networks where they are critical: exactly, or to the last bit of a float."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from random import Random

import numpy as np

from fuzzing import pieces
from fuzzing.case import SMOOTH, Case, Vector, layers
from fuzzing.draw_exact import ERRORS, best, residual
from fuzzing.floats import activation
from fuzzing.pieces import place, small


def softsign(rng: Random) -> Case:
    """A rational softsign network with a zero gradient: minima where the residuals are small."""
    shape = rng.choice(((1, 1, 1), (1, 1, 1), (1, 2, 1), (2, 1, 1), (1, 1, 2), (1, 1, 1, 1)))
    case = pieces.problem(rng, shape, ("softsign", None))
    x = tuple(tuple(small(rng) for _ in range(shape[0])) for _ in range(rng.choice((4, 6, 8))))
    point = tuple(v or Fraction(1, 2) for v in case.point) if rng.random() < 0.7 else case.point
    case = replace(case, loss="squared", x=x, point=point)
    passes = [_softsign_pass(case, row) for row in x]
    columns = [tuple(slopes[j] for _, rows in passes for slopes in rows) for j in range(len(point))]
    scale = Fraction(rng.choice(("1", "1/10", "1/100")))
    left = iter(residual(columns, len(x) * shape[-1], rng))
    y = tuple(tuple(f - scale * next(left) for f in values) for values, _ in passes)
    return replace(case, y=y)


def constant_units(rng: Random) -> Case:
    """Units with weights of zero and the best constant as output, on even or random data."""
    act = rng.choice(SMOOTH)
    shape = (rng.choice((1, 1, 2)), rng.choice((1, 2, 3)), 1)
    case = pieces.problem(rng, shape, (act, None))
    if rng.random() < 0.7:
        case = _even(case, rng)
    point = list(case.point)
    for j in range(shape[1]):
        for source in range(shape[0]):
            point[place(shape, 0, j, source)] = Fraction(0)
    biases = [place(shape, 0, j, None) for j in range(shape[1])]
    if act not in ("softsign", "elu") and rng.random() < 0.3:
        for at in biases:
            point[at] = Fraction(0)
    if rng.random() < 0.6:
        for j, at in enumerate(biases):
            sign = -1 if act in ("sigmoid", "tanh", "softsign") and point[at] > 0 else 1
            point[place(shape, 1, 0, j)] = sign * abs(small(rng))
    act_of = activation(case)
    units = [value for at in biases if (value := _value(act, point[at])) is not None]
    if len(units) < len(biases):
        z = np.array([float(point[at]) for at in biases])
        units = [Fraction(float(v)) for v in act_of(z)[0]]
    weights = [point[place(shape, 1, 0, j)] for j in range(shape[1])]
    hidden = sum(v * a for v, a in zip(weights, units, strict=True))
    point[-1] = best(case, 0) - hidden + rng.choice((Fraction(0), Fraction(0), *ERRORS))
    return case.at(point)


def twin_units(rng: Random) -> Case:
    """A unit at rest with targets that hold it there, doubled: plateaus of minima, or saddles."""
    act = rng.choice(("sigmoid", "tanh", "softplus", "gelu", "silu", "softsign"))
    unit = [Fraction(rng.choice((-1, 1)) * rng.randint(2, 15), 10) for _ in range(4)]
    w, b, v, c = unit
    x = [Fraction(q, 4) for q in rng.sample(range(-12, 13), rng.choice((8, 10)))]
    case = Case((1, 1, 1), act, None, "squared", tuple((q,) for q in x), (), tuple(unit))
    act_of = activation(case)
    xs = np.array([float(q) for q in x])
    z = float(w) * xs + float(b)
    a, slope = act_of(z)
    bend = (act_of(z + 1e-5)[1] - act_of(z - 1e-5)[1]) / 2e-5
    free = np.linalg.svd(np.stack([np.ones_like(xs), a, slope, slope * xs]))[2][4:]
    mixes = (np.array([rng.gauss(0, 1) for _ in free]) @ free for _ in range(30))
    g = max(mixes, key=lambda g: _bend(g * bend, xs))
    g = g * rng.choice((0.01, 0.1, 1.0)) * rng.choice((-1, 1))
    y = tuple((Fraction(float(f)),) for f in float(v) * a + float(c) - g / 2)
    shares = [
        Fraction(s)
        for s in rng.choice((("1/2",) * 2, ("1/3", "2/3"), ("-1", "2"), ("1/4", "1/4", "1/2")))
    ]
    point = (*[w] * len(shares), *[b] * len(shares), *(v * s for s in shares), c)
    return replace(case, widths=(1, len(shares), 1), y=y, point=point)


def _bend(weights: np.ndarray, xs: np.ndarray) -> float:
    """The determinant of the form B of duplicated units."""
    return float((weights @ (xs * xs)) * weights.sum() - (weights @ xs) ** 2)


def _even(case: Case, rng: Random) -> Case:
    """Inputs in pairs x, -x, with targets that bend one way."""
    half = [tuple(small(rng) for _ in range(case.widths[0])) for _ in range(rng.choice((1, 2, 3)))]
    x = tuple(row for h in half for row in (h, tuple(-v for v in h)))
    bend = small(rng) - 1
    y = tuple((bend * sum(v * v for v in row) + 1,) for row in x)
    return replace(case, loss="squared", x=x, y=y)


def _value(name: str, z: Fraction) -> Fraction | None:
    """The value of an activation where it is rational."""
    if name == "softsign":
        return z / (1 + abs(z))
    if name == "elu" and z >= 0:
        return z
    if name == "softplus" or z:
        return None
    return Fraction(1, 2) if name == "sigmoid" else Fraction(0)


def _softsign_pass(case: Case, x: Vector) -> tuple[list[Fraction], list[list[Fraction]]]:
    """Outputs at one input, and for each the derivative by every parameter."""
    size = len(case.point)
    values = [(v, [Fraction(0)] * size) for v in x]
    at = 0
    network = layers(case.point, case.widths)
    for index, (weight, bias) in enumerate(network):
        above, below = len(weight), len(values)
        new = []
        for k in range(above):
            z = sum(w * v for w, (v, _) in zip(weight[k], values, strict=True)) + bias[k]
            d = [
                sum((w * dv[j] for w, (_, dv) in zip(weight[k], values, strict=True)), Fraction(0))
                for j in range(size)
            ]
            for j in range(below):
                d[at + k * below + j] += values[j][0]
            d[at + above * below + k] += 1
            if index < len(network) - 1:
                slope = 1 / (1 + abs(z)) ** 2
                z, d = z / (1 + abs(z)), [slope * v for v in d]
            new.append((z, d))
        at += above * (below + 1)
        values = new
    return [v for v, _ in values], [d for _, d in values]
