"""Small networks that are trained on all points, and diagnosed without training copies."""

from typing import Any

import torch
from torch import Tensor, nn

import spurious
from spurious.diagnose import Finding


def problems(model: nn.Module, data: Any, loss: Any, **more: Any) -> list[Finding]:
    more = {"curvature": False, "rehearse": False} | more
    return list(spurious.diagnose(model, data, loss, **more).problems)


def points(n: int = 160) -> tuple[Tensor, Tensor]:
    torch.manual_seed(3)
    x = torch.randn(n, 3)
    return x, x[:, :1] + 0.5 * x[:, 1:2]


def net(outputs: int, *last: nn.Module, inputs: int = 3) -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(inputs, 16), nn.Tanh(), nn.Linear(16, outputs), *last)


def trained(model: nn.Module, x: Tensor, y: Tensor, steps: int = 60) -> torch.optim.Optimizer:
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(steps):
        rule.zero_grad()
        nn.functional.mse_loss(model(x), y).backward()
        rule.step()
    return rule
