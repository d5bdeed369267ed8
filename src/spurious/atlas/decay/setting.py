"""A shallow network with weight decay as its units see it.

Section 17 of `docs/mathematics.md`. Equal inputs are one point. A unit is described by
a = |v| (w, tau b) with tau = sqrt(l_b / l_w) and by the sign of v; its point i is
x^_i = (x_i, 1 / tau), so that a.x^_i is |v| times the pre-activation, and a costs
kappa |a| with kappa = 2 sqrt(l_v l_w). A *region* is a sign and a chamber, the closed cone of all a
with given signs of a.x^_i.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
import numpy.typing as npt
from flint import arb, fmpq

from spurious.atlas.arrangement import Arrangement, Sides, arrange
from spurious.exact.rationals import rational
from spurious.problem import DenseLoss

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Region:
    """A sign and a chamber.

    Attributes:
        sign: Of the outgoing weight.
        sides: The chamber.
        signs: The same as 1 and -1, shape (n,).
        slopes: Of the activation at each point, shape (n,).
        inside: A direction in the chamber's interior, shape (d + 1,).
    """

    sign: int
    sides: Sides
    signs: tuple[int, ...]
    slopes: tuple[Fraction, ...]
    inside: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class DecaySetting:
    """Data, costs and regions.

    Attributes:
        loss: Network, data and penalty.
        groups: For each different input the indices of its points, n of them.
        above: What weight each group has on the side of label 1; with the squared loss all of it.
        below: On the side of label -1; with the squared loss 0.
        targets: The mean target of each group (squared loss).
        unavoidable: The squared loss within groups, which nothing avoids.
        arrangement: The chambers.
        regions: All in which a unit does something; of chambers that are mirror images for an
            even activation, one.
        region_of: The place in `regions` of each sign and chamber; None where a unit does nothing.
    """

    loss: DenseLoss
    groups: tuple[tuple[int, ...], ...]
    above: tuple[Fraction, ...]
    below: tuple[Fraction, ...]
    targets: tuple[Fraction, ...]
    unavoidable: Fraction
    arrangement: Arrangement
    regions: tuple[Region, ...]
    region_of: dict[tuple[int, Sides], int | None]

    @property
    def size(self) -> int:
        """Number of different inputs, n."""
        return len(self.groups)

    @property
    def squared(self) -> bool:
        """Whether the loss is the squared one; else it is the logistic one."""
        return self.loss.loss == "squared"

    @property
    def weights(self) -> tuple[Fraction, ...]:
        """The weight of each group, shape (n,)."""
        return tuple(a + b for a, b in zip(self.above, self.below, strict=True))

    @property
    def costs(self) -> tuple[Fraction, Fraction, Fraction, Fraction]:
        """What squares cost: l_w, l_b, l_v and that of the output's bias, l_c."""
        (weight, bias), (outgoing, last) = (self.loss.penalty.of(k) for k in (0, 1))
        return Fraction(weight), Fraction(bias), Fraction(outgoing), Fraction(last)

    @property
    def tau(self) -> arb:
        """By how much the bias counts more than a weight, at the working precision."""
        weight, bias, _, _ = self.costs
        return arb(rational(bias / weight)).sqrt()

    @property
    def kappa(self) -> arb:
        """What a length of 1 costs, at the working precision."""
        weight, _, outgoing, _ = self.costs
        return 2 * arb(rational(weight * outgoing)).sqrt()

    @property
    def points(self) -> list[list[arb]]:
        """x^, shape (n, d + 1), at the working precision."""
        last = 1 / self.tau
        return [
            [*(arb(rational(v)) for v in self.loss.data.x[group[0]]), last] for group in self.groups
        ]

    @cached_property
    def products(self) -> list[list[fmpq]]:
        """x^_i.x^_k, exactly, shape (n, n)."""
        weight, bias, _, _ = self.costs
        rows = [self.loss.data.x[group[0]] for group in self.groups]
        return [
            [rational(sum((a * b for a, b in zip(x, y, strict=True)), weight / bias)) for y in rows]
            for x in rows
        ]

    @cached_property
    def float_points(self) -> Floats:
        """x^ in floats, shape (n, d + 1)."""
        return np.array([[float(v.mid()) for v in row] for row in self.points])

    @cached_property
    def signs(self) -> Floats:
        """Of all regions, shape (R, n)."""
        return np.array([r.signs for r in self.regions], dtype=np.float64).reshape(-1, self.size)

    @cached_property
    def features(self) -> Floats:
        """What a of a region adds to the outputs, as a matrix each, shape (R, n, d + 1)."""
        slopes = np.array([[float(s) * r.sign for s in r.slopes] for r in self.regions])
        return slopes.reshape(-1, self.size, 1) * self.float_points

    @cached_property
    def inside(self) -> Floats:
        """A direction inside of each region, shape (R, d + 1)."""
        width = self.float_points.shape[1]
        return np.array([r.inside for r in self.regions]).reshape(-1, width)


def sides_of(signs: Sequence[int]) -> Sides:
    """A chamber from its signs, shape (n,)."""
    return Sides(
        sum(1 << i for i, s in enumerate(signs) if s > 0),
        sum(1 << i for i, s in enumerate(signs) if s < 0),
    )


def describe(loss: DenseLoss) -> DecaySetting:
    """Finds the regions.

    Args:
        loss: One hidden layer, one output, slopes that differ, squared or logistic, positive costs
            of weights and hidden biases.
    """
    groups = _groups(loss)
    arrangement = arrange([[rational(v) for v in loss.data.x[group[0]]] for group in groups])
    regions, region_of = list[Region](), dict[tuple[int, Sides], int | None]()
    for sign, chamber in _sided(arrangement):
        high, low = loss.network.slopes
        mirrored = (sign, Sides(chamber.negative, chamber.positive))
        if high == -low and mirrored in region_of:
            region_of[sign, chamber] = region_of[mirrored]
            continue
        signs = tuple(1 if chamber.positive >> i & 1 else -1 for i in range(len(groups)))
        slopes = tuple(high if s > 0 else low for s in signs)
        region_of[sign, chamber] = None
        if any(slopes):
            region_of[sign, chamber] = len(regions)
            regions.append(
                Region(sign, chamber, signs, slopes, _inside(loss, arrangement, chamber))
            )
    above, below, targets, unavoidable = _weighed(loss, groups)
    return DecaySetting(
        loss, groups, above, below, targets, unavoidable, arrangement, tuple(regions), region_of
    )


def _groups(loss: DenseLoss) -> tuple[tuple[int, ...], ...]:
    """Points with one input; those that count nothing are left out."""
    places: dict[tuple[Fraction, ...], list[int]] = {}
    for i, (point, factor) in enumerate(zip(loss.data.x, loss.factors, strict=True)):
        if factor:
            places.setdefault(point, []).append(i)
    return tuple(tuple(members) for members in places.values())


def _sided(arrangement: Arrangement) -> Iterator[tuple[int, Sides]]:
    for chamber in arrangement.chambers:
        for sign in (1, -1):
            yield sign, chamber


def _inside(loss: DenseLoss, arrangement: Arrangement, chamber: Sides) -> tuple[float, ...]:
    """The sum of a chamber's rays, each of length 1, as a direction of a."""
    (weight, bias), width = loss.penalty.of(0), loss.data.inputs + 1
    total = np.zeros(width)
    for k in arrangement.rays_of(chamber):
        ray = np.zeros(width)
        ray[list(arrangement.coordinates)] = [float(v) for v in arrangement.rays[k].direction]
        ray[-1] *= (float(bias) / float(weight)) ** 0.5
        total += ray / np.linalg.norm(ray)
    return tuple((total / np.linalg.norm(total)).tolist())


def _weighed(
    loss: DenseLoss, groups: tuple[tuple[int, ...], ...]
) -> tuple[tuple[Fraction, ...], tuple[Fraction, ...], tuple[Fraction, ...], Fraction]:
    """Weights above and below, mean targets, and the loss within groups."""
    above, below, targets = list[Fraction](), list[Fraction](), list[Fraction]()
    unavoidable, factors = Fraction(0), loss.factors
    squared = loss.loss == "squared"
    for group in groups:
        labels = [(factors[i], loss.data.y[i][0]) for i in group]
        total = sum((w for w, _ in labels), Fraction(0))
        up = total if squared else sum((w for w, y in labels if y > 0), Fraction(0))
        above.append(up)
        below.append(total - up)
        mean = sum((w * y for w, y in labels), Fraction(0)) / total if squared else Fraction(0)
        targets.append(mean)
        if squared:
            unavoidable += sum((w * (y - mean) ** 2 for w, y in labels), Fraction(0))
    return tuple(above), tuple(below), tuple(targets), unavoidable
