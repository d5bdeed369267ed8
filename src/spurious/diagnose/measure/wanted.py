# pyright: basic
"""How large the outputs are that a loss wants, whatever it compares them with."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor

PART: Final = 1e-3
"""Share of the way to the smallest loss along the slope by which curvature is measured again."""


def wanted_size(loss: Any, outputs: Tensor, targets: Any) -> float | None:
    """The usual size of outputs with the least loss, as seen from outputs of 0.

    To second order, along the gradient: exact for squares, whose targets may be made by the loss
    itself (rewards and the values of what comes next, say).

    Args:
        loss: Of outputs and targets.
        outputs: Of any model, (n, ...): their shape.
        targets: What the loss compares with.

    Returns:
        None where the loss has no slope there, or does not curve upwards.
    """
    zero = torch.zeros_like(outputs)
    slope = slope_at(loss, zero, targets)
    if slope is None or not bool(slope.any()) or not bool(slope.isfinite().all()):
        return None
    square = float(slope.double().pow(2).sum())
    far = 1.0 / float(slope.abs().max())
    for _ in range(2):  # the second time at a distance that suits the numbers
        moved = slope_at(loss, -far * slope, targets)
        if moved is None or not bool(moved.isfinite().all()):
            return None
        bends = float(((slope - moved).double() * slope.double()).sum()) / far
        if not bends > 0:
            return None
        newton = square / bends
        far = PART * newton
    return newton * (square / int((slope != 0).sum())) ** 0.5


def slope_at(loss: Any, outputs: Tensor, targets: Any) -> Tensor | None:
    """The loss's gradient by outputs; None if the loss does not take them alone."""
    tried = outputs.detach().clone().requires_grad_()
    try:
        with torch.enable_grad():
            return torch.autograd.grad(loss(tried, targets), tried)[0]
    except Exception:
        return None
