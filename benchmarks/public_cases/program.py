"""A training program that somebody asked about in public, and its mended twin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

Rule = Callable[..., torch.optim.Optimizer]


@dataclass
class Program:
    """What is trained, on what, and how.

    Attributes:
        model: At its start.
        x: Inputs.
        y: Targets.
        loss: Of outputs and targets.
        optimiser: Made for the model.
        batch: Points of a step.
        steps: Updates.
        score: Share of what a trivial predictor misses that the outputs get right, 1 at best.
    """

    model: nn.Module
    x: Tensor
    y: Tensor
    loss: Callable[[Any, Any], Tensor]
    optimiser: torch.optim.Optimizer
    batch: int
    steps: int
    score: Callable[[Tensor], float]


@dataclass(frozen=True)
class Case:
    """One question.

    Attributes:
        name: Here.
        source: The thread; facts alone were taken from it.
        make: The program as asked about, of a seed.
        mend: The program with the fix that was accepted.
        right: Kinds of findings that name the cause.
    """

    name: str
    source: str
    make: Callable[[int], Program]
    mend: Callable[[int], Program]
    right: frozenset[str] = field(default_factory=frozenset)


def chain(sizes: Sequence[int], hidden: type[nn.Module] | None, *last: nn.Module) -> nn.Sequential:
    """Linear layers with an activation between them."""
    parts: list[nn.Module] = []
    for k, (below, above) in enumerate(pairwise(sizes)):
        parts.append(nn.Linear(below, above))
        if hidden is not None and k < len(sizes) - 2:
            parts.append(hidden())
    return nn.Sequential(*parts, *last)


def classes_right(labels: Tensor) -> Callable[[Tensor], float]:
    """Score of class scores, (n, K)."""
    commonest = float(torch.unique(labels, return_counts=True)[1].max()) / len(labels)

    def score(outputs: Tensor) -> float:
        right = float((outputs.argmax(1) == labels).double().mean())
        return (right - commonest) / (1 - commonest)

    return score


def sides_right(labels: Tensor, middle: float) -> Callable[[Tensor], float]:
    """Score of single outputs, above the middle for class 1."""
    above = float(labels.double().mean())
    commonest = max(above, 1 - above)

    def score(outputs: Tensor) -> float:
        right = float(((outputs.reshape(-1) > middle) == (labels.reshape(-1) > 0)).double().mean())
        return (right - commonest) / (1 - commonest)

    return score


def explained(truth: Tensor, scale: float = 1.0, shift: float = 0.0) -> Callable[[Tensor], float]:
    """Share of the variance explained, of outputs times `scale` plus `shift`."""

    def score(outputs: Tensor) -> float:
        found = outputs.double().reshape(truth.shape) * scale + shift
        missed = (found - truth).pow(2).mean()
        return float(1 - missed / (truth.double() - truth.double().mean()).pow(2).mean())

    return score
