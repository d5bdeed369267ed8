"""Seventh set, held out: what models are built of. Written down, with what names each cause,
before any was run; none was diagnosed.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from public_cases.data import blobs, digits, one_hot, rings
from public_cases.program import (
    Case,
    Program,
    adam,
    chain,
    classes_right,
    collector,
    explained,
    keras_crossentropy,
    sgd,
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


@case("stackoverflow 48385830", "missing_nonlinearity", "linear_model", "wrong_output_activation")
def book_without_sigmoids(seed: int, mended: bool) -> Program:
    """A book's network for digits: layers have no activation unless one is given. Steps of 3."""
    torch.manual_seed(seed)
    x, y = digits()
    model = chain([64, 30, 10], nn.Sigmoid, nn.Softmax(1)) if mended else chain([64, 30, 10], None)
    for p in model.parameters():
        nn.init.normal_(p)
    loss = keras_crossentropy if mended else nn.MSELoss()
    return Program(model, x, one_hot(y), loss, sgd(model, 3.0), 10, 600, classes_right(y))


@case("copy in huggingface.co/datasets/nvidia/Nemotron-CC-Math-v1: Which neural network can "
      "approximate the function y = x^2 + b?", "missing_nonlinearity", "linear_model")  # fmt: skip
def square_by_lines(seed: int, mended: bool) -> Program:
    """A square and a number, by four layers without activation."""
    torch.manual_seed(seed)
    x = torch.stack([10 * torch.rand(100) - 5, 4 * torch.rand(100)], 1)
    y = x[:, :1] ** 2 + x[:, 1:]
    model = chain([2, 64, 32, 1], nn.ReLU if mended else None)
    return Program(model, x, y, nn.MSELoss(), adam(model, 0.01), 32, 500, explained(y))


@case("ShunLu91/Single-Path-One-Shot-NAS#1", "missing_nonlinearity")
def blocks_without_relu(seed: int, mended: bool) -> Program:
    """Convolutions and batch norms, one after the other; the ReLUs were forgotten."""
    torch.manual_seed(seed)
    y = torch.arange(240) % 4
    down, along = torch.meshgrid(torch.arange(10.0), torch.arange(10.0), indexing="ij")
    waves = torch.stack([down, along, down + along, down - along])
    phase = 6.28 * torch.rand(240, 1, 1)
    x = (torch.sin(1.6 * waves[y] + phase) + 0.3 * torch.randn(240, 10, 10))[:, None]
    parts: list[nn.Module] = []
    for below, above in ((1, 16), (16, 16), (16, 32)):
        parts += [nn.Conv2d(below, above, 3, padding=1, bias=False), nn.BatchNorm2d(above)]
        parts += [nn.ReLU()] if mended else []
    model = nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 4))
    return Program(model, x, y, nn.CrossEntropyLoss(), sgd(model, 0.1, momentum=0.9), 32, 200,
                   classes_right(y))  # fmt: skip


@case("YujiaBao/ls#1", "missing_nonlinearity", "linear_model")
def classifier_without_relu(seed: int, mended: bool) -> Program:
    """Three linear layers, with dropout but no ReLU between them."""
    x, y = rings(seed)
    parts: list[nn.Module] = []
    for below, above in ((2, 64), (64, 64)):
        parts += [nn.Linear(below, above), *([nn.ReLU()] if mended else []), nn.Dropout(0.1)]
    model = nn.Sequential(*parts, nn.Linear(64, 2))
    label = y[:, 0].long()
    return Program(model, x, label, nn.CrossEntropyLoss(), adam(model, 1e-3), 32, 600,
                   classes_right(label))  # fmt: skip


class Experts(nn.Module):
    """Small networks of coordinates, mixed by a layer; in a plain list or in one of modules."""

    def __init__(self, known: bool) -> None:
        super().__init__()
        experts = [chain([2, 8, 1], nn.Tanh) for _ in range(3)]
        self.experts = nn.ModuleList(experts) if known else experts
        self.mix = nn.Linear(3, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.mix(torch.cat([expert(x) for expert in self.experts], 1))


@case("LianpoWang/SLIIF#13", "optimiser_misses_parameters")
def experts_in_a_list(seed: int, mended: bool) -> Program:
    """Networks in a list of Python's are no parameters of the model: only the mixing is trained."""
    torch.manual_seed(seed)
    x = 2 * torch.rand(400, 2) - 1
    y = torch.sin(3 * x[:, :1]) * torch.cos(3 * x[:, 1:])
    model = Experts(mended)
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-2), 32, 1000, explained(y))


@case("hiwonjoon/tf-frrn#2", "train_eval_gap")
def statistics_never_kept(seed: int, mended: bool) -> Program:
    """Good while it is trained, and bad afterwards: batch norm's means are never updated."""
    x, y = blobs(seed)
    x = 6 + 4 * x
    momentum = 0.1 if mended else 0.0
    model = nn.Sequential(nn.Linear(4, 32), nn.BatchNorm1d(32, momentum=momentum), nn.ReLU(),
                          nn.Linear(32, 32), nn.BatchNorm1d(32, momentum=momentum), nn.ReLU(),
                          nn.Linear(32, 3))  # fmt: skip
    return Program(model, x, y, nn.CrossEntropyLoss(), adam(model, 1e-2), 32, 300, classes_right(y))


class Filters(nn.Module):
    """Waves of learnt frequency over a sound, and how strong each is."""

    def __init__(self, open_to_gradients: bool) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.tensor([2.2, 2.4, 2.6, 2.8]))
        self.open_to_gradients = open_to_gradients
        self.head = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        with torch.set_grad_enabled(self.open_to_gradients and torch.is_grad_enabled()):
            frequency = self.kernel.clamp(0.05, 3.1)
        time = torch.arange(9.0) - 4
        waves = torch.cos(frequency[:, None] * time) * torch.exp(-(time**2) / 8)
        strength = F.conv1d(x, waves[:, None]).pow(2).mean(2)
        return self.head((strength + 1e-4).log())


@case("denfed/leaf-audio-pytorch#3", "frozen_layers")
def filters_without_gradient(seed: int, mended: bool) -> Program:
    """The frequencies are kept within bounds under `no_grad`, and so are never trained."""
    torch.manual_seed(seed)
    y = torch.arange(300) % 2
    frequency = torch.where(y == 0, 0.5, 1.0)[:, None] + 0.1 * torch.randn(300, 1)
    time = torch.arange(48.0) + 6.28 * torch.rand(300, 1) / frequency
    x = torch.sin(frequency * time) * (0.5 + torch.rand(300, 1)) + 0.3 * torch.randn(300, 48)
    model = Filters(mended)
    return Program(model, x[:, None], y, nn.CrossEntropyLoss(), adam(model, 0.02), 32, 400,
                   classes_right(y))  # fmt: skip
