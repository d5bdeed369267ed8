"""A white, separable dataset that gradient descent never learns from normal weights with a mean.

The paper's fourth proposition: for every eps there are white, linearly separable data of full rank
on which every ReLU network, started from normal weights with a suitable mean and zero biases, fails
with probability 1 - eps. Its proof is not at hand; this is ours (Theorem 17 of
docs/mathematics.md), with data of our own.

*Data.* k copies of one outlier x_o = c (1, ..., 1) with |x_o|^2 = (n - k)/k, and n - k points on
the hyperplane x . x_o = -1, spread evenly over its axes, of both classes. The mean is 0 and the
covariance the identity. On such data, and only there, is (x, 1) orthogonal to (x_o, 1) for all
other points x.

*Why it is never learnt.* Let every unit of the first layer be off on the n - k points, and let the
input reach the output through that layer alone. Then the gradient of a unit's (w, b) is a multiple
of (x_o, 1), whatever the other layers do, and a step along it changes no pre-activation on the
n - k points. So the units stay off there for ever, with any step sizes, momentum or batches; the
n - k points share one output, and both classes are among them. Weight decay that multiplies (w, b)
by positive factors, apart from the momentum, changes no sign either. Decay that is added to the
gradient and so goes through the momentum may: it turns units on if step size times decay is above
(1 - sqrt(momentum))^2.

*How probable it is.* With weights N(mean, std^2), w . x is normal with mean -mean/c and standard
deviation std |x|. All points of an axis lie between its two outermost ones, so a unit that is off
on these is off on all; the bound adds up their tails.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import sqrt
from typing import Final

import numpy as np

from spurious.construct.relu import Vector
from spurious.errors import InputError
from spurious.problem import Dataset

FINENESS: Final = 10**12
"""Square roots are rounded to fractions with at most this denominator."""

SPREAD: Final = 0.01
"""The distances of points on one side of an axis differ by up to this share from their mean. The
smaller, the smaller a mean is enough."""


@dataclass(frozen=True, slots=True)
class ShiftedStart:
    """The dataset and what is exactly true of it.

    Attributes:
        data: Inputs (n, d), labels -1 and 1; the outliers come last.
        outliers: How many copies of the outlier there are.
        vertices: The points of the bulk whose convex combinations are all of it, (2 (d - 1), d).
        separator: Weights and offset of a linear function that has the labels' signs, (d + 1,).
        unwhiteness: The largest absolute entry of the mean and of the covariance less the
            identity, exactly; not zero as square roots are rounded.
    """

    data: Dataset
    outliers: int
    vertices: tuple[Vector, ...]
    separator: Vector
    unwhiteness: Fraction

    @property
    def bulk(self) -> tuple[Vector, ...]:
        """The points that share one output for ever, (n - k, d)."""
        return self.data.x[: -self.outliers]

    @property
    def outlier(self) -> Vector:
        """The outlier, (d,)."""
        return self.data.x[-1]

    @property
    def least_errors(self) -> int:
        """How many points stay wrong for ever once the bulk is dead: its smaller class."""
        labels = [y[0] for y in self.data.y[: -self.outliers]]
        return min(labels.count(Fraction(1)), labels.count(Fraction(-1)))


def shifted_start_data(inputs: int, points: int, outliers: int | None = None) -> ShiftedStart:
    """Builds the dataset.

    Args:
        inputs: Number of inputs d, at least 2.
        points: Number of points n.
        outliers: Copies k of the outlier, by default n/10; n - k is at least 2 (d - 1), and k at
            most n/2. The more, the smaller a mean is enough.

    Raises:
        InputError: A request that cannot be met.
    """
    if inputs < 2:
        raise InputError(
            f"inputs: found {inputs}, expected at least 2; on a line all points but the outlier "
            "would coincide, and could not be separated"
        )
    if points < 2:
        raise InputError(f"points: found {points}, expected at least 2, one of them an outlier")
    copies = max(points // 10, 1) if outliers is None else outliers
    if not 1 <= copies <= points // 2:
        raise InputError(f"outliers: found {copies}, expected 1 to {points // 2}, half the points")
    if points - copies < 2 * (inputs - 1):
        raise InputError(
            f"points: found {points} with {copies} outliers, expected at least "
            f"{copies + 2 * (inputs - 1)} for {inputs} inputs"
        )
    size = points - copies
    scale = _short(sqrt(size / (copies * inputs)))
    axes = _axes(inputs)
    x: list[Vector] = []
    labels: list[int] = []
    vertices: list[Vector] = []
    for axis, count in zip(axes, _shares(size, inputs - 1), strict=True):
        places = _places(count, points)
        low, high = min(places), max(places)
        ends = _on_plane(low, axis, scale), _on_plane(high, axis, scale)
        vertices += ends
        for place in places:
            share = _short((place - low) / (high - low))
            x.append(tuple(share * b + (1 - share) * a for a, b in zip(*ends, strict=True)))
            labels.append(1 if place > 0 else -1)
    x += [(scale,) * inputs] * copies
    labels += [1] * copies
    data = Dataset(tuple(x), tuple((Fraction(label),) for label in labels))
    return ShiftedStart(
        data, copies, tuple(vertices), _separator(data, axes, scale), _unwhiteness(data)
    )


def _short(value: float) -> Fraction:
    """A short fraction nearby."""
    return Fraction(value).limit_denominator(FINENESS)


def _on_plane(place: float, axis: np.ndarray, scale: Fraction) -> Vector:
    """The point at a place on an axis, moved exactly onto the plane x . x_o = -1."""
    entries = [_short(place * float(entry) - 1 / (float(scale) * len(axis))) for entry in axis]
    return (*entries[:-1], -1 / scale - sum(entries[:-1], Fraction(0)))


def _axes(inputs: int) -> np.ndarray:
    """An orthonormal basis of the vectors whose entries add up to 0, (d - 1, d) (Helmert)."""
    rows = np.zeros((inputs - 1, inputs))
    for k in range(1, inputs):
        rows[k - 1, :k] = 1
        rows[k - 1, k] = -k
        rows[k - 1] /= sqrt(k * (k + 1))
    return rows


def _shares(total: int, parts: int) -> list[int]:
    """`total` cut into `parts` nearly equal numbers."""
    return [total // parts + (part < total % parts) for part in range(parts)]


def _places(count: int, points: int) -> list[float]:
    """`count` numbers of both signs with sum 0 and sum of squares `points`."""
    above, below = (_distances((count + 1) // 2), _distances(count // 2))
    ratio = sum(above) / sum(below)
    size = sqrt(points / (sum(a * a for a in above) + ratio**2 * sum(b * b for b in below)))
    return [size * a for a in above] + [-size * ratio * b for b in below]


def _distances(count: int) -> list[float]:
    return [float(v) for v in np.linspace(1 - SPREAD, 1 + SPREAD, count)] if count > 1 else [1.0]


def _separator(data: Dataset, axes: np.ndarray, scale: Fraction) -> Vector:
    """A linear function with the signs of the labels.

    On the bulk it is the sum of the coordinates along the axes, which has the label's sign; a
    multiple of x . x_o + 1, which is 0 there, makes it positive on the outlier.
    """
    weight = tuple(_short(float(entry)) for entry in axes.sum(axis=0))
    at_outlier = sum((w * scale for w in weight), Fraction(0))
    gain = (1 + abs(at_outlier)) / (sum((x * scale for x in data.x[-1]), Fraction(0)) + 1)
    return (*(w + gain * scale for w in weight), gain)


def _unwhiteness(data: Dataset) -> Fraction:
    n, d = data.size, data.inputs
    means = [abs(sum((x[k] for x in data.x), Fraction(0)) / n) for k in range(d)]
    second = [
        abs(sum((x[k] * x[j] for x in data.x), Fraction(0)) / n - (k == j))
        for k in range(d)
        for j in range(k + 1)
    ]
    return max(*means, *second)
