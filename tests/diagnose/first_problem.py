"""Small networks of four inputs, and the first problem that is seen without training copies."""

from typing import Any

import torch
from torch import Tensor, nn

import spurious


def first(model: nn.Module, x: Tensor, y: Tensor, loss: Any) -> str | None:
    report = spurious.diagnose(model, (x, y), loss, curvature=False, rehearse=False)
    return str(report.problems[0].kind) if report.problems else None


def net(outputs: int, *last: nn.Module) -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, outputs), *last)


def points() -> Tensor:
    torch.manual_seed(3)
    return torch.randn(120, 4)
