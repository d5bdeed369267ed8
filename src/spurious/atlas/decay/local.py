"""Whether the best point of a closed cell is a local minimum of the penalised loss.

Theorem 32 (`docs/mathematics.md`, section 17). Only first derivatives matter: each unit is judged
by itself, from a box for the derivatives of the loss by the outputs. Use inside `balls.precision`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from flint import arb, arb_mat, fmpq

from spurious.atlas.decay.bounds import CellBounds, Enclosed
from spurious.atlas.decay.model import Vector, dot
from spurious.atlas.decay.setting import sides_of
from spurious.exact import balls
from spurious.exact.rationals import rank, rational


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What is proved about the units of a cell's best point, if all of them are at work.

    Attributes:
        around: For each unit regions of its sign whose closed chamber its direction is in, its own
            among them.
        walls: For each unit the points on whose kink it has to be.
        refuted: Whether the point is proved to be no local minimum with all units at work.
        reason: Why it is not proved to be a local minimum whose units all are at work; None if it
            is proved.
    """

    around: tuple[frozenset[int], ...]
    walls: tuple[tuple[int, ...], ...]
    refuted: bool
    reason: str | None


def judge(bounds: CellBounds, cell: Sequence[int], enclosed: Enclosed) -> Judged:
    """Judges a cell's best point.

    Args:
        bounds: Of the setting, in which all hidden biases cost something.
        cell: Different regions, at least one.
        enclosed: Its best point.
    """
    pulls = bounds.model.pulls(enclosed.slopes)
    around, held, refuted = list[frozenset[int]](), list[tuple[int, ...]](), False
    nearest = [bounds.nearest(r, pulls[r]) for r in cell]
    for r, point in zip(cell, nearest, strict=True):
        walls = _walls(bounds, r, pulls[r], point)
        held.append(walls)
        found, leaves = beyond(bounds, r, walls, pulls)
        refuted = refuted or leaves
        around.append(found)
    reason = None
    if refuted:
        reason = "a unit can leave its kink"
    else:
        known = [y for y in nearest if y is not None]
        if len(known) < len(cell) or not all(
            stays(bounds, r, pulls[r], y, _near(bounds, r, y), enclosed)
            for r, y in zip(cell, known, strict=True)
        ):
            reason = "whether a unit can leave its kink is not clear"
        elif not _at_work(bounds, cell, known, enclosed):
            reason = "whether all units are at work is not clear"
    return Judged(tuple(around), tuple(held), refuted, reason)


def _walls(
    bounds: CellBounds, region: int, pull: Vector, nearest: Vector | None
) -> tuple[int, ...]:
    """The points on whose kink the direction in a region has to be.

    Args:
        bounds: Of the setting.
        region: The region.
        pull: z there.
        nearest: kappa times the direction, if that is enclosed.
    """
    setting, every = bounds.setting, range(bounds.setting.size)
    found = [i for i in every if bounds.exceeds(region, pull, without=i)]
    if nearest is None:
        return tuple(found)
    near = _near(bounds, region, nearest)
    active = [k for k in every if setting.regions[region].slopes[k]]
    growing = True
    while growing:
        growing = False
        for i in near:
            span = sorted({*active, *near} - {i})
            if i not in found and _follows(setting.products, i, found, span):
                found.append(i)
                growing = True
    return tuple(sorted(found))


def _follows(
    products: Sequence[Sequence[fmpq]], point: int, held: Sequence[int], span: Sequence[int]
) -> bool:
    """Whether what is orthogonal to held points, in the span of some, is to one more, exactly."""
    rows = [[products[i][k] for k in span] for i in (*held, point)]
    return rank(rows) == rank(rows[:-1]) if held else not any(rows[0])


def _near(bounds: CellBounds, region: int, nearest: Vector) -> list[int]:
    """The points on whose kink a direction in a region may be."""
    rows = bounds.model.walls(region)
    return [i for i, row in enumerate(rows) if balls.sign(dot(row, nearest)) != 1]


def beyond(
    bounds: CellBounds, region: int, walls: Sequence[int], pulls: Sequence[Vector]
) -> tuple[frozenset[int], bool]:
    """What is beyond walls that the direction of a unit in a region has to be on.

    Args:
        bounds: Of the setting.
        region: The region.
        walls: The points.
        pulls: z of all regions.

    Returns:
        All regions that have the direction, and whether the unit could leave its kinks for less;
        also if it would do nothing somewhere there, which a unit at work does not.
    """
    setting = bounds.setting
    own, found = setting.regions[region], set[int | None]()
    for flips in product((1, -1), repeat=len(walls)):
        signs = list(own.signs)
        for i, flip in zip(walls, flips, strict=True):
            signs[i] *= flip
        key = own.sign, sides_of(signs)
        if key in setting.region_of:  # not every combination is a chamber
            found.add(setting.region_of[key])
    known = frozenset(o for o in found if o is not None) | {region}
    return known, None in found or any(bounds.exceeds(o, pulls[o]) for o in known - {region})


def stays(
    bounds: CellBounds,
    region: int,
    pull: Vector,
    nearest: Vector,
    near: Sequence[int],
    enclosed: Enclosed,
) -> bool:
    """Whether no kink near a unit's direction can be left for less.

    Args:
        bounds: Of the setting.
        region: Where the unit is.
        pull: z there.
        nearest: kappa times the direction, without what costs nothing.
        near: The points on whose kink it may be.
        enclosed: The cell's best point.
    """
    if not near:
        return True
    own, rows = bounds.setting.regions[region], bounds.model.walls(region)
    walls = arb_mat([rows[i] for i in near])
    moved = arb_mat([[y - z] for y, z in zip(nearest, pull, strict=True)])
    try:
        multipliers = (walls * walls.transpose()).solve(walls * moved)
    except ZeroDivisionError:
        return False
    above, below = (arb(rational(v)) for v in bounds.setting.loss.network.slopes)
    bends = [own.sign * (above - below) * enclosed.slopes[i] for i in near]
    return all(balls.certainly_less(multipliers[k, 0], bend) for k, bend in enumerate(bends))


def _at_work(
    bounds: CellBounds,
    cell: Sequence[int],
    nearest: Sequence[Vector],
    enclosed: Enclosed,
) -> bool:
    """Whether the units' shares are unique and positive: the outputs are theirs and the bias."""
    columns = [
        [s * dot(x, y) for s, x in zip(bounds.model.slopes[r], bounds.model.points, strict=True)]
        for r, y in zip(cell, nearest, strict=True)
    ]
    left = list(enclosed.outputs)
    if balls.certainly_less(arb(0), bounds.model.last):
        bias = -sum(enclosed.slopes, arb(0)) / (2 * bounds.model.last)
        left = [f - bias for f in left]
    else:
        columns.append([arb(1)] * len(left))
    matrix = arb_mat(columns)
    try:
        shares = (matrix * matrix.transpose()).solve(matrix * arb_mat([[f] for f in left]))
    except ZeroDivisionError:
        return False
    return all(balls.certainly_less(arb(0), shares[k, 0]) for k in range(len(cell)))
