"""Where the units of a cell's best point are, if hidden biases cost nothing.

Section 19 of `docs/mathematics.md`: a unit in a region has one possible direction of weights. Its
bias is at the end of an interval, where it is *pinned* to the kink of a point; or it is *floating*;
or, in a linear region, it does not matter. Lengths, biases of floating units and the output's bias
are the *shares*, which a linear system has as its solutions. Use inside `balls.precision`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from flint import arb, arb_mat, fmpq

from spurious.atlas.decay.bounds import CellBounds, Enclosed
from spurious.atlas.decay.floats import Proposed
from spurious.atlas.decay.local import Judged, beyond, stays
from spurious.atlas.decay.model import Vector, dot
from spurious.atlas.decay.setting import DecaySetting
from spurious.exact import balls
from spurious.exact.rationals import nullspace, rank, rational


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """Where a unit at work in a region is.

    Attributes:
        region: The region.
        weights: kappa times its weights' direction, and 0, shape (d + 1,).
        kinks: For each point `weights.x`: kappa times minus the bias that puts it on the kink.
        pins: The unit has to be on the kink of one of these points; None if it is floating or
            linear.
        walls: All points on whose kink it is proved to be.
        around: All regions known to have it in them.
        leaves: Whether it is proved that it can leave its kinks for less.
    """

    region: int
    weights: list[arb]
    kinks: list[arb]
    pins: tuple[int, ...] | None
    walls: tuple[int, ...]
    around: frozenset[int]
    leaves: bool

    @property
    def pinned_at(self) -> arb:
        """What `kinks` is at a point on whose kink the unit is."""
        first, *others = (self.kinks[i] for i in self.pins or ())
        for kink in others:
            first = first.union(kink)
        return first


def judge_places(
    bounds: CellBounds, cell: Sequence[int], proposed: Proposed, enclosed: Enclosed
) -> Judged:
    """Judges a cell's best point.

    Args:
        bounds: Of a setting in which hidden biases cost nothing.
        cell: Different regions, at least one.
        proposed: A point of the cell.
        enclosed: Its best point.
    """
    pulls = bounds.model.pulls(enclosed.slopes)
    places = [_place(bounds, r, pulls) for r in cell]
    refuted, reason = any(p.leaves for p in places), None
    if refuted:
        reason = "a unit can leave its kink"
    elif not all(_held(bounds, p, pulls[p.region], enclosed) for p in places):
        reason = "whether a unit can leave its kink is not clear"
    else:
        reason = _shared(bounds, places, proposed, enclosed)
    around, walls = tuple(p.around for p in places), tuple(p.walls for p in places)
    return Judged(around, walls, refuted, reason)


def _place(bounds: CellBounds, region: int, pulls: Sequence[Vector]) -> _Place:
    setting, nearest = bounds.setting, bounds.nearest(region, pulls[region])
    assert nearest is not None
    kinks = [dot(nearest, x) for x in bounds.model.points]
    pins = _pins(bounds, region, pulls[region], kinks)
    if pins is None:
        return _Place(region, nearest, kinks, None, (), frozenset((region,)), leaves=False)
    cases = [_implied(setting, region, kinks, start) for start in pins]
    sides = [beyond(bounds, region, tuple(sorted(walls)), pulls) for walls in cases]
    possible = [k for k, (_, leaves) in enumerate(sides) if not leaves] or [*range(len(cases))]
    return _Place(
        region,
        nearest,
        kinks,
        tuple(min(pins[k]) for k in possible),
        tuple(sorted(frozenset[int].intersection(*(cases[k] for k in possible)))),
        frozenset[int].intersection(*(sides[k][0] for k in possible)),
        leaves=all(leaves for _, leaves in sides),
    )


def _pins(
    bounds: CellBounds, region: int, pull: Vector, kinks: Vector
) -> list[frozenset[int]] | None:
    """Sets of points: the unit has to be on the kinks of all of one set; None if on no kink.

    Points without whose walls it could gain; else, by Theorem 43 (f), those that stop its bias.
    """
    setting = bounds.setting
    own = setting.regions[region]
    if own.linear:
        return None
    every = range(setting.size)
    needed = frozenset(i for i in every if bounds.exceeds(region, pull, without=i))
    if needed:
        return [needed]
    gain = balls.sign(pull[-1])
    if not gain:
        return None
    # a larger bias is stopped by the points that are below, the largest kink of them first
    stopping = [i for i in every if own.signs[i] == -gain]
    return [
        frozenset((i,))
        for i in stopping
        if not any(balls.certainly_less(gain * kinks[i], gain * kinks[k]) for k in stopping)
    ]


def _implied(
    setting: DecaySetting, region: int, kinks: Vector, known: frozenset[int]
) -> frozenset[int]:
    """Points on whose kink a unit has to be if it is on those of some: by coincidence, exactly."""
    start = min(known)
    active = [k for k in range(setting.size) if setting.regions[region].slopes[k]]
    near = [i for i in range(setting.size) if not balls.sign(kinks[i] - kinks[start])]
    span = [k for k in sorted({*active, *near}) if k != start]
    found, growing, products = set(known), True, setting.products

    def row(i: int) -> list[fmpq]:
        """(x_i - x_start).(x_k - x_start)."""
        own = products[i][start], products[start][start]
        return [products[i][k] - own[0] - products[start][k] + own[1] for k in span]

    while growing:
        growing = False
        for i in near:
            held = [row(j) for j in found if j != start]
            if i not in found and _spanned(held, row(i)):
                found.add(i)
                growing = True
    return frozenset(found)


def _spanned(held: Sequence[Sequence[fmpq]], row: Sequence[fmpq]) -> bool:
    return rank([*held, row]) == rank(held) if held else not any(row)


def _held(bounds: CellBounds, place: _Place, pull: Vector, enclosed: Enclosed) -> bool:
    """Whether a pinned unit does not gain by leaving kinks."""
    if place.pins is None:
        return True
    at = place.pinned_at
    near = [i for i, v in enumerate(place.kinks) if i in place.walls or not balls.sign(v - at)]
    return stays(bounds, place.region, pull, place.weights, near, enclosed)


@dataclass(frozen=True, slots=True, eq=False)
class _Column:
    """What one share adds to the outputs.

    Attributes:
        values: For each point, shape (n,).
        exact: The same as rational numbers up to a positive factor, if they are.
        place: Whose share it is; None for the output's bias.
        length: Whether it is how long the unit's weights are, against kappa.
    """

    values: list[arb]
    exact: list[fmpq] | None
    place: int | None
    length: bool


def _shared(
    bounds: CellBounds, places: Sequence[_Place], proposed: Proposed, enclosed: Enclosed
) -> str | None:
    """Why it is not proved that units at these places can share the work; None if it is."""
    columns = list(_columns(bounds, places))
    left_out = _left_out(columns)
    if left_out is None:
        return "in which proportion units share their work matters"
    shares = _solved(bounds, columns, left_out, places, proposed, enclosed)
    if shares is None:
        return "how units share their work is not clear"
    for k, place in enumerate(places):
        own = [v for c, v in zip(columns, shares, strict=True) if c.place == k]
        if not balls.certainly_less(arb(0), own[0]):
            return "whether all units are at work is not clear"
        if len(own) == 2:
            signs = bounds.setting.regions[place.region].signs
            z = [s * (own[0] * v + own[1]) for s, v in zip(signs, place.kinks, strict=True)]
            near = [i for i, v in enumerate(z) if not balls.certainly_less(arb(0), v)]
            pull = bounds.model.pulls(enclosed.slopes)[place.region]
            if near and (
                left_out or not stays(bounds, place.region, pull, place.weights, near, enclosed)
            ):
                return "on which side of its kinks a unit is is not clear"
    return None


def _columns(bounds: CellBounds, places: Sequence[_Place]) -> Iterator[_Column]:
    """Of each unit's length and, if it is floating, its bias; then of the output's bias."""
    setting, one = bounds.setting, arb(1)
    line = len(setting.origin) == 1
    for k, place in enumerate(places):
        slopes = bounds.model.slopes[place.region]
        rational_slopes = [
            rational(s * setting.regions[place.region].sign)
            for s in setting.regions[place.region].slopes
        ]
        at = arb(0) if place.pins is None else place.pinned_at
        values = [s * (v - at) for s, v in zip(slopes, place.kinks, strict=True)]
        exact = None
        side = balls.sign(place.weights[0])
        if line and side:
            start = Fraction(0) if place.pins is None else setting.inputs[place.pins[0]][0]
            moved = [side * rational(x[0] - start) for x in setting.inputs]
            exact = [s * v for s, v in zip(rational_slopes, moved, strict=True)]
        yield _Column(values, exact, k, length=True)
        if place.pins is None and not setting.regions[place.region].linear:
            yield _Column(slopes, rational_slopes, k, length=False)
    yield _Column([one] * setting.size, [fmpq(1)] * setting.size, None, length=False)


def _left_out(columns: Sequence[_Column]) -> tuple[int, ...] | None:
    """As many rational columns as these have dependencies; None if one changes what is paid."""
    known = [(k, c) for k, c in enumerate(columns) if c.exact is not None]
    rows = [list(row) for row in zip(*(c.exact or [] for _, c in known), strict=True)]
    kernel = nullspace(rows, len(known))
    if any(
        sum((v for v, (_, c) in zip(vector, known, strict=True) if c.length), fmpq(0)) != 0
        for vector in kernel
    ):
        return None
    chosen, left = list[int](), [list(vector) for vector in kernel]
    while left:  # in turn, what occurs in the first and is not the output's bias
        first, *others = left
        pivot = next(j for j, v in enumerate(first) if v != 0)
        chosen.append(known[pivot][0])
        left = [
            [v - other[pivot] / first[pivot] * w for v, w in zip(other, first, strict=True)]
            for other in others
        ]
    return tuple(chosen)


def _solved(
    bounds: CellBounds,
    columns: Sequence[_Column],
    left_out: Sequence[int],
    places: Sequence[_Place],
    proposed: Proposed,
    enclosed: Enclosed,
) -> list[arb] | None:
    """All shares, those of columns left out as proposed; None if the others are not independent."""
    kept = [k for k in range(len(columns)) if k not in left_out]
    shares, right = [arb(0)] * len(columns), list(enclosed.outputs)
    for k in left_out:
        place = columns[k].place
        assert place is not None
        vector, count = proposed.vectors[place], bounds.setting.paying(places[place].region)
        if columns[k].length:
            size = float((vector[:count] ** 2).sum()) ** 0.5
            shares[k] = arb(size) / bounds.model.kappa
        else:
            shares[k] = arb(float(vector[-1]))
        right = [f - shares[k] * v for f, v in zip(right, columns[k].values, strict=True)]
    matrix = arb_mat([columns[k].values for k in kept])
    try:
        found = (matrix * matrix.transpose()).solve(matrix * arb_mat([[f] for f in right]))
    except ZeroDivisionError:
        return None
    for j, k in enumerate(kept):
        shares[k] = found[j, 0]
    return shares
