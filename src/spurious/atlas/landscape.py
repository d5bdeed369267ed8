"""The finite description of a shallow network's loss surface: what its units can contribute.

In the effective parameters a_j = |v_j| (w_j, b_j) and s_j = sign v_j, the fitted vector is
f_i = sum_j s_j act(a_j.x~_i) + c. On a closed chamber act is linear along every point, so a unit
there contributes a nonnegative combination of s act(rho.x~) over the rays rho of the chamber: the
*generators*. A cell (a signed chamber for each unit) is therefore a cone of fitted vectors, plus
the constants; its generators are those of its units.

Points have weights; those with weight 0 are left out. Repeated points count as one point with the
sum of their weights and their mean target; the rest of their loss is a constant. Generators that
agree up to a positive factor are one; signed chambers with the same generators are one *region*
(all of them for x -> |x| come in such pairs); those without generators, such as a unit that is off
on all data, contribute nothing and are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm

from flint import fmpq, fmpz

from spurious.atlas.arrangement import Arrangement, Sides, arrange
from spurious.exact.rationals import ZERO, Vector, dot, rational
from spurious.problem import DenseLoss


@dataclass(frozen=True, slots=True, eq=False)
class UnitLandscape:
    """A dataset seen by the units of a shallow network with homogeneous activation.

    Attributes:
        inputs: Number of inputs, d.
        groups: For each different input the indices of its points that count, n of them.
        weights: What each group weighs, in whole multiples of `unit`, shape (n,).
        unit: The largest number of which all weights of groups are multiples.
        targets: The mean target of each group, shape (n,).
        unavoidable: The loss within groups, that no function avoids.
        slopes: The activation's slopes above and below 0.
        arrangement: The arrangement of the different inputs.
        generators: Integer vectors, no two on one ray, none zero, shape (K, n).
        generator_of: For each ray the generators of a unit with output weight above and below 0,
            or -1 where the unit contributes nothing.
        scale: For each ray the positive factor from the generator to act(rho.x~_i), or 0.
        regions: Different sets of generators of signed chambers, as bits, none empty; sorted.
        examples: For each region the sign and the chamber of one that has these generators.
    """

    inputs: int
    groups: tuple[tuple[int, ...], ...]
    weights: tuple[int, ...]
    unit: fmpq
    targets: Vector
    unavoidable: fmpq
    slopes: tuple[fmpq, fmpq]
    arrangement: Arrangement
    generators: tuple[tuple[fmpz, ...], ...]
    generator_of: tuple[tuple[int, int], ...]
    scale: tuple[fmpq, ...]
    regions: tuple[int, ...]
    examples: tuple[tuple[int, Sides], ...]

    @property
    def size(self) -> int:
        """Number of different inputs, n."""
        return len(self.groups)

    def generated(self, sign: int, rays: tuple[int, ...]) -> int:
        """The generators of a unit with output weight of a sign and weights spanned by rays."""
        return _generated(self.generator_of, sign, rays)


def describe(loss: DenseLoss) -> UnitLandscape:
    """Builds the description.

    Args:
        loss: One output, homogeneous activation, weights that are not negative and not all 0.
    """
    data, factors = loss.data, loss.factors
    places: dict[tuple[Fraction, ...], list[int]] = {}
    for i, (point, factor) in enumerate(zip(data.x, factors, strict=True)):
        if factor:
            places.setdefault(point, []).append(i)
    groups = tuple(tuple(members) for members in places.values())
    totals = [sum((factors[i] for i in members), Fraction(0)) for members in groups]
    common = lcm(*(total.denominator for total in totals))
    unit = Fraction(gcd(*(int(total * common) for total in totals)), common)
    targets: list[fmpq] = []
    unavoidable = Fraction(0)
    for members, total in zip(groups, totals, strict=True):
        mean = sum((factors[i] * data.y[i][0] for i in members), Fraction(0)) / total
        targets.append(rational(mean))
        missed = (factors[i] * (data.y[i][0] - mean) ** 2 for i in members)
        unavoidable += sum(missed, Fraction(0))
    arrangement = arrange([[rational(v) for v in point] for point in places])
    high, low = map(rational, loss.network.slopes)
    images = [_image(arrangement, k, high, low) for k in range(len(arrangement.rays))]
    index: dict[tuple[fmpz, ...], int] = {}
    generator_of: list[tuple[int, int]] = []
    for image, scale in images:
        if scale == 0:
            generator_of.append((-1, -1))
            continue
        opposite = tuple(-v for v in image)
        above = index.setdefault(image, len(index))
        generator_of.append((above, index.setdefault(opposite, len(index))))
    found: dict[int, tuple[int, Sides]] = {}
    for chamber in arrangement.chambers:
        for sign in (1, -1):
            region = _generated(generator_of, sign, arrangement.rays_of(chamber))
            if region:
                found.setdefault(region, (sign, chamber))
    regions = tuple(sorted(found))
    return UnitLandscape(
        inputs=data.inputs,
        groups=groups,
        weights=tuple(int(total / unit) for total in totals),
        unit=rational(unit),
        targets=tuple(targets),
        unavoidable=rational(unavoidable),
        slopes=(high, low),
        arrangement=arrangement,
        generators=tuple(index),
        generator_of=tuple(generator_of),
        scale=tuple(scale for _, scale in images),
        regions=regions,
        examples=tuple(found[region] for region in regions),
    )


def _generated(generator_of: Sequence[tuple[int, int]], sign: int, rays: tuple[int, ...]) -> int:
    bits = 0
    for ray in rays:
        generator = generator_of[ray][sign < 0]
        if generator >= 0:
            bits |= 1 << generator
    return bits


def _image(
    arrangement: Arrangement, ray: int, high: fmpq, low: fmpq
) -> tuple[tuple[fmpz, ...], fmpq]:
    """The primitive integer vector along act(rho.x~_i), i = 1..n, and the factor to it."""
    direction = arrangement.rays[ray].direction
    values: list[fmpq] = []
    for point in arrangement.points:
        z = dot(direction, point)
        values.append(z * (high if z > 0 else low))
    denominator, divisor = fmpz(1), fmpz(0)
    for value in values:
        denominator = denominator.lcm(value.q)
    whole = [(value * denominator).p for value in values]
    for value in whole:
        divisor = divisor.gcd(value)
    if divisor == 0:
        return tuple(whole), ZERO
    return tuple(value // divisor for value in whole), fmpq(divisor, denominator)
