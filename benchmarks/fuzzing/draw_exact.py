"""Problems at rational points: on kinks, critical, dead, degenerate, with extreme numbers."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import log
from random import Random

from fuzzing import exact, pieces
from fuzzing.case import Case, Vector
from fuzzing.pieces import place, small
from fuzzing.settle import null_space


def anything(rng: Random) -> Case:
    """Everything at random; now and then numbers of another size in one layer, or in the data."""
    case = pieces.problem(rng, pieces.widths(rng), pieces.activation(rng))
    if rng.random() < 0.4:
        case = _rescaled(case, rng)
    return case


def kinks(rng: Random) -> Case:
    """Units of one hidden layer put on a kink at a data point."""
    shape = pieces.widths(rng, (1, 1, 1, 2, 3))
    return on_kinks(pieces.problem(rng, shape, pieces.bent(rng)), rng, 0.8)


def critical(rng: Random) -> Case:
    """Targets such that the gradient is zero: minima and saddles of the squared loss."""
    shape = pieces.widths(rng, (0, 1, 1, 1, 2, 2, 3), (1, 1, 1, 2))
    case = pieces.problem(rng, shape, pieces.bent(rng))
    return aimed(replace(case, loss="squared"), rng)


def kinked_critical(rng: Random) -> Case:
    """The same on kinks: the smooth part of the gradient is zero, the kinks decide."""
    shape = pieces.widths(rng, (1, 1, 1, 1, 2), (1, 1, 1, 1, 2))
    case = on_kinks(pieces.problem(rng, shape, pieces.bent(rng)), rng, 0.6)
    return aimed(replace(case, loss="squared"), rng)


def several_outputs(rng: Random) -> Case:
    """One hidden layer with several outputs, critical for the squared loss, some weights 0."""
    case = pieces.problem(rng, pieces.widths(rng, (1,), (2, 3)), pieces.bent(rng))
    if rng.random() < 0.5:
        case = on_kinks(case, rng, 0.5)
    point = list(case.point)
    for j in range(case.widths[1]):
        if rng.random() < 0.3:
            for k in range(case.widths[2]):
                point[place(case.widths, 1, k, j)] = Fraction(0)
    return aimed(replace(case, loss="squared", point=tuple(point)), rng)


def dead(rng: Random) -> Case:
    """A relu layer that is off at all data, with the best constant as output, or nearly."""
    shape = pieces.widths(rng, (1, 1, 2, 3), (1, 1, 2, 3))
    act = ("relu", None) if rng.random() < 0.9 else ("leaky_relu", Fraction(0))
    case = pieces.problem(rng, shape, act)
    if rng.random() < 0.6:
        case = replace(case, loss=rng.choice(("squared", "logistic")))
        case = replace(case, y=pieces.targets(rng, case.loss, len(case.x), shape[-1]))
    point = list(case.point)
    layer = rng.randrange(len(shape) - 2)
    margin = rng.choice((Fraction(1), Fraction(1), Fraction(1, 10**9), Fraction(1, 10**60)))
    hidden = exact.preactivations(case, point)[layer]
    for j in range(shape[layer + 1]):
        point[place(shape, layer, j, None)] -= max(row[j] for row in hidden) + margin
    off = rng.choice((Fraction(0), Fraction(0), *ERRORS)) * rng.choice((-1, 1))
    for k in range(shape[-1]):
        at = place(shape, len(shape) - 2, k, None)
        point[at] += best(case, k) + off - exact.outputs(case, point)[0][k]
    return case.at(point)


def extreme_logs(rng: Random) -> Case:
    """Log losses with huge or tiny outputs, live or dead, the classes often balanced."""
    shape = pieces.widths(rng, (0, 1, 1, 1, 2), (1, 1, 2, 3))
    act = pieces.bent(rng) if rng.random() < 0.85 else pieces.activation(rng)
    case = pieces.problem(rng, shape, act)
    name = "logistic" if shape[-1] == 1 or rng.random() < 0.5 else "cross_entropy"
    y = list(pieces.targets(rng, name, len(case.x), shape[-1]))
    if name == "logistic" and len(y) > 1 and rng.random() < 0.6:
        y = [tuple((-1) ** i * v for v in y[0]) for i in range(len(y))]
    point = list(case.point)
    if rng.random() < 0.6:
        for j in range(shape[1] if len(shape) > 2 else 0):
            point[place(shape, 0, j, None)] = -Fraction(rng.choice((20, 1000)))
    if rng.random() < 0.5:
        for at in range(place(shape, len(shape) - 2, 0, 0), len(point)):
            point[at] *= rng.choice((0, 0, 1))
    for k in range(shape[-1]):  # pyright: ignore[reportGeneralTypeIssues]
        if rng.random() < 0.7:
            bias = rng.choice(pieces.SCALES) * rng.choice((-1, 1))
            point[place(shape, len(shape) - 2, k, None)] = Fraction(bias)
    return replace(case, loss=name, y=tuple(y), point=tuple(point))


def perfect_fit(rng: Random) -> Case:
    """Targets that are the outputs, exactly or a hair away."""
    shape = pieces.widths(rng, (0, 1, 1, 2))
    case = pieces.problem(rng, shape, pieces.bent(rng))
    if rng.random() < 0.4:
        case = on_kinks(case, rng, 0.5)
    hair = rng.choice((Fraction(0), Fraction(0), *ERRORS))
    rows = exact.outputs(case, case.point)
    y = tuple(tuple(f + hair * rng.randint(-1, 1) for f in row) for row in rows)
    return replace(case, loss="squared", y=y)


def degenerate(rng: Random) -> Case:
    """Zero and repeated units, zero inputs, zero layers, balanced labels at outputs of zero."""
    case = pieces.problem(rng, pieces.widths(rng, (1, 1, 1, 2, 3)), pieces.activation(rng))
    shape, point = case.widths, list(case.point)
    for layer in range(len(shape) - 1):
        for j in range(shape[layer + 1]):
            kind = rng.randrange(6)
            for source in (*range(shape[layer]), None):
                at = place(shape, layer, j, source)
                if (
                    kind == 0
                    or (kind == 1 and source is not None)
                    or (kind == 2 and source is None)
                ):
                    point[at] = Fraction(0)
                elif kind == 3:
                    point[at] = point[place(shape, layer, 0, source)]
    x = case.x
    if rng.random() < 0.15:
        x = tuple((Fraction(0),) * shape[0] for _ in x)
    case = replace(case, x=x, point=tuple(point))
    if case.exact and case.loss == "squared" and rng.random() < 0.5:
        return aimed(case, rng)
    if case.loss == "logistic" and rng.random() < 0.5:
        y = tuple(tuple((-1) ** i * v for v in case.y[0]) for i in range(len(x)))
        case = replace(case, x=tuple(x[i // 2 * 2] for i in range(len(x))), y=y)
    return case


def on_kinks(case: Case, rng: Random, share: float) -> Case:
    """Move biases of some units, in every layer, so that they are on a kink at a data point."""
    point = list(case.point)
    for layer in range(len(case.widths) - 2):
        for j in range(case.widths[layer + 1]):
            if rng.random() < share:
                row = rng.choice(exact.preactivations(case, point)[layer])
                point[place(case.widths, layer, j, None)] -= row[j]
    return case.at(point)


ERRORS = (Fraction(1, 10**6), Fraction(1, 10**12), Fraction(1, 10**60), Fraction(1e-40))


def best(case: Case, k: int) -> Fraction:
    """The best constant of an output, where it is rational; else about it."""
    if case.loss == "cross_entropy":
        return Fraction(0)
    column = [row[k] for row in case.y]
    mean = sum(column, Fraction(0)) / len(column)
    if case.loss == "logistic" and mean not in (-1, 0, 1):
        up = column.count(Fraction(1))
        return Fraction(log(up / (len(column) - up)))
    return mean


def aimed(case: Case, rng: Random) -> Case:
    """Targets whose residuals are orthogonal to the outputs' derivative, kinks averaged."""
    rows = exact.outputs(case, case.point)
    outputs = len(rows[0])
    columns: list[Vector] = []
    for j in range(len(case.point)):
        axis = [Fraction(k == j) for k in range(len(case.point))]
        ahead = exact.derivative(case, case.point, axis)[1]
        behind = exact.derivative(case, case.point, [-v for v in axis])[1]
        columns.append(
            tuple(
                (a - b) / 2
                for r, s in zip(ahead, behind, strict=True)
                for a, b in zip(r, s, strict=True)
            )
        )
    left = residual(columns, len(rows) * outputs, rng)
    y = [
        [f - r for f, r in zip(row, left[i * outputs :], strict=False)]
        for i, row in enumerate(rows)
    ]
    return replace(case, y=tuple(tuple(row) for row in y))


def residual(columns: list[Vector], length: int, rng: Random) -> Vector:
    found = [Fraction(0)] * length
    for vector in null_space(columns, length):
        factor = small(rng)
        found = [a + factor * b for a, b in zip(found, vector, strict=True)]
    if rng.random() < 0.15:
        found[rng.randrange(length)] += rng.choice((Fraction(1), *ERRORS))
    return tuple(found)


def _rescaled(case: Case, rng: Random) -> Case:
    """Multiply one layer's weights, one layer's biases, the inputs or the targets by a scale."""
    scale = Fraction(rng.choice(pieces.SCALES))
    which = rng.choice(("weights", "biases", "x", "y", "one"))
    if which == "x":
        return replace(case, x=tuple(tuple(v * scale for v in row) for row in case.x))
    if which == "y":
        if case.loss != "squared":
            return case
        return replace(case, y=tuple(tuple(v * scale for v in row) for row in case.y))
    point, shape = list(case.point), case.widths
    if which == "one":
        point[rng.randrange(len(point))] *= scale
        return case.at(point)
    layer = rng.randrange(len(shape) - 1)
    for k in range(shape[layer + 1]):
        for source in range(shape[layer]) if which == "weights" else (None,):
            point[place(shape, layer, k, source)] *= scale
    return case.at(point)
