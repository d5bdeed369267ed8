"""A cell's best point to many digits: Newton's method in balls, with the Jacobian of floats.

Nothing here is trusted: it makes the point from which `bounds` encloses the best one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from flint import arb

from spurious.atlas.decay.floats import FloatModel, Proposed
from spurious.atlas.decay.model import BallModel, Vector, dot
from spurious.atlas.decay.setting import Floats

STEPS, FREE_STEPS = 4, 8
"""Newton steps: each gains some ten digits. More where hidden biases cost nothing."""

INDEPENDENT = 1e-9
"""What a wall has left beside others, against its length, if it counts as independent of them."""

FLAT = 1e-14
"""Eigenvalues below this share of the largest are directions in which the face is flat."""

FAR, FREE_FAR = 1e-6, 1e-2
"""Refining that moves a point by more than this share of it has failed; the second number is for
where hidden biases cost nothing, so that outputs may hardly matter."""

Held = Mapping[int, Sequence[int]]


def refined(
    model: BallModel, floats: FloatModel, cell: Sequence[int], proposed: Proposed
) -> tuple[list[list[arb]], arb]:
    """The vectors and the output's bias that a proposed point of a face stands for.

    Args:
        model: The loss in balls.
        floats: The same in floats.
        cell: Regions.
        proposed: A point; where no face is known it is only copied.
    """
    copied = [[arb(v) for v in a.tolist()] for a in proposed.vectors], arb(proposed.bias)
    if proposed.walls is None:
        return copied
    live = [k for k in range(len(cell)) if proposed.vectors[k].any()]
    points = model.setting.float_points
    walls = {k: _independent(points, proposed.walls[k]) for k in live}
    free = model.setting.free  # then the face may be flat in some directions
    try:
        jacobian = _jacobian(floats, cell, proposed, live, walls)
        inverse = (
            np.linalg.pinv(jacobian, FLAT, hermitian=True) if free else np.linalg.inv(jacobian)
        )
    except np.linalg.LinAlgError:
        return copied
    vectors, bias = [list(a) for a in copied[0]], copied[1]
    forces, total = [arb(0)] * sum(map(len, walls.values())), 0.0
    for _ in range(FREE_STEPS if free else STEPS):
        left = _residual(model, cell, vectors, bias, walls, forces)
        step = inverse @ np.array([float(v.mid()) for v in left])
        moves = iter(step.tolist())
        for k in live:
            vectors[k] = [(v - arb(next(moves))).mid() for v in vectors[k]]
        bias = (bias - arb(next(moves))).mid()
        forces = [(v - arb(next(moves))).mid() for v in forces]
        total += float(np.abs(step[: len(step) - len(forces)]).max())
    size = float(np.abs(proposed.vectors).max(initial=0.0)) + abs(proposed.bias)
    return (vectors, bias) if total <= (FREE_FAR if free else FAR) * size else copied


def _independent(points: Floats, walls: Sequence[int]) -> list[int]:
    """Walls that span what all span."""
    kept, basis = list[int](), list[Floats]()
    for i in walls:
        row = points[i] / np.linalg.norm(points[i])
        for b in basis:
            row = row - (row @ b) * b
        length = float(np.linalg.norm(row))
        if length > INDEPENDENT:
            kept.append(i)
            basis.append(row / length)
    return kept


def _jacobian(
    floats: FloatModel, cell: Sequence[int], proposed: Proposed, live: Sequence[int], walls: Held
) -> Floats:
    """The Jacobian of `_residual` by vectors, bias and forces."""
    setting, width = floats.setting, proposed.vectors.shape[1]
    features = setting.features[[cell[k] for k in live]]
    jacobian = np.hstack([*features, np.ones((setting.size, 1))])
    outputs = np.einsum("knd,kd->n", features, proposed.vectors[list(live)]) + proposed.bias
    _, _, second = floats.losses(outputs)
    own = row = len(live) * width + 1
    whole = np.zeros((own + sum(map(len, walls.values())),) * 2)
    whole[:own, :own] = (jacobian.T * second) @ jacobian
    whole[own - 1, own - 1] += 2 * floats.last
    for j, k in enumerate(live):
        paid, place = setting.paid[cell[k]], slice(j * width, (j + 1) * width)
        a = paid * proposed.vectors[k]
        length = float(np.linalg.norm(a))
        turned = np.diag(paid) - np.outer(a, a) / length**2
        whole[place, place] += floats.kappa / length * turned
        for i in walls[k]:
            whole[row, place] = whole[place, row] = setting.float_points[i]
            row += 1
    return whole


def _residual(
    model: BallModel,
    cell: Sequence[int],
    vectors: Sequence[Vector],
    bias: arb,
    walls: Held,
    forces: Vector,
) -> list[arb]:
    """What has to vanish: the gradient with the walls' forces, and how far the walls are."""
    _, slopes, _ = model.losses(model.outputs(cell, vectors, bias))
    pulls = model.pulls(slopes)
    left, distances, force = list[arb](), list[arb](), iter(forces)
    for k, held in walls.items():
        pull, paying = pulls[cell[k]], model.setting.paying(cell[k])
        push = model.kappa / model.length(cell[k], vectors[k])
        gradient = [-z for z in pull]
        for i in range(paying):
            gradient[i] += push * vectors[k][i]
        for i in held:
            pushed = next(force)
            gradient = [g + pushed * x for g, x in zip(gradient, model.points[i], strict=True)]
            distances.append(dot(vectors[k], model.points[i]))
        left += gradient
    return [*left, sum(slopes, arb(0)) + 2 * model.last * bias, *distances]
