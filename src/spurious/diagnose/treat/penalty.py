# pyright: basic
"""Copies trained with less weight on the terms of a loss that do not depend on the targets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from spurious.diagnose.measure.batches import Sample
from spurious.diagnose.measure.objective import Objective
from spurious.diagnose.measure.optimiser import Rule
from spurious.diagnose.measure.preserve import examined, set_training
from spurious.diagnose.measure.scene import Scene
from spurious.diagnose.measure.terms import told_of
from spurious.diagnose.remedy import Remedy
from spurious.diagnose.treat.trials import Trial, trial


@dataclass(frozen=True)
class Weighing:
    """Two copies from a fresh start; of each, what its outputs tell about the targets at the end.

    Attributes:
        as_is: Trained on the loss as it is, `TermsSeen.told`.
        lighter: With the terms that do not depend on the targets made light.
        steps: Of each.
    """

    as_is: float
    lighter: float
    steps: int


def weigh(
    model: nn.Module,
    loss: Callable[..., Any],
    sample: Sample,
    scene: Scene,
    steps: int,
    step_size: float,
    rule: Rule | None,
    say: Callable[[str], None],
) -> Weighing | None:
    """Trains the two copies; None if they cannot be, or the loss has no terms to weigh."""
    depends = scene.terms.depends if scene.terms is not None else None
    if depends is None:
        return None

    def told(objective: Objective) -> float:
        set_training(objective.model)
        found: list[float] = []
        with examined(objective.model), torch.enable_grad():
            for batch in objective.sample.batches:
                outputs = objective.forward(batch)
                found.append(told_of(objective.loss_of, outputs, batch.targets, depends))
        return sum(found) / len(found)

    def run(*remedies: Remedy) -> Trial:
        found = trial(remedies, model, sample, loss, steps, step_size, rule, judge=told)
        say(f"terms of the loss, {found.remedy}: tells {found.after}")
        return found

    as_is = run(Remedy.REDRAW_WEIGHTS)
    lighter = run(Remedy.REDRAW_WEIGHTS, Remedy.LIGHTER_PENALTY)
    if as_is.after is None or lighter.after is None:
        return None
    return Weighing(as_is.after, lighter.after, steps)
