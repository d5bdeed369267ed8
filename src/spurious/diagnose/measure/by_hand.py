# pyright: basic
"""Backward passes, and steps of an optimiser, without what torch does around them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import _global_optimizer_post_hooks, _global_optimizer_pre_hooks

from spurious.diagnose.measure.optimiser import FUSED, REMEMBERING


def backward(loss: Tensor) -> None:
    """The gradients of a loss, a single number, on what it depends on, by torch's engine alone.

    What `loss.backward()` looks at before costs a fifth of a small model's pass. The numbers are
    the same.
    """
    if type(loss) is not Tensor:
        loss.backward()
        return
    torch.autograd.Variable._execution_engine.run_backward(
        (loss,), (torch.ones_like(loss),), False, False, (), True, accumulate_grad=True
    )


def by_hand(optimiser: torch.optim.Optimizer) -> tuple[Callable[[], object], Callable[[], object]]:
    """Functions that clear an optimiser's gradients and make its step, with nothing around them.

    Around them torch enters marks for profilers and calls hooks, which costs more than a step of a
    small model. The numbers are the same. Where there are hooks, or the optimiser is none of
    torch's or has been changed, they are its own methods.
    """
    kind = type(optimiser)
    hooks: tuple[Any, ...] = (
        _global_optimizer_pre_hooks,
        _global_optimizer_post_hooks,
        optimiser._optimizer_step_pre_hooks,
        optimiser._optimizer_step_post_hooks,
    )
    changed = {"step", "zero_grad"} & optimiser.__dict__.keys()
    known = kind in (*FUSED, *REMEMBERING) and not optimiser.defaults.get("differentiable")
    if any(hooks) or changed or not known:
        return optimiser.zero_grad, optimiser.step
    held = [p for group in optimiser.param_groups for p in group["params"]]
    plain = inspect.unwrap(kind.step)

    def clear() -> None:
        for p in held:
            p.grad = None

    def step() -> None:
        with torch.no_grad():
            plain(optimiser)

    return clear, step
