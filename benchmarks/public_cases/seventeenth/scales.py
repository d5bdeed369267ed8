"""Seventeenth set, held out: scales, steps and starts. Written down, with what names each cause,
before any was run; none was diagnosed.
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
    classes_right,
    collector,
    explained,
    sgd,
    sides_right,
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


@case(
    "datascience.stackexchange 29776", "shifted_initialisation", "bad_initial_scale", "saturation"
)
def threes_from_a_ramp(seed: int, mended: bool) -> Program:
    """Threes and fives by a logistic regression, one picture a step; weights start as a ramp from 0
    to 1, and all are threes. Then at random and small.
    """
    torch.manual_seed(seed)
    pictures, kind = digits(1500)
    chosen = (kind == 3) | (kind == 5)
    x, y = pictures[chosen], (kind[chosen] == 3).float()[:, None]
    model = nn.Sequential(nn.Linear(64, 1), nn.Sigmoid())
    layer = model[0]
    assert isinstance(layer, nn.Linear)
    with torch.no_grad():
        layer.weight.copy_(0.01 * torch.randn(1, 64) if mended else torch.linspace(0, 1, 64)[None])
    return Program(model, x, y, nn.BCELoss(), sgd(model, 1e-3), 1, 400, sides_right(y, 0.5))


@case("stats.stackexchange 161189", "too_few_units", "unscaled_inputs", "number_not_in_digits")
def even_or_odd_by_the_number_itself(seed: int, mended: bool) -> Program:
    """Whether a number to 100 is even, of the number itself, by nine hidden units. Then of its
    binary digits. No kind names inputs that hide what is asked.
    """
    torch.manual_seed(seed)
    number = torch.arange(1, 101)
    y = (number % 2 == 0).float()[:, None]
    bits = (number[:, None] // 2 ** torch.arange(7) % 2).float()
    x = bits if mended else number[:, None] / 100
    model = chain([x.shape[1], 9, 1], nn.Tanh)
    return Program(
        model, x, y, nn.BCEWithLogitsLoss(), adam(model, 1e-2), 20, 1500, sides_right(y, 0.0)
    )


@case("datascience.stackexchange 45900", "constant_inputs")
def each_number_by_its_own_size(seed: int, mended: bool) -> Program:
    """A curve over one column; each row is divided by its size, and every number is 1. Then the
    column is standardised.
    """
    torch.manual_seed(seed)
    raw = 1 + 99 * torch.rand(300, 1)
    y = torch.sin(raw / 15) + raw / 50
    x = (raw - raw.mean()) / raw.std() if mended else F.normalize(raw, dim=1)
    model = chain([1, 32, 32, 1], nn.Tanh)
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-2), 30, 800, explained(y))


class Cells(nn.Module):
    """Kinds of texts by two layers of LSTM cells, within which a ReLU stands for both tanh, or
    not.
    """

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.embed = nn.Embedding(20, 16)
        self.gates = nn.ModuleList([nn.Linear(16 + 100, 400), nn.Linear(100 + 10, 40)])
        self.head = nn.Linear(10, 2)
        self.bend = torch.tanh if mended else torch.relu
        for layer in self.gates:
            assert isinstance(layer, nn.Linear)
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        steps = self.embed(x).unbind(1)
        for gates, width in zip(self.gates, (100, 10), strict=True):
            state = cell = steps[0].new_zeros(len(x), width)
            found = []
            for step in steps:
                new, let, keep, show = gates(torch.cat([step, state], 1)).chunk(4, 1)
                cell = (keep + 1).sigmoid() * cell + let.sigmoid() * self.bend(new)
                state = show.sigmoid() * self.bend(cell)
                found.append(state)
            steps = tuple(found)
        return self.head(steps[-1])


@case("stackoverflow 55322991", "exploding_gradient", "overflow", "not_finite")
def relus_within_the_cells(seed: int, mended: bool) -> Program:
    """Kinds of texts by two layers of an LSTM; with a ReLU within its cells states grow from step
    to step, and the loss is nan. Then tanh.
    """
    torch.manual_seed(seed)
    x = torch.randint(0, 20, (200, 40))
    y = ((x < 10).sum(1) > 20).long()
    model = Cells(mended)
    return Program(model, x, y, nn.CrossEntropyLoss(), adam(model, 1e-2), 50, 80, classes_right(y))


class Series(nn.Module):
    """What follows three numbers, which are one step, by an LSTM of three units."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.LSTM(3, 3, batch_first=True)
        self.head = nn.Linear(3, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.inner(x[:, None])[0][:, -1])


@case("discuss.pytorch.org/t/98896", "step_too_small", "too_few_updates")
def nearly_a_straight_line(seed: int, mended: bool) -> Program:
    """The next number of a series, of three before it, by three units of an LSTM; ten epochs at
    0.0003 leave all but a straight line. Then a rate a hundred times as large.
    """
    torch.manual_seed(seed)
    series = torch.sin(0.2 * torch.arange(903.0)) + 0.1 * torch.randn(903)
    x = series.unfold(0, 3, 1)[:900]
    y = series[3:, None]
    model = Series()
    rule = adam(model, 3e-2 if mended else 3e-4)
    return Program(model, x, y, nn.MSELoss(), rule, 64, 150, explained(y))


@case("techfeed.net/436239", "too_few_updates")
def a_single_step_of_descent(seed: int, mended: bool) -> Program:
    """Two kinds of pictures by ten hidden sigmoids; fitting makes one step of descent and ends.
    Then many.
    """
    torch.manual_seed(seed)
    pictures, kind = digits(1000)
    chosen = (kind == 1) | (kind == 7)
    x, y = pictures[chosen], (kind[chosen] == 1).float()[:, None]
    x = (x - x.mean(1, keepdim=True)) / x.std(1, keepdim=True)
    model = chain([64, 10, 1], nn.Sigmoid, nn.Sigmoid())
    return Program(
        model, x, y, nn.BCELoss(), sgd(model, 0.1), len(x), 600 if mended else 1,
        sides_right(y, 0.5),
    )  # fmt: skip
