"""From near a cell's best point to it, in floats: the face that it is on, and Newton's method.

Which vectors are zero and which walls are met is guessed, and mended by what the best point of that
face says: walls that it crosses are added, those that it wants to leave are dropped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise

import numpy as np

from spurious.atlas.decay.floats import FloatModel, Proposed, projected
from spurious.atlas.decay.setting import Floats

ON_WALL = (1e-4, 1e-2)
"""A wall counts as met if a is this close to it, against the lengths: tried in turn."""

NOTHING = (1e-5, 1e-3, 1e-2)
"""An a counts as 0 if it is this small against the largest: tried in turn."""

IDLE = 1e-8
"""By how much a region that is not at work may seem to exceed kappa."""

PARALLEL = 1e-6
"""Vectors whose angle has a cosine this near to 1 count as parallel."""

CHANGES = 8
"""Most changes of the face."""

SLACK = 1e-9
"""What counts as 0 on the face, against lengths and costs."""

NEWTON = 12
"""Newton steps on the face."""

FLAT = 1e-14
"""Singular values below this share of the largest are directions in which the face is flat."""

GONE = 1e-9
"""A vector that is smaller, against the largest, has gone to 0."""

UNSETTLED = 1e-6
"""A last step that is larger, against the point, has found nothing."""

SLOPING = 1e-9
"""A slope along flat directions that is larger, against the curvature elsewhere, is one."""

SMALLEST = 1e-15
"""A step that is smaller, against the point, ends Newton's method."""

Walls = list[frozenset[int]]


def polished(model: FloatModel, cell: Sequence[int], vectors: Floats, bias: float) -> Proposed:
    """The best point of a cell; the given point itself if no face is found.

    Args:
        model: The loss.
        cell: Different regions, k of them.
        vectors: Shape (k, d + 1), near the best ones.
        bias: Of the output.
    """
    for live, on_wall in _guesses(np.linalg.norm(vectors, axis=1)):
        found = _from_face(model, cell, vectors, bias, live, on_wall)
        if found is not None:
            return found
    return Proposed(vectors, bias)


def _guesses(lengths: Floats) -> Iterator[tuple[tuple[int, ...], float]]:
    """What is at work, and what counts as near a wall: the plausible first, then everything."""
    every, largest = range(len(lengths)), lengths.max(initial=0)
    plausible = [tuple(k for k in every if lengths[k] > small * largest) for small in NOTHING]
    subsets = [live for size in (*every, len(lengths)) for live in combinations(every, size)]
    for on_wall, choices in ((ON_WALL[0], plausible), *((near, subsets[::-1]) for near in ON_WALL)):
        for live in dict.fromkeys(choices):
            yield live, on_wall


def _from_face(
    model: FloatModel,
    cell: Sequence[int],
    vectors: Floats,
    bias: float,
    live: Sequence[int],
    on_wall: float,
) -> Proposed | None:
    """Changes the face until its best point is the cell's, if a given set is at work."""
    kept = np.zeros((len(cell), 1))
    kept[list(live)] = 1
    vectors, live = _merged(model, cell, vectors * kept, live)
    lengths = np.linalg.norm(vectors, axis=1)
    points = model.setting.float_points
    sizes = np.linalg.norm(points, axis=1)
    walls = [frozenset[int]()] * len(cell)
    for k in live:
        near = np.abs(points @ vectors[k]) < on_wall * sizes * lengths[k]
        near &= not model.setting.regions[cell[k]].linear
        walls[k] = frozenset(np.flatnonzero(near).tolist())
    for _ in range(CHANGES):
        found = _on_face(model, cell, vectors, bias, live, walls)
        if found is None:
            return None
        changed = _changed(model, cell, found, live, walls)
        if changed == walls:
            if not _stay_idle(model, cell, found, live):
                return None
            return Proposed(*found, tuple(tuple(sorted(held)) for held in walls))
        walls = changed
    return None


def _merged(
    model: FloatModel, cell: Sequence[int], vectors: Floats, live: Sequence[int]
) -> tuple[Floats, list[int]]:
    """Gives the work of vectors of one sign and direction to the first of them."""
    vectors, kept, regions = vectors.copy(), list[int](), model.setting.regions
    for k in live:
        sign, own = regions[cell[k]].sign, np.linalg.norm(vectors[k])
        for j in kept:
            both = own * np.linalg.norm(vectors[j])
            alike = vectors[j] @ vectors[k] > (1 - PARALLEL) * both
            if alike and regions[cell[j]].sign == sign:
                vectors[j] += vectors[k]
                vectors[k] = 0
                break
        else:
            kept.append(k)
    return vectors, kept


def _changed(
    model: FloatModel,
    cell: Sequence[int],
    found: tuple[Floats, float],
    live: Sequence[int],
    walls: Walls,
) -> Walls:
    """The walls, with those that are crossed; or without the one that is left most gladly."""
    setting, (vectors, bias) = model.setting, found
    slopes = model.slopes(cell, vectors, bias)
    worst, leaving, changed = -SLACK, None, list(walls)
    for k in live:
        a, paying = vectors[k], setting.paid[cell[k]] * vectors[k]
        length = float(np.linalg.norm(a))
        if setting.regions[cell[k]].linear:
            continue
        inward = setting.signs[cell[k]][:, None] * setting.float_points
        crossed = np.flatnonzero(inward @ a < -SLACK * length * np.abs(inward).sum(1))
        changed[k] = walls[k] | frozenset(crossed.tolist())
        held = sorted(walls[k])
        if not held:
            continue
        left = model.kappa * paying / np.linalg.norm(paying) + setting.features[cell[k]].T @ slopes
        mu = np.asarray(np.linalg.pinv(inward[held].T) @ left, dtype=np.float64) / model.kappa
        if mu.min() < worst:
            worst, leaving = float(mu.min()), (k, held[int(mu.argmin())])
    if changed == walls and leaving is not None:
        k, wall = leaving
        changed[k] = walls[k] - {wall}
    return changed


def _stay_idle(
    model: FloatModel, cell: Sequence[int], found: tuple[Floats, float], live: Sequence[int]
) -> bool:
    """Whether no region that is not at work can lower the loss."""
    setting, slopes = model.setting, model.slopes(cell, *found)
    for k, r in enumerate(cell):
        if k not in live:
            nearest, _ = projected(setting, r, -setting.features[r].T @ slopes)
            if np.linalg.norm(setting.paid[r] * nearest) > model.kappa * (1 + IDLE):
                return False
    return True


def _on_face(
    model: FloatModel,
    cell: Sequence[int],
    vectors: Floats,
    bias: float,
    live: Sequence[int],
    walls: Walls,
) -> tuple[Floats, float] | None:
    """The best point of the face with these walls, the other vectors 0."""
    setting, width = model.setting, vectors.shape[1]
    bases = [_kernel(setting.float_points[sorted(walls[k])], width) for k in live]
    if any(basis.shape[1] == 0 for basis in bases):
        return None
    columns = [setting.features[cell[k]] @ b for k, b in zip(live, bases, strict=True)]
    jacobian = np.hstack([*columns, np.ones((setting.size, 1))])
    ends = np.cumsum([0, *(basis.shape[1] for basis in bases)])
    places = [slice(a, b) for a, b in pairwise(ends)]
    x: Floats = np.concatenate(
        [*(b.T @ vectors[k] for k, b in zip(live, bases, strict=True)), [bias]]
    )
    step = x
    paid = [b.T * setting.paid[cell[k]] @ b for k, b in zip(live, bases, strict=True)]
    for _ in range(NEWTON):
        lengths = [float(x[p] @ own @ x[p]) ** 0.5 for p, own in zip(places, paid, strict=True)]
        if not all(lengths):
            return None
        gradient, curved = _derivatives(model, x, jacobian, places, paid)
        try:
            step = (
                _solved(curved, -gradient) if setting.free else np.linalg.solve(curved, -gradient)
            )
        except np.linalg.LinAlgError:
            return None
        if not np.abs(step).max() <= 0.5 * (1 + np.abs(x).max()):
            return None
        x = np.asarray(x + step, dtype=np.float64)
        if np.abs(step).max() < SMALLEST * np.abs(x).max():
            break
    if setting.free and not np.abs(step).max() <= UNSETTLED * np.abs(x).max():
        return None  # as where a vector wants to pass through 0
    out = np.zeros_like(vectors)
    for k, basis, place in zip(live, bases, places, strict=True):
        out[k] = basis @ x[place]
    if setting.free and any(np.abs(out[k]).max() < GONE * np.abs(out).max() for k in live):
        return None  # it is at work elsewhere, or not at all
    return out, float(x[-1])


def _solved(matrix: Floats, right: Floats) -> Floats:
    """The least solution of a system that may be flat in some directions.

    Raises:
        LinAlgError: It has none: the loss falls along a direction in which it is not curved.
    """
    found = np.asarray(np.linalg.lstsq(matrix, right, rcond=FLAT)[0], dtype=np.float64)
    if np.abs(matrix @ found - right).max() > SLOPING * np.abs(matrix).max():
        raise np.linalg.LinAlgError("no solution")
    return found


def _derivatives(
    model: FloatModel, x: Floats, jacobian: Floats, places: Sequence[slice], paid: Sequence[Floats]
) -> tuple[Floats, Floats]:
    """Gradient and Hessian of the penalised loss on a face.

    Args:
        model: The loss.
        x: The point, in coordinates of the face.
        jacobian: Of the outputs.
        places: Of the vectors.
        paid: For each vector the matrix of the square of its length.
    """
    _, first, second = model.losses(jacobian @ x)
    gradient = jacobian.T @ first
    curved = (jacobian.T * second) @ jacobian
    gradient[-1] += 2 * model.last * x[-1]
    curved[-1, -1] += 2 * model.last
    for place, own in zip(places, paid, strict=True):
        a = own @ x[place]
        length = float(x[place] @ a) ** 0.5
        gradient[place] += model.kappa * a / length
        turned = own - np.outer(a, a) / length**2
        curved[place, place] += model.kappa / length * turned
    return gradient, curved


def _kernel(rows: Floats, width: int) -> Floats:
    """An orthonormal basis of what all rows vanish on, shape (width, k)."""
    if not len(rows):
        return np.eye(width)
    _, singular, right = np.linalg.svd(rows)
    rank = int((singular > 1e-10 * singular.max()).sum())
    return np.asarray(right[rank:].T, dtype=np.float64)
