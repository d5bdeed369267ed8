"""Pairs that decay puts on their kink without holding them there: points at right angles.

Theorem 38 (`docs/mathematics.md`, section 16). Where decay is all that pulls a unit, its weights
are a combination of the inputs that it sees; one that is orthogonal to all of them, in the sense of
the costs, is on its kink exactly. No ball can tell, but rational numbers can.
"""

from __future__ import annotations

import numpy as np

from spurious.certify.evaluate import input_groups
from spurious.certify.face_box import FaceBox
from spurious.certify.pattern import Pair, Pattern
from spurious.problem import DenseLoss


def at_right_angles(loss: DenseLoss, box: FaceBox) -> tuple[Pair, ...]:
    """The pairs whose sign is not clear over a box, if all of them are of this kind; else none.

    Args:
        loss: With a penalty.
        box: Around a critical point.
    """
    network, pattern = loss.network, box.pattern
    if network.depth > 1 or loss.loss == "hinge" or pattern.zero or network.slopes != (1, 0):
        return ()
    if not all(loss.penalty.of(0)):
        return ()
    groups, found = input_groups(loss.data), list[Pair]()
    for unit in range(network.hidden[0]):
        unclear = {groups[i] for i in np.flatnonzero(box.unclear[0][:, unit])}
        for group in sorted(unclear):
            points = tuple(i for i, other in enumerate(groups) if other == group)
            if any(pattern.signs[0][i, unit] != -1 for i in points):
                return ()
            if not _orthogonal(loss, pattern, unit, group):
                return ()
            found.append(Pair(0, unit, points))
    return tuple(found)


def _orthogonal(loss: DenseLoss, pattern: Pattern, unit: int, point: int) -> bool:
    """Whether a point is at right angles to all that a unit sees or is held at."""
    weight, bias = loss.penalty.of(0)
    seen = (i for i in range(loss.data.size) if pattern.signs[0][i, unit] != -1)
    own = loss.data.x[point]
    return all(
        sum(a * b for a, b in zip(loss.data.x[i], own, strict=True)) / weight + 1 / bias == 0
        for i in seen
    )
