"""Trainings of small models on batches, what is said of them, and what several tests train."""

from __future__ import annotations

from itertools import pairwise
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


def mlp(*sizes: int) -> nn.Sequential:
    parts: list[nn.Module] = []
    for below, above in pairwise(sizes):
        parts += [nn.Linear(below, above), nn.ReLU()]
    return nn.Sequential(*parts[:-1])


def overlap(f: Tensor, y: Tensor) -> Tensor:
    return 1 - 2 * (f * y).sum() / (f.sum() + y.sum() + 1e-5)


class Placed(nn.Module):
    """Attention over places that have embeddings of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.up, self.places = nn.Linear(4, 16), nn.Parameter(0.02 * torch.randn(6, 16))
        self.mix = nn.TransformerEncoderLayer(16, 2, 32, 0.0, batch_first=True)
        self.head = nn.Linear(16, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.mix(self.up(x) + self.places).mean(1))
