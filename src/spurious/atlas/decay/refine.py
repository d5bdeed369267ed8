"""A cell's best point to many digits: Newton's method in balls, with the Jacobian of floats.

Nothing here is trusted: it makes the point from which `bounds` encloses the best one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from flint import arb

from spurious.atlas.decay.floats import Floats, Proposed
from spurious.exact import balls

if TYPE_CHECKING:
    from spurious.atlas.decay.bounds import CellBounds

STEPS = 4
"""Newton steps: each gains some ten digits."""

INDEPENDENT = 1e-9
"""What a wall has left beside others, against its length, if it counts as independent of them."""


def refined(
    bounds: CellBounds, cell: Sequence[int], proposed: Proposed
) -> tuple[list[list[arb]], arb]:
    """The vectors and the output's bias that a proposed point of a face stands for.

    Args:
        bounds: Of the setting.
        cell: Regions.
        proposed: A point; where no face is known it is only copied.
    """
    vectors = [[arb(v) for v in a.tolist()] for a in proposed.vectors]
    bias = arb(proposed.bias)
    live = [k for k in range(len(cell)) if proposed.vectors[k].any()]
    if proposed.walls is None:
        return vectors, bias
    points, width = bounds.setting.float_points, len(bounds.points[0])
    walls = {k: _independent(points, proposed.walls[k]) for k in live}
    inverse = _inverse(bounds, cell, proposed, live, walls)
    if inverse is None:
        return vectors, bias
    forces = [arb(0)] * sum(map(len, walls.values()))
    for _ in range(STEPS):
        left = _residual(bounds, cell, vectors, bias, live, walls, forces)
        step = inverse @ np.array([float(v.mid()) for v in left])
        moved = iter(step.tolist())
        for k in live:
            vectors[k] = [(v - arb(next(moved))).mid() for v in vectors[k]]
        bias = (bias - arb(next(moved))).mid()
        forces = [(v - arb(next(moved))).mid() for v in forces]
    size = float(np.abs(proposed.vectors).max(initial=0.0)) + abs(proposed.bias)
    far = [float(v.mid()) - w for a, b in zip(vectors, proposed.vectors, strict=True)
           for v, w in zip(a, b.tolist(), strict=True)]  # fmt: skip
    if not np.abs([*far, 0.0]).max() <= 1e-6 * size:
        return [[arb(v) for v in a.tolist()] for a in proposed.vectors], arb(proposed.bias)
    assert width
    return vectors, bias


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


def _inverse(
    bounds: CellBounds,
    cell: Sequence[int],
    proposed: Proposed,
    live: Sequence[int],
    walls: dict[int, list[int]],
) -> Floats | None:
    """The inverse Jacobian of `_residual`, in floats."""
    setting, solver = bounds.setting, bounds.solver
    width = setting.float_points.shape[1]
    features = setting.features[[cell[k] for k in live]]
    jacobian = np.hstack([*features, np.ones((setting.size, 1))])
    outputs = np.einsum("knd,kd->n", features, proposed.vectors[list(live)]) + proposed.bias
    _, _, second = solver.losses(outputs)
    own, held = len(live) * width + 1, sum(map(len, walls.values()))
    whole = np.zeros((own + held, own + held))
    whole[:own, :own] = (jacobian.T * second) @ jacobian
    whole[own - 1, own - 1] += 2 * solver.last
    row = own
    for j, k in enumerate(live):
        a, place = proposed.vectors[k], slice(j * width, (j + 1) * width)
        length = float(np.linalg.norm(a))
        whole[place, place] += (
            solver.kappa / length * (np.eye(width) - np.outer(a, a) / length**2)
        )
        for i in walls[k]:
            whole[row, place] = whole[place, row] = setting.float_points[i]
            row += 1
    try:
        return np.linalg.inv(whole)
    except np.linalg.LinAlgError:
        return None


def _residual(
    bounds: CellBounds,
    cell: Sequence[int],
    vectors: Sequence[Sequence[arb]],
    bias: arb,
    live: Sequence[int],
    walls: dict[int, list[int]],
    forces: Sequence[arb],
) -> list[arb]:
    """What has to vanish: the gradient with the walls' forces, and how far the walls are."""
    from spurious.atlas.decay.bounds import dot

    _, slopes, _ = bounds.losses(bounds.outputs(cell, vectors, bias))
    pulls = bounds.pulls(slopes)
    left, distances, force = list[arb](), list[arb](), iter(forces)
    for k in live:
        length = balls.norm(vectors[k])
        gradient = [
            bounds.kappa * v / length - z for v, z in zip(vectors[k], pulls[cell[k]], strict=True)
        ]
        for i in walls[k]:
            pushed = next(force)
            gradient = [g + pushed * x for g, x in zip(gradient, bounds.points[i], strict=True)]
            distances.append(dot(vectors[k], bounds.points[i]))
        left += gradient
    return [*left, sum(slopes, arb(0)) + 2 * bounds.last * bias, *distances]
