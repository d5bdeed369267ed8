"""What is proved about the best point of a closed cell, from a point proposed in floats.

Theorem 31 (`docs/mathematics.md`, section 17). All numbers are balls at the working precision; make
and use a `CellBounds` inside `balls.precision`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from flint import arb, arb_mat

from spurious.atlas.decay.floats import CellSolver, Proposed
from spurious.atlas.decay.refine import refined
from spurious.atlas.decay.setting import DecaySetting, Floats
from spurious.exact import balls
from spurious.exact.rationals import rational

__all__ = ["CellBounds", "Enclosed"]

INWARD = 1e-30
"""How far a point on a wall is moved into its cell, against its length."""

ANGLE = 1e-9
"""How far a test direction is moved into its cone."""

CURVED = 0.25
"""A bound on e^-t + t - 1, for t up to 1, is this times t^2."""


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
        self.setting, self.solver = setting, CellSolver(setting)
        self.points, self.kappa = setting.points, setting.kappa
        self.last = arb(rational(setting.costs[3]))
        self.above = [arb(rational(v)) for v in setting.above]
        self.below = [arb(rational(v)) for v in setting.below]
        self.targets = [arb(rational(v)) for v in setting.targets]
        self.slopes = [[arb(rational(s * r.sign)) for s in r.slopes] for r in setting.regions]
        self._directions = [[arb(v) for v in r.inside] for r in setting.regions]
        self._float_kappa = float(self.kappa.mid())

    def enclose(self, cell: Sequence[int], proposed: Proposed) -> Enclosed | None:
        """What a proposed point proves of a cell's best point; None if that is nothing.

        Args:
            cell: Different regions.
            proposed: A point of it.
        """
        found, bias = refined(self, cell, proposed)
        vectors = self._inside(cell, found)
        if vectors is None:
            return None
        outputs = self.outputs(cell, vectors, bias)
        value, slopes, curved = self.losses(outputs)
        paid = self.kappa * sum((balls.norm(a) for a in vectors), arb(0))
        paid += self.last * balls.square(bias)
        high = value + paid
        gap = paid + sum((g * f for g, f in zip(slopes, outputs, strict=True)), arb(0))
        total = sum(slopes, arb(0))
        if not balls.certainly_less(arb(0), self.last):
            return None
        gap += balls.square(total) / (4 * self.last)
        pulls = self.pulls(slopes)
        excess = [self.upper(r, pulls[r], sharply=True) - self.kappa for r in cell]
        gap += max_of([*excess, arb(0)]) * high / self.kappa
        gap = gap.max(arb(0)).upper()
        moved = self._moved(gap, curved)
        if moved is None:
            return None
        weights = [a + b for a, b in zip(self.above, self.below, strict=True)]
        steep = [w * 2 if self.setting.squared else w / 4 for w in weights]
        return Enclosed(
            high - gap,
            high,
            [f + ball(t) for f, t in zip(outputs, moved, strict=True)],
            [g + ball(s * t) for g, s, t in zip(slopes, steep, moved, strict=True)],
        )

    def pulls(self, slopes: Sequence[arb]) -> list[list[arb]]:
        """For each region z with: a in it changes the loss by -z.a to first order, (R, d + 1)."""
        found: list[list[arb]] = []
        for own in self.slopes:
            z = [arb(0)] * len(self.points[0])
            for g, s, point in zip(slopes, own, self.points, strict=True):
                factor = g * s
                if not factor.is_zero():
                    z = [part - factor * x for part, x in zip(z, point, strict=True)]
            found.append(z)
        return found

    def upper(self, region: int, pull: Sequence[arb], *, sharply: bool = False) -> arb:
        """An upper bound for the largest z.u with u of length 1 in a region, or 0.

        Args:
            region: The region.
            pull: z.
            sharply: Whether to know it to more digits than floats have, if z is.
        """
        z = np.array([float(v.mid()) for v in pull])
        multipliers, _ = self._project(region, z, range(self.setting.size))
        sharp = [arb(v) for v in multipliers.tolist()]
        if sharply:
            sharp = self._sharpened(region, [v.mid() for v in pull], multipliers)
        return balls.norm(self._shifted(region, pull, sharp)).upper()

    def exceeds(self, region: int, pull: Sequence[arb], without: int | None = None) -> bool:
        """Whether z.u > kappa |u| is proved for some u in a region.

        Args:
            region: The region.
            pull: z.
            without: A point on whose side u may be either.
        """
        walls = [i for i in range(self.setting.size) if i != without]
        z = np.array([float(v.mid()) for v in pull])
        _, best = self._project(region, z, walls)
        length = float(np.linalg.norm(best))
        if length < self._float_kappa:
            return False
        inside = self.setting.inside[region]
        direction = [arb(v) for v in (best / length + ANGLE * inside).tolist()]
        signs = self.setting.regions[region].signs
        for i in walls:
            if not balls.certainly_less(arb(0), signs[i] * dot(self.points[i], direction)):
                return False
        return balls.certainly_less(self.kappa * balls.norm(direction), dot(pull, direction))

    def direction(self, region: int, pull: Sequence[arb]) -> list[arb] | None:
        """The point of a region nearest to z, shape (d + 1,); None if it is not well enclosed."""
        centre = [v.mid() for v in pull]
        z = np.array([float(v) for v in centre])
        multipliers, best = self._project(region, z, range(self.setting.size))
        upper = self._shifted(region, centre, self._sharpened(region, centre, multipliers))
        test = self._into(region, [v.mid() for v in upper]) if best.any() else None
        if test is None:
            return None
        least = dot(centre, test) / balls.norm(test)
        error = (balls.square(balls.norm(upper)) - balls.square(least)).nonnegative_part().sqrt()
        error += balls.norm([v - c for v, c in zip(pull, centre, strict=True)])
        return [v + ball(error) for v in upper]

    def _project(
        self, region: int, z: Floats, walls: Sequence[int] | range
    ) -> tuple[Floats, Floats]:
        """Multipliers of a region's walls, shape (n,), and the projection of z on its cone."""
        from scipy.optimize import nnls  # heavy, so imported where used

        columns = (self.setting.signs[region][:, None] * self.setting.float_points)[list(walls)].T
        found = np.zeros(self.setting.size)
        found[list(walls)] = nnls(columns, -z)[0]
        return found, z + columns @ found[list(walls)]

    def _sharpened(self, region: int, z: Sequence[arb], multipliers: Floats) -> list[arb]:
        """Multipliers of the same walls to more digits, if they stay positive."""
        found = [arb(v) for v in multipliers.tolist()]
        signs = self.setting.regions[region].signs
        held = [i for i, mu in enumerate(multipliers.tolist()) if mu > 0]
        if not held:
            return found
        walls = arb_mat([[signs[i] * x for x in self.points[i]] for i in held])
        try:
            sharp = (walls * walls.transpose()).solve(walls * arb_mat([[-v] for v in z]))
        except ZeroDivisionError:
            return found
        for k, i in enumerate(held):
            if not balls.certainly_less(arb(0), sharp[k, 0].mid()):
                return [arb(v) for v in multipliers.tolist()]
            found[i] = sharp[k, 0].mid()
        return found

    def _shifted(
        self, region: int, pull: Sequence[arb], multipliers: Sequence[arb]
    ) -> list[arb]:
        """The z that walls with multipliers leave."""
        left, signs = list(pull), self.setting.regions[region].signs
        for mu, sign, point in zip(multipliers, signs, self.points, strict=True):
            if not mu.is_zero():
                factor = mu * sign
                left = [part + factor * x for part, x in zip(left, point, strict=True)]
        return left

    def _into(self, region: int, exact: Sequence[arb]) -> list[arb] | None:
        """A vector, moved into a closed cone; None if it is not proved to be inside."""
        inside, signs = self._directions[region], self.setting.regions[region].signs
        lacking = [
            -s * dot(x, exact) / (s * dot(x, inside))
            for s, x in zip(signs, self.points, strict=True)
        ]
        share = max_of([*lacking, arb(0)]).upper() + balls.norm(exact).upper() * INWARD
        exact = [(v + share * w).mid() for v, w in zip(exact, inside, strict=True)]
        safe = all(
            balls.certainly_less(arb(0), s * dot(x, exact))
            for s, x in zip(signs, self.points, strict=True)
        )
        return exact if safe else None

    def _inside(
        self, cell: Sequence[int], vectors: Sequence[Sequence[arb]]
    ) -> list[list[arb]] | None:
        """The vectors, moved into their closed cones; None if one is not proved to be inside."""
        found: list[list[arb]] = []
        for region, a in zip(cell, vectors, strict=True):
            exact = a if all(v.is_zero() for v in a) else self._into(region, a)
            if exact is None:
                return None
            found.append(list(exact))
        return found

    def outputs(
        self, cell: Sequence[int], vectors: Sequence[Sequence[arb]], bias: arb
    ) -> list[arb]:
        """The outputs of vectors in regions and a bias, shape (n,)."""
        outputs = [bias] * self.setting.size
        for region, a in zip(cell, vectors, strict=True):
            own = zip(outputs, self.slopes[region], self.points, strict=True)
            outputs = [f + s * dot(x, a) for f, s, x in own]
        return outputs

    def losses(self, outputs: Sequence[arb]) -> tuple[arb, list[arb], list[arb]]:
        """The loss at outputs, and its first and second derivatives by them."""
        if self.setting.squared:
            left = [f - y for f, y in zip(outputs, self.targets, strict=True)]
            value = arb(rational(self.setting.unavoidable))
            value += sum((w * balls.square(r) for w, r in zip(self.above, left, strict=True)), arb(0))
            slopes = [2 * w * r for w, r in zip(self.above, left, strict=True)]
            return value, slopes, [2 * w for w in self.above]
        value, slopes, curved = arb(0), list[arb](), list[arb]()
        for up, down, f in zip(self.above, self.below, outputs, strict=True):
            p = 1 / (1 + f.exp())
            value += up * (-f).exp().log1p() + down * f.exp().log1p()
            slopes.append(down * (1 - p) - up * p)
            curved.append((up + down) * p * (1 - p))
        return value, slopes, curved

    def _moved(self, gap: arb, curved: Sequence[arb]) -> list[arb] | None:
        """How far each best output may be from that of the point; None if far."""
        if self.setting.squared:
            return [(2 * gap / c).upper().sqrt() for c in curved]
        shares = [(gap / c).upper() for c in curved]
        if not all(balls.certainly_less(share, arb(CURVED)) for share in shares):
            return None
        return [(share / CURVED).sqrt() for share in shares]


def dot(left: Sequence[arb], right: Sequence[arb]) -> arb:
    """The scalar product."""
    return sum((a * b for a, b in zip(left, right, strict=True)), arb(0))


def ball(radius: arb) -> arb:
    """All numbers up to a bound in absolute value."""
    return arb(0, radius.upper())


def max_of(values: Sequence[arb]) -> arb:
    """The largest."""
    found = values[0]
    for value in values[1:]:
        found = found.max(value)
    return found
