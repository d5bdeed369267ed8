"""Thirteenth set, held out: scales, steps and starts. Written down, with what names each cause,
before any was run; none was diagnosed.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from public_cases.data import digits, masks, one_hot
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
    sides_right,
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


class Factors(nn.Module):
    """Two factors, linear in the number."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.tensor(0.5))
        self.b = nn.Parameter(torch.tensor(0.5))
        self.c = nn.Parameter(torch.tensor(0.5))
        self.d = nn.Parameter(torch.tensor(0.5))

    def forward(self, x: Tensor) -> Tensor:
        return (self.a * x + self.b) * (self.c * x + self.d)


@case(
    "exchangetuts.com: When using tensorflow to solve algebra, all variables became nan after "
    "training",
    "step_too_large",
)
def two_factors_of_a_square(seed: int, mended: bool) -> Program:
    """2 x^2 + 3 x + 4 by two linear factors, at 1 to 4; all becomes nan. Then steps of a hundredth
    of that.
    """
    torch.manual_seed(seed)
    x = torch.arange(1.0, 5)[:, None]
    y = 2 * x**2 + 3 * x + 4
    model = Factors()

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs - targets).pow(2).sum()

    rule = sgd(model, 1e-4 if mended else 1e-2)
    return Program(model, x, y, loss, rule, 4, 1000, explained(y))


@case("stats.stackexchange 284189", "unscaled_inputs", "target_scale", "step_too_large")
def one_column_by_another(seed: int, mended: bool) -> Program:
    """One column of a table linearly by another, both as they are; the loss is nan. Then both are
    standardised.
    """
    torch.manual_seed(seed)
    x = 60 + 25 * torch.randn(200, 1)
    y = 3 * x + 40 + 15 * torch.randn(200, 1)
    model = keras(nn.Linear(1, 1))
    middle, spread = float(y.mean()), float(y.std())
    right = explained(y, spread, middle) if mended else explained(y)
    return Program(
        model, (x - x.mean()) / x.std() if mended else x, (y - middle) / spread if mended else y,
        nn.MSELoss(), sgd(model, 0.01), 1, 800, right,
    )  # fmt: skip


@case("whosebug.com/question/6577251", "step_too_large")
def six_instead_of_five(seed: int, mended: bool) -> Program:
    """4 x + 2, at 0 to 6; with one point less it works, and with this one all is nan. Then steps of
    a tenth.
    """
    torch.manual_seed(seed)
    x = torch.arange(7.0)[:, None]
    y = 4 * x + 2
    model = keras(nn.Linear(1, 1))
    rule = sgd(model, 0.01 if mended else 0.1)
    return Program(model, x, y, nn.MSELoss(), rule, 7, 1000, explained(y))


@case("BrainJS/brain.js#278", "unscaled_inputs", "saturation")
def numbers_as_they_are(seed: int, mended: bool) -> Program:
    """A network of sigmoids of large numbers. Then each is divided by the greatest."""
    torch.manual_seed(seed)
    x = 5000 * torch.rand(300, 4)
    part = x / 5000
    y = (part[:, :1] * part[:, 1:2] + 0.3 * torch.sin(6 * part[:, 2:3]) + 0.3) / 1.6
    model = chain([4, 12, 1], nn.Sigmoid, nn.Sigmoid())
    return Program(
        model, part if mended else x, y, nn.MSELoss(), adam(model, 2e-2), 30, 1500, explained(y)
    )


@case("Shubble-LLC/shubble#353", "unscaled_inputs")
def where_the_bus_is(seed: int, mended: bool) -> Program:
    """How fast a bus goes next, of latitude, longitude and speed, by an LSTM; the places differ by
    thousandths and lie far from 0. Then all are standardised.
    """
    torch.manual_seed(seed)
    turn = torch.rand(300, 1) * 6.28 + 0.35 * torch.arange(9)
    place = torch.stack([42.73 + 0.004 * turn.sin(), -73.68 + 0.004 * turn.cos()], 2)
    speed = 9 + 5 * torch.sin(2 * turn) + 12 * torch.randn(300, 9)
    x = torch.cat([place, speed[..., None]], 2)
    y = torch.sin(2 * (turn[:, -1:] + 0.35)) + 0.1 * torch.randn(300, 1)
    scaled = (x - x.mean((0, 1))) / x.std((0, 1))
    model = Read(nn.LSTM(3, 24, batch_first=True), nn.Linear(24, 1))
    return Program(
        model, scaled if mended else x, y, nn.MSELoss(), adam(model, 5e-3), 30, 300, explained(y)
    )


@case("imatge-upc/salgan#9", "step_too_large")
def where_people_look(seed: int, mended: bool) -> Program:
    """Where in pictures people look, by convolutions, against masks; after some epochs all is nan.
    Then smaller steps.
    """
    x, y = masks(seed, 0.3)
    model = nn.Sequential(
        nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 12, 3, padding=1), nn.ReLU(),
        nn.Conv2d(12, 1, 3, padding=1),
    )  # fmt: skip
    rule = sgd(model, 0.1 if mended else 30.0, momentum=0.9)
    return Program(model, x, y, nn.BCEWithLogitsLoss(), rule, 10, 150, sides_right(y, 0.0))


@case("wagenaartje/neataptic#27", "bad_initial_scale", "saturation")
def digits_from_far_away(seed: int, mended: bool) -> Program:
    """Digits by a perceptron of sigmoids; weights start far too large. Then small."""
    torch.manual_seed(seed)
    x, y = digits()
    model = keras(chain([64, 20, 10], nn.Sigmoid, nn.Sigmoid()), 0.3 if mended else 20.0)
    rule = sgd(model, 1.0)
    return Program(model, x, one_hot(y), nn.MSELoss(), rule, 10, 2000, classes_right(y))


class Words(nn.Module):
    """Scores of the next word, (n, words, places)."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(200, 24)
        self.inner = nn.LSTM(24, 32, batch_first=True)
        self.head = nn.Linear(32, 200)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.inner(self.embed(x))[0]).transpose(1, 2)


@case("deeplearningathome/pytorch-language-model#1", "over_regularised")
def decayed_language_model(seed: int, mended: bool) -> Program:
    """The next word by an LSTM and Adam, with a weight decay that is too much. Then none."""
    torch.manual_seed(seed)
    after = torch.randperm(200)
    rows = [torch.randint(0, 200, (300,))]
    for _ in range(10):
        drawn = torch.rand(300) < 0.25
        rows.append(torch.where(drawn, torch.randint(0, 200, (300,)), after[rows[-1]]))
    text = torch.stack(rows, 1)
    model = Words()
    rule = adam(model, 5e-3, weight_decay=0.0 if mended else 1e-2)
    right = classes_right(text[:, 1:].reshape(-1))
    return Program(
        model, text[:, :-1], text[:, 1:], nn.CrossEntropyLoss(), rule, 20, 600,
        lambda found: right(found.transpose(1, 2).reshape(-1, 200)),
    )  # fmt: skip
