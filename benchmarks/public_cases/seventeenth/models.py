"""Seventeenth set, held out: how networks are built. Written down, with what names each cause,
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
    classes_right,
    collector,
    explained,
    sgd,
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


@case("stackoverflow 13453501", "missing_bias")
def cosine_without_a_shift(seed: int, mended: bool) -> Program:
    """The cosine from -pi to pi, scaled to 0 to 1, by ten sigmoids and one behind them, without
    biases; the sine is learnt so, and the cosine is not. Then with them.
    """
    torch.manual_seed(seed)
    x = 2 * torch.pi * torch.rand(300, 1) - torch.pi
    y = (x.cos() + 1) / 2
    model = nn.Sequential(
        nn.Linear(1, 10, bias=mended), nn.Sigmoid(), nn.Linear(10, 1, bias=mended), nn.Sigmoid()
    )
    return Program(model, x, y, nn.MSELoss(), adam(model, 3e-2), 30, 1500, explained(y))


class Borrowed(nn.Module):
    """Kinds of pictures by features of other pictures, which are not trained; their norms are, or
    keep the means and spreads of the others.
    """

    def __init__(self, others: Tensor, mended: bool) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16),
            nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
            nn.MaxPool2d(2), nn.Flatten(),
        )  # fmt: skip
        self.head = nn.Linear(256, 10)
        self.mended = mended
        with torch.no_grad():
            for _ in range(100):
                self.inner(others)
        for layer in self.inner:
            layer.requires_grad_(mended and isinstance(layer, nn.BatchNorm2d))

    def train(self, mode: bool = True) -> Borrowed:
        super().train(mode)
        if not self.mended:
            self.inner.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.inner(x))


@case("forums.fast.ai/t/55620: transfer learning", "frozen_layers", "train_eval_gap")
def norms_of_other_pictures(seed: int, mended: bool) -> Program:
    """Kinds of pictures with little contrast, by features that were made for others; with the
    features their norms are frozen. Then the norms are trained.
    """
    torch.manual_seed(seed)
    pictures, y = digits()
    others = (pictures - 0.3) / 0.37
    x = 0.1 * others + 1
    model = Borrowed(others, mended)
    rule = sgd(model, 0.01, momentum=0.9)
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 40, 150, classes_right(y))


class Tagger(nn.Module):
    """Logarithms of how likely each tag is at each step, (n, time, 5)."""

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.embed = nn.Embedding(10, 16)
        self.inner = nn.GRU(16, 32, batch_first=True)
        self.head = nn.Linear(32, 5)
        self.axis = 2 if mended else 0

    def forward(self, x: Tensor) -> Tensor:
        return F.log_softmax(self.head(self.inner(self.embed(x))[0]), self.axis)


@case("discuss.pytorch.org: implicit dimension of log_softmax in three axes", "wrong_axis")
def axis_that_was_not_told(seed: int, mended: bool) -> Program:
    """Tags of words; the logarithm of a softmax is told no axis, and of three it takes the first,
    which is the batch, and that is one sentence. Then the last.
    """
    torch.manual_seed(seed)
    x = torch.randint(0, 10, (300, 8))
    y = (x + x.roll(1, 1) * (torch.arange(8) > 0)) % 5
    model = Tagger(mended)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return F.nll_loss(outputs.flatten(0, 1), targets.flatten())

    right = classes_right(y.flatten())
    return Program(
        model, x, y, loss, adam(model, 3e-3), 1, 900, lambda found: right(found.flatten(0, 1))
    )
