"""What a network does on its data: dead units, linear regions, and what is proved of its future.

Let a point of the data be *blind in layer l* if every unit of that hidden layer is off there,
strictly. Three statements, each decided with rounding bounded (`rounding`), for relu networks:

1. *Dead layer.* If all points are blind in a layer, the output is the same for all of them, here
   and for all parameters nearby, so no parameters nearby beat the infimum over constants. There is
   a best constant if the targets are values, or if each class has a point. With the output bias
   moved to it (nothing else changes, least of all the layer) the point is a local minimum (the
   paper's Theorem 1). If a class has no point its share is best at 0, which its output reaches at
   minus infinity only: no point with this layer dead is a local minimum.
2. *Floor.* Take for each point the last layer in which it is blind. Points with the same one see
   the same output (what follows the layer sees zeros), here and nearby. So near this point the
   loss cannot fall below the sum over these groups of the infimum over the group's constants:
   for cross entropy n H(shares of the classes), for the squared loss the sum of squares around the
   mean, for each output n H(shares of the signs) with the logistic loss, twice the fewer signs with
   the hinge; and of a group at most its largest class is classified right. With one input and the
   squared loss, the other points are grouped by activation pattern, and the best straight line of
   each group counts: class-wise optimality. For classes lines are of no use: up to d + 1 affinely
   independent points of a group are fitted with a loss as near to 0 as one likes.
   The floor is *attained* if some output layer on top of these very hidden layers has that loss;
   that network is then a local minimum. It is for a dead layer with a best constant; and, with one
   hidden layer, one input and the squared loss, if all points share one pattern and some unit is on
   with a weight other than 0: its line, scaled, and the output bias are every straight line.
3. *Descends.* The loss is a convex function of the output layer's weights, at kinks of hidden units
   too, and differentiable but where the hinge loss bends. If the derivative by one of them, or all
   of its subdifferential, is proved not to be 0, the point is no local minimum: training there is
   slow, not stuck.

Each point counts with the weight of its loss; what is classified right is counted without.

With a penalty on the squares of parameters a floor of the data's loss still is one of the loss, but
it is attained nowhere that is proved here, and the derivatives are those with the penalty.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.special import expit, xlogy

from spurious.large.recipe import LargeRecipe
from spurious.large.rounding import SAFETY, TINY, Floats, forward, growth
from spurious.problem import Loss, Network

SLICE: Final = 5_000
"""Points looked at together; bounds the memory."""

ROUNDED: Final = 1e-9
"""Floors are lowered by this share, far more than their own rounding errors."""


@dataclass(frozen=True, slots=True, eq=False)
class Ending:
    """What holds of one network at one point of its training.

    Attributes:
        dead: Share of hidden units that are off on all points.
        dead_layer: The first hidden layer proved to be off on all points, from 1; 0 if none.
        regions: Linear regions (activation patterns) that hold data.
        blind: Share of the points that are blind in some layer.
        floor: A loss that no parameters nearby beat; 0 if nothing is known.
        floor_errors: Points that are wrong for all parameters nearby.
        attained: Whether the floor is proved to be the loss of a local minimum with these hidden
            layers.
        descends: Whether it is proved to be no local minimum.
        outputs: On the points, for targets that are values, shape (n K,); empty for classes.
    """

    dead: float
    dead_layer: int
    regions: int
    blind: float
    floor: float
    floor_errors: int
    attained: bool
    descends: bool
    outputs: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """What is gathered over the points."""

    off: list[npt.NDArray[np.bool_]]
    dead: npt.NDArray[np.bool_]
    group: npt.NDArray[np.int64]
    patterns: npt.NDArray[np.uint8]
    kinks: bool
    slope: Floats
    slope_error: Floats
    outputs: npt.NDArray[np.float32]


def ending(recipe: LargeRecipe, flat: npt.NDArray[np.float32]) -> Ending:
    """Looks at a relu network with the parameters `flat`, shape (P,), on its data.

    Raises:
        ValueError: The network is not a relu network.
    """
    network = recipe.network
    if network.activation != "relu":
        raise ValueError(f"found a {network.activation} network, expected a relu one")
    seen = _gathered(recipe, flat)
    layers = len(network.hidden)
    regions, pattern = np.unique(seen.patterns, axis=0, return_inverse=True)
    floor, errors = _floor(recipe, seen, pattern.ravel())
    dead = [layer for layer in range(layers) if seen.dead[layer]]
    return Ending(
        float(np.concatenate(seen.off).mean()),
        dead[0] + 1 if dead else 0,
        len(regions),
        float((seen.group > 0).mean()),
        floor,
        errors,
        not recipe.penalised
        and (
            (bool(dead) and _has_best_constant(recipe))
            or (len(regions) == 1 and not seen.kinks and _has_line(recipe, seen, flat))
        ),
        bool((np.abs(seen.slope) > seen.slope_error).any()),
        seen.outputs,
    )


def layers_of(network: Network, flat: npt.NDArray[np.float32]) -> Iterator[tuple[Floats, Floats]]:
    """Weight (in, out) and bias (out,) of each layer, exactly."""
    start = 0
    for wide, high in pairwise(network.widths):
        middle = start + wide * high
        weight = flat[start:middle].reshape(high, wide).T.astype(np.float64)
        yield weight, flat[middle : middle + high].astype(np.float64)
        start = middle + high


def _gathered(recipe: LargeRecipe, flat: npt.NDArray[np.float32]) -> _Seen:
    network, data = recipe.network, recipe.data
    layers = list(layers_of(network, flat))
    x, y, factors = data.scaled(), recipe.targets, recipe.factors
    off = [np.ones(units, np.bool_) for units in network.hidden]
    dead = np.ones(len(network.hidden), np.bool_)
    group = np.zeros(data.size, np.int64)
    patterns: list[npt.NDArray[np.uint8]] = []
    outputs = [np.empty(0, np.float32)]
    kinks = False
    slope = np.zeros((network.widths[-2] + 1, network.outputs))
    error, size = np.zeros_like(slope), np.zeros_like(slope)
    for start in range(0, data.size, SLICE):
        part = slice(start, start + SLICE)
        passed = forward(layers, x[part].astype(np.float64))
        *hidden, output = passed
        for layer, (z, e) in enumerate(hidden):
            blind = (z + e < 0).all(axis=1)
            off[layer] &= (z <= 0).all(axis=0)
            dead[layer] &= blind.all()
            group[part][blind] = layer + 1
            kinks |= bool((np.abs(z) <= e).any())
        patterns.append(np.packbits(np.concatenate([z > 0 for z, _ in hidden], axis=1), axis=1))
        h, e = (np.maximum(hidden[-1][0], 0.0), hidden[-1][1])
        h, e = np.pad(h, ((0, 0), (0, 1)), constant_values=1.0), np.pad(e, ((0, 0), (0, 1)))
        if not data.classes:
            outputs.append(output[0].ravel().astype(np.float32))
        pull, pull_error = _pulls(recipe.loss, output, y[part])
        if recipe.weighted:
            weight = factors[part, None]
            pull_error = SAFETY * weight * (pull_error + growth(4) * np.abs(pull))
            pull = weight * pull
        slope += h.T @ pull
        size += h.T @ np.abs(pull)
        error += h.T @ pull_error + e.T @ (np.abs(pull) + pull_error)
    (weight, bias), costs = layers[-1], recipe.squares[-1]
    decay = np.vstack([2 * costs[0] * weight, 2 * costs[1] * bias])
    slope, size = slope + decay, size + np.abs(decay)
    error = SAFETY * (error + growth(data.size + 4) * size)
    return _Seen(
        off, dead, group, np.concatenate(patterns), kinks, slope, error, np.concatenate(outputs)
    )


def _pulls(loss: str, output: tuple[Floats, Floats], y: npt.NDArray[Any]) -> tuple[Floats, Floats]:
    """Derivatives of the loss by the outputs, with bounds on their errors, both (n, K).

    Where the hinge loss may bend, the bound takes in its whole subdifferential.
    """
    f, e = output
    if loss == Loss.SQUARED:
        pull = 2 * (f - y)
        return pull, SAFETY * (2 * e + 4 * growth(2) * (np.abs(f) + np.abs(y)))
    if loss == Loss.LOGISTIC:
        share = expit(-y * f)
        return -y * share, SAFETY * (e / 4 + growth(64) * share) + TINY
    if loss == "hinge":
        slack = 1 - y * f
        bends = np.abs(slack) <= SAFETY * (e + growth(4) * (1 + np.abs(f)))
        share = np.where(bends, 0.5, slack > 0)
        return -y * share, np.where(bends, 0.5, 0.0)
    classes = f.shape[1]
    shifted = np.exp(f - f.max(axis=1, keepdims=True))
    p = shifted / shifted.sum(axis=1, keepdims=True)
    pull = p - np.eye(classes)[y]
    # All outputs off by at most E change every share by a factor of at most exp(2 E); exp, the sum
    # and the quotient are good to a few units in the last place, subtracting f's largest value
    # adds half a unit of |f| to the exponent.
    most = e.max(axis=1, keepdims=True)
    spread = f.max(axis=1, keepdims=True) - f.min(axis=1, keepdims=True)
    relative = np.expm1(np.minimum(2 * most, 700.0)) + growth(64 + classes) * (1 + spread)
    return pull, SAFETY * (p * relative + 4 * growth(2) * np.abs(pull)) + 1e-250


def _floor(recipe: LargeRecipe, seen: _Seen, pattern: npt.NDArray[np.int64]) -> tuple[float, int]:
    """The loss that nothing nearby beats, and how many points stay wrong."""
    floor, errors = 0.0, 0
    for layer in range(1, len(recipe.network.hidden) + 1):
        group = seen.group == layer
        if not group.any():
            continue
        floor += _constant_floor(recipe, group)
        if recipe.loss != Loss.SQUARED:
            _, counts = np.unique(recipe.targets[group], axis=0, return_counts=True)
            errors += int(group.sum() - counts.max())
    if recipe.loss == Loss.SQUARED and recipe.network.inputs == 1 and not seen.kinks:
        floor += _line_floor(recipe, seen, pattern)
    return floor * (1 - ROUNDED), errors


def _constant_floor(recipe: LargeRecipe, group: npt.NDArray[np.bool_]) -> float:
    """The infimum of the loss of some points over outputs that are the same for all of them."""
    weights, y = recipe.factors[group], recipe.targets[group]
    total = float(weights.sum())
    if not total:
        return 0.0
    if recipe.loss == Loss.SQUARED:
        values = y.astype(np.float64)
        mean = np.average(values, axis=0, weights=weights)
        return float((weights[:, None] * (values - mean) ** 2).sum())
    if recipe.loss == Loss.CROSS_ENTROPY:
        return _entropy(np.bincount(y.astype(np.int64), weights).astype(np.float64), total)
    positive = np.minimum(weights @ (y > 0), total)
    if recipe.loss == Loss.LOGISTIC:
        return _entropy(positive, total) + _entropy(total - positive, total)
    return float(2 * np.minimum(positive, total - positive).sum())


def _entropy(masses: Floats, total: float) -> float:
    """The sum of m log(total / m)."""
    return float(xlogy(masses, total / np.where(masses > 0, masses, total)).sum())


def _has_best_constant(recipe: LargeRecipe) -> bool:
    """Whether one output for all points has the least loss.

    With a log loss there is none if a class, or a sign of an output, has no point.
    """
    seen = recipe.targets[recipe.factors > 0]
    if recipe.loss == Loss.CROSS_ENTROPY:
        return bool(np.isin(np.arange(recipe.data.classes), seen).all())
    if recipe.loss == Loss.LOGISTIC:
        return bool(((seen > 0).any(axis=0) & (seen < 0).any(axis=0)).all())
    return True


def _has_line(recipe: LargeRecipe, seen: _Seen, flat: npt.NDArray[np.float32]) -> bool:
    """Whether the output layer can turn the only pattern's features into every straight line."""
    network = recipe.network
    if recipe.loss != Loss.SQUARED or network.inputs > 1 or network.depth > 1:
        return False
    (weight, _), _ = layers_of(network, flat)
    return bool((~seen.off[0] & (weight[0] != 0)).any())


def _line_floor(recipe: LargeRecipe, seen: _Seen, pattern: npt.NDArray[np.int64]) -> float:
    """The squared loss of the best straight line through the points of each pattern."""
    x = recipe.data.scaled()[:, 0].astype(np.float64)
    y = recipe.data.targets.astype(np.float64)
    total = 0.0
    for number in np.unique(pattern[seen.group == 0]):
        mine = (pattern == number) & (seen.group == 0) & (recipe.factors > 0)
        if not mine.any():
            continue
        weights = recipe.factors[mine]
        at = x[mine] - np.average(x[mine], weights=weights)
        value = y[mine] - np.average(y[mine], axis=0, weights=weights)
        square = weights * at @ at
        fitted = np.outer(at, weights * at @ value / square) if square > 0 else 0.0
        total += float((weights[:, None] * (value - fitted) ** 2).sum())
    return total
