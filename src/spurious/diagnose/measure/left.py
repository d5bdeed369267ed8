# pyright: basic
"""The gradient that training has left on the parameters, beside what single points can give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from spurious.diagnose.measure.batches import Sample
from spurious.diagnose.measure.preserve import examined

MOST_SINGLE: Final = 32
"""Points whose gradients are looked at one by one."""

MEAN: Final = 1e-3
"""A loss that is the mean of its points' losses to this share."""


@dataclass(frozen=True)
class Left:
    """What the last step has left.

    Attributes:
        size: Length of the gradient on the parameters.
        steps: By how much the last step moved each parameter, as far as it is known, by name.
        made: How many steps were made, or None.
    """

    size: float
    steps: dict[str, Tensor]
    made: int | None = None

    def over_points(self, model: nn.Module, sample: Sample, loss: Callable[..., Tensor]) -> float:
        """The gradient's length in units of the largest of single points' before the last step.

        0 if the points say nothing: where the loss of a batch is not the mean of theirs.
        """
        norms = any(isinstance(m, _NormBase) and m.training for m in model.modules())
        if self.size == 0 or norms:
            return 0.0
        named = dict(model.named_parameters())
        with torch.no_grad():
            for name, step in self.steps.items():
                named[name].sub_(step)
        try:
            largest = _largest(model, sample, loss)
        finally:
            with torch.no_grad():
                for name, step in self.steps.items():
                    named[name].add_(step)
        return self.size / largest if largest else 0.0


def left_by(model: nn.Module, optimiser: Any) -> Left:
    """Reads gradients, and the last step of SGD or Adam."""
    known = isinstance(optimiser, torch.optim.Optimizer)
    groups = optimiser.param_groups if known else []
    held = {id(p) for group in groups for p in group["params"]}
    cleared = [p for p in model.parameters() if not known or id(p) in held]  # by its zero_grad
    found = [p.grad.detach().float().norm() for p in cleared if p.grad is not None]
    size = float(torch.stack(found).norm()) if found else 0.0
    steps: dict[str, Tensor] = {}
    if known:
        names = {id(p): name for name, p in model.named_parameters()}
        for group in optimiser.param_groups:
            for p in group["params"]:
                step = _last_step(optimiser, group, p)
                if step is not None and id(p) in names:
                    steps[names[id(p)]] = step
    return Left(size, steps)


def _last_step(optimiser: Any, group: dict, p: Tensor) -> Tensor | None:
    """By how much the last step moved a parameter (weight decay of SGD in its memory included)."""
    state = optimiser.state.get(p, {})
    if p.grad is None or group.get("maximize"):
        return None
    if isinstance(optimiser, torch.optim.SGD):
        memory = state.get("momentum_buffer")
        slope = p.grad.detach() if memory is None else memory.detach()
        return -float(group["lr"]) * slope
    if isinstance(optimiser, torch.optim.Adam) and "exp_avg_sq" in state:
        first, second = group["betas"]
        count = float(state["step"])
        mean = state["exp_avg"].detach() / (1 - first**count)
        root = (state["exp_avg_sq"].detach() / (1 - second**count)).sqrt()
        return -float(group["lr"]) * mean / (root + group["eps"])
    return None


def _largest(model: nn.Module, sample: Sample, loss: Callable[..., Tensor]) -> float:
    trained = [p for p in model.parameters() if p.requires_grad]
    batch = sample.batches[0]
    x, y = batch.args[0] if len(batch.args) == 1 and not batch.kwargs else None, batch.targets
    if not isinstance(x, Tensor) or not isinstance(y, Tensor) or not y.ndim:
        return 0.0
    sizes, losses = [0.0], list[float]()
    few = min(batch.size, MOST_SINGLE)
    try:
        with examined(model), torch.enable_grad():
            whole = float(loss(model(x[:few]), y[:few]).detach())
            for k in range(few):
                value = loss(model(x[k : k + 1]), y[k : k + 1])
                found = torch.autograd.grad(value, trained, allow_unused=True)
                parts = [g.detach().float().norm() for g in found if g is not None]
                sizes.append(float(torch.stack(parts).norm()) if parts else 0.0)
                losses.append(float(value.detach()))
    except Exception:
        return 0.0
    mean = sum(losses) / len(losses)
    return max(sizes) if abs(whole - mean) <= MEAN * abs(mean) else 0.0
