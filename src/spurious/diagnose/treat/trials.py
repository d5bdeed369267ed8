# pyright: basic
"""Remedies tried on copies of a model, each trained for the same number of steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from spurious.diagnose.measure.batches import Sample
from spurious.diagnose.measure.by_hand import backward, by_hand
from spurious.diagnose.measure.cost import in_fitting_batches
from spurious.diagnose.measure.edges import Edge
from spurious.diagnose.measure.modes import only_training_reaches
from spurious.diagnose.measure.objective import Objective
from spurious.diagnose.measure.optimiser import Rule, quick
from spurious.diagnose.measure.preserve import (
    copied,
    examined,
    look_as_trained,
    seeded,
    set_training,
    untouched,
)
from spurious.diagnose.remedy import Remedy, joined, parts
from spurious.diagnose.treat.remedies import ACTIONS, Candidate, NotApplicableError
from spurious.errors import InputError

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
        edge: The first place where numbers were kept from 0, or None.
    """

    remedy: str
    note: str
    before: float
    start: float | None
    after: float | None
    steps: int
    losses: tuple[float, ...] = ()
    edge: Edge | None = None


@dataclass(frozen=True)
class Course:
    """How copies of a model are trained.

    Attributes:
        model: Copied for each trial, and left as it is.
        loss: As for `diagnose`.
        sample: The points, in their batches.
        step_size: Of the optimiser.
        optimiser: A function of (parameters, lr=...), or a rule; by default Adam.
        given: The model that a loss may call by itself, where `model` is another start of it.
    """

    model: nn.Module
    loss: Any
    sample: Sample
    step_size: float
    optimiser: Callable[..., Any] | Rule | None = None
    given: nn.Module | None = None

    def started_from(self, model: nn.Module) -> Course:
        """The same of another start of the model."""
        return replace(self, model=model, given=self.given or self.model)

    def trial(
        self,
        remedies: tuple[Remedy, ...],
        steps: int,
        goal: float = -math.inf,
        judge: Callable[[Objective], float] | None = None,
        seed: int = 0,
    ) -> Trial:
        """Applies remedies one after the other to a copy and trains it.

        With a goal it ends once a pass over the points has a mean loss that is no larger. With a
        judge the trial's numbers are not losses but what that says. Weights that are drawn anew are
        others with another seed.

        Raises:
            InputError: The model cannot be copied.
        """
        shown, told = joined(remedies) or NOTHING, judge or Objective.value_as_shown
        with untouched(self.model):
            seeded(seed)
            clone = copied(self.model)
            objective = Objective(clone, self.loss, self.sample)
            before = math.nan
            rule = self.optimiser if isinstance(self.optimiser, Rule) else None
            candidate = Candidate(clone, self.step_size, rule=rule)
            start = None
            try:
                with _standing_in(self.given or self.model, candidate):
                    before = told(objective)
                    for remedy in remedies:
                        ACTIONS[remedy](candidate, self.sample, self.loss)
                    objective.model, objective.around = candidate.model, candidate.context
                    with candidate.whole_context():
                        start = told(objective)
                    if candidate.rule is not None:
                        longer = candidate.step_size / self.step_size if self.step_size else 1.0
                        factor = candidate.rule.factor * longer
                        candidate.rule = replace(candidate.rule, factor=factor)
                    made = self.optimiser or torch.optim.Adam
                    losses = _train(candidate, objective, steps, made, goal)
                    with candidate.whole_context():
                        after = told(objective)
            except NotApplicableError as reason:
                return Trial(shown, str(reason), before, None, None, 0)
            except Exception as error:  # a model may refuse other inputs in any way
                note = f"raised {type(error).__name__}: {str(error).strip().splitlines()[:1]}"
                return Trial(shown, note, before, start, None, 0)
        thinned = losses[:: -(-len(losses) // RECORDED)]
        edge = candidate.edges[0] if candidate.edges else None
        return Trial(shown, "", before, start, after, len(losses), tuple(thinned), edge)


@contextmanager
def _standing_in(model: nn.Module, candidate: Candidate) -> Iterator[None]:
    """Calls of the model itself, as in a loss that takes its derivatives, go to the copy."""
    own = vars(model).get("forward")
    try:
        model.forward = lambda *args, **kwargs: candidate.model(*args, **kwargs)
    except Exception:  # of a scripted module nothing can be set
        yield
        return
    try:
        yield
    finally:
        del model.forward
        if own is not None:
            model.forward = own


def try_remedies(
    course: Course, wanted: tuple[str, ...], steps: int, say: Callable[[str], None]
) -> tuple[Trial, ...]:
    """Trains a copy for each remedy, and one without.

    Args:
        course: How.
        wanted: Names of remedies; several joined by + are applied one after the other.
        steps: For each.
        say: Called with a line about each trial.

    Raises:
        InputError: An unknown remedy, numbers out of range, or a model that cannot be copied.
    """
    treatments = {NOTHING: (), **{name: parts(name) for name in wanted}}
    if steps < 1 or course.step_size <= 0:
        raise InputError(
            f"steps, step_size: found {steps}, {course.step_size}, expected positive numbers"
        )
    model, rule = course.model, course.optimiser
    trained = [p for p in model.parameters() if p.requires_grad]
    trials: list[Trial] = []
    with untouched(model):
        loss, sample = in_fitting_batches(model, course.loss, course.sample)
        held = rule.held if isinstance(rule, Rule) else None
        if only_training_reaches(model, loss, sample, held):
            look_as_trained(model)
        with examined(model), torch.enable_grad():
            batch = sample.batches[0]
            objective = Objective(model, loss, sample)
            value = objective.first_loss(objective.first_forward(batch), batch.targets)
        if (not trained or not value.requires_grad) and not any(
            Remedy.UNFREEZE in remedies for remedies in treatments.values()
        ):
            raise InputError(
                "model: the loss depends on no trained parameter, so nothing can be tried"
            )
        course = replace(course, loss=loss, sample=sample)
        for remedies in treatments.values():
            trials.append(course.trial(remedies, steps))
            say(_line(trials[-1]))
    rest = sorted(trials[1:], key=lambda t: float("inf") if t.after is None else t.after)
    return (trials[0], *rest)


def _line(found: Trial) -> str:
    if found.after is None or found.start is None:
        return f"{found.remedy}: not applicable, {found.note}"
    return (
        f"{found.remedy}: loss {found.before:.4g}, {found.start:.4g} at the start, "
        f"{found.after:.4g} after {found.steps} steps"
    )


def _train(
    candidate: Candidate,
    objective: Objective,
    steps: int,
    optimiser: Callable[..., Any],
    goal: float,
) -> list[float]:
    trained = [p for p in candidate.model.parameters() if p.requires_grad]
    if candidate.rule is not None:
        rule = candidate.rule(candidate.model, candidate.prefix)
    elif optimiser is torch.optim.Adam:
        rule = quick(optimiser, [{"params": trained}], lr=candidate.step_size)
    else:
        rule = optimiser(trained, lr=candidate.step_size)
    set_training(candidate.model)
    if candidate.quiet:
        for module in candidate.model.modules():
            module.training = isinstance(module, _NormBase)
    losses: list[float] = []
    batches = objective.sample.batches
    weights = [objective.weight(batch) / candidate.factor for batch in batches]
    comparable = candidate.training_loss is None
    loss_of = candidate.training_loss or objective.loss_of
    clear, move = by_hand(rule)
    with torch.enable_grad():
        for step in range(steps):
            batch = batches[step % len(batches)]
            clear()
            with candidate.whole_context():
                with candidate.training_context():
                    outputs = objective.forward(batch)
                value = loss_of(outputs, batch.targets)
                if candidate.factor != 1:
                    value = value * candidate.factor
            if candidate.penalty is not None:
                value = value + candidate.penalty()
            backward(value)
            if candidate.longest < math.inf:
                nn.utils.clip_grad_norm_(trained, candidate.longest)
            move()
            losses.append(value.item())
            if not math.isfinite(losses[-1]):
                break
            if comparable and len(losses) % len(batches) == 0:
                last = losses[-len(batches) :]
                if sum(v * w for v, w in zip(last, weights, strict=True)) <= goal:
                    break
    return losses
