"""Twentieth set, held out: drawn with repeats. Written down, with what names each cause, before any
was run; none was diagnosed. Data, scales and starts.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from public_cases.data import digits
from public_cases.program import (
    Case,
    Program,
    adam,
    chain,
    classes_balanced,
    classes_right,
    collector,
    explained,
    keras,
    sgd,
)

CASES: list[Case] = []
case = collector(CASES)


def line(inputs: int) -> nn.Linear:
    """A linear layer that starts at 0."""
    model = nn.Linear(inputs, 1)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    return model


@case("gamwe6.github.io, 2018-08-22, 47721", "step_too_large", "unscaled_inputs")
def marks_of_a_thousand_pupils(seed: int, mended: bool) -> Program:
    """Marks from two other marks, of up to a hundred, by gradient descent on a sum of squares; the
    costs rise. Then a step that is small enough.
    """
    torch.manual_seed(seed)
    able = 66 + 14 * torch.randn(1000, 1)
    x = able + 6 * torch.randn(1000, 2)
    y = able + 4 * torch.randn(1000, 1)
    model = line(2)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return 0.5 * (outputs - targets).pow(2).sum()

    optimiser = sgd(model, 1e-7 if mended else 1e-3)
    return Program(model, x, y, loss, optimiser, 1000, 100, explained(y))


@case("bot.dharman.net/reports.php?id=1943234", "unscaled_inputs", "bad_initial_scale")
def grey_of_up_to_255(seed: int, mended: bool) -> Program:
    """Digits of grey up to 255 by ten hidden units, with weights of up to a half. Then grey is
    divided by 255, and weights by the root of their count.
    """
    torch.manual_seed(seed)
    x, label = digits()
    model = chain([64, 10, 10], nn.ReLU)
    for layer in (part for part in model if isinstance(part, nn.Linear)):
        nn.init.uniform_(layer.bias, -0.5, 0.5)
        if mended:
            nn.init.normal_(layer.weight, std=layer.in_features**-0.5)
        else:
            nn.init.uniform_(layer.weight, -0.5, 0.5)
    return Program(
        model, x if mended else 255 * x, label, nn.CrossEntropyLoss(), sgd(model, 0.1), 600, 600,
        classes_right(label),
    )  # fmt: skip


@case("mejorcodigo.com/p/45698", "step_too_large", "unscaled_inputs")
def a_line_a_hundred_times_as_long(seed: int, mended: bool) -> Program:
    """A line with inputs of up to a hundred, and a step that does for those of up to 1. Then a
    smaller step.
    """
    torch.manual_seed(seed)
    x = 100 * torch.rand(500, 1)
    y = 5 * x + 3 + 0.1 * torch.randn(500, 1)
    model = line(1)
    optimiser = sgd(model, 1e-4 if mended else 1e-2)
    return Program(model, x, y, nn.MSELoss(), optimiser, 500, 1000, explained(y))


@case("stackoverflow 69755379", "step_too_large", "unscaled_inputs")
def half_of_twenty(seed: int, mended: bool) -> Program:
    """Half of each number to 20, by one unit and Keras's own step. Then a hundredth of it."""
    torch.manual_seed(seed)
    x = torch.arange(1.0, 21)[:, None]
    y = x / 2
    model = keras(nn.Sequential(nn.Linear(1, 1)))
    optimiser = sgd(model, 1e-4 if mended else 1e-2)
    return Program(model, x, y, nn.MSELoss(), optimiser, 20, 500, explained(y))


@case("stats.stackexchange 193887", "class_imbalance")
def one_class_of_ten_has_most(seed: int, mended: bool) -> Program:
    """Ten kinds, of which one has nine tenths of the points, and nearly all are said to be it. Then
    each has as many.
    """
    torch.manual_seed(seed)
    y = torch.cat([torch.zeros(900, dtype=torch.long), torch.arange(1, 10).repeat(11)])
    x = 0.8 * torch.randn(10, 4)[y] + 0.8 * torch.randn(len(y), 4)
    if mended:
        rows = torch.cat([torch.arange(900), torch.arange(900, 999).repeat(81)])
        x, y = x[rows], y[rows]
    model = chain([4, 24, 10], nn.ReLU)
    return Program(
        model, x, y, nn.CrossEntropyLoss(), adam(model, 3e-3), 50, 600, classes_balanced(y)
    )


@case("stackoverflow 52800582", "target_scale", "unscaled_inputs", "saturation")
def the_fourth_power(seed: int, mended: bool) -> Program:
    """The fourth power of numbers from -100 to 100. Then both are standardised."""
    torch.manual_seed(seed)
    x = torch.linspace(-100, 100, 200)[:, None]
    y = x**4
    if mended:
        x, y = (x - x.mean()) / x.std(), (y - y.mean()) / y.std()
    model = keras(
        nn.Sequential(nn.Linear(1, 50), nn.Sigmoid(), nn.Linear(50, 50), nn.ELU(), nn.Linear(50, 1))
    )
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-3), 32, 2500, explained(y))
