"""The penalised loss of a closed cell and its derivatives, in balls at the working precision."""

from __future__ import annotations

from collections.abc import Sequence

from flint import arb

from spurious.atlas.decay.setting import DecaySetting
from spurious.exact import balls
from spurious.exact.rationals import rational

Vector = Sequence[arb]


class BallModel:
    """A setting in balls; make and use it inside `balls.precision`.

    Args:
        setting: The setting.

    Attributes:
        setting: The same.
        points: x^, shape (n, d + 1).
        kappa: What a length of 1 costs.
        last: What the square of the output's bias costs.
        slopes: For each region the signed slopes at the points, shape (n,).
        inside: For each region a direction in its interior, shape (d + 1,).
    """

    def __init__(self, setting: DecaySetting) -> None:
        self.setting = setting
        self.points, self.kappa = setting.points, setting.kappa
        self.last = arb(rational(setting.costs[3]))
        self.above = [arb(rational(v)) for v in setting.above]
        self.below = [arb(rational(v)) for v in setting.below]
        self.targets = [arb(rational(v)) for v in setting.targets]
        self.unavoidable = arb(rational(setting.unavoidable))
        self.slopes = [[arb(rational(s * r.sign)) for s in r.slopes] for r in setting.regions]
        self.inside = [[arb(v) for v in r.inside] for r in setting.regions]

    def walls(self, region: int) -> list[list[arb]]:
        """A region's points with its signs, so that it is where all products are nonnegative.

        A linear region has none.
        """
        if self.setting.regions[region].linear:
            return []
        signs = self.setting.regions[region].signs
        return [[s * x for x in point] for s, point in zip(signs, self.points, strict=True)]

    def outputs(self, cell: Sequence[int], vectors: Sequence[Vector], bias: arb) -> list[arb]:
        """The outputs of vectors in regions and a bias, shape (n,)."""
        found = [bias] * self.setting.size
        for region, a in zip(cell, vectors, strict=True):
            own = zip(found, self.slopes[region], self.points, strict=True)
            found = [f + s * dot(x, a) for f, s, x in own]
        return found

    def losses(self, outputs: Vector) -> tuple[arb, list[arb], list[arb]]:
        """The loss at outputs, and its first and second derivatives by them, shape (n,)."""
        if self.setting.squared:
            left = [f - y for f, y in zip(outputs, self.targets, strict=True)]
            squares = (w * balls.square(r) for w, r in zip(self.above, left, strict=True))
            slopes = [2 * w * r for w, r in zip(self.above, left, strict=True)]
            return sum(squares, self.unavoidable), slopes, [2 * w for w in self.above]
        value, slopes, curved = arb(0), list[arb](), list[arb]()
        for up, down, f in zip(self.above, self.below, outputs, strict=True):
            p = 1 / (1 + f.exp())
            value += up * (-f).exp().log1p() + down * f.exp().log1p()
            slopes.append(down * (1 - p) - up * p)
            curved.append((up + down) * p * (1 - p))
        return value, slopes, curved

    def length(self, region: int, vector: Vector) -> arb:
        """The length of a vector of a region that costs kappa each."""
        return balls.norm(vector[: self.setting.paying(region)])

    def paid(self, cell: Sequence[int], vectors: Sequence[Vector], bias: arb) -> arb:
        """The penalty."""
        lengths = sum((self.length(r, a) for r, a in zip(cell, vectors, strict=True)), arb(0))
        return self.kappa * lengths + self.last * balls.square(bias)

    def pulls(self, slopes: Vector) -> list[list[arb]]:
        """For each region z with: a in it changes the loss by -z.a to first order, (R, d + 1).

        Args:
            slopes: The loss's derivatives by the outputs, shape (n,).
        """
        found: list[list[arb]] = []
        for own, region in zip(self.slopes, self.setting.regions, strict=True):
            z = [arb(0)] * len(self.points[0])
            for g, s, point in zip(slopes, own, self.points, strict=True):
                factor = g * s
                if not factor.is_zero():
                    z = [part - factor * x for part, x in zip(z, point, strict=True)]
            found.append([*z[:-1], arb(0)] if region.linear else z)
        return found


def dot(left: Vector, right: Vector) -> arb:
    """The scalar product."""
    return sum((a * b for a, b in zip(left, right, strict=True)), arb(0))
