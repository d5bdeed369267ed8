"""Eleventh set, held out: scales, rates, starts and counts of updates. Written down, with what
names each cause, before any was run; none was diagnosed.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from public_cases.data import digits, masks, xor
from public_cases.program import (
    Case,
    Program,
    adam,
    chain,
    classes_right,
    collector,
    explained,
    keras,
    sgd,
    sides_right,
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


def summed(outputs: Tensor, targets: Tensor) -> Tensor:
    """The sum of squares."""
    return (outputs - targets).pow(2).sum()


class Factors(nn.Module):
    """A product of two lines."""

    def __init__(self) -> None:
        super().__init__()
        self.slopes = nn.Parameter(torch.full((2,), 0.5))
        self.shifts = nn.Parameter(torch.full((2,), 0.5))

    def forward(self, x: Tensor) -> Tensor:
        return (self.slopes * x + self.shifts).prod(1, keepdim=True)


@case("stackoverflow 47477790 (thinbug.com, whosebug.com)", "step_too_large", "exploding_gradient")
def factors_of_a_square(seed: int, mended: bool) -> Program:
    """2x² + 3x + 4 as a product of two lines, from four points; all becomes nan. Then steps a
    hundredth as large.
    """
    torch.manual_seed(seed)
    x = torch.arange(1.0, 5)[:, None]
    y = 2 * x**2 + 3 * x + 4
    model = Factors()
    return Program(model, x, y, summed, sgd(model, 1e-4 if mended else 0.01), 4, 1000, explained(y))


@case("stats.stackexchange 594738", "step_too_large", "unscaled_inputs", "target_scale")
def future_of_a_cubic(seed: int, mended: bool) -> Program:
    """The last twenty values of a cubic from the first eighty, by one linear layer from large
    weights; the loss grows thousandfold. Then smaller steps.
    """
    torch.manual_seed(seed)
    line = torch.linspace(-10, 10, 100)
    values = line**3 + line**2 + line
    x, y = values[None, :80], values[None, 80:]
    model = nn.Linear(80, 20)
    nn.init.normal_(model.weight, std=3)
    return Program(model, x, y, summed, sgd(model, 1e-8 if mended else 1e-6), 1, 60, explained(y))


@case("datascience.stackexchange 117008", "step_too_large", "unscaled_inputs")
def two_large_among_small(seed: int, mended: bool) -> Program:
    """y = 2x by one weight, for 1 to 5, 100 and 200; rate 0.01. Then 0.00001."""
    torch.manual_seed(seed)
    x = torch.tensor([1.0, 2, 3, 4, 5, 100, 200])[:, None]
    y = 2 * x
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return summed(outputs, targets) / 2

    return Program(model, x, y, loss, sgd(model, 1e-5 if mended else 0.01), 7, 15, explained(y))


@case("datascience.stackexchange 12854", "step_too_large", "unscaled_inputs", "target_scale")
def product_of_two(seed: int, mended: bool) -> Program:
    """A product by a hidden layer of ReLUs diverges at once. Then numbers from -2 to 2, more units
    and a smaller rate.
    """
    torch.manual_seed(seed)
    x = 4 * torch.rand(400, 2) - 2 if mended else 10 * torch.rand(400, 2)
    y = x[:, :1] * x[:, 1:]
    model = chain([2, 40 if mended else 8, 1], nn.ReLU)
    rule = sgd(model, 0.03 if mended else 0.1)
    return Program(model, x, y, nn.MSELoss(), rule, 40, 1500, explained(y))


@case("wkentaro/pytorch-fcn#17", "step_too_large")
def rate_of_another_loss(seed: int, mended: bool) -> Program:
    """Masks by convolutions; the loss is summed over pixels, the rate is one for a mean."""
    x, y = masks(seed, 0.3)
    model = nn.Sequential(
        nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 12, 3, padding=1), nn.ReLU(),
        nn.Conv2d(12, 1, 1),
    )  # fmt: skip

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(outputs, targets, reduction="sum")

    rule = sgd(model, 1e-5 if mended else 0.05, momentum=0.99)
    return Program(model, x, y, loss, rule, 1, 400, sides_right(y, 0.0))


@case("tensorflow/tensorflow#12030", "step_too_large", "unscaled_inputs")
def one_point_far_away(seed: int, mended: bool) -> Program:
    """A line through 1 to 4 and 35; with the fifth point all is nan. Then a smaller rate."""
    torch.manual_seed(seed)
    x = torch.tensor([1.0, 2, 3, 4, 35])[:, None]
    y = 1 - x
    model = nn.Linear(1, 1)
    nn.init.constant_(model.weight, 0.3)
    nn.init.constant_(model.bias, -0.3)
    return Program(model, x, y, summed, sgd(model, 1e-4 if mended else 0.01), 5, 1000, explained(y))


@case("apache/mxnet#6432", "step_too_large", "unscaled_inputs")
def tutorial_of_six_points(seed: int, mended: bool) -> Program:
    """A linear regression of two small numbers, one point a step. Then numbers from 0 to 1, and a
    smaller rate.
    """
    torch.manual_seed(seed)
    points = torch.tensor([[1.0, 2], [3, 4], [5, 6], [3, 2], [7, 1], [6, 9]])
    x = torch.rand(100, 2) if mended else points
    y = x[:, :1] + 2 * x[:, 1:]
    model = nn.Linear(2, 1)
    rule = sgd(model, 0.05 if mended else 0.1)
    return Program(model, x, y, nn.MSELoss(), rule, 1, 600, explained(y))


@case("cnpython.com/q/3299", "too_few_updates", "step_too_small")
def ten_times_the_number(seed: int, mended: bool) -> Program:
    """y = 10x by a line, 100 updates of 0.005. Then 2000 of 0.01."""
    torch.manual_seed(seed)
    x = torch.arange(1.0, 11)[:, None]
    y = 10 * x
    model = keras(nn.Linear(1, 1))
    rule = torch.optim.RMSprop(model.parameters(), 0.01 if mended else 0.005, alpha=0.9)
    return Program(model, x, y, nn.MSELoss(), rule, 10, 2000 if mended else 100, explained(y))


@case("ml5js/ml5-library#579", "step_too_small", "too_few_updates")
def xor_at_the_default_rate(seed: int, mended: bool) -> Program:
    """XOR by a network that has no rate of its own. Then a large one."""
    torch.manual_seed(seed)
    x, y = xor()
    model = chain([2, 16, 1], nn.Sigmoid, nn.Sigmoid())
    rule = sgd(model, 4.0 if mended else 0.01)
    return Program(model, x, y, nn.MSELoss(), rule, 4, 3000, sides_right(y, 0.5))


@case("stats.stackexchange 316898", "duplicated_units", "bad_initial_scale")
def hidden_layer_from_nothing(seed: int, mended: bool) -> Program:
    """Digits by a hundred hidden sigmoids; both layers start at 0. Then the second at random."""
    torch.manual_seed(seed)
    x, y = digits()
    model = chain([64, 100, 10], nn.Sigmoid)
    for p in model.parameters():
        nn.init.zeros_(p)
    if mended:
        nn.init.normal_(next(model[-1].parameters()))
    return Program(model, x, y, nn.CrossEntropyLoss(), sgd(model, 0.5), 100, 500, classes_right(y))


@case(
    "BrainJS/brain.js#360",
    "output_range",
    "target_scale",
    "unscaled_inputs",
    "wrong_output_activation",
)
def property_is_worth_one(seed: int, mended: bool) -> Program:
    """What a house is worth by its year, area and income, as they are; sigmoids, and the output is
    1. Then all from 0 to 1.
    """
    torch.manual_seed(seed)
    share = torch.rand(200, 4)
    worth = (0.1 + 0.3 * share[:, :1] + 0.5 * share[:, 1:2] * share[:, 2:3]).clamp(0, 1)
    size = torch.tensor([100.0, 8000, 150000, 12])
    x = share if mended else torch.tensor([1920.0, 500, 20000, 2]) + size * share
    y = worth if mended else 2e6 * worth
    model = chain([4, 5, 1], nn.Sigmoid, nn.Sigmoid())
    right = explained(worth)
    return Program(
        model, x, y, nn.MSELoss(), adam(model, 2e-2), 20, 1500,
        lambda found: right(found if mended else found / 2e6),
    )  # fmt: skip


@case("MollyZhang/Multi-task-TCGA-learning#15, #16", "dead_units", "step_too_large")
def genes_of_no_code(seed: int, mended: bool) -> Program:
    """An autoencoder of genes; all hidden ReLUs are 0 and each gene's mean comes out. Then leaky
    ones.
    """
    torch.manual_seed(seed)
    x = 4 + torch.randn(300, 4) @ torch.randn(4, 30) / 2
    model = chain([30, 8, 30], nn.LeakyReLU if mended else nn.ReLU)
    rule = sgd(model, 0.2, momentum=0.9)
    return Program(model, x, x, nn.MSELoss(), rule, 30, 1500, explained(x))
