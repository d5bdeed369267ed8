"""Whether a model has learnt its data."""

from __future__ import annotations

from typing import Final

from spurious.diagnose import thresholds
from spurious.diagnose.measure.scene import LossNature, Scene, TargetForm

MOST: Final = 0.9
"""Of what the commonest class gets wrong, nine tenths are right."""


def succeeds(scene: Scene) -> bool:
    """Whether the loss is a tenth of the best constant's, or nine of ten classes are right."""
    constant, loss = scene.landscape.constant_loss, scene.landscape.loss
    if constant is not None and constant > 0 and loss < thresholds.GOOD * constant:
        return True
    return _share_right(scene) >= MOST


def _share_right(scene: Scene) -> float:
    """Share of the classes right, where the commonest class counts 0 and all right 1."""
    f, y, signs = scene.outputs, scene.targets, scene.signs
    if f is None or signs is None or not bool(f.isfinite().all()):
        return 0.0
    if scene.form in (TargetForm.CLASSES, TargetForm.ONE_HOT):
        labels = y if scene.form is TargetForm.CLASSES else y.argmax(1)
        right = float((f.argmax(1) == labels).double().mean())
        commonest = float(labels.flatten().unique(return_counts=True)[1].max()) / labels.numel()
    elif scene.form is TargetForm.TWO_VALUED:
        middle = 0.5 if scene.nature is LossNature.PROBABILITIES else 0.0
        if scene.nature is LossNature.VALUES:
            middle = (float(y.min()) + float(y.max())) / 2
        right = float(((f > middle) == (signs > 0)).double().mean())
        above = float((signs > 0).double().mean())
        commonest = max(above, 1 - above)
    else:
        return 0.0
    return (right - commonest) / (1 - commonest) if commonest < 1 else 0.0
