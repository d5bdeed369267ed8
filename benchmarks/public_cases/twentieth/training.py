"""Twentieth set, held out: drawn with repeats. Written down, with what names each cause, before any
was run; none was diagnosed. Steps, and loops of one's own.
"""

from __future__ import annotations

from collections.abc import Iterator

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
    neighbours_right,
    sgd,
    sides_right,
    update,
    usual,
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


@case("pytorch/vision#73", "step_too_large")
def a_tenth_is_too_much(seed: int, mended: bool) -> Program:
    """Digits by convolutions and two large layers with dropout; the step is a tenth, with momentum,
    and all classes stay alike. Then a hundredth.
    """
    torch.manual_seed(seed)
    x, label = digits()
    x = ((x - x.mean()) / x.std()).view(-1, 1, 8, 8)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(), nn.Linear(128, 64), nn.ReLU(), nn.Dropout(),
        nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip
    optimiser = sgd(model, 1e-2 if mended else 1e-1, momentum=0.9, weight_decay=1e-4)
    return Program(model, x, label, nn.CrossEntropyLoss(), optimiser, 40, 600, classes_right(label))


@case("discuss.pytorch.org/t/43814/16", "dead_units", "step_too_large")
def all_of_them_negative(seed: int, mended: bool) -> Program:
    """Digits by ReLUs; the loss stays at 2.30, and nearly all weights are below 0. Then a smaller
    step.
    """
    torch.manual_seed(seed)
    x, label = digits()
    model = chain([64, 48, 48, 10], nn.ReLU)
    optimiser = adam(model, 1e-3 if mended else 0.3)
    return Program(model, x, label, nn.CrossEntropyLoss(), optimiser, 40, 600, classes_right(label))


def without_inputs(program: Program) -> Iterator[Tensor]:
    """A rule of one's own: a weight changes by its unit's delta, whatever came in along it."""
    for _ in range(program.steps):
        loss = update(program, torch.arange(len(program.x)), step=False)
        for layer in program.model.modules():
            if isinstance(layer, nn.Linear):
                assert layer.bias.grad is not None
                layer.weight.grad = layer.bias.grad[:, None].expand_as(layer.weight).clone()
        program.optimiser.step()
        yield loss


@case("stackoverflow 12558517", "fault_in_loop")
def deltas_without_inputs(seed: int, mended: bool) -> Program:
    """XOR by back-propagation of one's own; all weights of a unit change alike. Then times what
    comes in.
    """
    torch.manual_seed(seed)
    x, y = xor()
    model = chain([2, 4, 1], nn.Sigmoid, nn.Sigmoid())
    for layer in (part for part in model if isinstance(part, nn.Linear)):
        nn.init.uniform_(layer.weight, -1, 1)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return 0.5 * (outputs - targets).pow(2).sum()

    return Program(
        model, x, y, loss, sgd(model, 2.0), 4, 4000, sides_right(y, 0.5),
        usual if mended else without_inputs,
    )  # fmt: skip


@case("xiaolonw/caffe-video_triplet#8", "step_too_large")
def triplets_in_one_point(seed: int, mended: bool) -> Program:
    """Digits by the hardest triplets of a batch; the loss is the margin all the time, as all codes
    are one. Then a smaller step.
    """
    torch.manual_seed(seed)
    x, label = digits()
    model = chain([64, 64, 64, 64, 16], nn.ReLU)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        apart = torch.cdist(outputs, outputs)
        like = targets[:, None] == targets[None]
        furthest = apart.masked_fill(~like, 0.0).amax(1)
        nearest = apart.masked_fill(like, float("inf")).amin(1)
        return (0.2 + furthest - nearest).relu().mean()

    optimiser = adam(model, 1e-3 if mended else 0.1)
    return Program(model, x, label, loss, optimiser, 60, 300, neighbours_right(label))


@case("ai.stackexchange 28864", "dead_units", "step_too_large", "unscaled_inputs")
def the_sum_of_five(seed: int, mended: bool) -> Program:
    """The sum of five numbers above 0 by two ReLUs, whose weights all go below 0. Then inputs are
    standardised.
    """
    torch.manual_seed(seed)
    x = 10 * torch.rand(200, 5)
    y = x.sum(1, keepdim=True)
    model = chain([5, 2, 1], nn.ReLU)
    seen = (x - x.mean(0)) / x.std(0) if mended else x
    return Program(model, seen, y, nn.MSELoss(), sgd(model, 1e-2), 1, 2000, explained(y))


@case("BadourAlBahar/pose-with-style#23", "wrong_loss", "vanishing_gradient")
def told_by_the_background(seed: int, mended: bool) -> Program:
    """Pictures for given poses, against a judge; real ones have a background, and made ones have
    none, by which they are told. Then neither has. No kind names what gives away what is made.
    """
    torch.manual_seed(seed)
    pose = 2 * torch.rand(400, 1) - 1
    figure = torch.sin(3 * pose)
    background = torch.zeros(400, 2) if mended else 2 + torch.randn(400, 2)
    model = chain([1, 32, 32, 1], nn.Tanh)
    judge = chain([4, 64, 64, 1], lambda: nn.LeakyReLU(0.2))
    judges = adam(judge, 2e-3, betas=(0.5, 0.9))

    def judged(made: Tensor, targets: Tensor) -> Tensor:
        return judge(torch.cat([targets[:, :1], made, torch.zeros(len(made), 2)], 1))

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return F.softplus(-judged(outputs, targets)).mean()

    def in_turns(program: Program) -> Iterator[Tensor]:
        done = 0
        while done < program.steps:
            for rows in torch.randperm(400).split(program.batch):
                real = program.y[rows]
                made = program.model(program.x[rows]).detach()
                judges.zero_grad()
                wrong = F.softplus(-judge(real)).mean() + F.softplus(judged(made, real)).mean()
                wrong.backward()
                judges.step()
                done += 1
                yield update(program, rows)

    return Program(
        model, pose, torch.cat([pose, figure, background], 1), loss,
        adam(model, 1e-3, betas=(0.5, 0.9)), 100, 2000, explained(figure), in_turns,
    )  # fmt: skip


def slope(value: Tensor) -> Tensor:
    """A sigmoid's."""
    return value.sigmoid() * (1 - value.sigmoid())


def by_its_own_weight(program: Program) -> Iterator[Tensor]:
    """A rule of one's own: a weight changes by the error, the slope at the error and itself."""
    first, last = (layer for layer in program.model.modules() if isinstance(layer, nn.Linear))
    for _ in range(program.steps):
        rows = torch.randint(len(program.x), (1,))
        loss = update(program, rows, step=False)
        with torch.no_grad():
            error = program.model(program.x[rows]) - program.y[rows]
            for layer in (last, first):
                change = error * slope(error)
                below = slope(error) * layer.weight
                layer.bias.grad = change[0].clone()
                layer.weight.grad = change * layer.weight
                error = below
        program.optimiser.step()
        yield loss


@case("techfeed.net 468648", "fault_in_loop")
def weights_by_themselves(seed: int, mended: bool) -> Program:
    """Nine points of a line by three units in a row, and a rule of one's own in which the inputs do
    not occur. Then back-propagation.
    """
    torch.manual_seed(seed)
    x = torch.arange(1.0, 10)[:, None]
    y = (1.2 * x + 1) / 10
    model = chain([1, 1, 1], nn.Sigmoid, nn.Sigmoid())
    return Program(
        model, x, y, nn.MSELoss(), sgd(model, 0.5), 1, 4000, explained(y),
        usual if mended else by_its_own_weight,
    )  # fmt: skip
