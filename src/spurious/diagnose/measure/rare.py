# pyright: basic
"""Classes that are so rare that the points looked at hold hardly any of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from spurious.diagnose.measure.batches import Sample
from spurious.diagnose.measure.objective import output_tensor
from spurious.diagnose.measure.preserve import examined
from spurious.diagnose.measure.task import TargetForm, Task

FEWEST: Final = 5
"""Classes of fewer points are not judged."""

MOST: Final = 64
"""Points of each rare class that are looked at."""


@dataclass(frozen=True)
class RareClasses:
    """The points looked at, and more of the classes of which they hold fewer than `FEWEST`.

    Attributes:
        task: Their outputs and targets.
        shares: Of each class among all points given, (K,).
    """

    task: Task
    shares: Tensor


def rare_classes(model: nn.Module, sample: Sample, task: Task) -> RareClasses | None:
    """Looks for more points of rare classes among all points given; None if there are none.

    Of targets that are one class a point, where all points are at hand.
    """
    x, y, f = sample.all_features, sample.all_targets, task.outputs
    if x is None or not isinstance(y, Tensor) or f is None or task.judged is None:
        return None
    if len(x) != len(y) or y.shape[1:] != task.targets.shape[1:] or y[0].numel() != 1:
        return None
    if task.form is TargetForm.CLASSES:
        labels = y.reshape(-1).long()
    elif task.form is TargetForm.TWO_VALUED:
        labels = (y.reshape(-1) > task.targets.double().mean()).long()
    else:
        return None
    seen, many = task.judged[1], task.judged[0].shape[1]
    if not 0 <= int(labels.min()) <= int(labels.max()) < many:
        return None
    counts = torch.bincount(labels, minlength=many)
    rare = (torch.bincount(seen, minlength=many) < FEWEST) & (counts >= FEWEST)
    if not bool(rare.any()):
        return None
    kinds = torch.nonzero(rare).flatten().tolist()
    more = torch.cat([torch.nonzero(labels == kind).flatten()[:MOST] for kind in kinds])
    try:
        with examined(model), torch.no_grad():
            found = output_tensor(model(x[more]))
    except Exception:  # a model may take no other number of points
        return None
    if found is None or found.shape[1:] != f.shape[1:]:
        return None
    outputs, targets = torch.cat([f, found.detach().to(f)]), torch.cat([task.targets, y[more]])
    return RareClasses(Task(outputs, targets, task.loss), counts / counts.sum())
