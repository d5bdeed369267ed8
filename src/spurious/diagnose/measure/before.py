# pyright: basic
"""The weights before an optimiser's last step, read off what it remembers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def before_last_step(optimiser: Any, group: dict[str, Any], p: Tensor) -> Tensor | None:
    """The parameter before the last step, or None where that cannot be computed.

    The gradient must be the one that the step was made with, and the step size that of the group:
    a scheduler that has changed it since makes the answer a guess, so there is none.

    Args:
        optimiser: SGD, Adam, AdamW, RMSprop or Adagrad of torch; others are not known.
        group: Of the optimiser, with the parameter.
        p: The parameter as it is.
    """
    lr, first = float(group["lr"]), float(group.get("initial_lr", group["lr"]))
    if p.grad is None or p.grad.is_sparse or group.get("maximize") or lr != first:
        return None
    g, state = p.grad.detach(), optimiser.state.get(p, {})
    decay = lr * float(group.get("weight_decay") or 0.0)
    with torch.no_grad():
        if type(optimiser) is torch.optim.SGD:
            return _before_sgd(p, g, state.get("momentum_buffer"), lr, decay, group)
        if type(optimiser) in (torch.optim.Adam, torch.optim.AdamW) and "exp_avg_sq" in state:
            moved = _adam_step(state, lr, group)
            decoupled = bool(group.get("decoupled_weight_decay"))
            return (p + moved) / (1 - decay) if decoupled else p + moved
        if type(optimiser) is torch.optim.RMSprop and "square_avg" in state:
            return _before_rmsprop(p, g, state, lr, decay, group)
        if type(optimiser) is torch.optim.Adagrad and "sum" in state:
            size = lr / (1 + (float(state["step"]) - 1) * float(group["lr_decay"]))
            scale = 1 / (state["sum"].sqrt() + group["eps"])
            return (p + size * g * scale) / (1 - size / lr * decay * scale)
    return None


def _before_sgd(
    p: Tensor, g: Tensor, memory: Tensor | None, lr: float, decay: float, group: dict[str, Any]
) -> Tensor:
    """The memory holds the weight decay; what is not in it does not."""
    if memory is None:
        return (p + lr * g) / (1 - decay)
    if group.get("nesterov"):
        return (p + lr * (g + float(group["momentum"]) * memory)) / (1 - decay)
    return p + lr * memory


def _adam_step(state: dict[str, Any], lr: float, group: dict[str, Any]) -> Tensor:
    first, second = (float(beta) for beta in group["betas"])
    count = float(state["step"])
    squares = state["max_exp_avg_sq"] if group.get("amsgrad") else state["exp_avg_sq"]
    root = (squares / (1 - second**count)).sqrt()
    return lr * state["exp_avg"] / (1 - first**count) / (root + group["eps"])


def _before_rmsprop(
    p: Tensor, g: Tensor, state: dict[str, Any], lr: float, decay: float, group: dict[str, Any]
) -> Tensor:
    if float(group.get("momentum") or 0.0) > 0:
        return p + lr * state["momentum_buffer"]
    squares = state["square_avg"]
    if group.get("centered"):
        squares = squares - state["grad_avg"] ** 2
    root = squares.sqrt() + group["eps"]
    return (p + lr * g / root) / (1 - decay / root)
