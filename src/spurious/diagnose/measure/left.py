# pyright: basic
"""The gradient that training has left on the parameters, and the step that was made with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import Tensor, nn

from spurious.diagnose.measure.before import before_last_step

FEWEST_HELD: Final = 4
"""Fewer entries may be equal by a symmetry."""

SHARE_HELD: Final = 0.05
"""A twentieth of all entries of exactly one size: no sum over points gives that."""


@dataclass(frozen=True)
class Left:
    """What the last step has left.

    Attributes:
        size: Length of the gradient on the parameters.
        steps: By how much the last step moved each parameter, as far as it is known, by name.
        gradients: What the trained parameters hold, by name: of those that the optimiser holds,
            and so clears, or of all where none is given.
        exact: Whether the last step of all of these is known.
        clamped: Whether many entries are exactly as large as the largest, as clipping each
            entry makes them.
        of_signs: Whether all entries but those that are 0 are of one size: what the loop makes of
            a gradient, and no gradient itself.
        made: How many steps were made, or None.
    """

    size: float
    steps: dict[str, Tensor]
    gradients: dict[str, Tensor] = field(default_factory=dict[str, Tensor], repr=False)
    exact: bool = False
    clamped: bool = False
    of_signs: bool = False
    made: int | None = None

    @contextmanager
    def undone(self, model: nn.Module) -> Iterator[None]:
        """The weights before the last step, as far as it is known; put back bit for bit."""
        named = dict(model.named_parameters())
        kept = {name: named[name].detach().clone() for name in self.steps}
        try:
            with torch.no_grad():
                for name, step in self.steps.items():
                    named[name].sub_(step)
            yield
        finally:
            with torch.no_grad():
                for name, old in kept.items():
                    named[name].copy_(old)


def left_by(model: nn.Module, optimiser: Any) -> Left:
    """Reads gradients, and the last step of the optimisers that `before_last_step` knows."""
    known = isinstance(optimiser, torch.optim.Optimizer)
    groups = optimiser.param_groups if known else []
    group_of = {id(p): group for group in groups for p in group["params"]}
    steps: dict[str, Tensor] = {}
    gradients: dict[str, Tensor] = {}
    for name, p in model.named_parameters():
        if p.grad is None or p.grad.is_sparse or (known and id(p) not in group_of):
            continue
        gradients[name] = p.grad.detach()
        before = before_last_step(optimiser, group_of[id(p)], p) if known else None
        if before is not None:
            steps[name] = p.detach() - before
    found = [g.float().norm() for g in gradients.values()]
    return Left(
        size=float(torch.stack(found).norm()) if found else 0.0,
        steps=steps,
        gradients=gradients,
        exact=bool(steps) and set(steps) == set(gradients),
        clamped=_is_clamped(list(gradients.values())),
        of_signs=_is_of_signs(list(gradients.values())),
    )


def _is_of_signs(gradients: list[Tensor]) -> bool:
    """Whether entries, of some tensors, are all of one size or 0."""
    most = max((float(g.abs().max()) for g in gradients if g.numel()), default=0.0)
    many = sum(int((g != 0).sum()) for g in gradients)
    return many >= FEWEST_HELD and all(
        bool(((g == 0) | (g.abs() == most)).all()) for g in gradients
    )


def _is_clamped(gradients: list[Tensor]) -> bool:
    """Whether entries of both signs, in several tensors, are exactly as large as the largest."""
    most = max((float(g.abs().max()) for g in gradients if g.numel()), default=0.0)
    if most == 0:
        return False
    at = [(int((g == most).sum()), int((g == -most).sum())) for g in gradients]
    above, below = (sum(counts) for counts in zip(*at, strict=True))
    held = sum(1 for counts in at if sum(counts))
    least = max(FEWEST_HELD, SHARE_HELD * sum(g.numel() for g in gradients))
    return min(above, below) > 0 and held > 1 and above + below >= least
