"""A copy of a model that remedies change and that is then trained."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor, nn

from spurious.diagnose.measure.edges import Edge
from spurious.diagnose.measure.optimiser import Rule


class NotApplicableError(Exception):
    """A remedy does not fit the model or its data; the message says why."""


@dataclass
class Candidate:
    """A copy of the model to train.

    Attributes:
        model: The copy, perhaps wrapped.
        step_size: Of the optimiser.
        context: Entered around every forward pass, and not around the loss, which may call models
            of its own.
        whole_context: Entered around forward pass and loss.
        penalty: Added to the loss.
        rule: Makes the optimiser, if it is not made from a function of (parameters, lr=...).
        factor: On the loss, in training alone.
        training_loss: In training alone, instead of the loss.
        training_context: Entered around forward passes in training alone.
        quiet: Trained in evaluation mode, but for batch normalisation.
        longest: Length to which gradients are clipped.
        edges: The first place where numbers were kept from 0, if anything does that.
        prefix: Of the names of the parameters of the model as it was given.
    """

    model: nn.Module
    step_size: float
    context: Callable[[], AbstractContextManager[Any]] = nullcontext
    whole_context: Callable[[], AbstractContextManager[Any]] = nullcontext
    penalty: Callable[[], Tensor] | None = None
    rule: Rule | None = None
    factor: float = 1.0
    training_loss: Callable[[Any, Any], Tensor] | None = None
    training_context: Callable[[], AbstractContextManager[Any]] = nullcontext
    quiet: bool = False
    longest: float = math.inf
    edges: list[Edge] = field(default_factory=list[Edge])
    prefix: str = ""


def wrap(candidate: Candidate, wrapper: nn.Module) -> None:
    """Puts a module around the model, which it holds as its attribute `model`."""
    candidate.model = wrapper
    candidate.prefix = "model." + candidate.prefix


def with_all_parameters(rule: Rule, model: nn.Module) -> Rule:
    """The rule with every trained parameter in the first group that holds it, or in the first."""
    held = set(rule.held)
    new = tuple(n for n, p in model.named_parameters() if p.requires_grad and n not in held)
    (names, settings), *rest = rule.groups
    return replace(rule, groups=((names + new, settings), *rest))
