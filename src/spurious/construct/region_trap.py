"""Region traps: a bad minimum without dead units or blind spots, in any dimension, width and depth.

The paper's third proposition has six points on a line in two regions; a network that spends its
units on the wrong region sits at a local minimum, since no unit can cross the gap. It leaves higher
dimensions as future work. Here is the construction for any number d of inputs, k >= 2 of regions,
m > k of units and any depth, with the loss at the bad minimum any square of a rational times that
at the good one. Theorem 16 of docs/mathematics.md proves it.

*Data.* Clusters X_0, ..., X_{k-1} lie along the first axis, far apart. The outer two carry a
zigzag P at the positions tau = -1, 0, 1, ..., E, E = m - k, measured outwards, with height 1 in the
first and lambda in the last cluster, on top of a ramp; all other points spread each cluster over
all d dimensions.

*Units.* One hinge in front of each outer cluster makes its ramp, one in each gap between inner
clusters bends the function there; that makes k. The other E make the zigzag, exactly, in one outer
cluster. In the other the network is then affine, and is set to the least squares fit.

*Why it is a minimum.* In every cluster the network is affine on each activation pattern, and its
outputs are the best affine ones there (they fit exactly, or are the least squares fit). No nearby
network does better (Theorem 4).

The bad point makes the zigzag of height 1 and misses that of height lambda; the good point does
the opposite. The losses are lambda^2 rho and rho, with rho the squared distance of the zigzag from
straight lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from random import Random
from typing import Final

from spurious.construct.relu import Vector, squared_loss
from spurious.errors import InputError
from spurious.exact.plain import best_line, inner
from spurious.problem import Dataset, Layer, Loss, Network, Point, Problem

SPACING: Final = 10
"""Distance between neighbouring clusters."""

RAMP: Final = Fraction(-3)
"""Where a ramp starts, seen outwards from its cluster at -1 and beyond."""

SLACK: Final = Fraction(1)
"""How far the ramp's start may move when the zigzag is fitted by a line."""

FINENESS: Final = 100
"""The height lambda is a multiple of 1 over this, unless the ratio is a square."""

MOST_UNITS: Final = 200
"""More would make numbers too long to be of use."""


@dataclass(frozen=True, slots=True)
class RegionTrap:
    """A dataset with a bad and a good local minimum of one network.

    Attributes:
        problem: The network, the data, the bad minimum as point, the good one as witness.
        good: The same with the good minimum as point.
        regions: Which region each data point belongs to, shape (n,), from 0.
        bad_loss: At the bad minimum, exactly.
        good_loss: At the good one.
        ratio: Their quotient, at least what was asked for.
    """

    problem: Problem
    good: Problem
    regions: tuple[int, ...]
    bad_loss: Fraction
    good_loss: Fraction
    ratio: Fraction


@dataclass(frozen=True, slots=True)
class _Unit:
    """A hidden unit: strength * max(0, direction.x - start)."""

    strength: Fraction
    direction: Vector
    start: Fraction


@dataclass(frozen=True, slots=True)
class _Zigzag:
    """The values to be fitted on an outer cluster, and their best line.

    Attributes:
        values: At tau = -1, 0, 1, ..., E.
        bends: Change of slope at tau = 1/2, 3/2, ..., so that the hinges pass through the values.
        slope: Of the least squares line over all points of the cluster.
        offset: Of that line, at tau = 0.
        ramp: Slope of a ramp, per height, steep enough for `RAMP` and `SLACK`.
    """

    values: Vector
    bends: Vector
    slope: Fraction
    offset: Fraction
    ramp: Fraction

    @property
    def fitted_start(self) -> Fraction:
        """Where ramp plus best line cross zero."""
        return (self.ramp * RAMP - self.offset) / (self.ramp + self.slope)


def region_trap(
    inputs: int, regions: int, units: int, ratio: Fraction | int, depth: int = 1, seed: int = 0
) -> RegionTrap:
    """Builds a region trap.

    Args:
        inputs: Number of inputs d.
        regions: Number of clusters k, at least 2.
        units: Hidden units m of every layer, more than k.
        ratio: Loss at the bad minimum over loss at the good one, above 1. It is met exactly if
            it is the square of a rational, else exceeded by as little as multiples of 1/100 for
            its root allow.
        depth: Hidden layers.
        seed: Seed of the directions of the hinges and the slopes of inner clusters.

    Raises:
        InputError: A request that cannot be met.
    """
    _check(inputs, regions, units, ratio, depth)
    random = Random(seed)
    zigzag = _zigzag(units - regions, inputs)
    height = _root_at_least(Fraction(ratio))
    centres = [Fraction(SPACING * region) for region in range(regions)]
    left = (Fraction(-1), *_tilt(random, inputs))
    right = (Fraction(1), *_tilt(random, inputs))
    inner = [
        _Unit(
            Fraction(random.choice((-3, -2, -1, 1, 2, 3)), 2),
            (Fraction(1), *_tilt(random, inputs)),
            centre - Fraction(SPACING, 2),
        )
        for centre in centres[1:-1]
    ]
    ends = ((left, centres[0], Fraction(1)), (right, centres[-1], height))
    exact, fitted = zip(*(_outer_units(zigzag, *end) for end in ends), strict=True)
    data, membership = _data(inputs, centres, inner, zigzag, ends)
    network = Network((inputs, *[units] * depth, 1), "relu")
    bad = _point(network, [*exact[0], *inner, *fitted[1]], data)
    good = _point(network, [*fitted[0], *inner, *exact[1]], data)
    bad_loss, good_loss = squared_loss(bad, data), squared_loss(good, data)
    return RegionTrap(
        Problem(network, Loss.SQUARED, data, point=bad, witness=good),
        Problem(network, Loss.SQUARED, data, point=good),
        membership,
        bad_loss,
        good_loss,
        bad_loss / good_loss,
    )


def _check(inputs: int, regions: int, units: int, ratio: Fraction | int, depth: int) -> None:
    for name, found, least in (("inputs", inputs, 1), ("regions", regions, 2), ("depth", depth, 1)):
        if found < least:
            raise InputError(f"{name}: found {found}, expected at least {least}")
    if not regions < units <= MOST_UNITS:
        raise InputError(
            f"units: found {units}, expected {regions + 1} to {MOST_UNITS}: one for each of the "
            f"{regions} regions and at least one to spend on the wrong one"
        )
    if ratio <= 1:
        raise InputError(
            f"ratio: found {ratio}, expected more than 1, the bad loss over the good one"
        )


def _tilt(random: Random, inputs: int) -> list[Fraction]:
    """The other entries of a direction; their absolute values add up to less than 1."""
    return [Fraction(random.randint(-4, 4), 4 * inputs) for _ in range(inputs - 1)]


def _zigzag(extra: int, inputs: int) -> _Zigzag:
    """A zigzag with `extra` bends, on a cluster with 2 (d - 1) more points at tau = 0."""
    positions = [Fraction(tau) for tau in range(-1, extra + 1)]
    values = tuple(Fraction(tau % 2 if tau > 0 else 0) for tau in range(-1, extra + 1))
    bends: list[Fraction] = []
    for tau in range(1, extra + 1):
        reached = sum(
            (bend * (tau - Fraction(2 * e - 1, 2)) for e, bend in enumerate(bends, 1)), Fraction(0)
        )
        bends.append(2 * (values[tau + 1] - reached))
    taus = positions + [Fraction(0)] * (2 * (inputs - 1))
    heights = [*values, *[Fraction(0)] * (2 * (inputs - 1))]
    slope, offset = best_line(taus, heights)
    ramp = Fraction(1)
    found = _Zigzag(values, tuple(bends), slope, offset, ramp)
    while abs(found.fitted_start - RAMP) > SLACK or found.ramp + slope <= 0:
        ramp += 1
        found = _Zigzag(values, tuple(bends), slope, found.offset, ramp)
    return found


def _outer_units(
    zigzag: _Zigzag, direction: Vector, centre: Fraction, height: Fraction
) -> tuple[list[_Unit], list[_Unit]]:
    """The units that fit an outer cluster exactly, and the one that fits its best line."""
    middle = direction[0] * centre
    exact = [_Unit(height * zigzag.ramp, direction, middle + RAMP)]
    exact += [
        _Unit(height * bend, direction, middle + Fraction(2 * e - 1, 2))
        for e, bend in enumerate(zigzag.bends, 1)
    ]
    steepness = height * (zigzag.ramp + zigzag.slope)
    return exact, [_Unit(steepness, direction, middle + zigzag.fitted_start)]


def _data(
    inputs: int,
    centres: Sequence[Fraction],
    inner: Sequence[_Unit],
    zigzag: _Zigzag,
    ends: Sequence[tuple[Vector, Fraction, Fraction]],
) -> tuple[Dataset, tuple[int, ...]]:
    """The clusters and their targets, and which cluster each point belongs to."""
    x: list[Vector] = []
    y: list[Fraction] = []
    membership: list[int] = []

    def add(region: int, point: Vector, outer: Fraction) -> None:
        bent = (unit.strength * max(_value(unit, point), Fraction(0)) for unit in inner)
        x.append(point)
        y.append(outer + sum(bent, Fraction(0)))
        membership.append(region)

    for region, centre in enumerate(centres):
        middle = _along(inputs, centre)
        if 0 < region < len(centres) - 1:
            for axis in range(inputs):
                for sign in (-1, 1):
                    step = [Fraction(sign if k == axis else 0) for k in range(inputs)]
                    add(region, _sum(middle, step), Fraction(0))
            continue
        direction, _, height = ends[0 if region == 0 else 1]
        for tau, value in enumerate(zigzag.values, -1):
            place = _sum(middle, _along(inputs, direction[0] * tau))
            add(region, place, height * (zigzag.ramp * (tau - RAMP) + value))
        for axis in range(1, inputs):
            for sign in (-1, 1):
                step = [Fraction(sign if k == axis else 0) for k in range(inputs)]
                step[0] = -sign * direction[axis] * direction[0]
                add(region, _sum(middle, step), height * zigzag.ramp * -RAMP)
    return Dataset(tuple(x), tuple((target,) for target in y)), tuple(membership)


def _value(unit: _Unit, point: Vector) -> Fraction:
    return inner(unit.direction, point) - unit.start


def _along(inputs: int, length: Fraction) -> Vector:
    """A vector along the first axis."""
    return (length, *[Fraction(0)] * (inputs - 1))


def _sum(left: Vector, right: Sequence[Fraction]) -> Vector:
    return tuple(a + b for a, b in zip(left, right, strict=True))


def _point(network: Network, units: Sequence[_Unit], data: Dataset) -> Point:
    """The network that adds up the units; higher layers pass the sum on, all their units alive.

    Unit i of a higher layer computes the sum plus a constant c_i that keeps it above 0 on all data;
    the next layer takes the mean over units, which is the sum plus the mean of the c_i.
    """
    first = Layer(tuple(unit.direction for unit in units), tuple(-unit.start for unit in units))
    row = tuple(unit.strength for unit in units)
    shift = Fraction(0)
    width = len(units)
    sums = (
        sum((u.strength * max(_value(u, x), Fraction(0)) for u in units), Fraction(0))
        for x in data.x
    )
    lift = 1 - min(Fraction(0), min(sums))
    layers = [first]
    for _ in range(network.depth - 1):
        constants = [lift + i for i in range(width)]
        layers.append(Layer((row,) * width, tuple(c - shift for c in constants)))
        row, shift = (Fraction(1, width),) * width, sum(constants, Fraction(0)) / width
    return Point((*layers, Layer((row,), (-shift,))))


def _root_at_least(value: Fraction) -> Fraction:
    """The square root if it is rational, else the next multiple of 1/`FINENESS` above it."""
    roots = isqrt(value.numerator), isqrt(value.denominator)
    if roots[0] ** 2 == value.numerator and roots[1] ** 2 == value.denominator:
        return Fraction(*roots)
    return Fraction(isqrt(value.numerator * FINENESS**2 // value.denominator) + 1, FINENESS)
