# pyright: basic
"""What a model does in training beside what it does in evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from spurious.diagnose.measure.batches import Sample
from spurious.diagnose.measure.objective import Objective, output_tensor
from spurious.diagnose.measure.preserve import DRAWING, examined, untouched


@contextmanager
def in_mode(model: nn.Module, training: bool) -> Iterator[None]:
    """Training mode without dropout, or evaluation mode."""
    with examined(model):
        for module in model.modules():
            module.training = training and not isinstance(module, DRAWING)
        yield


def only_training_reaches(
    model: nn.Module, loss: Any, sample: Sample, held: tuple[str, ...] | None
) -> bool:
    """Whether the loss depends on what is trained in training mode alone.

    A running mean of the weights that is shown in evaluation, for one, is trained by nobody.

    Args:
        model: Left as it is.
        loss: As for `diagnose`.
        sample: The points, of which the first batch is used.
        held: Names of the parameters that the optimiser holds; None if it is not known.
    """
    try:
        with untouched(model):
            return not _reaches(model, loss, sample, held, False) and _reaches(
                model, loss, sample, held, True
            )
    except Exception:
        return False


def _reaches(
    model: nn.Module, loss: Any, sample: Sample, held: tuple[str, ...] | None, training: bool
) -> bool:
    named = dict(model.named_parameters())
    wanted = [named[name] for name in (named if held is None else held) if name in named]
    wanted = [p for p in wanted if p.requires_grad]
    objective, batch = Objective(model, loss, sample), sample.batches[0]
    with in_mode(model, training), torch.enable_grad():
        value = objective.loss_of(objective.forward(batch), batch.targets)
        if not value.requires_grad or not wanted:
            return False
        found = torch.autograd.grad(value, wanted, allow_unused=True)
    return any(slope is not None for slope in found)


@dataclass(frozen=True)
class Modes:
    """The loss in two modes.

    Attributes:
        training: In training mode without dropout.
        evaluation: In evaluation mode.
        by_norms: Whether the model keeps statistics of batches for evaluation.
    """

    training: float
    evaluation: float
    by_norms: bool


def losses_of_modes(model: nn.Module, sample: Sample, loss: Callable[..., Tensor]) -> Modes | None:
    """The loss in both modes; None if both do the same, or it cannot be had.

    Args:
        model: Left as it is.
        sample: The points.
        loss: Of outputs and targets.
    """
    objective = Objective(model, loss, sample)
    try:
        with untouched(model), torch.no_grad():
            first = [_outputs(objective, training, 1)[0] for training in (False, True)]
            kept, batch = (output_tensor(found) for found in first)
            if kept is None or batch is None or torch.equal(kept, batch):
                return None
            objective.note_reduction(first[0], sample.batches[0].targets)
            losses = {t: _mean(objective, t) for t in (False, True)}  # training moves statistics
    except Exception:
        return None
    norms = (m for m in model.modules() if isinstance(m, _NormBase) and m.track_running_stats)
    return Modes(losses[True], losses[False], any(m.running_mean is not None for m in norms))


def _mean(objective: Objective, training: bool) -> float:
    batches = objective.sample.batches
    made = _outputs(objective, training, len(batches))
    pairs = zip(made, batches, strict=True)
    return sum(float(objective.loss_of(f, b.targets)) * objective.weight(b) for f, b in pairs)


def _outputs(objective: Objective, training: bool, batches: int) -> list[Any]:
    with in_mode(objective.model, training):
        return [objective.forward(batch) for batch in objective.sample.batches[:batches]]
