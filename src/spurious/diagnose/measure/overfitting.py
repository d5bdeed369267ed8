# pyright: basic
"""Trains a copy on one batch; what `can_overfit` does with torch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import torch
from torch import nn

from spurious.diagnose.measure.baselines import best_constant
from spurious.diagnose.measure.batches import sample_of
from spurious.diagnose.measure.by_hand import backward, by_hand
from spurious.diagnose.measure.mixing import Mixing, mixing
from spurious.diagnose.measure.objective import Objective, output_tensor
from spurious.diagnose.measure.preserve import copied, examined, seeded, set_training, untouched
from spurious.diagnose.overfit import Overfit

MOST: Final = 1 << 30
"""Points of a batch: all of them."""

SHOWN: Final = 5
"""Names listed."""

EVERY: Final = 10
"""Steps between looks at the loss."""


def overfit(
    model: nn.Module,
    batch: Any,
    loss: Callable[..., Any] | None,
    steps: int,
    step_size: float,
    share: float,
) -> Overfit:
    """Does what `can_overfit` says."""
    with untouched(model):
        seeded()
        clone = copied(model)
        sample = sample_of(batch, clone, MOST)
        reasons = []
        if mixing(clone, sample) is not Mixing.NONE:
            reasons.append("the output of a point depends on the other points of the batch")
        objective = Objective(clone, loss, sample)
        before, scale = _start(objective)
        goal = share * scale
        trained = {name: p for name, p in clone.named_parameters() if p.requires_grad}
        start = {name: p.detach().clone() for name, p in trained.items()}
        after, made = _trained(objective, trained, steps, step_size, goal)
        still = [name for name, p in trained.items() if torch.equal(p, start[name])]
    if not after <= goal:
        reasons.append(f"the loss had to fall below {goal:.4g}")
    if not trained:
        reasons.append("no parameter is trained")
    if still:
        more = ", ..." if len(still) > SHOWN else ""
        reasons.append(f"{len(still)} parameters never move: {', '.join(still[:SHOWN])}{more}")
    return Overfit(before, after, goal, made, tuple(reasons))


def _start(objective: Objective) -> tuple[float, float]:
    """The loss, and that of the best constant, or else the loss again."""
    sample = objective.sample
    with examined(objective.model), torch.enable_grad():
        first = [objective.first_forward(part) for part in sample.batches]
        values = [
            objective.first_loss(f, part.targets).detach()
            for f, part in zip(first, sample.batches, strict=True)
        ]
    objective.note_reduction(first[0], sample.batches[0].targets)
    weights = [objective.weight(part) for part in sample.batches]
    before = sum(float(v) * w for v, w in zip(values, weights, strict=True))
    outputs = [output_tensor(f) for f in first]
    constant = None
    if sample.targets is not None and all(f is not None and f.ndim for f in outputs):
        whole = torch.cat([f.detach() for f in outputs if f is not None])
        constant = best_constant(objective.loss_of, whole, sample.targets)
    return before, constant if constant else abs(before)


def _trained(
    objective: Objective, trained: dict[str, Any], steps: int, step_size: float, goal: float
) -> tuple[float, int]:
    """The loss after training, in evaluation mode but for batch normalisation; and the steps."""
    if not trained:
        return math.inf, 0
    rule = torch.optim.Adam(trained.values(), lr=step_size)
    clear, move = by_hand(rule)
    value = math.inf
    for step in range(1, steps + 1):
        set_training(objective.model)
        clear()
        for part in objective.sample.batches:
            with torch.enable_grad():
                loss = objective.loss_of(objective.forward(part), part.targets)
                loss = loss * objective.weight(part)
            if not loss.requires_grad:
                return float(loss), step
            backward(loss)
        move()
        if step % EVERY == 0 or step == steps:
            with examined(objective.model):
                value = objective.value()
            if value <= goal or not math.isfinite(value):
                return value, step
    return value, steps
