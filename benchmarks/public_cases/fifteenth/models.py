"""Fifteenth set, held out: how networks are built. Written down, with what names each cause, before
any was run; none was diagnosed.
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
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


@case("somepago/saint#23", "missing_nonlinearity")
def layers_stacked_without_bends(seed: int, mended: bool) -> Program:
    """A column of a table by the others; layers follow each other with nothing between. Then with
    activations.
    """
    torch.manual_seed(seed)
    x = torch.randn(400, 6)
    y = x[:, :1] * x[:, 1:2] + x[:, 2:3].abs() - 0.8
    model = chain([6, 64, 64, 1], nn.ReLU if mended else None)
    return Program(model, x, y, nn.MSELoss(), adam(model, 3e-3), 40, 600, explained(y))


class Steps(nn.Module):
    """A number of a series of two features, by a layer of a transformer of width 2."""

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.inner = nn.TransformerEncoderLayer(2, 2, 64, 0.0, batch_first=True, norm_first=mended)
        self.head = nn.Linear(2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.inner(x).mean(1))


@case("coloradmin.cn/o/370488.html", "one_feature_norm", "two_features_normalised")
def two_features_normalised(seed: int, mended: bool) -> Program:
    """Series of two features; a transformer normalises each step over them, and what comes out is 1
    and -1. Then it normalises inside and not behind. No kind names a norm of two.
    """
    torch.manual_seed(seed)
    x = torch.randn(400, 8, 2) + 0.7 * torch.randn(400, 1, 2)
    y = x.sum(2).mean(1, keepdim=True) + 0.3 * x[..., 0].abs().mean(1, keepdim=True)
    model = Steps(mended)
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-2), 40, 600, explained(y))


class Heads(nn.Module):
    """A number of a series, by attention of several heads, read at its end; what belongs to a head
    is maybe not moved but viewed.
    """

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.embed = nn.Linear(2, 16)
        self.places = nn.Parameter(torch.randn(12, 16))
        self.all = nn.ModuleList([nn.Linear(16, 16) for _ in range(3)])
        self.head = chain([16, 32, 1], nn.ReLU)
        self.mended = mended

    def forward(self, x: Tensor) -> Tensor:
        z = self.embed(x) + self.places
        n, time = z.shape[:2]
        if self.mended:
            parts = [one(z).view(n, time, 4, 4).transpose(1, 2) for one in self.all]
        else:
            parts = [one(z).view(n, 4, time, 4) for one in self.all]
        found = F.scaled_dot_product_attention(*parts)
        if self.mended:
            found = found.transpose(1, 2)
        return self.head(found.reshape(n, time, 16)[:, -1])


@case("zhouhaoyi/Informer2020#59", "wrong_axis")
def heads_viewed_not_moved(seed: int, mended: bool) -> Program:
    """What follows of the start of a series, by attention; heads and steps are swapped by a view,
    and each head sees a few steps. Then by a transposition.
    """
    torch.manual_seed(seed)
    x = torch.randn(1500, 12, 2)
    y = torch.sin(1.5 * x[:, 0, :1]) + x[:, 3, 1:]
    model = Heads(mended)
    return Program(model, x, y, nn.MSELoss(), adam(model, 3e-3), 60, 500, explained(y))


class Letters(nn.Module):
    """Letters of a strip, step by step, read from both sides; what was read backwards is maybe not
    turned round again.
    """

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.there = nn.GRU(6, 32, batch_first=True)
        self.back = nn.GRU(6, 32, batch_first=True)
        self.head = chain([64, 48, 6], nn.ReLU)
        self.mended = mended

    def forward(self, x: Tensor) -> Tensor:
        back = self.back(x.flip(1))[0]
        if self.mended:
            back = back.flip(1)
        return self.head(torch.cat([self.there(x)[0], back], 2))


@case("sbillburg/CRNN-with-STN#12", "wrong_time_step", "steps_not_turned_back")
def backwards_not_turned_round(seed: int, mended: bool) -> Program:
    """Letters that depend on the strip's next step; what was read backwards stays in that order.
    Then it is turned round.
    """
    torch.manual_seed(seed)
    marks = torch.randint(0, 6, (300, 16))
    y = (marks + torch.cat([marks[:, 1:], marks[:, :1] * 0], 1)) % 6
    model = Letters(mended)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(outputs.flatten(0, 1), targets.flatten())

    right = classes_right(y.flatten())
    return Program(
        model, F.one_hot(marks, 6).float(), y, loss, adam(model, 5e-3), 30, 300,
        lambda found: right(found.flatten(0, 1)),
    )  # fmt: skip


class Block(nn.Module):
    """What two layers make of what comes in, and maybe that too."""

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.inner = chain([32, 32, 32], nn.ReLU)
        self.mended = mended

    def forward(self, x: Tensor) -> Tensor:
        out = self.inner(x)
        return x + out if self.mended else out


@case("znxlwm/UGATIT-pytorch#32", "vanishing_gradient", "no_way_past")
def blocks_without_a_way_past(seed: int, mended: bool) -> Program:
    """Digits, by many blocks, from which what comes in is left out. Then it is added."""
    torch.manual_seed(seed)
    x, y = digits()
    blocks = [Block(mended) for _ in range(10)]
    model = nn.Sequential(nn.Linear(64, 32), *blocks, nn.Linear(32, 10))
    rule = sgd(model, 0.03, momentum=0.9)
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 40, 300, classes_right(y))
