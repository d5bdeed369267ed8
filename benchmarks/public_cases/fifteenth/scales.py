"""Fifteenth set, held out: scales, steps and starts. Written down, with what names each cause,
before any was run; none was diagnosed.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from public_cases.data import digits, masks
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
    update,
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


@case("philipperemy/keras-tcn#27", "unscaled_inputs")
def pixels_one_by_one(seed: int, mended: bool) -> Program:
    """Digits, pixel after pixel, by dilated convolutions; pixels lie in 0 to 255. Then in 0 to 1,
    around 0.
    """
    torch.manual_seed(seed)
    x, y = digits()
    x = (x - x.mean()) / x.std() if mended else 255 * x
    parts: list[nn.Module] = [nn.Unflatten(1, (1, 64))]
    for k, below in enumerate([1, 24, 24, 24, 24]):
        parts += [nn.ConstantPad1d((2 * 2**k, 0), 0.0), nn.Conv1d(below, 24, 3, dilation=2**k)]
        parts += [nn.ReLU()]
    model = nn.Sequential(*parts, nn.Flatten(), nn.Unflatten(1, (24, 64)))
    model = nn.Sequential(model, nn.AvgPool1d(8), nn.Flatten(), nn.Linear(192, 10))
    rule = sgd(model, 0.06, momentum=0.9)
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 40, 300, classes_right(y))


@case("stats.stackexchange 409000", "target_scale")
def prices_in_dollars(seed: int, mended: bool) -> Program:
    """Prices of houses, in dollars; the outputs creep upwards from 0. Then in their spread around
    their mean.
    """
    torch.manual_seed(seed)
    x = torch.randn(400, 8)
    price = 250000 + 60000 * (x[:, :1] + torch.sin(2 * x[:, 1:2]) + 0.5 * x[:, 2:3] * x[:, 3:4])
    mean, spread = price.mean(), price.std()
    y = (price - mean) / spread if mended else price
    model = chain([8, 32, 32, 1], nn.ReLU)
    score = explained(price, float(spread), float(mean)) if mended else explained(price)
    return Program(model, x, y, nn.MSELoss(), adam(model, 3e-3), 40, 800, score)


@case("vlfeat/matconvnet#523", "step_too_large", "exploding_gradient", "loss_summed")
def weights_of_pixels_forgotten(seed: int, mended: bool) -> Program:
    """Which pixels are bright; each should weigh one over their number, and weighs 1, and gradients
    explode. Then as it should.
    """
    x, y = masks(seed, 0.4)
    model = nn.Sequential(
        nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 12, 3, padding=1), nn.ReLU(),
        nn.Conv2d(12, 1, 3, padding=1),
    )  # fmt: skip

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        weight = 1 / targets.numel() if mended else 1.0
        return (
            weight * F.binary_cross_entropy_with_logits(outputs, targets, reduction="none")
        ).sum()

    rule = sgd(model, 0.1, momentum=0.9)
    return Program(model, x, y, loss, rule, 10, 200, sides_right(y, 0.0))


def warmed(program: Program, anew: bool) -> Iterator[Tensor]:
    """The rate rises from next to nothing over the first steps, which are counted anew each epoch
    or not.
    """
    done = 0
    while done < program.steps:
        for k, rows in enumerate(torch.randperm(len(program.x)).split(program.batch)):
            part = min(1.0, (k if anew else done) / 200)
            for group in program.optimiser.param_groups:
                group["lr"] = 1e-6 + part**2 * 0.2
            done += 1
            yield update(program, rows)


@case(
    "Vision-CAIR/MiniGPT-4#263",
    "step_too_small",
    "schedule_to_zero",
    "too_few_updates",
    "schedule_by_epoch",
)
def warmed_anew_each_epoch(seed: int, mended: bool) -> Program:
    """Digits; while the rate warms up, steps are counted in the epoch, and it starts from the
    bottom each time. Then in all epochs.
    """
    torch.manual_seed(seed)
    x, y = digits()
    model = chain([64, 48, 10], nn.ReLU)
    return Program(
        model, x, y, nn.CrossEntropyLoss(), sgd(model, 1e-6), 60, 600, classes_right(y),
        lambda program: warmed(program, not mended),
    )  # fmt: skip


class Rod(nn.Module):
    """Temperatures along a rod: what the network gives, maybe times a hundred."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.inner = chain([1, 48, 48, 1], nn.Tanh)
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * self.inner(x)


@case("lululxvi/deepxde#50", "target_scale")
def temperatures_in_hundreds(seed: int, mended: bool) -> Program:
    """Temperatures along a heated rod, by their equation and those of the ends, which are in the
    hundreds. Then the network's outputs are multiplied by a hundred.
    """
    torch.manual_seed(seed)
    x = torch.linspace(0, 1, 41)[:, None]
    truth = 300 - 200 * x + 400 * x * (1 - x)
    model = Rod(100.0 if mended else 1.0)

    def loss(outputs: Tensor, places: Tensor) -> Tensor:
        found = outputs[places[:, 0].argsort()]
        bent = (found[2:] - 2 * found[1:-1] + found[:-2]) / 0.025**2
        ends = (found[0] - 300) ** 2 + (found[-1] - 100) ** 2
        return (bent + 800).pow(2).mean() / 100 + ends.mean()

    return Program(model, x, x, loss, adam(model, 3e-3), 41, 1500, explained(truth))


class Hubs(nn.Module):
    """Kinds of nodes, by three rounds of messages from their neighbours; what comes in is (n,
    nodes, features and neighbours).
    """

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.rounds = nn.ModuleList([nn.Linear(8, 32), nn.Linear(64, 32), nn.Linear(64, 32)])
        self.head = nn.Linear(32, 1)
        self.mended = mended

    def forward(self, x: Tensor) -> Tensor:
        z, links = x[..., :4], x[..., 4:]
        if self.mended:
            links = links / links.sum(2, keepdim=True).clamp(min=1)
        for inner in self.rounds:
            z = torch.relu(inner(torch.cat([z, links @ z], 2)))
        return self.head(z)[..., 0]


@case("keras-team/keras-io#2304", "exploding_gradient", "sums_of_neighbours", "step_too_large")
def sums_over_many_neighbours(seed: int, mended: bool) -> Program:
    """Kinds of papers, by sums over those that they cite, of which some have very many; features
    explode. Then by means.
    """
    torch.manual_seed(seed)
    own = torch.randn(80, 40, 4)
    often = torch.rand(80, 40, 1).pow(2)
    links = (torch.rand(80, 40, 40) < often).float()
    around = links / links.sum(2, keepdim=True).clamp(min=1) @ own
    y = (own[..., 0] + around[..., 1] > 0).float()
    model = Hubs(mended)
    rule = sgd(model, 0.1, momentum=0.9)
    return Program(
        model, torch.cat([own, links], 2), y, nn.BCEWithLogitsLoss(), rule, 20, 400,
        lambda found: sides_right(y.flatten(), 0.0)(found.flatten()),
    )  # fmt: skip


@case("jthickstun/pytorch_musicnet#4", "bad_initial_scale")
def notes_from_random_weights(seed: int, mended: bool) -> Program:
    """Which notes sound, linearly of a spectrum; weights start large and at random. Then at 0."""
    torch.manual_seed(seed)
    y = (torch.rand(400, 12) < 0.3).float()
    sounds = torch.rand(12, 100).pow(4)
    x = y @ sounds + 0.1 * torch.rand(400, 100)
    model = nn.Linear(100, 12, bias=False)
    if mended:
        nn.init.zeros_(model.weight)
    else:
        nn.init.normal_(model.weight)
    return Program(model, x, y, nn.MSELoss(), sgd(model, 0.03), 40, 300, explained(y))


@case("facebookarchive/fb.resnet.torch#150", "step_too_large")
def trained_network_from_the_start(seed: int, mended: bool) -> Program:
    """Digits, by a network that has been trained and is trained some more, with the rate of its
    start; the loss is as if from scratch. Then with a small rate.
    """
    torch.manual_seed(seed)
    x, y = digits()
    model = chain([64, 64, 64, 10], nn.ReLU)
    first = Program(
        model, x, y, nn.CrossEntropyLoss(), adam(model, 3e-3), 60, 200, classes_right(y)
    )
    for _ in first.loop(first):
        pass
    rule = sgd(model, 1e-3 if mended else 3.0, momentum=0.9)
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 60, 100, classes_right(y))


@case("halwai/bird_classification#10", "step_too_small", "too_few_updates")
def last_layer_alone(seed: int, mended: bool) -> Program:
    """Digits, by a last layer upon fixed features; the loss stays where it was. Then the rate is
    higher.
    """
    torch.manual_seed(seed)
    x, y = digits()
    body = chain([64, 128, 128], nn.ReLU, nn.ReLU()).requires_grad_(False)
    model = nn.Sequential(body, nn.Linear(128, 10))
    rule = sgd(model, 1.0 if mended else 1e-4, momentum=0.9)
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 40, 400, classes_right(y))
