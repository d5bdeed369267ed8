"""Ninth set, held out: what models are built of. Written down, with what names each cause,
before any was run; none was diagnosed.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from public_cases.data import xor
from public_cases.loops import scheduled
from public_cases.program import (
    Case,
    Program,
    adam,
    chain,
    collector,
    explained,
    keras,
    sgd,
)

CASES: list[Case] = []
case = collector(CASES)


@case("discourse.julialang.org/t/72115", "dead_units", "blind_spots", "too_few_units")
def two_values_by_one_bit(seed: int, mended: bool) -> Program:
    """Two values by one bit, by two ReLUs, absolute errors and steps that become smaller in a
    line; then by many.
    """
    torch.manual_seed(seed)
    x = (torch.arange(100) % 2).float()[:, None]
    y = 10 + 10 * x
    model = keras(chain([1, 64, 64, 1] if mended else [1, 2, 2, 1], nn.ReLU))
    steps = 1000
    rule = sgd(model, 0.1)

    scheduler = torch.optim.lr_scheduler.LambdaLR(rule, lambda k: max(1 - k / steps, 0.01))
    return Program(
        model, x, y, nn.L1Loss(), rule, 10, steps, explained(y), lambda p: scheduled(p, scheduler)
    )


@case("lmjohns3/theanets#67", "too_few_units", "local_minimum")
def xor_by_two(seed: int, mended: bool) -> Program:
    """XOR by two sigmoids; then by 20."""
    torch.manual_seed(seed)
    x, y = xor()
    model = keras(chain([2, 20 if mended else 2, 1], nn.Sigmoid))
    return Program(model, x, y, nn.MSELoss(), adam(model, 5e-2), 4, 3000, explained(y))


@case("pytorch/glow#232, BrainJS/brain.js#559", "dead_units", "blind_spots", "local_minimum")
def xor_by_relus(seed: int, mended: bool) -> Program:
    """XOR by a few ReLUs, which fails in every second try; then by tanh."""
    torch.manual_seed(seed)
    x, y = xor()
    model = chain([2, 3, 1], nn.Tanh if mended else nn.ReLU)
    return Program(model, x, y, nn.MSELoss(), sgd(model, 0.1), 4, 5000, explained(y))


class Narrow(nn.Module):
    """The next number of sequences, (n, time, 1), by a transformer of some width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.widen = nn.Linear(1, width) if width > 1 else nn.Identity()
        self.places = nn.Parameter(0.1 * torch.randn(8, width))
        layer = nn.TransformerEncoderLayer(width, 1, 32, 0.0, batch_first=True)
        self.inner = nn.TransformerEncoder(layer, 2)
        self.head = nn.Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.inner(self.widen(x) + self.places)[:, -1])


@case("discuss.pytorch.org/t/184454", "one_feature_norm")
def transformer_of_width_one(seed: int, mended: bool) -> Program:
    """The next number of a wave by a transformer whose width is 1; then 16."""
    torch.manual_seed(seed)
    phase = 6.28 * torch.rand(300, 1)
    wave = torch.sin(0.7 * torch.arange(9.0) + phase)
    x, y = wave[:, :8, None], wave[:, 8:]
    model = Narrow(16 if mended else 1)
    return Program(model, x, y, nn.MSELoss(), adam(model, 3e-3), 30, 500, explained(y))


@case("microsoft/ai-edu#425", "duplicated_units")
def all_weights_a_tenth(seed: int, mended: bool) -> Program:
    """A curve by eight sigmoids, of which all weights start at 0.1; then drawn."""
    torch.manual_seed(seed)
    x = torch.rand(200, 1)
    y = 0.5 - 0.5 * torch.cos(6.28 * x)
    model = keras(chain([1, 8, 1], nn.Sigmoid))
    if not mended:
        for layer in model.modules():
            if isinstance(layer, nn.Linear):
                nn.init.constant_(layer.weight, 0.1)
    return Program(model, x, y, nn.MSELoss(), sgd(model, 0.5), 10, 12000, explained(y))
