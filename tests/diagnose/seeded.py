"""A network and points that are drawn alike whenever they are asked for."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn


def mlp(*sizes: int) -> nn.Sequential:
    torch.manual_seed(0)
    parts: list[nn.Module] = []
    for below, above in pairwise(sizes):
        parts += [nn.Linear(below, above), nn.ReLU()]
    return nn.Sequential(*parts[:-1])


def sides(points: int = 200) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    x = torch.randn(points, 3)
    return x, (x[:, :1] + x[:, 1:2] > 0).float()
