"""Problems with weight decay, and the truth about them: everything here is computed anew.

A problem is drawn, trained in floats, perhaps made degenerate (a unit split in two, one put to
zero), and given to `certify`. A minimum that it claims is attacked around the certificate's centre:
rays of many kinds, among them those that gradient sampling proposes (J. V. Burke, A. S. Lewis and
M. L. Overton 2005), those that keep the kinks, and a zero unit's own; each in 60 digits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from random import Random
from typing import Any

import numpy as np
from scipy.optimize import minimize, nnls

from fuzzing.case import layers, point_data, size
from fuzzing.precise import context

Array = np.ndarray
Loss = Callable[[Any], Any]
DIGITS = 60
STEPS = (1e-3, 1e-4, 1e-5, 1e-6)
"""Lengths of rays; a fall has to be there at the two smallest."""
BARRIER = 1e3
"""Rays are shorter if a unit or a pre-activation is so small that this times it is below 1: what
is beyond it is another valley."""
ROUNDING = 1e-12
SLACK = 1e-24
"""What the centre's loss may be above the minimum's, against 1 + the loss."""


@dataclass(frozen=True)
class Decayed:
    """A dense problem with a penalty; numbers are texts, exactly as in the file.

    Attributes:
        costs: For each layer what the squares of its weights cost, and of its biases.
    """

    widths: tuple[int, ...]
    activation: str
    slope: str | None
    loss: str
    x: tuple[tuple[str, ...], ...]
    y: tuple[tuple[str, ...], ...]
    weights: tuple[str, ...]
    costs: tuple[tuple[str, str], ...]
    point: tuple[Fraction, ...] = ()
    kind: str = ""

    @property
    def slopes(self) -> tuple[float, float]:
        """Above and below 0."""
        below = {"relu": 0.0, "abs": -1.0, "leaky_relu": float(Fraction(self.slope or 0))}
        return 1.0, below[self.activation]

    def to_data(self) -> dict[str, Any]:
        """The problem as the JSON object of a file."""
        network: dict[str, Any] = {"widths": list(self.widths), "activation": self.activation}
        if self.slope is not None:
            network["slope"] = self.slope
        names = [f"layers[{k}]" for k in range(len(self.costs))]
        penalty = {
            f"{name}.{part}": cost
            for name, both in zip(names, self.costs, strict=True)
            for part, cost in zip(("weight", "bias"), both, strict=True)
        }
        return {
            "format": "spurious-problem/2",
            "network": network,
            "loss": self.loss,
            "data": {"x": [list(r) for r in self.x], "y": [list(r) for r in self.y]},
            "weights": list(self.weights),
            "penalty": penalty,
            "point": point_data(self.point, self.widths),
        }

    def in_numbers(self, number: Callable[[Fraction], Any], exp: Any, log1p: Any) -> Loss:
        """The loss at parameters of any kind of number; what is fixed is converted once."""
        inputs = [[number(Fraction(v)) for v in row] for row in self.x]
        above, below = (number(Fraction(s)) for s in self.slopes)
        targets = [[number(Fraction(t)) for t in row] for row in self.y]
        weights = [number(Fraction(v)) for v in self.weights]
        costs = [(number(Fraction(cost)), number(Fraction(own))) for cost, own in self.costs]
        nothing = number(Fraction(0))

        def value(values: Any) -> Any:
            rows, network = inputs, layers(list(values), self.widths)
            for index, (weight, bias) in enumerate(network):
                rows = [
                    [sum((w * a for w, a in zip(r, row, strict=True)), b)
                     for r, b in zip(weight, bias, strict=True)]
                    for row in rows
                ]  # fmt: skip
                if index < len(network) - 1:
                    rows = [[above * z if z > 0 else below * z for z in row] for row in rows]
            total = nothing
            for row, target, factor in zip(rows, targets, weights, strict=True):
                total = total + factor * self._loss(row, target, nothing, exp, log1p)
            for (weight, bias), (cost, own) in zip(network, costs, strict=True):
                total = total + cost * sum((w * w for r in weight for w in r), nothing)
                total = total + own * sum((b * b for b in bias), nothing)
            return total

        return value

    def _loss(self, row: Any, targets: Any, nothing: Any, exp: Any, log1p: Any) -> Any:
        if self.loss == "cross_entropy":
            own = row[int(targets[0])]
            top = max(f - own for f in row)
            return top + log1p(sum(exp(f - own - top) for f in row) - 1)
        total = nothing
        for f, t in zip(row, targets, strict=True):
            if self.loss == "squared":
                total = total + (f - t) ** 2
            elif self.loss == "hinge":
                total = total + max(1 - t * f, nothing)
            else:
                z = -t * f
                total = total + (z if z > 0 else 0) + log1p(exp(-abs(z)))
        return total


class Floats:
    """Loss and gradient in floats, for training and for proposals."""

    def __init__(self, case: Decayed) -> None:
        self.case = case
        self.x = np.array([[float(Fraction(v)) for v in r] for r in case.x])
        self.y = np.array([[float(Fraction(v)) for v in r] for r in case.y])
        self.weights = np.array([float(Fraction(v)) for v in case.weights])
        self.costs = np.concatenate([
            np.concatenate([np.full(a * b, float(Fraction(c))), np.full(b, float(Fraction(o)))])
            for (a, b), (c, o) in zip(pairwise(case.widths), case.costs, strict=True)
        ])  # fmt: skip

    def unpacked(self, point: Array) -> list[tuple[Array, Array]]:
        """Weights (out, in) and biases, layer by layer."""
        found, at = list[tuple[Array, Array]](), 0
        for a, b in pairwise(self.case.widths):
            found.append((point[at : at + a * b].reshape(b, a), point[at + a * b : at + a * b + b]))
            at += a * b + b
        return found

    def preactivations(self, point: Array) -> list[Array]:
        """Z of every layer, (n, width)."""
        rows, found = self.x, list[Array]()
        above, below = self.case.slopes
        for weight, bias in self.unpacked(point):
            found.append(rows @ weight.T + bias)
            rows = np.where(found[-1] > 0, above, below) * found[-1]
        return found

    def __call__(self, point: Array) -> tuple[float, Array]:
        """Loss and gradient."""
        above, below = self.case.slopes
        zs = self.preactivations(point)
        states = [self.x, *(np.where(z > 0, above, below) * z for z in zs[:-1])]
        f, w = zs[-1], self.weights[:, None]
        if self.case.loss == "squared":
            loss, g = ((f - self.y) ** 2 * w).sum(), 2 * (f - self.y) * w
        elif self.case.loss == "hinge":
            gap = 1 - self.y * f
            loss, g = (np.maximum(gap, 0) * w).sum(), np.where(gap > 0, -self.y, 0) * w
        elif self.case.loss == "logistic":
            loss = (np.logaddexp(0, -self.y * f) * w).sum()
            g = -self.y * np.exp(-np.logaddexp(0, self.y * f)) * w
        else:
            label = self.y[:, 0].astype(int)
            top = f - f.max(1, keepdims=True)
            p = np.exp(top) / np.exp(top).sum(1, keepdims=True)
            own = np.take_along_axis(p, label[:, None], 1)
            loss, g = -(np.log(own) * w).sum(), (p - np.eye(p.shape[1])[label]) * w
        parts = list[Array]()
        network = self.unpacked(point)
        for index in range(len(network) - 1, -1, -1):
            parts += [g.sum(0), (g.T @ states[index]).ravel()]
            if index:
                g = (g @ network[index][0]) * np.where(zs[index - 1] > 0, above, below)
        gradient = np.concatenate(parts[::-1]) + 2 * self.costs * point
        return float(loss + (self.costs * point**2).sum()), gradient


def draw(rng: Random, *, free: bool = False) -> Decayed:
    """A problem at the end of a training, perhaps made degenerate; biases may be free of cost."""
    widths = rng.choice(((1, 1, 1), (1, 2, 1), (1, 3, 1), (2, 2, 1), (2, 3, 1), (1, 2, 2),
                         (1, 2, 2, 1), (2, 2, 3), (1, 2, 1, 1)))  # fmt: skip
    activation, slope = rng.choice((("relu", None), ("relu", None), ("abs", None),
                                    ("leaky_relu", "1/10"), ("leaky_relu", "-1/2")))  # fmt: skip
    loss = rng.choice(("squared", "squared", "logistic", "hinge"))
    if widths[-1] > 1 and rng.random() < 0.5:
        loss = "cross_entropy"
    count = rng.choice((2, 3, 4, 6, 8))
    x = tuple(tuple(f"{rng.randint(-6, 6)}/{rng.choice((2, 3))}" for _ in range(widths[0]))
              for _ in range(count))  # fmt: skip
    y = tuple(_targets(rng, loss, widths[-1]) for _ in range(count))
    weights = tuple(rng.choice(("1", "1", "1", "1/2", "2")) for _ in x)
    l2 = rng.choice(("1/1000", "1/100", "1/20", "1/5", "1/2", "1", "2"))
    bias = "0" if free else rng.choice((l2, l2, "0"))
    costs = tuple((l2, bias) for _ in widths[1:])
    if rng.random() < 0.2:
        costs = tuple((rng.choice(("1/50", "1/10", "1/3")), c) for _, c in costs)
    case = Decayed(widths, activation, slope, loss, x, y, weights, costs)
    return _degenerate(replace(case, point=_trained(case, rng)), rng)


def _targets(rng: Random, loss: str, outputs: int) -> tuple[str, ...]:
    if loss == "cross_entropy":
        return (str(rng.randrange(outputs)),)
    if loss == "squared":
        return tuple(f"{rng.randint(-6, 6)}/2" for _ in range(outputs))
    return tuple(rng.choice(("1", "-1")) for _ in range(outputs))


def _trained(case: Decayed, rng: Random) -> tuple[Fraction, ...]:
    value = Floats(case)
    start = np.array([rng.gauss(0, rng.choice((0.3, 1.0, 1.0))) for _ in range(size(case.widths))])
    end = start
    for _ in range(6):
        with np.errstate(all="ignore"):
            found = minimize(value, end, jac=True, method="L-BFGS-B",
                             options={"maxiter": 400, "ftol": 1e-16, "gtol": 1e-12})  # fmt: skip
        end = np.where(np.abs(found.x) < 1e-7, 0, found.x)
    return tuple(Fraction(float(v)) for v in end)


def _degenerate(case: Decayed, rng: Random) -> Decayed:
    """Now and then a live unit split in two, or a unit added at zero."""
    what = rng.choice(("", "", "split", "zero", "zero", "kept"))
    if not what:
        return case
    network = layers(list(case.point), case.widths)
    layer = rng.randrange(len(network) - 1)
    (weight, bias), (out, last) = network[layer], network[layer + 1]
    j = rng.randrange(len(weight))
    if what == "split":
        c, s = Fraction(float(np.cos(0.7))), Fraction(float(np.sin(0.7)))
        weight = [*weight, [v * s for v in weight[j]]]
        bias = [*bias, bias[j] * s]
        weight[j], bias[j] = [v * c for v in weight[j]], bias[j] * c
        out = [[*r, r[j] * s] for r in out]
        for r in out:
            r[j] = r[j] * c
    else:
        kept = what == "kept" and Fraction(case.costs[layer][1]) == 0
        weight = [*weight, [Fraction(0)] * len(weight[0])]
        bias = [*bias, Fraction(rng.choice((-1, 1)), 2) if kept else Fraction(0)]
        out = [[*r, Fraction(0)] for r in out]
    network[layer], network[layer + 1] = (weight, bias), (out, last)
    point = tuple(v for w, b in network for v in (*(e for r in w for e in r), *b))
    widths = (*case.widths[: layer + 1], case.widths[layer + 1] + 1, *case.widths[layer + 2 :])
    return replace(case, widths=widths, point=point, kind=what)


def lower(case: Decayed, centre: tuple[Fraction, ...], rng: Random) -> str:
    """A ray from the centre along which the loss falls, in words; empty if none is found."""
    ctx = context(DIGITS)

    def number(v: Fraction) -> Any:
        return ctx.mpf(v.numerator) / v.denominator

    here, loss = [number(v) for v in centre], case.in_numbers(number, ctx.exp, ctx.log1p)
    base = loss(here)
    slack = SLACK * (1 + abs(base))
    floats = np.array([float(v) for v in centre])
    reach = min(1.0, BARRIER * _nearest_barrier(case, floats))
    for name, ray in rays(case, floats, rng):
        length = float(np.abs(ray).max())
        if not 0 < length < np.inf:
            continue
        falls = 0
        for step in STEPS[::-1]:
            there = [
                a + ctx.mpf(reach * step * float(u) / length)
                for a, u in zip(here, ray, strict=True)
            ]
            if loss(there) >= base - slack:
                break
            falls += 1
        if falls >= 2:
            return f"the loss falls along a ray ({name})"
    return ""


def _nearest_barrier(case: Decayed, at: Array) -> float:
    """The smallest of what is not 0 but for rounding: sizes of hidden units, pre-activations."""
    value, found = Floats(case), list[float]()
    layers_of = value.unpacked(at)
    for (weight, bias), (above, _) in pairwise(layers_of):
        into = np.abs(np.column_stack([weight, bias])).max(axis=1)
        found += np.maximum(into, np.abs(above).max(axis=0)).tolist()
    found += [abs(z) for row in _bending(value, at) for z in row.ravel().tolist()]
    return min(v for v in (*found, 1.0) if v > ROUNDING)


def rays(case: Decayed, at: Array, rng: Random) -> Iterator[tuple[str, Array]]:
    """Directions in which a point that is no minimum might be seen to be none."""
    value, count = Floats(case), len(at)
    noise = np.random.default_rng(rng.randrange(2**32))
    for radius in (1e-4, 1e-6):
        near = at + radius * noise.normal(size=(3 * count, count))
        slopes = np.array([value(point)[1] for point in near])
        shares = nnls(np.vstack([slopes.T, 1e3 * np.ones(len(slopes))]),
                      np.append(np.zeros(count), 1e3))[0]  # fmt: skip
        yield "gradient sampling", -shares @ slopes
    for _ in range(12):
        yield "at random", noise.normal(size=count)
    for _ in range(12):
        yield "sparse", noise.normal(size=count) * (noise.random(count) < 2.5 / count)
    kept = _kinks(value, at)
    for _ in range(12):
        ray = noise.normal(size=count)
        yield "on the kinks", ray - kept.T @ np.linalg.lstsq(kept.T, ray, rcond=1e-9)[0]
    start = 0
    places = list[tuple[Array, Array]]()
    for a, b in pairwise(case.widths):
        rows = start + np.arange(a * b).reshape(b, a)
        places.append((rows, start + a * b + np.arange(b)))
        start += (a + 1) * b
    for (rows, biases), (above, _) in pairwise(places):
        for j in range(len(rows)):
            own = np.append(rows[j], biases[j])
            if np.abs(at[above[:, j]]).max() > 1e-9 or np.abs(at[rows[j]]).max() > 1e-9:
                continue
            for _ in range(60):
                ray = np.zeros(count)
                ray[own] = noise.normal(size=len(own))
                ray[above[:, j]] = noise.normal(size=len(above))
                if noise.random() < 0.5 and len(rows[j]) == value.x.shape[1]:
                    bend = value.x[noise.integers(len(value.x))]  # where the unit then bends
                    ray[biases[j]] = -ray[rows[j]] @ bend
                yield "a unit at zero", ray
                yield "a unit at zero", np.where(np.isin(np.arange(count), above[:, j]), -ray, ray)


def _kinks(value: Floats, at: Array) -> Array:
    """Gradients of the pre-activations that are zero, by differences; of live units alone."""
    flat = np.concatenate([z.ravel() for z in _bending(value, at)])
    held = np.flatnonzero(np.abs(flat) < 1e-12)
    found = [
        (np.concatenate([z.ravel() for z in _bending(value, at + 1e-6 * e)])[held] - flat[held])
        / 1e-6
        for e in np.eye(len(at))
    ]
    return np.array(found).T.reshape(len(held), len(at))


def _bending(value: Floats, at: Array) -> list[Array]:
    *hidden, outputs = value.preactivations(at)
    return [*hidden, 1 - value.y * outputs] if value.case.loss == "hinge" else hidden
