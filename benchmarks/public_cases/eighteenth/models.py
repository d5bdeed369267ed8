"""Eighteenth set, held out: how networks are built. Written down, with what names each cause,
before any was run; none was diagnosed.
"""

from __future__ import annotations

from typing import Any

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
    sides_right,
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


class Normed(nn.Module):
    """Kinds of pictures by two hidden layers, with one norm for both or one for each."""

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(64, 48), nn.Linear(48, 48)
        self.norm = nn.BatchNorm1d(48)
        self.other = nn.BatchNorm1d(48) if mended else self.norm
        self.head = nn.Linear(48, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.one(x)).relu()
        return self.head(self.other(self.two(x)).relu())


@case("discuss.pytorch.org: can the same batch norm be used at two places", "train_eval_gap")
def one_norm_for_two_places(seed: int, mended: bool) -> Program:
    """Digits with pixels to 255; one batch norm is called behind both layers, and its means are
    those of neither. Then one for each.
    """
    torch.manual_seed(seed)
    x, y = digits()
    model = Normed(mended)
    return Program(
        model, 255 * x, y, nn.CrossEntropyLoss(), adam(model, 3e-3), 60, 400, classes_right(y)
    )


class Reader(nn.Module):
    """Whether a text is of class 1, by one layer that looks back only, told at one place."""

    def __init__(self, place: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(12, 32)
        self.inner = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
        self.head = nn.Linear(32, 1)
        self.place = place

    def forward(self, x: Tensor) -> Tensor:
        later = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
        return self.head(self.inner(self.embed(x), src_mask=later)[:, self.place])


@case(
    "discuss.pytorch.org: class token in front of a decoder-only transformer", "wrong_time_step",
    "ignored_inputs",
)  # fmt: skip
def told_before_it_is_read(seed: int, mended: bool) -> Program:
    """Whether a text has the word 3; the token of the class stands in front, and each place sees
    what is before it only. Then it is told at the end.
    """
    torch.manual_seed(seed)
    words = torch.randint(0, 11, (400, 8))
    words = torch.where(torch.rand(400, 1) < 0.4, words.where(words != 3, 4), words)
    x = torch.cat([torch.full((400, 1), 11), words], 1)
    y = (words == 3).any(1).float()[:, None]
    model = Reader(-1 if mended else 0)
    return Program(
        model, x, y, nn.BCEWithLogitsLoss(), adam(model, 3e-3), 40, 400, sides_right(y, 0.0)
    )


class Shoppers(nn.Module):
    """What the things that somebody bought say of him: one round of messages along edges. Inputs
    are numbers of people.
    """

    people: Tensor
    things: Tensor
    edges: Tensor

    def __init__(self, people: Tensor, things: Tensor, edges: Tensor, mended: bool) -> None:
        super().__init__()
        self.register_buffer("people", people)
        self.register_buffer("things", things)
        self.register_buffer("edges", edges)
        self.inner = nn.Linear(6, 32)
        self.own = nn.Linear(6, 32)
        self.head = nn.Linear(32, 1)
        self.mended = mended

    def forward(self, x: Tensor) -> Tensor:
        nodes = torch.cat([self.people, self.things])
        start, end = self.edges
        if self.mended:
            start, end = torch.cat([start, end]), torch.cat([end, start])
        got = torch.zeros(len(nodes), 32).index_add(0, end, self.inner(nodes)[start])
        many = torch.zeros(len(nodes)).index_add(0, end, torch.ones(len(end))).clamp_min(1)
        return self.head((self.own(nodes) + got / many[:, None]).relu())[x]


@case("pyg-team/pytorch_geometric: edges are given one way only", "ignored_inputs", "wrong_axis")
def messages_go_one_way(seed: int, mended: bool) -> Program:
    """Kinds of people by what they bought; edges go from people to things, so messages do, and none
    comes back. Then edges go both ways.
    """
    torch.manual_seed(seed)
    people, things = torch.randn(300, 6), torch.randn(80, 6)
    bought = torch.randint(0, 80, (300, 3))
    y = (things[bought].mean(1) @ torch.randn(6, 1) > 0).float()
    edges = torch.stack([torch.arange(300).repeat_interleave(3), 300 + bought.flatten()])
    model = Shoppers(people, things, edges, mended)
    return Program(
        model, torch.arange(300), y, nn.BCEWithLogitsLoss(), adam(model, 1e-2), 60, 400,
        sides_right(y, 0.0),
    )  # fmt: skip


class Bent(torch.autograd.Function):
    """A ReLU with a slope by hand: 0 where the gradient, and not the input, is below 0."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, mended: bool) -> Tensor:
        ctx.save_for_backward(x)
        ctx.mended = mended
        return x.clamp_min(0)

    @staticmethod
    def backward(ctx: Any, *came: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        slope = came[0].clone()
        slope[(x if ctx.mended else slope) < 0] = 0
        return slope, None


class Bend(nn.Module):
    """That ReLU as a layer."""

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.mended = mended

    def forward(self, x: Tensor) -> Tensor:
        return Bent.apply(x, self.mended)


@case(
    "discuss.pytorch.org: own autograd function, the network does not train", "fault_in_model",
    "wrong_gradient",
)  # fmt: skip
def slope_of_the_wrong_thing(seed: int, mended: bool) -> Program:
    """Digits by ReLUs of one's own, in whose backward pass the gradient's sign stands for that of
    the input. Then the input's. No kind names a wrong gradient.
    """
    torch.manual_seed(seed)
    x, y = digits()
    model = chain([64, 32, 32, 10], lambda: Bend(mended))
    return Program(model, x, y, nn.CrossEntropyLoss(), adam(model, 3e-3), 60, 500, classes_right(y))


class Curve(nn.Module):
    """1 at 0 by its form, and how fast it grows, by a small difference: (n, 2)."""

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.one = nn.Linear(1, 32, bias=mended)
        self.two = nn.Linear(32, 1, bias=mended)
        if not mended:
            nn.init.ones_(self.one.weight)
            nn.init.ones_(self.two.weight)

    def forward(self, x: Tensor) -> Tensor:
        def at(t: Tensor) -> Tensor:
            return 1 + t * self.two(self.one(t).tanh())

        little = 0.0035
        return torch.cat([at(x), (at(x + little) - at(x)) / little], 1)


@case(
    "discuss.pytorch.org: Solving an ODE using PyTorch (copy in huggingface.co/datasets/nvidia/"
    "Nemotron-CC-Math-v1)", "duplicated_units", "missing_bias",
)  # fmt: skip
def equation_from_ones(seed: int, mended: bool) -> Program:
    """u' is a cosine of one period, u is 1 at the start; 32 units whose weights all start at 1, and
    no biases. Then random ones and biases.
    """
    torch.manual_seed(seed)
    x = torch.linspace(0, 1, 100)[:, None]
    y = (2 * torch.pi * x).cos()
    model = Curve(mended)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs[:, 1:] - targets).pow(2).mean()

    right = explained(1 + (2 * torch.pi * x).sin() / (2 * torch.pi))
    return Program(
        model, x, y, loss, adam(model, 1e-2), 100, 2000, lambda found: right(found[:, 0])
    )


@case(
    "stackoverflow: PINN, autograd.grad without create_graph, only the boundary is learnt",
    "detached_loss", "graph_cut",
)  # fmt: skip
def derivative_without_its_graph(seed: int, mended: bool) -> Program:
    """u' = 2 cos 2t and u = 0 at the start; the derivative is taken without its graph, no gradient
    comes of the equation, and the start alone is learnt. Then with it.
    """
    torch.manual_seed(seed)
    x = torch.linspace(0, 3, 120)[:, None]
    model = chain([1, 32, 32, 1], nn.Tanh)

    def loss(_: Tensor, points: Tensor) -> Tensor:
        t = points.clone().requires_grad_(True)
        (slope,) = torch.autograd.grad(model(t).sum(), t, create_graph=mended)
        start = model(torch.zeros(1, 1)).pow(2).mean()
        return (slope - 2 * (2 * points).cos()).pow(2).mean() + start

    return Program(model, x, x, loss, adam(model, 5e-3), 40, 1000, explained((2 * x).sin()))
