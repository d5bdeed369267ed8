"""What is proved about the best point of a closed cell, from a point proposed in floats.

Theorem 32 (`docs/mathematics.md`, section 17). Make and use a `CellBounds` inside
`balls.precision`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from flint import arb, arb_mat

from spurious.atlas.decay.barrier import barrier
from spurious.atlas.decay.floats import FloatModel, Proposed, projected
from spurious.atlas.decay.model import BallModel, Vector, dot
from spurious.atlas.decay.polish import polished
from spurious.atlas.decay.refine import refined
from spurious.atlas.decay.setting import DecaySetting, Floats
from spurious.exact import balls
from spurious.exact.rationals import rational

INWARD, FREE_INWARD = 1e-30, 1e-60
"""How far a point on a wall is moved into its cell, against its length; the second number is for
where hidden biases cost nothing."""

ANGLE = 1e-9
"""How far a test direction is moved into its cone."""

FREE_ANGLE = 1e-6
"""The same where biases cost nothing, which floats know to fewer digits."""

CURVED = 0.25
"""e^-t + t - 1 is at least this times t^2 for t up to 1, and always more than t - 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Enclosed:
    """The best point of a closed cell.

    Attributes:
        low: Nothing in the cell has a smaller loss.
        high: Some point has at most this loss.
        outputs: A box that holds the best outputs, shape (n,).
        slopes: A box that holds the loss's derivatives by them, shape (n,).
    """

    low: arb
    high: arb
    outputs: list[arb]
    slopes: list[arb]


class CellBounds:
    """Bounds for the cells of one setting.

    Args:
        setting: The setting.
    """

    def __init__(self, setting: DecaySetting) -> None:
        self.setting = setting
        self.model, self.floats = BallModel(setting), FloatModel(setting)
        self._walls = [self.model.walls(r) for r in range(len(setting.regions))]
        self._reach = _largest([balls.norm(x[:-1]) for x in self.model.points])

    def propose(self, cells: Sequence[tuple[int, ...]]) -> list[Proposed]:
        """The best point of cells of one size, in floats.

        Args:
            cells: Regions, shape (B, k).
        """
        array: npt.NDArray[np.intp] = np.array(cells, dtype=np.intp)
        found = zip(cells, *barrier(self.floats, array), strict=True)
        return [polished(self.floats, cell, a, float(c)) for cell, a, c in found]

    def enclose(self, cell: Sequence[int], proposed: Proposed) -> Enclosed | None:
        """What a proposed point proves of a cell's best point; None if that is nothing.

        Args:
            cell: Different regions.
            proposed: A point of it, perhaps a little outside.
        """
        model = self.model
        found, bias = refined(model, self.floats, cell, proposed)
        inside = [self._into(r, a) for r, a in zip(cell, found, strict=True)]
        vectors = [a for a in inside if a is not None]
        if len(vectors) < len(cell):
            return None
        outputs = model.outputs(cell, vectors, bias)
        value, slopes, curved = model.losses(outputs)
        paid = model.paid(cell, vectors, bias)
        high, total = value + paid, sum(slopes, arb(0))
        gap = paid + dot(slopes, outputs)
        if balls.certainly_less(arb(0), model.last):
            gap += balls.square(total) / (4 * model.last)
        else:
            gap += abs(total) * self._largest_bias(high)
        pulls = model.pulls(slopes)
        excess = [self.upper(r, pulls[r], sharply=True) - model.kappa for r in cell]
        gap += _largest([*excess, arb(0)]) * high / model.kappa
        gap = gap.max(arb(0)).upper()
        moved = [self._moved(gap, c) for c in curved]
        return Enclosed(
            high - gap,
            high,
            [f + _ball(t) for f, (t, _) in zip(outputs, moved, strict=True)],
            [g + _ball(t) for g, (_, t) in zip(slopes, moved, strict=True)],
        )

    def idle(self, region: int, pull: Vector) -> bool:
        """Whether it is proved that z.u < kappa |u| for all u in a region but 0."""
        return balls.certainly_less(self.upper(region, pull), self.model.kappa)

    def upper(self, region: int, pull: Vector, *, sharply: bool = False) -> arb:
        """An upper bound for the largest z.u with u of length 1 in a region, or 0.

        Args:
            region: The region.
            pull: z, shape (d + 1,).
            sharply: Whether to know it to more digits than floats have, if z is.
        """
        z = np.array([float(v.mid()) for v in pull])
        _, multipliers = projected(self.setting, region, z)
        sharp = [arb(v) for v in multipliers.tolist()]
        if sharply:
            sharp = self._sharpened(region, [v.mid() for v in pull], multipliers)
        return self._most(region, self._shifted(region, pull, sharp)).upper()

    def exceeds(self, region: int, pull: Vector, without: int | None = None) -> bool:
        """Whether z.u > kappa |u| is proved for some u in a region.

        Args:
            region: The region.
            pull: z, shape (d + 1,).
            without: A point on whose side u may be either.
        """
        z = np.array([float(v.mid()) for v in pull])
        best, _ = projected(self.setting, region, z, without)
        length = float(np.linalg.norm(best * self.setting.paid[region]))
        if length < self.floats.kappa or not length:
            return False
        inside = self.setting.inside[region]
        angle = FREE_ANGLE if self.setting.free else ANGLE
        direction = [arb(v) for v in (best / length + angle * inside).tolist()]
        for i, wall in enumerate(self._walls[region]):
            if i != without and not balls.certainly_less(arb(0), dot(wall, direction)):
                return False
        paid = self.model.kappa * self.model.length(region, direction)
        return balls.certainly_less(paid, dot(pull, direction))

    def nearest(self, region: int, pull: Vector) -> list[arb] | None:
        """The point of a region nearest to z, shape (d + 1,); None if it is not well enclosed.

        Where biases cost nothing: kappa times the weights of a unit at work, if one can be there,
        and 0; shape (d + 1,).
        """
        if self.setting.free:
            return self._direction(region, pull)
        centre = [v.mid() for v in pull]
        z = np.array([float(v) for v in centre])
        best, multipliers = projected(self.setting, region, z)
        upper = self._shifted(region, centre, self._sharpened(region, centre, multipliers))
        test = self._into(region, [v.mid() for v in upper]) if best.any() else None
        if test is None:
            return None
        least = dot(centre, test) / balls.norm(test)
        error = (balls.square(balls.norm(upper)) - balls.square(least)).nonnegative_part().sqrt()
        error += balls.norm([v - c for v, c in zip(pull, centre, strict=True)])
        return [v + _ball(error) for v in upper]

    def _direction(self, region: int, pull: Vector) -> list[arb]:
        """Theorem 43 (e)."""
        kappa, count = self.model.kappa, self.setting.paying(region)
        _, multipliers = projected(self.setting, region, np.array([float(v.mid()) for v in pull]))
        sharp = self._sharpened(region, [v.mid() for v in pull], multipliers)
        shifted = self._shifted(region, pull, sharp)
        length = balls.norm(shifted[:count])
        rest = sum((abs(v) for v in shifted[count:]), arb(0)) * self._reach
        squared = balls.square(length) - balls.square(kappa) + 2 * kappa * rest
        error = squared.nonnegative_part().upper().sqrt()
        found = [v + _ball(error) for v in shifted[:-1]]
        side = balls.sign(found[0])
        if len(found) == 1 and side:
            found = [side * kappa]  # on a line there are two directions
        return [*found, arb(0)]

    def _sharpened(self, region: int, z: Vector, multipliers: Floats) -> list[arb]:
        """Multipliers of the same walls to more digits, if they stay positive.

        Where biases cost nothing floats hold walls that should be left: then of fewer walls, if
        that gives a better bound.
        """
        found = [arb(v) for v in multipliers.tolist()]
        held = [i for i, mu in enumerate(multipliers.tolist()) if mu > 0]
        while held:
            sharp = self._solved(region, z, held)
            if sharp is None:
                return found
            stay = [balls.certainly_less(arb(0), mu) for mu in sharp]
            if all(stay) or not self.setting.free:
                break
            held = [i for i, stays in zip(held, stay, strict=True) if stays]
        else:
            sharp = list[arb]()
        if not all(balls.certainly_less(arb(0), mu) for mu in sharp):
            return found
        sharper = [arb(0)] * len(found)
        for i, mu in zip(held, sharp, strict=True):
            sharper[i] = mu
        bounds = [self._most(region, self._shifted(region, z, own)) for own in (found, sharper)]
        return found if balls.certainly_less(*bounds) else sharper

    def _solved(self, region: int, z: Vector, held: Sequence[int]) -> list[arb] | None:
        """Multipliers of walls that leave the least z, without what costs nothing."""
        count = self.setting.paying(region)
        rows = [self._walls[region][i] for i in held]
        walls = arb_mat([row[:count] for row in rows])
        matrix = walls * walls.transpose()
        right = walls * arb_mat([[-v] for v in z[:count]])
        if count < len(z):  # the coordinate that costs nothing vanishes, with a multiplier
            last = [row[-1] for row in rows]
            bordered = [[*line, v] for line, v in zip(matrix.tolist(), last, strict=True)]
            matrix = arb_mat([*bordered, [*last, arb(0)]])
            right = arb_mat([*right.tolist(), [-z[-1]]])
        try:
            sharp = matrix.solve(right)
        except ZeroDivisionError:
            return None
        return [sharp[k, 0].mid() for k in range(len(held))]

    def _shifted(self, region: int, pull: Vector, multipliers: Vector) -> list[arb]:
        """The z that walls with multipliers leave."""
        left = list(pull)
        for mu, wall in zip(multipliers, self._walls[region], strict=True):
            if not mu.is_zero():
                left = [part + mu * x for part, x in zip(left, wall, strict=True)]
        return left

    def _into(self, region: int, vector: Vector) -> list[arb] | None:
        """A vector, moved into a closed cone; None if it is not proved to be inside."""
        if all(v.is_zero() for v in vector):
            return list(vector)
        if self.setting.regions[region].linear:
            return [*vector[:-1], arb(0)]
        inside, walls = self.model.inside[region], self._walls[region]
        lacking = [-dot(wall, vector) / dot(wall, inside) for wall in walls]
        inward = FREE_INWARD if self.setting.free else INWARD
        share = _largest([*lacking, arb(0)]).upper() + balls.norm(vector).upper() * inward
        moved = [(v + share * w).mid() for v, w in zip(vector, inside, strict=True)]
        safe = all(balls.certainly_less(arb(0), dot(wall, moved)) for wall in walls)
        return moved if safe else None

    def _most(self, region: int, shifted: Vector) -> arb:
        """The most that y.u can be for u of length 1 in a region with walls."""
        count = self.setting.paying(region)
        rest = sum((abs(v) for v in shifted[count:]), arb(0)) * self._reach
        return balls.norm(shifted[:count]) + rest

    def _largest_bias(self, high: arb) -> arb:
        """What the output's bias, where it costs nothing, is at most with a loss up to `high`."""
        model = self.model
        reach = _largest([balls.norm(x) for x in model.points]) * high / model.kappa
        if self.setting.free:
            reach = 2 * self._reach * high / model.kappa
        reach *= _largest([abs(arb(rational(s))) for s in self.setting.loss.network.slopes])
        if self.setting.squared:
            spread = zip(model.targets, model.above, strict=True)
            return _largest([abs(y) + (high / w).upper().sqrt() for y, w in spread]) + reach
        up = [high / w for w in model.above if not w.is_zero()]
        down = [high / w for w in model.below if not w.is_zero()]
        return _largest([*up, *down]) + reach

    def _moved(self, gap: arb, curved: arb) -> tuple[arb, arb]:
        """How far a best output, and the loss's derivative by it, may be from those of the point.

        Args:
            gap: A bound for what the loss loses in convexity.
            curved: The loss's second derivative by the output.
        """
        if self.setting.squared:
            moved = (2 * gap / curved).upper().sqrt()
            return moved, curved * moved
        share = (gap / curved).upper()
        small = balls.certainly_less(share, arb(CURVED))
        moved = (share / CURVED).sqrt() if small else share + 1
        return moved, curved * moved.expm1()


def _ball(radius: arb) -> arb:
    """All numbers up to a bound in absolute value."""
    return arb(0, radius.upper())


def _largest(values: Sequence[arb]) -> arb:
    found = values[0]
    for value in values[1:]:
        found = found.max(value)
    return found
