"""Twentieth set, held out: drawn with repeats. Written down, with what names each cause, before any
was run; none was diagnosed. Networks.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from public_cases.data import curve, digits
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

CASES: list[Case] = []
case = collector(CASES)


class Attending(nn.Module):
    """A layer of a graph: each node takes the mean of its neighbours, weighed by attention."""

    def __init__(self, below: int, above: int, near: float | None) -> None:
        super().__init__()
        self.inner = nn.Linear(below, above, bias=False)
        self.one = nn.Linear(above, 1, bias=False)
        self.other = nn.Linear(above, 1, bias=False)
        self.bias = nn.Parameter(torch.zeros(above))
        self.near = near

    def forward(self, z: Tensor, places: Tensor) -> Tensor:
        z = self.inner(z)
        weigh = nn.functional.leaky_relu(self.one(z) + self.other(z).T, 0.2)
        if self.near is not None:
            far = (places[:, None] - places[None]).norm(dim=2) > self.near
            weigh = weigh.masked_fill(far, float("-inf"))
        return weigh.softmax(1) @ z + self.bias


class Graph(nn.Module):
    """Three such layers over points in the plane; with `near` only close ones are neighbours."""

    def __init__(self, near: float | None) -> None:
        super().__init__()
        self.one = Attending(2, 16, near)
        self.two = Attending(16, 16, near)
        self.three = Attending(16, 16, near)
        self.last = nn.Linear(16, 1)

    def forward(self, x: Tensor) -> Tensor:
        z = self.one(x, x).relu()
        z = self.two(z, x).relu()
        return self.last(self.three(z, x))


@case("FluxML/GeometricFlux.jl#154", "constant_output", "ignored_inputs")
def everybody_is_a_neighbour(seed: int, mended: bool) -> Program:
    """Which points in the plane are near its middle, by attention over a complete graph: all get
    the same. Then over close points. No kind names a graph with too many edges.
    """
    torch.manual_seed(seed)
    x = torch.rand(150, 2)
    y = ((x - 0.5).norm(dim=1) < 0.4).float()[:, None]
    model = Graph(0.12 if mended else None)
    return Program(
        model, x, y, nn.BCEWithLogitsLoss(), adam(model, 1e-2), 150, 600, sides_right(y, 0.0)
    )


class Deep(nn.Module):
    """Eleven layers of one width, with a way around each or not."""

    def __init__(self, skips: bool) -> None:
        super().__init__()
        self.first = nn.Linear(3, 32)
        self.middle = nn.ModuleList(nn.Linear(32, 32) for _ in range(10))
        self.last = nn.Linear(32, 1)
        self.skips = skips

    def forward(self, x: Tensor) -> Tensor:
        z = self.first(x).relu()
        for layer in self.middle:
            z = z + layer(z).relu() if self.skips else layer(z).relu()
        return self.last(z)


@case("discuss.pytorch.org/t/163725", "vanishing_gradient", "bad_initial_scale")
def eleven_layers(seed: int, mended: bool) -> Program:
    """A smooth function by eleven layers and plain descent. Then there is a way around each."""
    x, y = curve(seed)
    model = Deep(mended)
    return Program(model, x, y, nn.MSELoss(), sgd(model, 1e-2), 20, 1500, explained(y))


@case("pullrequest.ru/11818227", "duplicated_units", "bad_initial_scale", "hidden_softmax")
def all_zeros(seed: int, mended: bool) -> Program:
    """Digits by ten hidden units behind a softmax; all starts at 0. Then at random, and with
    sigmoids.
    """
    torch.manual_seed(seed)
    x, label = digits()
    model = chain([64, 10, 10], nn.Sigmoid if mended else lambda: nn.Softmax(1))
    for weights in model.parameters():
        if mended:
            nn.init.trunc_normal_(weights, std=0.1, a=-0.2, b=0.2)
        else:
            nn.init.zeros_(weights)
    return Program(
        model, x, label, nn.CrossEntropyLoss(), sgd(model, 0.5), 100, 1000, classes_right(label)
    )


@case("discourse.julialang.org/t/30138", "missing_nonlinearity", "linear_model")
def squares_by_two_lines(seed: int, mended: bool) -> Program:
    """Squares of numbers by two layers without an activation. Then with one."""
    torch.manual_seed(seed)
    x = 20 * torch.rand(200, 1) - 10
    y = x**2
    model = chain([1, 20, 1], nn.ReLU if mended else None)
    return Program(model, x, y, nn.MSELoss(), adam(model, 3e-2), 20, 1000, explained(y))


class Listed(nn.Module):
    """Layers in a list, of Python's or of PyTorch's."""

    def __init__(self, layers: int, known: bool) -> None:
        super().__init__()
        self.layer = nn.Linear(64, 16)
        rest = [nn.Linear(16, 16) for _ in range(layers)] + [nn.Linear(16, 10)]
        self.rest = nn.ModuleList(rest) if known else rest

    def forward(self, x: Tensor) -> Tensor:
        z = self.layer(x)
        for layer in self.rest:
            z = layer(z.relu())
        return z


@case("pytorch/pytorch#666", "optimiser_misses_parameters", "frozen_layers")
def layers_in_a_plain_list(seed: int, mended: bool) -> Program:
    """Digits by layers in a list, which the model does not know of. Then in a `ModuleList`."""
    torch.manual_seed(seed)
    x, label = digits()
    model = Listed(4, mended)
    return Program(
        model, x, label, nn.CrossEntropyLoss(), adam(model, 1e-3), 40, 800, classes_right(label)
    )
