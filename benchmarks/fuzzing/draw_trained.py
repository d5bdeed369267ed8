"""Float ends of training, as they are: by plain descent, or by Newton's method to the last bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from random import Random

import numpy as np

from fuzzing import exact, pieces
from fuzzing.case import Case, layers, size
from fuzzing.draw_exact import aimed
from fuzzing.floats import descend, newton, surface
from fuzzing.pieces import place, small

SHAPES = (
    (1, 1, 1),
    (1, 2, 1),
    (1, 2, 1),
    (2, 2, 1),
    (1, 3, 1),
    (2, 1, 2),
    (1, 2, 2, 1),
    (1, 1, 1, 1),
)


def trained(rng: Random) -> Case:
    """The end of a short training."""
    case = _task(rng, rng.choice((*SHAPES, (2, 1), (1, 2))), pieces.activation(rng))
    return case.at(_end(case, rng, rng.choice(("newton", "newton", "newton", "descent"))))


def twins(rng: Random) -> Case:
    """A trained network with one unit doubled, its output weight shared out."""
    small = _task(
        rng, (rng.choice((1, 1, 2)), rng.choice((1, 2)), 1), (rng.choice(pieces.SMOOTH), None)
    )
    end = _end(small, rng, "newton")
    (weight, bias), (out, last) = layers(end, small.widths)
    share = Fraction(rng.choice(("1/2", "1/3", "-1/2", "2")))
    out[0] = [*out[0][:-1], out[0][-1] * share, out[0][-1] * (1 - share)]
    weight, bias = [*weight, weight[-1]], [*bias, bias[-1]]
    shape = (small.widths[0], small.widths[1] + 1, 1)
    point = (*(v for row in weight for v in row), *bias, *out[0], *last)
    return replace(small, widths=shape, point=tuple(point))


def dead_unit(rng: Random) -> Case:
    """A relu network at rest with a dead unit added, close to life, on a steep or a plain slope."""
    shape = rng.choice(((1, 1, 1), (1, 2, 1), (1, 1, 1, 1), (1, 1, 1, 1), (1, 1, 2, 1)))
    case = _at_rest(rng, shape) if rng.random() < 0.7 else _task(rng, shape, ("relu", None))
    end = case.point or _end(case, rng, "newton")
    errors = [_jitter(rng) for _ in end]
    if rng.random() < 0.5:  # Newton's method will move the first layer
        errors = [rng.choice((-1, 1)) * Fraction(1, 10**5)] * 2 + [Fraction(0)] * (len(end) - 2)
    end = [v + error for v, error in zip(end, errors, strict=True)]
    network = layers(end, shape)
    layer = len(shape) - 3
    (weight, bias), (out, last) = network[layer], network[layer + 1]
    steep = Fraction(rng.choice((1, 1000, 100_000, 100_000))) * rng.choice((-1, 1))
    row = [steep * rng.choice((0, 1, 1)) for _ in weight[0]]
    tops = [sum(w * v for w, v in zip(row, h, strict=True)) for h in _below(case, end, layer)]
    margin = Fraction(rng.choice(("1", "1/100", "1/1000000", "1/1000000000000")))
    weight, bias = [*weight, row], [*bias, -max(tops) - margin]
    out = [[*r, Fraction(rng.choice(("1", "-1/1000000000", "1/1000000000", "0")))] for r in out]
    network[layer], network[layer + 1] = (weight, bias), (out, last)
    widths = (*shape[: layer + 1], shape[layer + 1] + 1, *shape[layer + 2 :])
    point = tuple(v for w, b in network for v in (*(e for r in w for e in r), *b))
    return replace(case, widths=widths, point=point)


def on_kinks_logistic(rng: Random) -> Case:
    """Units bent at data points at the best logistic fit, which floats come close to."""
    act = rng.choice(
        (("relu", None), ("relu", None), ("abs", None), ("leaky_relu", Fraction(1, 10)))
    )
    places = rng.sample(range(-5, 6), rng.choice((4, 5, 6)))
    count = [rng.choice((0, 1, 3)) for _ in places]
    labels = [(place, 1 + up, 4 - up) for place, up in zip(places, count, strict=True)]
    rows = [(at, sign) for at, up, down in labels for sign in [1] * up + [-1] * down]
    x = tuple((Fraction(at),) for at, _ in rows)
    y = tuple((Fraction(sign),) for _, sign in rows)
    hidden = rng.choice((1, 1, 2))
    bends = rng.sample(sorted(places)[1:-1], hidden)
    case = Case((1, hidden, 1), *act, "logistic", x, y, ())
    p, q = case.slopes
    features = tuple(tuple((p if z > b else q) * (z - b) for b in bends) for (z,) in x)
    line = Case((hidden, 1), "identity", None, "logistic", features, y, ())
    *slopes, bias = _end(line, rng, "newton")
    weights = [abs(v) for v in slopes]
    signs = [Fraction(1 if v > 0 else -1) for v in slopes]
    back = [-w * b for w, b in zip(weights, bends, strict=True)]
    return case.at([*weights, *back, *signs, bias])


def near_saddle(rng: Random) -> Case:
    """A smaller network's end with a unit doubled or added at zero, moved by very little."""
    case = twins(rng) if rng.random() < 0.5 else trained(rng)
    point = list(case.point)
    if len(case.widths) > 2 and rng.random() < 0.5:
        for k in range(case.widths[2]):
            point[place(case.widths, 1, k, 0)] = Fraction(0)
    moved = rng.choice((Fraction(0), Fraction(1, 10**9), Fraction(1, 10**14), Fraction(1, 10**40)))
    return case.at([v + moved * rng.randint(-3, 3) for v in point])


def _at_rest(rng: Random, shape: tuple[int, ...]) -> Case:
    """A relu network on both sides of its kinks, at targets that leave it critical."""
    count = rng.choice((6, 7, 8))
    x = tuple((Fraction(v),) for v in rng.sample(range(-4, 9), count))
    point = tuple(small(rng) or Fraction(1) for _ in range(size(shape)))
    if shape == (1, 1, 1, 1):  # constant, then a ramp, then constant: no flat direction is left
        order = sorted(row[0] for row in x)
        first = order[0] + Fraction(rng.randint(1, 9), 10)
        second = order[rng.choice((-1, -2, -2))] - Fraction(rng.randint(1, 9), 10)
        slope = Fraction(1, rng.choice((1, 10, 100)))
        steep = 1 / (slope * (second - first))
        point = (slope, -slope * first, -steep, *(Fraction(1), point[4] or Fraction(1), point[5]))
    case = aimed(Case(shape, "relu", None, "squared", x, (), point), rng)
    rows = exact.outputs(case, point)
    shrink = Fraction(rng.choice(("1", "1/10", "1/100")))
    pairs = zip(case.y, rows, strict=True)
    return replace(case, y=tuple((f[0] + shrink * (t[0] - f[0]),) for t, f in pairs))


def _task(rng: Random, shape: tuple[int, ...], act: tuple[str, Fraction | None]) -> Case:
    count = rng.choice((3, 5, 6, 8))
    x = tuple(
        tuple(Fraction(rng.randint(-30, 30), 10) for _ in range(shape[0])) for _ in range(count)
    )
    name = rng.choice(("squared", "squared", "squared", "logistic"))
    if shape[-1] > 1 and rng.random() < 0.4:
        name = "cross_entropy"
    y = pieces.targets(rng, name, count, shape[-1])
    if name != "squared":
        y = tuple(pieces.targets(rng, name, 1, shape[-1])[0] for _ in range(count))
    return Case(shape, *act, name, x, y, ())


def _end(case: Case, rng: Random, how: str) -> list[Fraction]:
    start = np.array([rng.gauss(0, 1) for _ in range(size(case.widths))])
    value = surface(case)
    with np.errstate(all="ignore"):
        end = newton(value, start, 40) if how == "newton" else descend(value, start, 150, 0.05)
    if not np.isfinite(end).all() or np.abs(end).max() > 1e6:
        end = start
    return [Fraction(float(v)) for v in end]


def _jitter(rng: Random) -> Fraction:
    return Fraction(rng.choice((0.0, 0.0, 1e-6, -1e-6, 1e-9, 1e-5)))


def _below(case: Case, point: Sequence[Fraction], layer: int) -> list[list[Fraction]]:
    """The values below a layer of a relu network."""
    rows = [list(row) for row in case.x]
    for weight, bias in layers(point, case.widths)[:layer]:
        rows = [
            [
                max(sum(w * v for w, v in zip(r, row, strict=True)) + b, Fraction(0))
                for r, b in zip(weight, bias, strict=True)
            ]
            for row in rows
        ]
    return rows
