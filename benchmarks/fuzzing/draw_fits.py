"""Ends of training next to perfect fits, and next to what only looks like one.

The targets are the outputs at the point in 30 digits, or the mean target or log ratio is; then one
thing may be spoiled, by a hair or by more: a target, the rank of the derivatives, an input.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from random import Random

from fuzzing import pieces, precise
from fuzzing.case import SMOOTH, Case, size
from fuzzing.pieces import place
from fuzzing.settle import rational

SHAPES = (
    (1, 3, 1), (1, 4, 1), (2, 3, 1), (1, 2, 2, 1), (2, 3, 2), (1, 4, 2), (2, 4, 3, 1), (1, 1, 1),
)  # fmt: skip
HAIRS = tuple(Fraction(1, 10**k) for k in (3, 6, 9, 12, 16, 20, 24, 30, 40, 60))
DIGITS = 40


def fits(rng: Random) -> Case:
    """A point that fits, moved by a little; the squared loss."""
    case = _network(rng)
    case = replace(case, y=_outputs(case))
    if rng.random() < 0.4:
        case = _repeated(case, rng)
    case = _spoiled(case, rng) if rng.random() < 0.6 else case
    moved = rng.choice((Fraction(0), *HAIRS[1:7]))
    return case.at([v + moved * rng.randint(-3, 3) for v in case.point])


def log_ratios(rng: Random) -> Case:
    """Labels of both kinds at every input, with the last layer's biases near their log ratios."""
    outputs = rng.choice((1, 1, 2))
    name = "logistic" if outputs == 1 or rng.random() < 0.5 else "cross_entropy"
    shape = (1, rng.choice((2, 3)), outputs)
    act = _activation(rng)
    places = [Fraction(v, 4) for v in rng.sample(range(-9, 10), rng.choice((1, 1, 2)))]
    labels = (Fraction(-1), Fraction(1)) if name == "logistic" else (Fraction(0), Fraction(1))
    x, y = list[tuple[Fraction, ...]](), list[tuple[Fraction, ...]]()
    for at in places:
        for label in labels:
            for _ in range(rng.choice((1, 1, 2, 3))):
                x.append((at,))
                y.append((label,) * (outputs if name == "logistic" else 1))
    if rng.random() < 0.2:
        x, y = x[:-1], y[:-1]
    point = tuple(Fraction(rng.gauss(0, 1)) for _ in range(size(shape)))
    case = Case(shape, *act, name, tuple(x), tuple(y), point)
    wanted = [_log_ratio(case, places[0], k) for k in range(outputs)]
    found = _outputs(replace(case, x=((places[0],),)))[0]
    last = [v + w - f for v, w, f in zip(point[-outputs:], wanted, found, strict=True)]
    return case.at([*point[:-outputs], *(Fraction(float(v)) for v in last)])


def _activation(rng: Random) -> tuple[str, Fraction | None]:
    if rng.random() < 0.7:
        return rng.choice(SMOOTH), None
    return rng.choice((("relu", None), ("leaky_relu", Fraction(1, 10)), ("abs", None)))


def _network(rng: Random) -> Case:
    shape = rng.choice(SHAPES)
    count = rng.choice((2, 3, 4, 5, 6))
    step = rng.choice((1, 4, 10))
    x = tuple(
        tuple(Fraction(rng.randint(-3 * step, 3 * step), step) for _ in range(shape[0]))
        for _ in range(count)
    )
    point = tuple(Fraction(rng.gauss(0, rng.choice((1, 1, 3)))) for _ in range(size(shape)))
    if rng.random() < 0.3:
        point = tuple(pieces.point(rng, shape))
    return Case(shape, *_activation(rng), "squared", x, (), point)


def _outputs(case: Case) -> tuple[tuple[Fraction, ...], ...]:
    """The outputs at the point, rounded to many digits."""
    ctx = precise.context(DIGITS)
    rows = precise.forward(case, ctx, [precise.real(ctx, v) for v in case.point]).outputs
    return tuple(tuple(round(rational(f), DIGITS - 10) for f in row) for row in rows)


def _repeated(case: Case, rng: Random) -> Case:
    """The first input a second time, with targets around what is its target now."""
    apart = pieces.small(rng)
    x, (first, *rest) = (*case.x, case.x[0]), case.y
    y = (tuple(t + apart for t in first), *rest, tuple(t - apart for t in first))
    return replace(case, x=x, y=y)


def _spoiled(case: Case, rng: Random) -> Case:
    """The same with less rank, or with a target or an input that is off by a hair."""
    hair, shape = rng.choice(HAIRS), case.widths
    point, x, y = list(case.point), [list(r) for r in case.x], [list(r) for r in case.y]
    kind = rng.choice(("twins", "dead weights", "near inputs", "target", "target"))
    if kind == "target":
        y[rng.randrange(len(y))][rng.randrange(len(y[0]))] += hair
    elif kind == "near inputs":
        a, b = rng.randrange(len(x)), rng.randrange(len(x))
        x[b] = [v + hair for v in x[a]]
    else:
        for unit in range(shape[1]):
            twin = 0 if kind == "twins" else unit
            factor = 1 if kind == "twins" else 0
            for source in (*range(shape[0]), None):
                value = point[place(shape, 0, twin, source)]
                point[place(shape, 0, unit, source)] = value * (factor or source is None)
        changed = case.at(point)
        y = [list(r) for r in _outputs(changed)]
        y[rng.randrange(len(y))][0] += rng.choice((Fraction(0), hair))
    return replace(case, point=tuple(point), x=_rows(x), y=_rows(y))


def _rows(rows: Sequence[Sequence[Fraction]]) -> tuple[tuple[Fraction, ...], ...]:
    return tuple(tuple(row) for row in rows)


def _log_ratio(case: Case, at: Fraction, output: int) -> Fraction:
    """The best output at an input; 0 for the first of two classes."""
    here = [row[min(output, len(row) - 1)] for x, row in zip(case.x, case.y, strict=True)
            if x == (at,)]  # fmt: skip
    ones, others = here.count(Fraction(1)), len(here) - here.count(Fraction(1))
    if not ones or not others or (case.loss == "cross_entropy" and output == 0):
        return Fraction(0)
    ctx = precise.context(DIGITS)
    return rational(ctx.log(ctx.mpf(ones) / others))
