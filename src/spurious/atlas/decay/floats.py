"""The penalised loss of a closed cell in floats, and a point of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spurious.atlas.decay.setting import DecaySetting, Floats


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


def projected(walls: Floats, z: Floats) -> tuple[Floats, Floats]:
    """The nearest point to z of a cone, and multipliers mu >= 0 with: it is z + mu walls.

    Args:
        walls: The cone is where all walls.u are nonnegative, shape (k, d + 1).
        z: Shape (d + 1,).
    """
    from scipy.optimize import nnls  # heavy, so imported where used

    if not len(walls):
        return z, np.zeros(0)
    multipliers = np.asarray(nnls(walls.T, -z)[0], dtype=np.float64)
    return z + multipliers @ walls, multipliers
