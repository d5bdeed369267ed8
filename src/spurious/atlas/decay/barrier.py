"""The best point of many closed cells at once, in floats: a barrier method.

For growing t, Newton's method on t times the penalised loss minus the logarithms of the
inequalities; that of |a_k| <= r is minimised over r in closed form (S. Boyd and L. Vandenberghe,
"Convex Optimization", 2004, chapter 11).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spurious.atlas.decay.floats import FloatModel
from spurious.atlas.decay.setting import Floats

LAST = 1e10
"""The last t, against kappa: beyond it floats are too coarse."""

FACTOR = 30.0
"""By which t grows."""

NEWTON = 12
"""Most Newton steps at one t."""

DONE = 1e-9
"""A step that promises less ends Newton's method."""

HALVINGS = 30
"""Most halvings of a step."""

RIDGE = 1e-14
"""Added to the diagonal, where it is 1, against singular matrices."""


@dataclass(frozen=True, slots=True, eq=False)
class _Shape:
    """B cells of k regions.

    Attributes:
        jacobian: Of the outputs by vectors and bias, shape (B, n, v).
        walls: Of the regions, 0 for linear ones, shape (B, k, n, D).
        spare: What is added to how far walls are: 1 for those that are none, shape (B, k, 1).
        paid: 1 for coordinates that count in lengths, shape (B, k, D).
    """

    jacobian: Floats
    walls: Floats
    spare: Floats
    paid: Floats


def barrier(model: FloatModel, cells: npt.NDArray[np.intp]) -> tuple[Floats, Floats]:
    """The vectors (B, k, d + 1) and biases (B,) of points near the best ones.

    Args:
        model: The loss.
        cells: Regions, shape (B, k).
    """
    setting, (batch, k) = model.setting, cells.shape
    n, width = setting.float_points.shape
    features = setting.features[cells].transpose(0, 2, 1, 3).reshape(batch, n, k * width)
    jacobian = np.concatenate([features, np.ones((batch, n, 1))], axis=2)
    bounded = setting.bounded[cells]
    walls = bounded[..., None, None] * setting.signs[cells][..., None] * setting.float_points
    face = _Shape(jacobian, walls, 1 - bounded[..., None], setting.paid[cells])
    x = np.zeros((batch, k * width + 1))
    x[:, :-1] = setting.inside[cells].reshape(batch, k * width)
    total = float((model.above + model.below).sum())
    t = 1.0 / total
    while t * model.kappa < LAST:
        for _ in range(NEWTON):
            if not _step(model, x, t, face):
                break
        t *= FACTOR
    return x[:, :-1].reshape(batch, k, width), x[:, -1]


def _value(model: FloatModel, x: Floats, t: float, at: _Shape) -> Floats:
    batch, k, _, width = at.walls.shape
    a = x[:, :-1].reshape(batch, k, width)
    slack = np.einsum("bknd,bkd->bkn", at.walls, a) + at.spare
    loss = model.losses(np.einsum("bnv,bv->bn", at.jacobian, x))[0] + model.last * x[:, -1] ** 2
    root = 1 + np.sqrt(1 + (t * model.kappa) ** 2 * (at.paid * a * a).sum(-1))
    with np.errstate(invalid="ignore", divide="ignore"):
        logs = np.where(slack > 0, np.log(slack), -np.inf)
    return t * loss + (root - np.log(root)).sum(-1) - logs.sum((-1, -2))


def _step(model: FloatModel, x: Floats, t: float, at: _Shape) -> bool:
    """One damped Newton step in place; whether another is needed."""
    gradient, curved = _derivatives(model, x, t, at)
    step = -_solved(curved, gradient)
    fall = np.einsum("bv,bv->b", gradient, step)
    moving = fall < -DONE
    if not moving.any():
        return False
    now = _value(model, x, t, at)
    size, bad = np.where(moving, 1.0, 0.0), moving
    for _ in range(HALVINGS):
        there = _value(model, x + size[:, None] * step, t, at)
        bad = moving & ~(there <= now + 0.1 * size * fall + 1e-12 * np.abs(now))
        if not bad.any():
            break
        size[bad] /= 2
    else:
        size[bad] = 0
    x += size[:, None] * step
    return True


def _derivatives(model: FloatModel, x: Floats, t: float, at: _Shape) -> tuple[Floats, Floats]:
    """Gradient (B, v) and Hessian (B, v, v) of what is minimised."""
    jacobian, walls = at.jacobian, at.walls
    batch, k, _, width = walls.shape
    _, first, second = model.losses(np.einsum("bnv,bv->bn", jacobian, x))
    gradient = t * np.einsum("bnv,bn->bv", jacobian, first)
    curved = t * np.einsum("bnv,bn,bnw->bvw", jacobian, second, jacobian)
    gradient[:, -1] += 2 * t * model.last * x[:, -1]
    curved[:, -1, -1] += 2 * t * model.last
    a = x[:, :-1].reshape(batch, k, width)
    q = (t * model.kappa) ** 2
    paying = at.paid * a
    root = np.sqrt(1 + q * (paying * a).sum(-1))
    pull = q / (1 + root)
    bend = -(q * q) / (root * (1 + root) ** 2)
    slack = np.einsum("bknd,bkd->bkn", walls, a) + at.spare
    own = np.einsum("bk,bkd,de->bkde", pull, at.paid, np.eye(width))
    own += np.einsum("bk,bkd,bke->bkde", bend, paying, paying)
    own += np.einsum("bknd,bkn,bkne->bkde", walls, slack**-2, walls)
    push = pull[..., None] * paying - np.einsum("bknd,bkn->bkd", walls, 1 / slack)
    gradient[:, :-1] += push.reshape(batch, k * width)
    for j in range(k):
        place = slice(j * width, (j + 1) * width)
        curved[:, place, place] += own[:, j]
    return gradient, curved


def _solved(matrices: Floats, right: Floats) -> Floats:
    """Solutions of positive definite systems of widely different scales, shape (B, v)."""
    scale = 1 / np.sqrt(np.einsum("bvv->bv", matrices))
    scaled = matrices * scale[:, :, None] * scale[:, None, :]
    scaled += RIDGE * np.eye(matrices.shape[1])
    found = np.asarray(np.linalg.solve(scaled, (scale * right)[..., None]), dtype=np.float64)
    return scale * found[..., 0]
