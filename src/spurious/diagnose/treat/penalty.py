# pyright: basic
"""Copies trained with other weights on the terms of a loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from spurious.diagnose import thresholds
from spurious.diagnose.measure.objective import Objective
from spurious.diagnose.measure.preserve import examined, set_training
from spurious.diagnose.measure.scene import Scene
from spurious.diagnose.measure.terms import told_of, told_of_each
from spurious.diagnose.remedy import Remedy
from spurious.diagnose.treat.trials import Course

LONGER: Final = 3
"""Times as many steps for the model as it is where a copy with light terms learns."""


@dataclass(frozen=True)
class Weighing:
    """Two copies from a fresh start; of each, what its outputs tell about the targets at the end.

    Attributes:
        as_is: Trained on the loss as it is, `TermsSeen.told`; of another copy from the present
            weights if that tells more in `LONGER` times the steps.
        lighter: With the terms that do not depend on the targets made light; or, where all do, each
            in units of its size at the start. It is then of the term to which that matters most.
        steps: Of each.
        which: The number of that term, from 0.
    """

    as_is: float
    lighter: float
    steps: int
    which: int = 0


def weigh(course: Course, scene: Scene, steps: int, say: Callable[[str], None]) -> Weighing | None:
    """Trains the two copies; None if they cannot be, or the loss has no terms to weigh."""
    terms = scene.terms
    if terms is None or (terms.depends is None and not terms.each):
        return None

    def told(objective: Objective) -> Tensor:
        set_training(objective.model)
        found: list[tuple[float, ...]] = []
        with examined(objective.model), torch.enable_grad():
            for batch in objective.sample.batches:
                outputs, targets = objective.forward(batch), batch.targets
                if terms.depends is not None:
                    one = told_of(objective.loss_of, outputs, targets, terms.depends)
                    found.append((one,))
                else:
                    found.append(told_of_each(objective.loss_of, outputs, targets))
        same = len({len(one) for one in found}) == 1
        return torch.tensor(found).mean(0) if same else torch.zeros(len(terms.each))

    def run(*remedies: Remedy, many: int = steps) -> Tensor | None:
        kept: list[Tensor] = []

        def judge(objective: Objective) -> float:
            kept.append(told(objective))
            return float(kept[-1].max())

        found = course.trial(remedies, many, judge=judge)
        say(f"terms of the loss, {found.remedy}: tells {found.after}")
        return kept[-1] if found.after is not None else None

    other = Remedy.LIGHTER_PENALTY if terms.depends is not None else Remedy.BALANCE_TERMS
    as_is, lighter = run(Remedy.REDRAW_WEIGHTS), run(Remedy.REDRAW_WEIGHTS, other)
    if as_is is None or lighter is None:
        return None
    which = int((lighter - as_is).argmax())
    if terms.depends is not None and lighter[which] - as_is[which] >= thresholds.HELPED:
        longer = run(many=LONGER * steps)  # it may only be slower, or from another start
        if longer is not None and longer[which] > as_is[which]:
            as_is = longer
    return Weighing(float(as_is[which]), float(lighter[which]), steps, which)
