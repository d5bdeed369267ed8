"""Inputs, plain descent on all points, and the findings of one kind."""

import torch
from torch import Tensor, nn

from spurious.diagnose import Finding, Report


def inputs(n: int = 64, d: int = 4) -> Tensor:
    torch.manual_seed(7)
    return torch.randn(n, d)


def trained(model: nn.Module, x: Tensor, y: Tensor, loss: nn.Module, lr: float, steps: int) -> None:
    rule = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=lr)
    for _ in range(steps):
        rule.zero_grad()
        loss(model(x), y).backward()
        rule.step()


def of_kind(report: Report, kind: str) -> list[Finding]:
    return [found for found in report.findings if found.kind == kind]
