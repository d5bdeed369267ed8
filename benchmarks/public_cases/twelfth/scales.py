"""Twelfth set, held out: scales, rates and starts. Written down, with what names each cause, before
any was run; none was diagnosed.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from public_cases.data import digits
from public_cases.models import Read
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
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


@case("stats.stackexchange 367057", "unscaled_inputs", "dead_units")
def clothes_to_255(seed: int, mended: bool) -> Program:
    """Pictures with pixels to 255 by two layers of ReLUs and Adam: hardly better than a guess. Then
    pixels to 1.
    """
    torch.manual_seed(seed)
    shades, y = digits()
    model = keras(chain([64, 64, 64, 10], nn.ReLU))
    x = shades if mended else 255 * shades
    return Program(model, x, y, nn.CrossEntropyLoss(), adam(model, 3e-2), 32, 300, classes_right(y))


@case(
    "thepalindrome.org/p/linear-regression-and-the-exploding-gradients",
    "unscaled_inputs",
    "step_too_large",
)
def houses_of_large_population(seed: int, mended: bool) -> Program:
    """A linear regression of eight features, one of them in thousands: all is nan. Then all are
    standardised.
    """
    torch.manual_seed(seed)
    raw = torch.randn(500, 8)
    y = raw @ torch.tensor([0.8, 0.1, -0.3, 0.3, 0.2, -0.1, -0.9, -0.9])[:, None]
    y = y + 2 + 0.3 * torch.randn(500, 1)
    size = torch.tensor([2.0, 12, 2.5, 0.5, 1100, 10, 2, 2])
    middle = torch.tensor([3.9, 28, 5.4, 1.1, 1400, 3, 35, -119])
    model = nn.Linear(8, 1)
    x = raw if mended else middle + size * raw
    return Program(model, x, y, nn.MSELoss(), sgd(model, 0.01), 500, 600, explained(y))


@case(
    "hunkim/DeepLearningZeroToAll#197",
    "unscaled_inputs",
    "target_scale",
    "step_too_large",
)
def closing_prices(seed: int, mended: bool) -> Program:
    """Prices at the close, of those at the opening and of what was traded, in millions. Then all
    from 0 to 1.
    """
    torch.manual_seed(seed)
    price = 810 + 12 * torch.randn(60, 1).cumsum(0) / 4
    traded = 1.2e6 + 4e5 * torch.randn(60, 1)
    x = torch.cat([price, price + 4 * torch.rand(60, 1), traded, price - 4 * torch.rand(60, 1)], 1)
    y = price + 2 * torch.randn(60, 1)
    low, high = y.min(), y.max()
    if mended:
        x = (x - x.amin(0)) / (x.amax(0) - x.amin(0))
    model = nn.Linear(4, 1)
    right = explained(y)
    return Program(
        model, x, (y - low) / (high - low) if mended else y, nn.MSELoss(),
        sgd(model, 0.05 if mended else 1e-5), 60, 2000,
        lambda found: right(found * (high - low) + low if mended else found),
    )  # fmt: skip


@case("forums.fast.ai/t/18783", "unscaled_inputs", "step_too_small")
def celsius_from_far_away(seed: int, mended: bool) -> Program:
    """Fahrenheit of Celsius from -500 to 500: the shift of 32 hardly moves, and larger steps blow
    up. Then numbers about 1, and larger steps.
    """
    torch.manual_seed(seed)
    x = torch.randn(200, 1) if mended else 1000 * torch.rand(200, 1) - 500
    y = 1.8 * x + 32 + 0.3 * torch.randn(200, 1)
    model = nn.Linear(1, 1)

    def score(found: Tensor) -> float:
        line = torch.cat([x, torch.ones_like(x)], 1).double()
        shift = torch.linalg.lstsq(line, found.double()).solution[1]
        return float(1 - (shift - 32).abs() / 32)

    rule = sgd(model, 1e-2 if mended else 1e-6)
    return Program(model, x, y, nn.MSELoss(), rule, 200, 1500, score)


@case("cbovar/ConvNetSharp#154", "unscaled_inputs", "dead_units")
def even_or_odd(seed: int, mended: bool) -> Program:
    """Whether the set places are even or odd, of rows of 11 and 100, by ReLUs. Then 0 and 1, and
    tanh.
    """
    torch.manual_seed(seed)
    y = torch.arange(200) % 2
    places = torch.arange(16) % 2
    flip = (torch.rand(200, 16) < 0.1).long()
    on = (places == y[:, None]).long() ^ flip
    x = on.float() if mended else 11 + 89 * on.float()
    model = keras(chain([16, 8, 2], nn.Tanh if mended else nn.ReLU))
    rule = sgd(model, 0.05, momentum=0.9)
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 10, 400, classes_right(y))


@case("BrainJS/brain.js#913", "unscaled_inputs", "saturation")
def numbers_drawn_on_a_date(seed: int, mended: bool) -> Program:
    """Five of 49 numbers for each date; day, month and year are fed as they are, and every date has
    the same ones. Then from 0 to 1.
    """
    torch.manual_seed(seed)
    date = torch.stack(
        [torch.randint(1, 29, (8,)), torch.randint(1, 13, (8,)), torch.randint(2010, 2018, (8,))], 1
    ).float()
    y = torch.zeros(8, 49)
    for row in y:
        row[torch.randperm(49)[:5]] = 1
    x = (date - torch.tensor([1.0, 1, 2010])) / torch.tensor([27.0, 11, 7]) if mended else date
    model = chain([3, 32, 49], nn.Sigmoid, nn.Sigmoid())
    return Program(model, x, y, nn.BCELoss(), adam(model, 3e-2), 8, 1500, explained(y))


@case("equinor/gordo#430", "target_scale", "step_too_small", "too_few_updates")
def targets_to_a_hundred(seed: int, mended: bool) -> Program:
    """An autoencoder of windows by an LSTM; inputs are scaled and targets go to 100. Then both are
    scaled.
    """
    torch.manual_seed(seed)
    hidden = torch.rand(400, 6, 2)
    x = (hidden @ torch.rand(2, 10)) / 2
    y = 100 * x[:, -1]
    low, high = y.amin(), y.amax()
    model = Read(nn.LSTM(10, 24, batch_first=True), nn.Linear(24, 10))
    right = explained(y)
    return Program(
        model, x, (y - low) / (high - low) if mended else y, nn.MSELoss(), adam(model, 3e-3), 40,
        300, lambda found: right(found * (high - low) + low if mended else found),
    )  # fmt: skip


class Shares(nn.Module):
    """How a portfolio's worth divides, (1, n), of how many shares of each there are."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.count = nn.Parameter(1 + 49 * torch.rand(n))

    def forward(self, x: Tensor) -> Tensor:
        worth = self.count.clamp_min(0) * x
        return worth / worth.sum(1, keepdim=True)


@case("php.bkmy88.com/faq/1710634", "step_too_small")
def portfolio_that_never_moves(seed: int, mended: bool) -> Program:
    """Counts of shares, so that their worth divides as told; the counts stay the same. Then steps
    are far larger.
    """
    torch.manual_seed(seed)
    x = 1 + 99 * torch.rand(1, 16)
    y = torch.rand(1, 16)
    y = y / y.sum()
    model = Shares(16)
    rule = adam(model, 0.3 if mended else 1e-3)
    return Program(model, x, y, nn.MSELoss(), rule, 1, 600, explained(y))


@case(
    "exchangetuts.com: Why adding one more layer to the TensorFlow simple neural net example "
    "breaks it",
    "bad_initial_scale",
    "duplicated_units",
    "dead_units",
    "saddle",
)
def one_more_layer_from_zero(seed: int, mended: bool) -> Program:
    """Digits; a layer of ReLUs is added to the tutorial's one layer, both from 0. Then from small
    random weights.
    """
    torch.manual_seed(seed)
    x, y = digits()
    model = chain([64, 100, 10], nn.ReLU)
    for p in model.parameters():
        nn.init.zeros_(p)
    if mended:
        for layer in (model[0], model[2]):
            nn.init.uniform_(layer.weight, -0.05, 0.05)  # type: ignore[arg-type]
    return Program(model, x, y, nn.CrossEntropyLoss(), sgd(model, 0.5), 100, 500, classes_right(y))


@case("keras-team/keras#13891", "dead_units")
def few_relus_before_the_end(seed: int, mended: bool) -> Program:
    """A regression that works by one layer; with a few ReLUs before it, one number comes out. Then
    tanh.
    """
    torch.manual_seed(seed)
    x = torch.randn(400, 6)
    y = 3 + x[:, :1] + 0.5 * x[:, 1:2] - x[:, 2:3] + 0.2 * torch.randn(400, 1)
    model = keras(chain([6, 3, 1], nn.Tanh if mended else nn.ReLU))
    return Program(model, x, y, nn.MSELoss(), sgd(model, 0.3), 16, 800, explained(y))
