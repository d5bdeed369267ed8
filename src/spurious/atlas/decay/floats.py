"""The penalised loss of a closed cell in floats, and a point of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spurious.atlas.decay.setting import DecaySetting, Floats

CHEAP = 1e4
"""A bias that costs nothing counts as one that is this much cheaper than weights."""


NOISE = 1e-11
"""Smaller multipliers, against z, are 0 where the bias of z may be 0 exactly."""


@dataclass(frozen=True, slots=True, eq=False)
class Proposed:
    """A point of a cell in floats.

    Attributes:
        vectors: a of each region, shape (k, d + 1).
        bias: c.
        walls: For each region the points on whose kink it is, if it is the best of a face.
    """

    vectors: Floats
    bias: float
    walls: tuple[tuple[int, ...], ...] | None = None


class FloatModel:
    """A setting in floats.

    Args:
        setting: The setting.
    """

    def __init__(self, setting: DecaySetting) -> None:
        self.setting = setting
        self.kappa = float(setting.kappa.mid())
        self.last = float(setting.costs[3])
        self.above = np.array([float(v) for v in setting.above])
        self.below = np.array([float(v) for v in setting.below])
        self.targets = np.array([float(v) for v in setting.targets])

    def losses(self, f: Floats) -> tuple[Floats, Floats, Floats]:
        """The loss at outputs (..., n), shape (...), and first and second derivatives (..., n)."""
        if self.setting.squared:
            r = f - self.targets
            value = (self.above * r * r).sum(-1)
            return value, 2 * self.above * r, np.broadcast_to(2 * self.above, f.shape)
        up, down = np.logaddexp(0, -f), np.logaddexp(0, f)
        p = np.exp(-down)  # 1 / (1 + e^f)
        first = self.below * (1 - p) - self.above * p
        second = (self.above + self.below) * p * (1 - p)
        return (self.above * up + self.below * down).sum(-1), first, second

    def slopes(self, cell: Sequence[int], vectors: Floats, bias: float) -> Floats:
        """The loss's derivatives by the outputs at a point of a cell, shape (n,)."""
        features = self.setting.features[list(cell)]
        return self.losses(np.einsum("knd,kd->n", features, vectors) + bias)[1]


def projected(
    setting: DecaySetting, region: int, z: Floats, without: int | None = None
) -> tuple[Floats, Floats]:
    """The best u of a region, and multipliers mu >= 0 of its walls, one for each.

    It is the point nearest to z, and z + mu walls. Where biases cost nothing the bias is divided by
    `CHEAP` for that, so that it hardly counts; then only the weights of u are z + mu walls.

    Args:
        setting: The setting.
        region: The region.
        z: Shape (d + 1,).
        without: A wall that u may cross.
    """
    from scipy.optimize import nnls  # heavy, so imported where used

    if setting.regions[region].linear:
        return z, np.zeros(0)
    found = np.zeros(setting.size)
    cheap = np.where(setting.paid[region], 1.0, CHEAP)
    kept = [i for i in range(setting.size) if i != without]
    if not kept:
        return z, found
    walls = (setting.signs[region][:, None] * setting.float_points)[kept] * cheap
    found[kept] = nnls(walls.T, -z * cheap)[0]
    if setting.free:
        found[found < NOISE * float(np.linalg.norm(z))] = 0
    return cheap * (cheap * z + found[kept] @ walls), found
