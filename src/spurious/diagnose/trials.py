# pyright: basic
"""Remedies tried on copies of a model, each trained for the same number of steps."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import nn

from spurious.diagnose.batches import Sample
from spurious.diagnose.finding import REMEDIES
from spurious.diagnose.objective import Objective
from spurious.diagnose.preserve import examined, untouched
from spurious.diagnose.remedies import ACTIONS, Candidate, NotApplicableError
from spurious.errors import InputError

__all__ = ["Trial", "try_remedies"]

NOTHING: Final = "nothing"
"""Name of the trial without a remedy."""

RECORDED: Final = 50
"""Losses kept of a trial's training, at most."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of a remedy.

    Attributes:
        remedy: Its name, or "nothing".
        note: Why it could not be tried, or "".
        before: Loss of the model as it is.
        start: Loss once the remedy is applied.
        after: Loss after training.
        steps: Optimiser steps made.
        losses: Mini-batch losses on the way, evenly thinned.
    """

    remedy: str
    note: str
    before: float
    start: float | None
    after: float | None
    steps: int
    losses: tuple[float, ...] = ()


def try_remedies(
    model: nn.Module,
    sample: Sample,
    loss: Any,
    wanted: tuple[str, ...],
    steps: int,
    *,
    step_size: float,
    optimiser: Callable[..., Any] | None,
    say: Callable[[str], None],
) -> tuple[Trial, ...]:
    """Trains a copy for each remedy, and one without.

    Args:
        model: Left as it is.
        sample: The points to train on, in their batches.
        loss: As for `diagnose`.
        wanted: Names of remedies.
        steps: For each.
        step_size: Of the optimiser.
        optimiser: A function of (parameters, lr=...); by default Adam.
        say: Called with a line about each trial.

    Raises:
        InputError: An unknown remedy, numbers out of range, or a model that cannot be copied.
    """
    unknown = [name for name in wanted if name not in REMEDIES]
    if unknown:
        raise InputError(f"only: found {unknown[0]!r}, expected some of {', '.join(REMEDIES)}")
    if steps < 1 or step_size <= 0:
        raise InputError(f"steps, step_size: found {steps}, {step_size}, expected positive numbers")
    trained = [p for p in model.parameters() if p.requires_grad]
    with untouched(model), examined(model), torch.enable_grad():
        batch = sample.batches[0]
        objective = Objective(model, loss, sample)
        value = objective.first_loss(objective.first_forward(batch), batch.targets)
    if not trained or not value.requires_grad:
        raise InputError("model: the loss depends on no trained parameter, so nothing can be tried")
    trials = [
        _trial(name, model, sample, loss, steps, step_size, optimiser or torch.optim.Adam, say)
        for name in (NOTHING, *wanted)
    ]
    rest = sorted(trials[1:], key=lambda t: float("inf") if t.after is None else t.after)
    return (trials[0], *rest)


def _trial(
    name: str,
    model: nn.Module,
    sample: Sample,
    loss: Any,
    steps: int,
    step_size: float,
    optimiser: Callable[..., Any],
    say: Callable[[str], None],
) -> Trial:
    with untouched(model):
        torch.manual_seed(0)
        try:
            clone = copy.deepcopy(model)
        except Exception as error:
            raise InputError(
                f"model: cannot be copied ({error}), so nothing can be tried"
            ) from None
        objective = Objective(clone, loss, sample)
        before = _loss(objective)
        candidate = Candidate(clone, step_size)
        if name != NOTHING:
            try:
                ACTIONS[name](candidate, sample, loss)
            except NotApplicableError as reason:
                say(f"{name}: not applicable, {reason}")
                return Trial(name, str(reason), before, None, None, 0)
        objective.model = candidate.model
        with candidate.context():
            start = _loss(objective)
            losses = _train(candidate, objective, steps, optimiser)
            after = _loss(objective)
    say(f"{name}: loss {before:.4g}, {start:.4g} at the start, {after:.4g} after {steps} steps")
    thinned = losses[:: -(-len(losses) // RECORDED)]
    return Trial(name, "", before, start, after, len(losses), tuple(thinned))


def _loss(objective: Objective) -> float:
    """The loss in evaluation mode (but for batch normalisation)."""
    batch = objective.sample.batches[0]
    objective.model.train()
    with examined(objective.model), torch.no_grad():
        objective.note_reduction(objective.forward(batch), batch.targets)
        return objective.value()


def _train(
    candidate: Candidate, objective: Objective, steps: int, optimiser: Callable[..., Any]
) -> list[float]:
    trained = [p for p in candidate.model.parameters() if p.requires_grad]
    rule = optimiser(trained, lr=candidate.step_size)
    candidate.model.train()
    losses: list[float] = []
    batches = objective.sample.batches
    with torch.enable_grad():
        for step in range(steps):
            batch = batches[step % len(batches)]
            rule.zero_grad()
            value = objective.loss_of(objective.forward(batch), batch.targets)
            if candidate.penalty is not None:
                value = value + candidate.penalty()
            value.backward()
            rule.step()
            losses.append(float(value.detach()))
    return losses
