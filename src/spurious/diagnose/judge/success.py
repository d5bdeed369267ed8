"""Whether a model has learnt its data."""

from __future__ import annotations

from typing import Final

import torch

from spurious.diagnose import thresholds
from spurious.diagnose.judge.causes.trivial import misses_near_points
from spurious.diagnose.measure.scene import Scene

FAR: Final = 1e-3
"""A thousandth of a loss."""

LEVELS: Final = (0.0, 0.5)
"""What outputs that know nothing may be, of numbers and logits, and of probabilities."""

HIT: Final = 1e-6
"""A millionth of another level's loss: the targets are at this level."""

MOST: Final = 0.9
"""Of what the commonest class gets wrong, nine tenths are right."""


def succeeds(scene: Scene) -> bool:
    """Whether the loss is a tenth of the best constant's, or nine of ten classes are right."""
    task = scene.task
    constant, loss = scene.landscape.constant_loss, scene.landscape.loss
    if constant is not None and constant > 0 and loss < thresholds.GOOD * constant:
        return not falls_short_of_itself(scene) and misses_near_points(scene) is None
    if constant == 0 and task.outputs is not None:  # equal targets: a constant is all there is
        tried = (task.try_loss(torch.full_like(task.outputs, level)) for level in LEVELS)
        known = sorted(value for value in tried if value is not None)
        if known and known[0] <= HIT * known[-1]:
            known = known[1:]  # it is what the targets are
        return bool(known) and loss < thresholds.GOOD * known[0]
    return share_right(scene) >= MOST


def falls_short_of_itself(scene: Scene) -> bool:
    """Whether a linear model has a thousand times the loss of the best one, and that matters."""
    constant, linear = scene.landscape.constant_loss, scene.landscape.linear_loss
    if not scene.model.affine or not scene.training.begun or linear is None or constant is None:
        return False
    loss = scene.landscape.loss
    return loss > FAR * constant and linear < FAR * loss


def share_right(scene: Scene) -> float:
    """Share of the classes right, where the commonest class counts 0 and all right 1."""
    if scene.task.judged is None:
        return 0.0
    scores, labels = scene.task.judged
    right = float((scores.argmax(1) == labels).double().mean())
    commonest = float(labels.bincount().max()) / labels.numel()
    return (right - commonest) / (1 - commonest) if commonest < 1 else 0.0
