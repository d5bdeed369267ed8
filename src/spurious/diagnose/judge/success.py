"""Whether a model has learnt its data."""

from __future__ import annotations

from typing import Final

from spurious.diagnose import thresholds
from spurious.diagnose.measure.scene import Scene

MOST: Final = 0.9
"""Of what the commonest class gets wrong, nine tenths are right."""


def succeeds(scene: Scene) -> bool:
    """Whether the loss is a tenth of the best constant's, or nine of ten classes are right."""
    constant, loss = scene.landscape.constant_loss, scene.landscape.loss
    if constant is not None and constant > 0 and loss < thresholds.GOOD * constant:
        return True
    return share_right(scene) >= MOST


def share_right(scene: Scene) -> float:
    """Share of the classes right, where the commonest class counts 0 and all right 1."""
    if scene.judged is None:
        return 0.0
    scores, labels = scene.judged
    right = float((scores.argmax(1) == labels).double().mean())
    commonest = float(labels.bincount().max()) / labels.numel()
    return (right - commonest) / (1 - commonest) if commonest < 1 else 0.0
