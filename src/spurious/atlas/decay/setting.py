"""A shallow network with weight decay as its units see it.

Section 17 of `docs/mathematics.md`. Equal inputs are one point. A unit is described by
a = |v| (w, tau b) with tau = sqrt(l_b / l_w) and by the sign of v; its point i is
x^_i = (x_i, 1 / tau), so that a.x^_i is |v| times the pre-activation, and a costs
kappa |a| with kappa = 2 sqrt(l_v l_w). A *region* is a sign and a chamber, the closed cone of all a
with given signs of a.x^_i.

Section 19: where hidden biases cost nothing, tau is 1, the inputs have mean 0, the last coordinate
of a costs nothing, and all that units can do on one side of all points is one *linear* region.
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
        linear: Whether it is all linear functions of the inputs, whose last coordinate is 0.
    """

    sign: int
    sides: Sides
    signs: tuple[int, ...]
    slopes: tuple[Fraction, ...]
    inside: tuple[float, ...]
    linear: bool = False


@dataclass(frozen=True, eq=False)
class DecaySetting:
    """Data, costs and regions.

    Attributes:
        loss: Network, data and penalty.
        groups: For each different input the indices of its points, n of them.
        inputs: These inputs, moved to mean 0 where hidden biases cost nothing, shape (n, d).
        origin: What was subtracted, shape (d,).
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
    inputs: tuple[tuple[Fraction, ...], ...]
    origin: tuple[Fraction, ...]
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
    def free(self) -> bool:
        """Whether hidden biases cost nothing."""
        return not self.costs[1]

    @property
    def tau(self) -> arb:
        """By how much the bias counts more than a weight, at the working precision."""
        weight, bias, _, _ = self.costs
        return arb(1) if self.free else arb(rational(bias / weight)).sqrt()

    def paying(self, region: int) -> int:
        """How many coordinates of a count in its length; the others cost nothing."""
        width = len(self.origin) + 1
        return width - 1 if self.free and not self.regions[region].linear else width

    @property
    def kappa(self) -> arb:
        """What a length of 1 costs, at the working precision."""
        weight, _, outgoing, _ = self.costs
        return 2 * arb(rational(weight * outgoing)).sqrt()

    @property
    def points(self) -> list[list[arb]]:
        """x^, shape (n, d + 1), at the working precision."""
        last = 1 / self.tau
        return [[*(arb(rational(v)) for v in point), last] for point in self.inputs]

    @cached_property
    def products(self) -> list[list[fmpq]]:
        """x^_i.x^_k, without the last coordinate if it costs nothing, exactly, shape (n, n)."""
        weight, bias, _, _ = self.costs
        last = Fraction(0) if self.free else weight / bias
        return [
            [rational(sum((a * b for a, b in zip(x, y, strict=True)), last)) for y in self.inputs]
            for x in self.inputs
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
        found = slopes.reshape(-1, self.size, 1) * self.float_points
        found[[r.linear for r in self.regions], :, -1] = 0
        return found

    @cached_property
    def paid(self) -> Floats:
        """1 for each coordinate that counts in the length of a, else 0, shape (R, d + 1)."""
        width = len(self.origin) + 1
        counts = [self.paying(r) for r in range(len(self.regions))]
        return np.array([[float(k < n) for k in range(width)] for n in counts]).reshape(-1, width)

    @cached_property
    def bounded(self) -> Floats:
        """1 for each region that has walls, 0 for linear ones, shape (R,)."""
        return np.array([float(not r.linear) for r in self.regions])

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
            of weights; if hidden biases cost nothing, neither does that of the output.
    """
    groups, free = _groups(loss), not loss.penalty.of(0)[1]
    inputs = [loss.data.x[group[0]] for group in groups]
    count = len(inputs) if free else 0
    origin = tuple(
        sum(c, Fraction(0)) / count if free else Fraction(0) for c in zip(*inputs, strict=True)
    )
    inputs = tuple(tuple(v - o for v, o in zip(x, origin, strict=True)) for x in inputs)
    arrangement = arrange([[rational(v) for v in point] for point in inputs])
    regions, region_of = list[Region](), dict[tuple[int, Sides], int | None]()
    linear = dict[Fraction, int]()
    for sign, chamber in _sided(arrangement):
        high, low = loss.network.slopes
        if free and not (chamber.positive and chamber.negative):
            slope = abs(high if chamber.positive else low)
            if slope and slope not in linear:
                linear[slope] = len(regions)
                regions.append(_linear(sign, chamber, slope, inputs))
            region_of[sign, chamber] = linear.get(slope)
            continue
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
        loss,
        groups,
        inputs,
        origin,
        above,
        below,
        targets,
        unavoidable,
        arrangement,
        tuple(regions),
        region_of,
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


def _linear(
    sign: int, chamber: Sides, slope: Fraction, inputs: Sequence[Sequence[Fraction]]
) -> Region:
    """All linear functions of the inputs, from units with one slope, up to its sign."""
    count, width = len(inputs), len(inputs[0])
    inside = (*(width**-0.5,) * width, 0.0)
    side = 1 if chamber.positive else -1
    return Region(sign, chamber, (side,) * count, (slope,) * count, inside, linear=True)


def _inside(loss: DenseLoss, arrangement: Arrangement, chamber: Sides) -> tuple[float, ...]:
    """The sum of a chamber's rays, each of length 1, as a direction of a."""
    (weight, bias), width = loss.penalty.of(0), loss.data.inputs + 1
    total = np.zeros(width)
    for k in arrangement.rays_of(chamber):
        ray = np.zeros(width)
        ray[list(arrangement.coordinates)] = [float(v) for v in arrangement.rays[k].direction]
        ray[-1] *= (float(bias) / float(weight)) ** 0.5 if bias else 1.0
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
