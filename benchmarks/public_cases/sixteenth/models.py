"""Sixteenth set, held out: how networks are built. Written down, with what names each cause, before
any was run; none was diagnosed.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from public_cases.program import (
    Case,
    Program,
    adam,
    chain,
    collector,
    explained,
    sides_right,
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


@case("zamanzadeh/CARLA#16", "wrong_axis")
def windows_viewed_not_transposed(seed: int, mended: bool) -> Program:
    """Windows of four series, of which two may follow each other, by convolutions along time; time
    and series change places by a view, which mixes them. Then by a transposition.
    """
    torch.manual_seed(seed)
    x = torch.randn(3000, 24, 4)
    one, two = x[:, 3:, 0], x[:, :-3, 1]
    y = 2 * ((one + two).abs() - (one - two).abs()).mean(1, keepdim=True)
    model = nn.Sequential(
        nn.Conv1d(4, 32, 5), nn.ReLU(), nn.Conv1d(32, 16, 1), nn.ReLU(),
        nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(16, 1),
    )  # fmt: skip
    shown = x.transpose(1, 2).contiguous() if mended else x.view(3000, 4, 24)
    return Program(model, shown, y, nn.MSELoss(), adam(model, 5e-3), 100, 300, explained(y))


class Order(nn.Module):
    """Which of two things comes first, by a layer of a transformer; time is the first axis inside.
    Places are counted along it, or along the batch.
    """

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.embed = nn.Embedding(6, 32)
        steps = torch.arange(512)[:, None] / 10000 ** (torch.arange(0, 32, 2) / 32)
        places = torch.cat([steps.sin(), steps.cos()], 1)
        self.register_buffer("places", places[:, None] if mended else places[None])
        self.inner = nn.TransformerEncoderLayer(32, 4, 64, 0.0)
        self.head = nn.Linear(32, 1)
        self.mended = mended

    def forward(self, x: Tensor) -> Tensor:
        z = self.embed(x).transpose(0, 1)
        places = self.get_buffer("places")
        z = z + (places[: len(z)] if self.mended else places[:, : z.shape[1]])
        return self.head(self.inner(z).mean(0))


@case("NeuracoreAI/neuracore#154", "missing_positions", "wrong_axis")
def places_along_the_batch(seed: int, mended: bool) -> Program:
    """Which of two movements comes first; places are laid along the batch instead of along time,
    and all steps of a series get the same. Then along time.
    """
    torch.manual_seed(seed)
    x = torch.randint(2, 6, (400, 8))
    at = torch.rand(400, 8).argsort(1)[:, :2]
    x[torch.arange(400), at[:, 0]] = 0
    x[torch.arange(400), at[:, 1]] = 1
    y = (at[:, :1] < at[:, 1:]).float()
    model = Order(mended)
    return Program(
        model, x, y, nn.BCEWithLogitsLoss(), adam(model, 3e-3), 40, 400, sides_right(y, 0.0)
    )


class Larger(nn.Module):
    """Small pictures made twice as large; blocks lie in lists, which may be those that register
    what is in them.
    """

    def __init__(self, mended: bool) -> None:
        super().__init__()
        inner = [nn.Conv2d(below, 8, 3, padding=1) for below in (1, 8, 8)]
        up = [nn.Conv2d(8, 8, 3, padding=1)]
        self.inner = nn.ModuleList(inner) if mended else inner
        self.up = nn.ModuleList(up) if mended else up
        self.last = nn.Conv2d(2, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.inner:
            x = layer(x).relu()
        for layer in self.up:
            x = F.pixel_shuffle(layer(x), 2).relu()
        return self.last(x)


@case("bguisard/SuperResolution#2", "optimiser_misses_parameters")
def larger_by_unknown_blocks(seed: int, mended: bool) -> Program:
    """Pictures made twice as large; blocks are in lists of Python, the network does not know their
    parameters, and the loss does not fall. Then in lists that register them.
    """
    torch.manual_seed(seed)
    y = torch.randn(120, 1, 4, 4).repeat_interleave(4, 2).repeat_interleave(4, 3)
    y = (y + y.roll(1, 2) + y.roll(1, 3)) / 2
    x = F.avg_pool2d(y, 2)
    model = Larger(mended)
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-2), 20, 300, explained(y))


class Reviews(nn.Module):
    """Whether a review is kind, by an LSTM; word 0 is none. It is read at the end of all places, or
    of the words.
    """

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.embed = nn.Embedding(30, 16, padding_idx=0)
        self.inner = nn.LSTM(16, 32, batch_first=True)
        self.head = nn.Linear(32, 1)
        self.mended = mended

    def forward(self, x: Tensor) -> Tensor:
        states = self.inner(self.embed(x))[0]
        last = (x != 0).sum(1) - 1 if self.mended else torch.full((len(x),), x.shape[1] - 1)
        return self.head(states[torch.arange(len(x)), last])


@case(
    "seungminnam.github.io/DL-Projects: LSTM sentiment", "wrong_time_step", "vanishing_gradient",
    "read_behind_the_padding",
)  # fmt: skip
def read_behind_the_padding(seed: int, mended: bool) -> Program:
    """Reviews of a few words, filled up with nothing; the LSTM is read after all that. Then after
    the last word.
    """
    torch.manual_seed(seed)
    long = torch.randint(4, 12, (400, 1))
    x = torch.randint(1, 30, (400, 80)) * (torch.arange(80) < long)
    kind = ((x >= 1) & (x < 8)).sum(1) > ((x >= 22) & (x < 29)).sum(1)
    y = kind.float()[:, None]
    model = Reviews(mended)
    return Program(
        model, x, y, nn.BCEWithLogitsLoss(), adam(model, 5e-3), 40, 200, sides_right(y, 0.0)
    )


class Heat(nn.Module):
    """A temperature of place and time with its slope in time and its bend in place, (n, 3)."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        with torch.enable_grad():
            at = x.detach().requires_grad_()
            u = self.inner(at)
            slope = torch.autograd.grad(u.sum(), at, create_graph=True)[0]
            bend = torch.autograd.grad(slope[:, 0].sum(), at, create_graph=True)[0]
        return torch.cat([u, slope[:, 1:], bend[:, :1]], 1)


@case("scicomp.stackexchange 42791", "no_second_derivative")
def heat_by_relus(seed: int, mended: bool) -> Program:
    """How heat spreads, by its equation, its start and its edge, by many ReLUs; the loss falls, and
    what comes out makes no sense. Then by tanh.
    """
    torch.manual_seed(seed)
    place, time = torch.meshgrid(torch.linspace(0, 1, 13), torch.linspace(0, 1, 13), indexing="ij")
    x = torch.stack([place.flatten(), time.flatten()], 1)
    truth = torch.sin(torch.pi * x[:, :1]) * torch.exp(-3 * x[:, 1:])
    known = ((x[:, :1] == 0) | (x[:, :1] == 1) | (x[:, 1:] == 0)).float()
    y = torch.cat([known, known * truth], 1)
    model = Heat(chain([2, 24, 24, 24, 1], nn.Tanh if mended else nn.ReLU))

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        known, value = targets.unbind(1)
        inside = (outputs[:, 1] - 3 / torch.pi**2 * outputs[:, 2]).pow(2).mean()
        return inside + 10 * (known * (outputs[:, 0] - value).pow(2)).mean()

    right = explained(truth)
    return Program(model, x, y, loss, adam(model, 1e-2), 169, 600, lambda f: right(f[:, :1]))
