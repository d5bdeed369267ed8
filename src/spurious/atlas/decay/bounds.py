"""What is proved about the best point of a closed cell, from a point proposed in floats.

Theorem 31 (`docs/mathematics.md`, section 17). All numbers are balls at the working precision; make
and use a `CellBounds` inside `balls.precision`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from flint import arb

from spurious.atlas.decay.floats import Proposed
from spurious.atlas.decay.setting import DecaySetting, Floats
from spurious.exact import balls
from spurious.exact.rationals import rational

__all__ = ["CellBounds", "Enclosed"]

INWARD = 4e-16
"""How far a point is moved into its cell, against its length, so that it is in it exactly."""

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
        self.setting = setting
        self.points, self.kappa = setting.points, setting.kappa
        self.last = arb(rational(setting.costs[3]))
        self.above = [arb(rational(v)) for v in setting.above]
        self.below = [arb(rational(v)) for v in setting.below]
        self.targets = [arb(rational(v)) for v in setting.targets]
        self._slopes = [[arb(rational(s * r.sign)) for s in r.slopes] for r in setting.regions]
        self._float_kappa = float(self.kappa.mid())

    def enclose(self, cell: Sequence[int], proposed: Proposed) -> Enclosed | None:
        """What a proposed point proves of a cell's best point; None if that is nothing.

        Args:
            cell: Different regions.
            proposed: A point of it.
        """
        vectors = self._inside(cell, proposed.vectors)
        if vectors is None:
            return None
        bias = arb(proposed.bias)
        outputs = self._outputs(cell, vectors, bias)
        value, slopes, curved = self._losses(outputs)
        paid = self.kappa * sum((balls.norm(a) for a in vectors), arb(0))
        paid += self.last * balls.square(bias)
        high = value + paid
        gap = paid + sum((g * f for g, f in zip(slopes, outputs, strict=True)), arb(0))
        total = sum(slopes, arb(0))
        if not balls.certainly_less(arb(0), self.last):
            return None
        gap += balls.square(total) / (4 * self.last)
        pulls = self.pulls(slopes)
        excess = [self.upper(r, pulls[r]) - self.kappa for r in cell]
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
        for own in self._slopes:
            z = [arb(0)] * len(self.points[0])
            for g, s, point in zip(slopes, own, self.points, strict=True):
                factor = g * s
                if not factor.is_zero():
                    z = [part - factor * x for part, x in zip(z, point, strict=True)]
            found.append(z)
        return found

    def upper(self, region: int, pull: Sequence[arb]) -> arb:
        """An upper bound for the largest z.u with u of length 1 in a region, or 0."""
        z = np.array([float(v.mid()) for v in pull])
        multipliers, _ = self._project(region, z, range(self.setting.size))
        left = list(pull)
        for mu, sign, point in zip(
            multipliers.tolist(), self.setting.regions[region].signs, self.points, strict=True
        ):
            if mu:
                factor = arb(mu) * sign
                left = [part + factor * x for part, x in zip(left, point, strict=True)]
        return balls.norm(left).upper()

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

    def _project(
        self, region: int, z: Floats, walls: Sequence[int] | range
    ) -> tuple[Floats, Floats]:
        """Multipliers of a region's walls, shape (n,), and the projection of z on its cone."""
        from scipy.optimize import nnls  # heavy, so imported where used

        columns = (self.setting.signs[region][:, None] * self.setting.float_points)[list(walls)].T
        found = np.zeros(self.setting.size)
        found[list(walls)] = nnls(columns, -z)[0]
        return found, z + columns @ found[list(walls)]

    def _inside(self, cell: Sequence[int], vectors: Floats) -> list[list[arb]] | None:
        """The vectors, moved into their closed cones; None if one is not proved to be inside."""
        found: list[list[arb]] = []
        points = self.setting.float_points
        for region, a in zip(cell, vectors, strict=True):
            length = float(np.linalg.norm(a))
            inside, signs = self.setting.inside[region], self.setting.signs[region]
            if length:
                room = signs * (points @ inside)
                lacking = -(signs * (points @ a)) + INWARD * length * np.abs(points).sum(1)
                share = float((lacking / room).max())
                a = a + max(share, 0.0) * inside
            exact = [arb(v) for v in a.tolist()]
            if length and not all(
                balls.certainly_less(arb(0), int(s) * dot(x, exact))
                for s, x in zip(signs, self.points, strict=True)
            ):
                return None
            found.append(exact)
        return found

    def _outputs(self, cell: Sequence[int], vectors: list[list[arb]], bias: arb) -> list[arb]:
        outputs = [bias] * self.setting.size
        for region, a in zip(cell, vectors, strict=True):
            own = zip(outputs, self._slopes[region], self.points, strict=True)
            outputs = [f + s * dot(x, a) for f, s, x in own]
        return outputs

    def _losses(self, outputs: Sequence[arb]) -> tuple[arb, list[arb], list[arb]]:
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
