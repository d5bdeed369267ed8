"""Trainings on all points at once."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

import spurious
from spurious.diagnose import Report


def steps(model: nn.Module, x: Tensor, y: Tensor, loss: Any, rule: Any, many: int) -> None:
    for _ in range(many):
        rule.zero_grad()
        loss(model(x), y).backward()
        rule.step()


def trained(
    model: nn.Module, x: Tensor, y: Tensor, loss: Any, rule: Any, many: int = 150, **more: Any
) -> Report:
    steps(model, x, y, loss, rule, many)
    return spurious.diagnose(model, (x, y), loss, optimiser=rule, **more)
