"""Exact network parameters from coefficients of generators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from flint import fmpq, fmpz

from spurious.atlas.arrangement import Sides
from spurious.atlas.landscape import UnitLandscape
from spurious.exact.rationals import ONE, ZERO, fraction
from spurious.problem import Layer, Point


def point_from_coefficients(
    landscape: UnitLandscape,
    mean: fmpq,
    coefficients: Mapping[int, fmpq],
    units: Sequence[tuple[int, Sides]],
) -> Point:
    """Parameters whose fitted vector has given coefficients.

    Each generator's coefficient is shared equally by the rays of units that have it. Rays without
    a coefficient get weight 1 if the unit has no effect through them, else 0.

    Args:
        landscape: The data.
        mean: The mean output.
        coefficients: Of the centred generators, as `Projector.coefficients` returns them.
        units: For each hidden unit the sign of its output weight and the face that its incoming
            weights lie in, or whose closure they lie in where coefficients are 0.
    """
    rays = [landscape.arrangement.rays_of(sides) for _, sides in units]
    users: dict[int, int] = {}
    for (sign, _), own in zip(units, rays, strict=True):
        for k in own if sign else ():
            generator = landscape.generator_of[k][sign < 0]
            users[generator] = users.get(generator, 0) + 1
    total = sum(landscape.weights)
    bias = mean
    for k, value in coefficients.items():
        pairs = zip(landscape.generators[k], landscape.weights, strict=True)
        bias -= value * sum((g * w for g, w in pairs), fmpz(0))
    rows: list[tuple[Fraction, ...]] = []
    for (sign, _), own in zip(units, rays, strict=True):
        weights = [ZERO] * (landscape.inputs + 1)
        for k in own:
            generator = landscape.generator_of[k][sign < 0]
            share = ONE
            if sign and generator >= 0:
                share = coefficients.get(generator, ZERO) * total / users[generator]
                share /= landscape.scale[k]
            direction = landscape.arrangement.rays[k].direction
            for place, value in zip(landscape.arrangement.coordinates, direction, strict=True):
                weights[place] += share * value
        rows.append(tuple(fraction(value) for value in weights))
    return Point(
        (
            Layer(tuple(row[:-1] for row in rows), tuple(row[-1] for row in rows)),
            Layer((tuple(Fraction(sign) for sign, _ in units),), (fraction(bias),)),
        )
    )
