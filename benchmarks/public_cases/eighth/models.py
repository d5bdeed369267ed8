"""Eighth set, held out: what models are built of. Written down, with what names each cause,
before any was run; none was diagnosed.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from public_cases.data import digits, xor
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


@case("keras-team/keras#6014, keras-team/keras#3949", "train_eval_gap", "average_lags")
def chairs_and_lamps(seed: int, mended: bool) -> Program:
    """32 pictures of chairs and 32 of lamps, a few epochs; right in training and at chance when
    evaluated, as the means of batch norm keep 0.99 of themselves; then 0.9.
    """
    torch.manual_seed(seed)
    y = (torch.arange(64) % 2).float()[:, None]
    down, along = torch.arange(16)[None, :, None], torch.arange(16)[None, None, :]
    middle = torch.randint(6, 10, (64, 1, 1))
    wide = ((along - middle).abs() < 5) & (down > 7)
    thin = ((along - middle).abs() < 2) | (((along - middle).abs() < 4) & (down < 5))
    drawn = torch.where(y[:, :, None] > 0, thin, wide).float()
    x = (6 - 0.7 * drawn + 0.2 * torch.randn(64, 16, 16))[:, None].repeat(1, 3, 1, 1)
    model = nn.Sequential(
        nn.Conv2d(3, 5, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(5, 10, 4, stride=2, padding=1),
        nn.BatchNorm2d(10, momentum=0.1 if mended else 0.01),
        nn.LeakyReLU(0.2),
        nn.Flatten(),
        nn.Linear(160, 1),
        nn.Sigmoid(),
    )
    return Program(model, x, y, nn.BCELoss(), adam(model, 5e-3), 8, 64, sides_right(y, 0.5))


class Letters(nn.Module):
    """A recurrent layer by hand, of letters; the state may go on without an activation."""

    def __init__(self, bent: bool) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.zeros(1, 32))
        self.next = nn.Linear(4 + 32, 32)
        self.head = nn.Linear(32, 2)
        self.activation = nn.Tanh() if bent else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        state = self.first.expand(len(x), -1)
        for letter in F.one_hot(x, 4).float().unbind(1):
            state = self.activation(self.next(torch.cat([letter, state], 1)))
        return self.head(state).log_softmax(1)


@case("pytorch/tutorials#3953, pytorch/tutorials#3956", "missing_nonlinearity", "linear_model")
def names_without_tanh(seed: int, mended: bool) -> Program:
    """Whether a name's last letter is its first: each state is linear in the one before it."""
    torch.manual_seed(seed)
    x = torch.randint(4, (600, 4))
    x[::2, -1] = x[::2, 0]
    y = (x[:, -1] == x[:, 0]).long()
    model = Letters(mended)
    return Program(model, x, y, nn.NLLLoss(), adam(model, 5e-3), 50, 800, classes_right(y))


@case("naoto0804/chainer-cyclegan#2", "information_normalised_away", "output_range")
def colours_normed_away(seed: int, mended: bool) -> Program:
    """Pictures of other pictures by convolutions; each one's outputs are normed in front of the
    last tanh, which leaves no picture darker than another.
    """
    torch.manual_seed(seed)
    grey, _ = digits(300)
    pictures = grey.reshape(-1, 1, 8, 8)
    light = 1.6 * torch.rand(300, 1, 1, 1) - 0.8
    x = (light + 0.2 * pictures).clamp(-1, 1)
    y = (0.15 - light - 0.2 * pictures).clamp(-0.95, 0.95)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 1, 3, padding=1),
        *([] if mended else [nn.InstanceNorm2d(1)]),
        nn.Tanh(),
    )
    return Program(model, x, y, nn.L1Loss(), adam(model, 3e-3), 30, 400, explained(y))


@case("ai.stackexchange 27010", "linear_model", "too_few_units", "missing_nonlinearity")
def exclusive_or_by_two_neurons(seed: int, mended: bool) -> Program:
    """XOR by two outputs with a softmax and nothing before them; both are always 0.5."""
    torch.manual_seed(seed)
    x, column = xor(copies=4)
    y = column[:, 0].long()
    model = chain([2, 16, 2] if mended else [2, 2], nn.Tanh)
    return Program(model, x, y, nn.CrossEntropyLoss(), sgd(model, 0.2), 4, 1500, classes_right(y))


class Pooled(nn.Module):
    """Observations of some steps are pooled by weights that come of a softmax, and read."""

    def __init__(self, over: int) -> None:
        super().__init__()
        self.weights = nn.Sequential(nn.Linear(6, 32), nn.Tanh(), nn.Linear(32, 1))
        self.read = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1))
        self.over = over

    def forward(self, x: Tensor) -> Tensor:
        return self.read((self.weights(x).softmax(self.over) * x).sum(1))


@case("catalyst-team/catalyst#285", "wrong_axis")
def weights_all_one(seed: int, mended: bool) -> Program:
    """Attention over steps: the softmax is taken along an axis of one, and each weight is 1."""
    torch.manual_seed(seed)
    x = torch.randn(500, 8, 6)
    x[:, :, 0] = 0
    marked = torch.randint(8, (500,))
    x[torch.arange(500), marked, 0] = 2
    y = x[torch.arange(500), marked, 1:2]
    model = Pooled(1 if mended else 2)
    return Program(model, x, y, nn.MSELoss(), adam(model, 5e-3), 50, 600, explained(y))
