"""A training program that somebody asked about in public, and its mended twin."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
        loop: Trains; gives each update's loss, with the gradients still there.
    """

    model: nn.Module
    x: Tensor
    y: Tensor
    loss: Callable[[Any, Any], Tensor]
    optimiser: torch.optim.Optimizer
    batch: int
    steps: int
    score: Callable[[Any], float]
    loop: Callable[[Program], Iterator[Tensor]] = field(default=lambda p: usual(p))


def update(program: Program, rows: Tensor, step: bool = True) -> Tensor:
    """Gradients on these rows, and the optimiser's step, if it makes one."""
    program.optimiser.zero_grad()
    loss = program.loss(program.model(program.x[rows]), program.y[rows])
    loss.backward()
    if step:
        program.optimiser.step()
    return loss


def usual(program: Program) -> Iterator[Tensor]:
    """The loop of the textbooks: a new order each epoch, gradients cleared, one step a batch."""
    done = 0
    while done < program.steps:
        for rows in torch.randperm(len(program.x)).split(program.batch):
            loss = update(program, rows)
            done += 1
            yield loss


Maker = Callable[[int, bool], Program]


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


def collector(cases: list[Case]) -> Callable[..., Callable[[Maker], Maker]]:
    """A decorator `case(source, *right)` for makers that take a seed and whether it is mended."""

    def case(source: str, *right: str) -> Callable[[Maker], Maker]:
        def add(make: Maker) -> Maker:
            cases.append(
                Case(make.__name__, source, lambda seed: make(seed, False),
                     lambda seed: make(seed, True), frozenset(right))
            )  # fmt: skip
            return make

        return add

    return case


def adam(model: nn.Module, lr: float = 3e-3, **more: Any) -> torch.optim.Optimizer:
    """Adam for what requires gradients."""
    return torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=lr, **more)


def sgd(model: nn.Module, lr: float, **more: Any) -> torch.optim.Optimizer:
    """Gradient descent for what requires gradients."""
    return torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=lr, **more)


def keras(model: nn.Module, spread: float | None = None) -> nn.Module:
    """Keras's start: Glorot uniform weights (or uniform to `spread`), biases 0."""
    for layer in model.modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            if spread is None:
                nn.init.xavier_uniform_(layer.weight)
            else:
                nn.init.uniform_(layer.weight, -spread, spread)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return model


def keras_crossentropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """Cross entropy as Keras has it: of outputs over their sum, clipped; targets are one-hot."""
    p = outputs / outputs.sum(1, keepdim=True).clamp_min(1e-30)
    return -(targets * p.clamp(1e-7, 1 - 1e-7).log()).sum(1).mean()


def keras_binary(outputs: Tensor, targets: Tensor) -> Tensor:
    """Binary cross entropy as Keras has it: of outputs clipped to the inside of 0 to 1."""
    p = outputs.clamp(1e-7, 1 - 1e-7)
    return -(targets * p.log() + (1 - targets) * (1 - p).log()).mean()


def chain(sizes: Sequence[int], hidden: Callable[[], nn.Module] | None,
          *last: nn.Module) -> nn.Sequential:  # fmt: skip
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
    """Score of single outputs, above the middle for class 1.

    Raises:
        ValueError: A label is neither 0 nor 1.
    """
    if not bool(((labels == 0) | (labels == 1)).all()):
        raise ValueError(f"labels: found {labels.unique().tolist()[:4]}, expected 0 and 1")
    above = float(labels.double().mean())
    commonest = max(above, 1 - above)

    def score(outputs: Tensor) -> float:
        right = float(((outputs.reshape(-1) > middle) == (labels.reshape(-1) > 0)).double().mean())
        return (right - commonest) / (1 - commonest)

    return score


def classes_balanced(labels: Tensor) -> Callable[[Tensor], float]:
    """Score of class scores, (n, K, ...), each class counting alike however rare it is."""
    kinds = labels.unique()

    def score(outputs: Tensor) -> float:
        found = outputs.argmax(1)
        recall = [float((found[labels == kind] == kind).double().mean()) for kind in kinds]
        return (sum(recall) / len(kinds) - 1 / len(kinds)) / (1 - 1 / len(kinds))

    return score


def neighbours_right(labels: Tensor) -> Callable[[Tensor], float]:
    """Score of embeddings, (n, d): the label of the nearest other point."""
    commonest = float(torch.unique(labels, return_counts=True)[1].max()) / len(labels)

    def score(outputs: Tensor) -> float:
        apart = torch.cdist(outputs.double(), outputs.double()).fill_diagonal_(float("inf"))
        right = float((labels[apart.argmin(1)] == labels).double().mean())
        return (right - commonest) / (1 - commonest)

    return score


def explained(truth: Tensor, scale: float = 1.0, shift: float = 0.0) -> Callable[[Tensor], float]:
    """Share of the variance explained, of outputs times `scale` plus `shift`."""

    def score(outputs: Tensor) -> float:
        found = outputs.double().reshape(truth.shape) * scale + shift
        missed = (found - truth).pow(2).mean()
        return float(1 - missed / (truth.double() - truth.double().mean()).pow(2).mean())

    return score
