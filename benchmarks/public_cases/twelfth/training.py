"""Twelfth set, held out: loops, optimisers and data. Written down, with what names each cause,
before any was run; none was diagnosed.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from public_cases.data import blobs
from public_cases.loops import gradients_kept, in_order
from public_cases.program import (
    Case,
    Program,
    adam,
    chain,
    classes_right,
    collector,
    explained,
    sgd,
    usual,
)

CASES: list[Case] = []
case = collector(CASES)


@case("xingyizhou/CenterNet#928", "missing_zero_grad")
def loss_huge_from_the_second_epoch(seed: int, mended: bool) -> Program:
    """Where in a picture a bright spot is; gradients are never cleared, and the loss becomes huge.
    Then they are.
    """
    torch.manual_seed(seed)
    at = torch.rand(300, 2)
    grid = torch.linspace(0, 1, 8)
    spot = -20 * ((grid[:, None] - at[:, :1, None]) ** 2 + (grid - at[:, 1:, None]) ** 2)
    x = spot.exp()[:, None] + 0.05 * torch.randn(300, 1, 8, 8)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Flatten(),
        nn.Linear(128, 2),
    )  # fmt: skip
    return Program(
        model, x, at, nn.MSELoss(), adam(model, 1e-2), 20, 600, explained(at),
        usual if mended else gradients_kept,
    )  # fmt: skip


class Names(nn.Module):
    """The language of a name of letters, (n, time)."""

    def __init__(self) -> None:
        super().__init__()
        self.letters = nn.Embedding(26, 12)
        self.inner = nn.RNN(12, 24, batch_first=True)
        self.head = nn.Linear(24, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.inner(self.letters(x))[0][:, -1])


@case("spro/practical-pytorch#9, #21", "optimiser_misses_parameters")
def names_by_a_second_model(seed: int, mended: bool) -> Program:
    """The language of names; the network is made once more after the optimiser. Then before."""
    torch.manual_seed(seed)
    y = torch.arange(320) % 4
    likely = torch.softmax(1.5 * torch.randn(4, 26), 1)
    x = torch.multinomial(likely[y], 7, replacement=True)
    model = Names()
    first = model if mended else copy.deepcopy(model)
    return Program(model, x, y, nn.CrossEntropyLoss(), adam(first, 5e-3), 20, 400, classes_right(y))


@case("google-research/bert#324", "unshuffled_data")
def texts_kind_by_kind(seed: int, mended: bool) -> Program:
    """Texts lie kind by kind and are taken as they lie: the last kind is told. Then in a new
    order.
    """
    x, y = blobs(seed, 3, 300)
    order = y.argsort()
    model = chain([4, 48, 3], nn.ReLU)
    return Program(
        model, x[order], y[order], nn.CrossEntropyLoss(), sgd(model, 0.1, momentum=0.9), 10, 600,
        classes_right(y[order]), usual if mended else in_order,
    )  # fmt: skip


@case(
    "evandowning/deepreflect#11, deeplearning4j/deeplearning4j#1646",
    "not_finite",
    "inputs_not_finite",
)
def divided_by_its_maximum(seed: int, mended: bool) -> Program:
    """An autoencoder of features, each divided by its greatest; one is always 0, and all is nan.
    Then without it.
    """
    torch.manual_seed(seed)
    x = (torch.randn(400, 3) @ torch.randn(3, 12)).abs()
    x[:, 5] = 0
    high = x.amax(0)
    if mended:
        high = torch.where(high > 0, high, 1.0)
    x = x / high
    model = chain([12, 8, 4, 8, 12], nn.Tanh)
    kept = torch.arange(12) != 5
    right = explained(x[:, kept])
    return Program(
        model, x, x, nn.MSELoss(), adam(model, 5e-3), 40, 800, lambda found: right(found[:, kept])
    )


@case("pytorch/vision#2164, #2160", "frozen_layers")
def frozen_from_scratch(seed: int, mended: bool) -> Program:
    """Directions of stripes; the first layers are frozen as they would be if they had been trained
    before, but they are random. Then nothing is frozen.
    """
    torch.manual_seed(seed)
    y = torch.arange(320) % 8
    angle = torch.pi / 8 * y[:, None, None]
    grid = torch.arange(12.0)
    wave = grid[:, None] * angle.cos() + grid * angle.sin()
    x = (1.5 * wave + 6.28 * torch.rand(320, 1, 1)).sin() + 0.4 * torch.randn(320, 12, 12)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 8),
    )  # fmt: skip
    if not mended:
        for layer in (model[0], model[2]):
            layer.requires_grad_(False)
    return Program(
        model, x[:, None], y, nn.CrossEntropyLoss(), adam(model, 1e-2), 32, 500, classes_right(y)
    )
