"""The best point of many closed cells at once, in floats: a proposal.

In a closed cell the penalised loss is l(f) + kappa sum |a_k| + l_c c^2, with f linear in the a_k,
which lie in polyhedral cones. A barrier method: for growing t, Newton's method on t times the loss
minus the logarithms of the inequalities. That of |a_k| <= r is minimised over r in closed form.
Then Newton's method on the face that it points to (S. Boyd and L. Vandenberghe, "Convex
Optimization", 2004, chapter 11).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spurious.atlas.decay.setting import DecaySetting, Floats

LAST = 1e9
"""The last t, against the size of the problem: beyond it floats are too coarse."""

FACTOR = 30.0
"""By which t grows."""

NEWTON = 12
"""Most Newton steps at one t."""

HALVINGS = 30
"""Most halvings of a step."""

ON_WALL = 1e-4
"""A wall counts as met if a is this close to it, against the lengths."""

NOTHING = (1e-5, 1e-3, 1e-2)
"""An a counts as 0 if it is this small against the largest: tried in turn."""

IDLE = 1e-8
"""By how much a region that is not at work may seem to exceed kappa."""

RIDGE = 1e-14
"""Added to the diagonal, where it is 1, against singular matrices."""

PARALLEL = 1e-6
"""Vectors whose angle has a cosine this near to 1 count as parallel."""

CHANGES = 8
"""Most changes of the face."""

SLACK = 1e-9
"""What counts as 0 on the face, against lengths and costs."""

POLISH = 12
"""Newton steps on the face."""


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


class CellSolver:
    """Solves cells of one setting."""

    def __init__(self, setting: DecaySetting) -> None:
        self.setting = setting
        self.kappa = float(setting.kappa.mid())
        self.last = float(setting.costs[3])
        self.above = np.array([float(v) for v in setting.above])
        self.below = np.array([float(v) for v in setting.below])
        self.targets = np.array([float(v) for v in setting.targets])
        sizes = np.linalg.norm(setting.float_points, axis=1)
        self.scale = self.kappa / sizes.max()

    def losses(self, f: Floats) -> tuple[Floats, Floats, Floats]:
        """The loss's value, shape (B,), and first and second derivatives by outputs (B, n)."""
        if self.setting.squared:
            r = f - self.targets
            value = (self.above * r * r).sum(-1)
            return value, 2 * self.above * r, np.broadcast_to(2 * self.above, f.shape)
        up = np.logaddexp(0, -f)
        down = np.logaddexp(0, f)
        p = np.exp(-down)  # 1 / (1 + e^f)
        first = self.below * (1 - p) - self.above * p
        second = (self.above + self.below) * p * (1 - p)
        return (self.above * up + self.below * down).sum(-1), first, second

    def propose(self, cells: npt.NDArray[np.intp]) -> list[Proposed]:
        """A point of each cell, polished.

        Args:
            cells: Regions, shape (B, k).
        """
        vectors, biases = self._barrier(cells)
        return [
            self._polished(cell.tolist(), v, float(c))
            for cell, v, c in zip(cells, vectors, biases, strict=True)
        ]

    def _barrier(self, cells: npt.NDArray[np.intp]) -> tuple[Floats, Floats]:
        batch, k = cells.shape
        width = self.setting.float_points.shape[1]
        features = self.setting.features[cells]  # (B, k, n, D)
        jacobian = np.concatenate(
            [
                features.transpose(0, 2, 1, 3).reshape(batch, self.setting.size, k * width),
                np.ones((batch, self.setting.size, 1)),
            ],
            axis=2,
        )
        walls = self.setting.signs[cells][..., None] * self.setting.float_points  # (B, k, n, D)
        x = np.zeros((batch, k * width + 1))
        x[:, :-1] = self.setting.inside[cells].reshape(batch, k * width)
        total = float((self.above + self.below).sum())
        t = 1.0 / total
        while t * total < LAST:
            for _ in range(NEWTON):
                if not self._step(x, t, jacobian, walls):
                    break
            t *= FACTOR
        return x[:, :-1].reshape(batch, k, width), x[:, -1]

    def _value(self, x: Floats, t: float, jacobian: Floats, walls: Floats) -> Floats:
        batch, k = walls.shape[:2]
        a = x[:, :-1].reshape(batch, k, walls.shape[3])
        slack = np.einsum("bknd,bkd->bkn", walls, a)
        value = t * (
            self.losses(np.einsum("bnv,bv->bn", jacobian, x))[0] + self.last * x[:, -1] ** 2
        )
        root = 1 + np.sqrt(1 + (t * self.kappa) ** 2 * (a * a).sum(-1))
        value = value + (root - np.log(root)).sum(-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            logs = np.where(slack > 0, np.log(slack), -np.inf)
        return value - logs.sum((-1, -2))

    def _step(self, x: Floats, t: float, jacobian: Floats, walls: Floats) -> bool:
        """One damped Newton step in place; whether another is needed."""
        batch, k, _, width = walls.shape
        f = np.einsum("bnv,bv->bn", jacobian, x)
        _, first, second = self.losses(f)
        gradient = t * np.einsum("bnv,bn->bv", jacobian, first)
        curved = t * np.einsum("bnv,bn,bnw->bvw", jacobian, second, jacobian)
        gradient[:, -1] += 2 * t * self.last * x[:, -1]
        curved[:, -1, -1] += 2 * t * self.last
        a = x[:, :-1].reshape(batch, k, width)
        q = (t * self.kappa) ** 2
        root = np.sqrt(1 + q * (a * a).sum(-1))
        pull = q / (1 + root)
        bend = -(q * q) / (root * (1 + root) ** 2)  # d(pull)/d(|a|^2 / 2)
        slack = np.einsum("bknd,bkd->bkn", walls, a)
        own = np.einsum("bk,de->bkde", pull, np.eye(width))
        own += np.einsum("bk,bkd,bke->bkde", bend, a, a)
        own += np.einsum("bknd,bkn,bkne->bkde", walls, slack**-2, walls)
        push = pull[..., None] * a - np.einsum("bknd,bkn->bkd", walls, 1 / slack)
        gradient[:, :-1] += push.reshape(batch, k * width)
        for j in range(k):
            place = slice(j * width, (j + 1) * width)
            curved[:, place, place] += own[:, j]
        step = -_solved(curved, gradient)
        fall = np.einsum("bv,bv->b", gradient, step)
        moving = fall < -1e-9
        if not moving.any():
            return False
        now = self._value(x, t, jacobian, walls)
        size = np.where(moving, 1.0, 0.0)
        for _ in range(HALVINGS):
            bad = moving & ~(
                self._value(x + size[:, None] * step, t, jacobian, walls)
                <= now + 0.1 * size * fall + 1e-12 * np.abs(now)
            )
            if not bad.any():
                break
            size[bad] /= 2
        else:
            size[bad] = 0
        x += size[:, None] * step
        return True

    def _polished(self, cell: Sequence[int], vectors: Floats, bias: float) -> Proposed:
        """The best point of a face that a point is near to; the point itself if none is found."""
        lengths = np.linalg.norm(vectors, axis=1)
        tried: list[list[int]] = []
        for nothing in NOTHING:
            live = [k for k, r in enumerate(lengths) if r > nothing * lengths.max(initial=0)]
            if live not in tried:
                tried.append(live)
                found = self._from_face(cell, vectors, bias, live)
                if found is not None:
                    return found
        return Proposed(vectors, bias)

    def _from_face(
        self, cell: Sequence[int], vectors: Floats, bias: float, live: Sequence[int]
    ) -> Proposed | None:
        """Changes the face until its best point is the cell's, if a given set is at work."""
        vectors, live = self._merged(cell, vectors, live)
        lengths = np.linalg.norm(vectors, axis=1)
        points = self.setting.float_points
        sizes = np.linalg.norm(points, axis=1)
        walls = [frozenset[int]()] * len(cell)
        for k in live:
            z = np.abs(points @ vectors[k])
            walls[k] = frozenset(np.flatnonzero(z < ON_WALL * sizes * lengths[k]).tolist())
        for _ in range(CHANGES):
            found = self._on_face(cell, vectors, bias, live, walls)
            if found is None:
                return None
            changed = self._changed(cell, found, live, walls)
            if changed == walls:
                idle = [cell[k] for k in range(len(cell)) if k not in live]
                if not self._stay_idle(cell, found, idle):
                    return None
                return Proposed(*found, tuple(tuple(sorted(held)) for held in walls))
            walls = changed
        return None

    def _stay_idle(
        self, cell: Sequence[int], found: tuple[Floats, float], idle: Sequence[int]
    ) -> bool:
        """Whether no region that is not at work can lower the loss."""
        from scipy.optimize import nnls  # heavy, so imported where used

        setting = self.setting
        features = setting.features[list(cell)]
        slopes = self.losses(np.einsum("knd,kd->n", features, found[0]) + found[1])[1]
        return all(
            nnls((setting.signs[r][:, None] * setting.float_points).T, setting.features[r].T @ slopes)[1]
            <= self.kappa * (1 + IDLE)
            for r in idle
        )

    def _merged(
        self, cell: Sequence[int], vectors: Floats, live: Sequence[int]
    ) -> tuple[Floats, list[int]]:
        """Gives the work of vectors of one sign and direction to the first of them."""
        vectors, kept = vectors.copy(), list[int]()
        for k in live:
            sign, own = self.setting.regions[cell[k]].sign, np.linalg.norm(vectors[k])
            for j in kept:
                both = own * np.linalg.norm(vectors[j])
                alike = vectors[j] @ vectors[k] > (1 - PARALLEL) * both
                if alike and self.setting.regions[cell[j]].sign == sign:
                    vectors[j] += vectors[k]
                    vectors[k] = 0
                    break
            else:
                kept.append(k)
        return vectors, kept

    def _changed(
        self,
        cell: Sequence[int],
        found: tuple[Floats, float],
        live: Sequence[int],
        walls: list[frozenset[int]],
    ) -> list[frozenset[int]]:
        """The walls, with those that are crossed, without the one that is left most gladly."""
        vectors, bias = found
        setting, chosen = self.setting, list(cell)
        features = setting.features[chosen]
        slopes = self.losses(np.einsum("knd,kd->n", features, vectors) + bias)[1]
        worst, leaving, changed = -SLACK, None, list(walls)
        for k in live:
            a, length = vectors[k], float(np.linalg.norm(vectors[k]))
            inward = setting.signs[cell[k]][:, None] * setting.float_points
            crossed = np.flatnonzero(inward @ a < -SLACK * length * np.abs(inward).sum(1))
            changed[k] = walls[k] | frozenset(crossed.tolist())
            held = sorted(walls[k])
            if not held:
                continue
            left = self.kappa * a / length + features[k].T @ slopes
            mu = np.linalg.lstsq(inward[held].T, left, rcond=None)[0] / self.kappa
            if mu.min() < worst:
                worst, leaving = float(mu.min()), (k, held[int(mu.argmin())])
        if changed == walls and leaving is not None:
            k, wall = leaving
            changed[k] = walls[k] - {wall}
        return changed

    def _on_face(
        self,
        cell: Sequence[int],
        vectors: Floats,
        bias: float,
        live: Sequence[int],
        walls: Sequence[frozenset[int]],
    ) -> tuple[Floats, float] | None:
        """The best point of the face with these walls, the other vectors 0."""
        points, width = self.setting.float_points, vectors.shape[1]
        bases = [_kernel(points[sorted(walls[k])], width) for k in live]
        if any(basis.shape[1] == 0 for basis in bases):
            return None
        columns = [self.setting.features[cell[k]] @ b for k, b in zip(live, bases, strict=True)]
        jacobian = np.hstack([*columns, np.ones((self.setting.size, 1))])
        places = np.cumsum([0, *(basis.shape[1] for basis in bases)])
        x = np.concatenate([*(b.T @ vectors[k] for k, b in zip(live, bases, strict=True)), [bias]])
        for _ in range(POLISH):
            _, first, second = self.losses(jacobian @ x)
            gradient = jacobian.T @ first
            curved = (jacobian.T * second) @ jacobian
            gradient[-1] += 2 * self.last * x[-1]
            curved[-1, -1] += 2 * self.last
            for start, end in zip(places, places[1:], strict=False):
                a = x[start:end]
                length = float(np.linalg.norm(a))
                if length == 0:
                    return None
                gradient[start:end] += self.kappa * a / length
                curved[start:end, start:end] += (
                    self.kappa / length * (np.eye(end - start) - np.outer(a, a) / length**2)
                )
            try:
                step = np.linalg.solve(curved, -gradient)
            except np.linalg.LinAlgError:
                return None
            if not np.isfinite(step).all() or np.abs(step).max() > 0.5 * (1 + np.abs(x).max()):
                return None
            x = x + step
            if np.abs(step).max() < 1e-15 * np.abs(x).max():
                break
        out = np.zeros_like(vectors)
        for k, basis, start, end in zip(live, bases, places, places[1:], strict=False):
            out[k] = basis @ x[start:end]
        return out, float(x[-1])


def _solved(matrices: Floats, right: Floats) -> Floats:
    """Solutions of positive definite systems of widely different scales, shape (B, v)."""
    scale = 1 / np.sqrt(np.einsum("bvv->bv", matrices))
    scaled = matrices * scale[:, :, None] * scale[:, None, :]
    scaled += RIDGE * np.eye(matrices.shape[1])
    return scale * np.linalg.solve(scaled, (scale * right)[..., None])[..., 0]


def _kernel(rows: Floats, width: int) -> Floats:
    """An orthonormal basis of what all rows vanish on, shape (width, k)."""
    if not len(rows):
        return np.eye(width)
    _, singular, right = np.linalg.svd(rows)
    rank = int((singular > 1e-10 * singular.max()).sum())
    return right[rank:].T
