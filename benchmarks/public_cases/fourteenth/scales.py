"""Fourteenth set, held out: scales, steps and starts. Written down, with what names each cause,
before any was run; none was diagnosed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from public_cases.data import blobs, digits, masks
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
    usual,
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


@case("zsdonghao/u-net-brain-tumor#2", "step_too_large")
def overlap_of_nothing(seed: int, mended: bool) -> Program:
    """What is ill in pictures of brains, by their overlap; after some epochs the loss is 1 for
    good. Then steps of a fraction.
    """
    x, y = masks(seed, 0.2)
    model = nn.Sequential(
        nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 12, 3, padding=1), nn.ReLU(),
        nn.Conv2d(12, 1, 3, padding=1),
    )  # fmt: skip

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        found = outputs.sigmoid()
        both = (found * targets).sum((1, 2, 3))
        return 1 - (2 * both / (found.sum((1, 2, 3)) + targets.sum((1, 2, 3)) + 1e-5)).mean()

    rule = adam(model, 1e-2 if mended else 3.0)
    return Program(model, x, y, loss, rule, 10, 200, sides_right(y, 0.0))


@case("roytseng-tw/Detectron.pytorch#29", "step_too_large")
def boxes_become_nan(seed: int, mended: bool) -> Program:
    """Boxes around things in pictures; their loss is nan after the first step. Then small steps."""
    torch.manual_seed(seed)
    low = torch.randint(0, 5, (300, 2))
    high = low + torch.randint(2, 5, (300, 2))
    at = torch.arange(8)
    inside = (at >= low[..., None]) & (at < high[..., None])
    x = (inside[:, 0, :, None] & inside[:, 1, None]).float() + 0.1 * torch.randn(300, 8, 8)
    y = torch.cat([low, high], 1).float() / 4 - 1
    model = chain([64, 64, 4], nn.ReLU)
    rule = sgd(model, 0.03 if mended else 10.0, momentum=0.9)
    return Program(model, x.flatten(1), y, nn.MSELoss(), rule, 20, 500, explained(y))


class Wave(nn.Module):
    """A layer whose activation is a sine of thirty times what it gives."""

    def __init__(self, below: int, above: int, spread: float) -> None:
        super().__init__()
        self.inner = nn.Linear(below, above)
        nn.init.uniform_(self.inner.weight, -spread, spread)

    def forward(self, x: Tensor) -> Tensor:
        return torch.sin(30 * self.inner(x))


@case("lucidrains/siren-pytorch#1", "bad_initial_scale")
def first_layer_like_the_others(seed: int, mended: bool) -> Program:
    """A picture by its coordinates, by sines; the first layer starts as narrow as the others, and
    not as wide as its own rule says. Then so.
    """
    torch.manual_seed(seed)
    grid = torch.linspace(-1, 1, 24)
    x = torch.cartesian_prod(grid, grid)
    y = (
        torch.sin(14 * x[:, :1]) * torch.cos(11 * x[:, 1:])
        + 0.5 * torch.sin(18 * x.sum(1))[:, None]
    )
    deep = math.sqrt(6 / 64) / 30
    model = nn.Sequential(
        Wave(2, 64, 0.5 if mended else math.sqrt(6 / 2) / 30 / 4), Wave(64, 64, deep),
        nn.Linear(64, 1),
    )  # fmt: skip
    return Program(model, x, y, nn.MSELoss(), adam(model, 3e-4), 576, 200, explained(y))


@case("batuhan3526/ResNet50_on_Cifar_100_Without_Transfer_Learning#1", "unscaled_inputs")
def means_divided_again(seed: int, mended: bool) -> Program:
    """Pictures that lie in 0 to 1 already, standardised by a mean and a spread that were divided by
    255. Then by those themselves.
    """
    torch.manual_seed(seed)
    x, y = digits()
    part = 1 if mended else 255
    x = (x - 0.3 / part) / (0.37 / part)
    model = nn.Sequential(
        nn.Conv2d(1, 12, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(108, 48),
        nn.ReLU(), nn.Linear(48, 10),
    )  # fmt: skip
    rule = sgd(model, 0.03, momentum=0.9)
    return Program(
        model, x.reshape(-1, 1, 8, 8), y, nn.CrossEntropyLoss(), rule, 40, 300, classes_right(y)
    )


@case("ml5js/ml5-next-gen#204", "division_by_zero", "not_finite", "inputs_not_finite")
def colour_that_never_changes(seed: int, mended: bool) -> Program:
    """Names of colours, by three numbers that are brought into 0 to 1; one never changes, and
    becomes 0 by 0. Then 0.
    """
    torch.manual_seed(seed)
    x = torch.rand(300, 3) * 255
    x[:, 2] = 0.0
    y = (x[:, 0] > 127).long() + (x[:, 1] > 127).long()
    low, wide = x.amin(0), x.amax(0) - x.amin(0)
    if mended:
        wide = torch.where(wide == 0, 1.0, wide)
    model = chain([3, 16, 3], nn.ReLU)
    return Program(
        model, (x - low) / wide, y, nn.CrossEntropyLoss(), adam(model, 1e-2), 30, 500,
        classes_right(y),
    )  # fmt: skip


@case("leonardoaraujosantos/DLMatFramework#16", "bad_initial_scale", "vanishing_gradient")
def three_layers_start_at_nothing(seed: int, mended: bool) -> Program:
    """A toy of classes by three layers of ReLUs whose weights start at a hundredth. Then by the
    count of what comes in.
    """
    x, y = blobs(seed, 3, 300)
    model = chain([4, 40, 40, 40, 3], nn.ReLU)
    for layer in model:
        if isinstance(layer, nn.Linear):
            spread = math.sqrt(2 / layer.in_features) if mended else 0.01
            nn.init.normal_(layer.weight, std=spread)
            nn.init.zeros_(layer.bias)
    return Program(model, x, y, nn.CrossEntropyLoss(), sgd(model, 0.1), 30, 300, classes_right(y))


@case("phlippe/uvadlc_notebooks#119", "vanishing_gradient", "plateau", "bad_initial_scale")
def sigmoids_without_luck(seed: int, mended: bool) -> Program:
    """Pictures by many layers of sigmoids and plain descent with momentum; gradients of early
    layers all but vanish. Then by Adam.
    """
    torch.manual_seed(seed)
    x, y = digits()
    model = chain([64, 64, 64, 48, 48, 10], nn.Sigmoid)
    rule = adam(model, 1e-2) if mended else sgd(model, 1e-2, momentum=0.9)
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 40, 1000, classes_right(y))


class Reversible(nn.Module):
    """Two halves, each moved on by what is made of the other, many times."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(64, 64)
        self.moves = nn.ModuleList([chain([32, 32, 32], nn.ReLU) for _ in range(16)])
        self.head = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.first(x).chunk(2, 1)
        for move in self.moves:
            a, b = b, a + 2 * move(b)
        return self.head(torch.cat([a, b], 1))


def clipped(program: Program) -> Iterator[Tensor]:
    """The usual loop, with gradients no longer than a quarter."""
    done = 0
    while done < program.steps:
        for rows in torch.randperm(len(program.x)).split(program.batch):
            program.optimiser.zero_grad()
            loss = program.loss(program.model(program.x[rows]), program.y[rows])
            loss.backward()
            nn.utils.clip_grad_norm_(program.model.parameters(), 0.25)
            program.optimiser.step()
            done += 1
            yield loss


@case("tbung/pytorch-revnet#1", "exploding_gradient", "step_too_large")
def reversible_halves(seed: int, mended: bool) -> Program:
    """Pictures by a network of halves that move each other on; gradients explode, and the loss is
    nan. Then they are clipped.
    """
    torch.manual_seed(seed)
    x, y = digits()
    model = Reversible()
    return Program(
        model, x, y, nn.CrossEntropyLoss(), sgd(model, 0.1, momentum=0.9), 40, 400,
        classes_right(y), clipped if mended else usual,
    )  # fmt: skip


class Ask(nn.Module):
    """The value that belongs to the key which is asked for, by attention; scores are maybe not
    divided by the root of their width.
    """

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.ask = nn.Linear(16, 256)
        self.answer = nn.Linear(16, 256)
        for layer in (self.ask, self.answer):
            nn.init.normal_(layer.weight, std=0.5)
        self.value = chain([17, 32, 1], nn.ReLU)
        self.scale = 16.0 if mended else 1.0

    def forward(self, x: Tensor) -> Tensor:
        keys, wanted = x[:, :-1], x[:, -1:, :16]
        scores = self.ask(wanted) @ self.answer(keys[..., :16]).transpose(1, 2) / self.scale
        return (scores.softmax(2) @ self.value(keys))[:, 0]


@case("delzac/cntkx#10", "saturation", "bad_initial_scale")
def scores_without_a_root(seed: int, mended: bool) -> Program:
    """A value looked up by its key among others; scores of attention are not divided by the root of
    their width, and its softmax starts saturated. Then they are.
    """
    torch.manual_seed(seed)
    keys, values = torch.randn(400, 8, 16), torch.randn(400, 8, 1)
    which = torch.randint(0, 8, (400,))
    asked = torch.cat([keys[torch.arange(400), which], torch.zeros(400, 1)], 1)[:, None]
    x = torch.cat([torch.cat([keys, values], 2), asked], 1)
    y = values[torch.arange(400), which]
    model = Ask(mended)
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-3), 40, 500, explained(y))


@case("levimcclenny/SA-PINNs#1", "unbalanced_loss_terms")
def start_that_weighs_nothing(seed: int, mended: bool) -> Program:
    """A wave by its equation and its start, which weighs 1, as the equation does; 0 is the answer.
    Then the start weighs hundreds of times as much.
    """
    torch.manual_seed(seed)
    t = torch.linspace(0, 2, 101)[:, None]
    y = torch.cos(5 * t)
    model = chain([1, 48, 48, 1], nn.Tanh)
    weight = 1000.0 if mended else 1.0

    def loss(outputs: Tensor, times: Tensor) -> Tensor:
        order = times[:, 0].argsort()
        found, step = outputs[order], 0.02
        bent = (found[2:] - 2 * found[1:-1] + found[:-2]) / step**2
        start = (found[0] - 1) ** 2 + ((found[1] - found[0]) / step) ** 2
        return (bent + 25 * found[1:-1]).pow(2).mean() + weight * start.mean()

    return Program(model, t, t, loss, adam(model, 5e-3), 101, 1500, explained(y))
