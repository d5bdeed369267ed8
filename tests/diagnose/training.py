"""Trainings of small models, and what is said of them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

import spurious
from spurious.diagnose import Kind, Report


def problems(report: Report) -> list[Kind]:
    return [found.kind for found in report.problems]


def trained(
    model: nn.Module, x: Tensor, y: Tensor, loss: Any, rule: Any, steps: int, **more: Any
) -> Report:
    """A report on a model that was trained on batches of 32 points drawn by chance."""
    draw = torch.Generator().manual_seed(1)
    model.train()
    for _ in range(steps):
        rows = torch.randint(len(x), (32,), generator=draw)
        rule.zero_grad()
        loss(model(x[rows]), y[rows]).backward()
        rule.step()
    model.eval()
    return spurious.diagnose(model, (x, y), loss, optimiser=rule, **more)
