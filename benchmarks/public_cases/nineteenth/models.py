"""Nineteenth set, held out: what networks are built of."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from public_cases.data import digits, xor
from public_cases.models import Read
from public_cases.program import (
    Case,
    Program,
    adam,
    chain,
    classes_right,
    collector,
    explained,
    sgd,
    sides_right,
)

CASES: list[Case] = []
case = collector(CASES)


@case("datascience.stackexchange 30298", "missing_bias")
def perceptron_without_a_threshold(seed: int, mended: bool) -> Program:
    """One number from 0 to 1, and whether it is above 0.6; one weight, and no bias. Then with."""
    torch.manual_seed(seed)
    x = torch.rand(200, 1)
    y = (x > 0.6).float()
    model = nn.Sequential(nn.Linear(1, 1, bias=mended), nn.Sigmoid())
    return Program(model, x, y, nn.BCELoss(), adam(model, 5e-2), 20, 1500, sides_right(y, 0.5))


@case("ai.stackexchange 27010", "too_few_units", "linear_model")
def xor_by_one_unit(seed: int, mended: bool) -> Program:
    """The exclusive or by one hidden sigmoid and two outputs, which all end at one half. Then with
    four hidden.
    """
    torch.manual_seed(seed)
    x, y = xor(8)
    kind = y[:, 0].long()
    model = chain([2, 4 if mended else 1, 2], nn.Sigmoid)
    return Program(
        model, x, kind, nn.CrossEntropyLoss(), adam(model, 5e-2), 32, 1500, classes_right(kind)
    )


@case(
    "pullrequest.ru/11818227", "duplicated_units", "bad_initial_scale", "saddle", "hidden_softmax"
)
def zeros_everywhere(seed: int, mended: bool) -> Program:
    """Digits by ten hidden units under a softmax; all weights start at 0. Then as small random
    numbers, and with sigmoids.
    """
    torch.manual_seed(seed)
    x, kind = digits()
    hidden = nn.Sigmoid() if mended else nn.Softmax(1)
    model = nn.Sequential(nn.Linear(64, 10), hidden, nn.Linear(10, 10))
    for p in model.parameters():
        nn.init.trunc_normal_(p, std=0.1) if mended else nn.init.zeros_(p)
    return Program(
        model, x, kind, nn.CrossEntropyLoss(), sgd(model, 0.5), 50, 1500, classes_right(kind)
    )


class Copied(nn.Module):
    """A body, and a head that gets a copy of what the body makes."""

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.body = chain([64, 32, 32, 3], nn.ReLU)
        self.generator = nn.Linear(3, 10)
        self.mended = mended

    def forward(self, x: Tensor) -> Tensor:
        made = self.body(x)
        return self.generator(made if self.mended else made.data)


@case("discuss.pytorch.org/t/26372", "detached_loss", "frozen_layers")
def copies_for_the_generator(seed: int, mended: bool) -> Program:
    """Digits; what the body makes is passed on as `.data`, so that only the head learns. Then as it
    is.
    """
    torch.manual_seed(seed)
    x, kind = digits()
    model = Copied(mended)
    return Program(
        model, x, kind, nn.CrossEntropyLoss(), adam(model, 3e-3), 50, 800, classes_right(kind)
    )


@case("ai.stackexchange 16557", "vanishing_gradient")
def four_layers_of_sigmoids(seed: int, mended: bool) -> Program:
    """Numbers of binary vectors by four wide hidden layers of sigmoids. Then of ReLUs."""
    torch.manual_seed(seed)
    x = (torch.rand(300, 12) < 0.5).float()
    y = torch.sin((x - 0.5) @ torch.randn(12, 1))
    model = chain([12, 100, 100, 100, 100, 1], nn.ReLU if mended else nn.Sigmoid)
    return Program(model, x, y, nn.MSELoss(), sgd(model, 0.05), 30, 2000, explained(y))


@case("StefOe/indrnn-pytorch#3", "wrong_axis")
def batch_read_as_time(seed: int, mended: bool) -> Program:
    """The sum of the two numbers that are marked in a sequence; the LSTM takes the axis of points
    for that of time. Then `batch_first`.
    """
    torch.manual_seed(seed)
    numbers = torch.rand(400, 8)
    marks = torch.zeros(400, 8).scatter_(1, torch.rand(400, 8).argsort(1)[:, :2], 1.0)
    x, y = torch.stack([numbers, marks], 2), (numbers * marks).sum(1, keepdim=True)
    model = Read(nn.LSTM(2, 32, batch_first=mended), nn.Linear(32, 1))
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-2), 40, 1000, explained(y))


class Listed(nn.Module):
    """Hidden layers in a list, of Python or of modules."""

    def __init__(self, mended: bool) -> None:
        super().__init__()
        layers = [nn.Linear(64, 32), nn.Linear(32, 32), nn.Linear(32, 3)]
        self.hidden = nn.ModuleList(layers) if mended else layers
        self.out = nn.Linear(3, 10)

    def forward(self, x: Tensor) -> Tensor:
        for layer in cast("list[nn.Module]", self.hidden):
            x = layer(x).tanh()
        return self.out(x)


@case(
    "recalled: stackoverflow and discuss.pytorch.org, layers in a Python list are not trained",
    "optimiser_misses_parameters",
    "frozen_layers",
)
def layers_in_a_list(seed: int, mended: bool) -> Program:
    """Digits; the hidden layers are in a plain list, which `parameters` does not see. Then in a
    list of modules.
    """
    torch.manual_seed(seed)
    x, kind = digits()
    model = Listed(mended)
    return Program(
        model, x, kind, nn.CrossEntropyLoss(), adam(model, 3e-3), 50, 800, classes_right(kind)
    )
