"""Twenty-second set, held out: loops, and what the steps are made with."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from public_cases.data import curve, digits, masks, rings
from public_cases.loops import gradients_kept, in_order, scheduled
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

CASES: list[Case] = []
case = collector(CASES)


@case("github.com/nothinglo/Deep-Photo-Enhancer/issues/57", "gradient_sign_flipped")
def pictures_made_unlike(seed: int, mended: bool) -> Program:
    """Dark and noisy pictures are enhanced; the loss has a minus, so that what should fall is made
    large. Then it has none.
    """
    torch.manual_seed(seed)
    y, _ = digits()
    x = 0.4 * y + 0.05 * torch.randn(600, 64)
    model = chain([64, 96, 64], nn.ReLU, nn.Sigmoid())
    sign = 1.0 if mended else -1.0

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return sign * (outputs - targets).pow(2).mean()

    right = explained(y - y.mean(0))
    return Program(
        model, x, y, loss, adam(model, 3e-3), 30, 600, lambda found: right(found - y.mean(0))
    )


def uphill(program: Program) -> Iterator[Tensor]:
    """Derivatives are written by hand, with the wrong sign."""
    for _ in range(program.steps):
        program.optimiser.zero_grad()
        loss = program.loss(program.model(program.x), program.y)
        loss.backward()
        for weight in program.model.parameters():
            if weight.grad is not None:
                weight.grad.neg_()
        program.optimiser.step()
        yield loss


@case("github.com/oxford-cs-deepnlp-2017/lectures/issues/10", "gradient_sign_flipped")
def line_with_a_minus_too_many(seed: int, mended: bool) -> Program:
    """A line through three points, with derivatives as they stand on a slide: the minus belongs to
    the other order of the difference, and the cost rises without end. Then without it.
    """
    torch.manual_seed(seed)
    x = torch.tensor([[1.0], [4.0], [7.0]])
    y = 3 * x - 2
    model = nn.Linear(1, 1)
    nn.init.constant_(model.weight, 2.0)
    nn.init.constant_(model.bias, 2.0)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs - targets).pow(2).sum()

    return Program(
        model, x, y, loss, sgd(model, 0.002), 3, 100, explained(y), usual if mended else uphill
    )


@case("github.com/xingyizhou/CenterNet/issues/928", "missing_zero_grad")
def heat_maps_with_old_gradients(seed: int, mended: bool) -> Program:
    """Where the bright parts of pictures are; gradients are never set to 0, and soon the loss is
    huge. Then after each step.
    """
    x, y = masks(seed, 0.3, 120)
    model = nn.Sequential(
        nn.Conv2d(1, 12, 5, padding=2), nn.ReLU(), nn.Conv2d(12, 12, 5, padding=2), nn.ReLU(),
        nn.Conv2d(12, 1, 1),
    )  # fmt: skip
    right = sides_right(y.flatten(), 0.0)
    return Program(
        model, x, y, nn.BCEWithLogitsLoss(), adam(model, 1e-2), 12, 300,
        lambda found: right(found.flatten()), usual if mended else gradients_kept,
    )  # fmt: skip


@case("github.com/BVLC/caffe/issues/2343", "unshuffled_data")
def one_class_behind_the_other(seed: int, mended: bool) -> Program:
    """Circles; all of one class come first, and then the other, and the loss falls and jumps in
    turns. Then they are shuffled.
    """
    x, y = rings(seed, 2000)
    order = y[:, 0].argsort()
    x, y = x[order], y[order]
    model = chain([2, 32, 32, 1], nn.ReLU)
    return Program(
        model, x, y, nn.BCEWithLogitsLoss(), sgd(model, 0.05, momentum=0.9), 10, 1000,
        sides_right(y, 0.0), usual if mended else in_order,
    )  # fmt: skip


@case("github.com/PRBonn/point-cloud-prediction/issues/8", "schedule_to_zero")
def rate_halved_each_epoch(seed: int, mended: bool) -> Program:
    """A smooth function; the rate is halved each epoch, and after ten nothing changes. Then it is
    0.99 times what it was.
    """
    x, y = curve(seed)
    model = chain([3, 48, 48, 1], nn.ReLU)
    rule = adam(model, 1e-3)
    gamma = 0.99 if mended else 0.5

    def loop(program: Program) -> Iterator[Tensor]:
        falling = torch.optim.lr_scheduler.ExponentialLR(program.optimiser, gamma)
        return scheduled(program, falling, by_epoch=True)

    return Program(model, x, y, nn.MSELoss(), rule, 20, 1500, explained(y), loop)


def clothes() -> nn.Module:
    """Two blocks of convolutions."""
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 10, 3, padding=1), nn.ReLU(),
        nn.Conv2d(10, 10, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(160, 10),
    )  # fmt: skip


@case("blog.gitcode.com/3ec123ad43da921deff784fd702ca18b.html", "optimiser_misses_parameters")
def optimiser_of_the_model_before(seed: int, mended: bool) -> Program:
    """Pictures of ten kinds; the network is made once more behind the optimiser, which has the
    first one's weights. Then before it.
    """
    torch.manual_seed(seed)
    x, y = digits()
    before, model = clothes(), clothes()
    rule = sgd(model if mended else before, 0.1)
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 32, 500, classes_right(y))
