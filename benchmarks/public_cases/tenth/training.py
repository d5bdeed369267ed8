"""Tenth set, held out: loops, optimisers and data. Written down, with what names each cause, before
any was run; none was diagnosed.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from public_cases.data import blobs, digits, masks
from public_cases.loops import scheduled
from public_cases.program import (
    Case,
    Program,
    adam,
    chain,
    classes_balanced,
    classes_right,
    collector,
    explained,
    keras,
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


@case("tensorflow/tensorflow#48308", "schedule_to_zero", "step_too_small")
def scheduler_misused(seed: int, mended: bool) -> Program:
    """After the first epoch the loss is the very same; the scheduler takes a power of the epoch."""
    flat, y = digits()
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(256, 64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip
    rule = adam(model, 1e-3)
    by = 0.95 if mended else 1e-4
    scheduler = torch.optim.lr_scheduler.LambdaLR(rule, lambda epoch: by**epoch)
    return Program(
        model, flat.reshape(-1, 1, 8, 8), y, nn.CrossEntropyLoss(), rule, 60, 400,
        classes_right(y), lambda p: scheduled(p, scheduler, by_epoch=True),
    )  # fmt: skip


@case("open-mmlab/mmsegmentation#2579", "class_imbalance")
def pictures_without_a_fault(seed: int, mended: bool) -> Program:
    """Masks of faults; most pictures have none, and none is ever found. Then without those."""
    x, y = masks(seed, 0.3, 160)
    y[20:] = 0
    x = 0.9 * y + torch.randn(160, 1, 12, 12)
    taken = slice(0, 20) if mended else slice(0, 160)
    model = nn.Sequential(
        nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 12, 3, padding=1), nn.ReLU(),
        nn.Conv2d(12, 2, 1),
    )  # fmt: skip
    labels = y[:, 0].long()
    right = classes_balanced(labels[:20])
    return Program(
        model, x[taken], labels[taken], nn.CrossEntropyLoss(), adam(model, 2e-3), 10, 300,
        lambda found: right(found[:20]),
    )  # fmt: skip


@case("keras-team/keras#255", "constant_inputs")
def whole_numbers_divided(seed: int, mended: bool) -> Program:
    """Screenshots with another player in them or without; the pixels are whole numbers, and divided
    by the largest they are 0.
    """
    torch.manual_seed(seed)
    kind = torch.arange(200) % 2
    scene = 0.3 * torch.rand(200, 12, 12)
    place = torch.randint(0, 8, (200, 2))
    line = torch.arange(12)
    inside = (line >= place[..., None]) & (line < place[..., None] + 4)
    player = (inside[:, 0, :, None] & inside[:, 1, None, :]) & (kind > 0)[:, None, None]
    pixels = (254 * (scene + 0.6 * player)).to(torch.uint8)
    x = (pixels.float() / 255 if mended else (pixels // 255).float())[:, None]
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(400, 32),
        nn.ReLU(), nn.Linear(32, 2),
    )  # fmt: skip
    rule = torch.optim.RMSprop(model.parameters(), 1e-3)
    return Program(keras(model), x, kind, nn.CrossEntropyLoss(), rule, 32, 200, classes_right(kind))


@case("deeplearning4j/deeplearning4j#1890", "division_by_zero", "not_finite")
def column_of_one_value(seed: int, mended: bool) -> Program:
    """Flowers by columns of which one has the same value everywhere; each is divided by its spread,
    and the score is nan. Then by 1 where there is none.
    """
    x, kind = blobs(seed, 3, 150)
    x = torch.cat([x, torch.full((150, 1), 0.2)], 1)
    spread = (x - x.mean(0)).pow(2).mean(0).sqrt()
    spread[4] = 1.0 if mended else 0.0
    middle = x.mean(0)
    middle[4] = 0.2
    x = (x - middle) / spread
    model = chain([5, 16, 3], nn.Tanh)
    return Program(
        model, x, kind, nn.CrossEntropyLoss(), adam(model, 1e-2), 30, 300, classes_right(kind)
    )


@case("FluxML/model-zoo#29", "optimiser_misses_parameters")
def parameters_of_a_function(seed: int, mended: bool) -> Program:
    """Digits by layers that a function applies; it has no parameters to be found."""
    flat, y = digits()
    torch.manual_seed(seed)
    model = chain([64, 32, 10], nn.ReLU)
    found = list(model.parameters()) if mended else [nn.Parameter(torch.zeros(1))]
    rule = torch.optim.Adam(found, 3e-3)
    return Program(model, flat, y, nn.CrossEntropyLoss(), rule, 50, 400, classes_right(y))


class Flow(nn.Module):
    """Where points are after a time, if a network says how fast they move."""

    def __init__(self, speed: nn.Module) -> None:
        super().__init__()
        self.speed = speed

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(5):
            x = x + 0.2 * self.speed(x)
        return x


@case("SciML/DiffEqFlux.jl#127", "optimiser_misses_parameters")
def network_before_it_was_copied(seed: int, mended: bool) -> Program:
    """An equation whose right side is a network; the equation keeps a copy of the parameters, and
    those of the network are trained.
    """
    torch.manual_seed(seed)
    x = torch.randn(200, 4)
    y = 1.5 * torch.tanh(x @ torch.randn(4, 4))
    network = chain([4, 40, 4], nn.Tanh)
    model = Flow(copy.deepcopy(network))
    rule = adam(model if mended else network, 5e-3)
    return Program(model, x, y, nn.MSELoss(), rule, 20, 500, explained(y))
