"""Sixteenth set, held out: scales, steps and starts. Written down, with what names each cause,
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
    chain,
    classes_right,
    collector,
    explained,
    sgd,
    sides_right,
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


@case("thearchivebase.com: a sigmoid that squashes all to 1.0", "bad_initial_scale", "saturation")
def sums_into_sigmoids(seed: int, mended: bool) -> Program:
    """Digits by two layers of sigmoids, whose weights start between 0 and 1; sums are large, all
    units give 1.0, and the error's slope is 0. Then weights of a unit sum to about one.
    """
    torch.manual_seed(seed)
    x, y = digits()
    model = chain([64, 32, 10], nn.Sigmoid, nn.Sigmoid())
    for layer in (model[0], model[2]):
        assert isinstance(layer, nn.Linear)
        nn.init.uniform_(layer.weight, 0.0, 2 / layer.weight.shape[1] if mended else 1.0)
    target = F.one_hot(y, 10).float()

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs - targets).pow(2).sum(1).mean()

    rule = sgd(model, 1.0, momentum=0.9)
    return Program(model, x, target, loss, rule, 40, 2000, classes_right(y))


@case("datascience.stackexchange 28481", "step_too_large")
def half_for_everybody(seed: int, mended: bool) -> Program:
    """Two kinds of pictures by convolutions and plain descent; all comes to be 0.5, by steps that
    are too large. Then small ones by Adam.
    """
    torch.manual_seed(seed)
    y = (torch.arange(240) % 2).float()[:, None]
    x = torch.randn(240, 1, 8, 8)
    x[1::2] = (x[1::2] + x[1::2].roll(1, 3)) / 2**0.5
    model = nn.Sequential(
        nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 12, 3, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(768, 32), nn.ReLU(), nn.Linear(32, 1),
    )  # fmt: skip
    rule = adam(model, 1e-3) if mended else sgd(model, 1.0, momentum=0.9)
    return Program(model, x, y, nn.BCEWithLogitsLoss(), rule, 40, 200, sides_right(y, 0.0))


class Claims(nn.Module):
    """Whether one sentence follows from another, by a transformer, read at the first place."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(10, 32)
        self.places = nn.Parameter(0.5 * torch.randn(10, 32))
        layer = nn.TransformerEncoderLayer(32, 4, 64, 0.0, batch_first=True)
        self.inner = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(32, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.inner(self.embed(x) + self.places)[:, 0])


@case("ai.stackexchange 18234", "step_too_large")
def claims_at_a_thousandth(seed: int, mended: bool) -> Program:
    """Whether a claim follows, by a transformer whose every layer is trained by Adam; the loss
    stays at 0.68, by a rate that is fifty times the usual one. Then by the usual one.
    """
    torch.manual_seed(seed)
    x = torch.randint(0, 10, (400, 10))
    y = ((x[:, 1] >= 5) == (x[:, 6] >= 5)).float()[:, None]
    model = Claims()
    rule = adam(model, 2e-3 if mended else 0.1)
    return Program(model, x, y, nn.BCEWithLogitsLoss(), rule, 40, 400, sides_right(y, 0.0))


@case("keras-team/autokeras#571", "step_too_large", "exploding_gradient")
def rate_of_the_classifiers(seed: int, mended: bool) -> Program:
    """Values of houses in thousands by a network and plain descent, with the rate that is used for
    classes; gradients of squares explode. Then a thousandth.
    """
    torch.manual_seed(seed)
    x = torch.randn(400, 8)
    y = 22 + 6 * (x[:, :1] + torch.sin(2 * x[:, 1:2]) + 0.5 * x[:, 2:3] * x[:, 3:4])
    model = chain([8, 64, 64, 1], nn.ReLU)
    rule = sgd(model, 1e-3 if mended else 0.025, momentum=0.9)
    return Program(model, x, y, nn.MSELoss(), rule, 40, 800, explained(y))


class Tower(nn.Module):
    """What boards are worth, -1 to 1, by blocks of convolutions past which what comes in goes."""

    def __init__(self, spread: float) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, 16, 3, padding=1)
        self.inner = nn.ModuleList([nn.Conv2d(16, 16, 3, padding=1) for _ in range(8)])
        self.head = nn.Linear(1024, 1)
        for layer in self.inner:
            assert isinstance(layer, nn.Conv2d)
            nn.init.normal_(layer.weight, std=spread)

    def forward(self, x: Tensor) -> Tensor:
        z = self.first(x).relu()
        for k in range(0, 8, 2):
            z = (z + self.inner[k + 1](self.inner[k](z).relu())).relu()
        return self.head(z.flatten(1)).tanh()


@case("LeelaChessZero/lczero-training#43", "bad_initial_scale", "saturation")
def area_of_the_filter_forgotten(seed: int, mended: bool) -> Program:
    """What boards are worth; weights of convolutions start by the sum of their sizes, 3 + 3 + 16
    + 16, and each is too large: the worth is always 1. Then by the product of sizes.
    """
    torch.manual_seed(seed)
    x = (torch.rand(200, 2, 8, 8) < 0.2).float()
    y = torch.tanh((x[:, 0] - x[:, 1]).sum((1, 2)) / 5)[:, None]
    model = Tower((2 / (2 * 9 * 16)) ** 0.5 if mended else (2 / (3 + 3 + 16 + 16)) ** 0.5)
    return Program(model, x, y, nn.MSELoss(), sgd(model, 0.01, momentum=0.9), 20, 200, explained(y))


@case("tensorpack/tensorpack#614", "inputs_wrapped")
def colours_over_the_top(seed: int, mended: bool) -> Program:
    """Digits, some of them made up to ten times as bright; what is above 255 starts again from 0.
    Then it stays at 255.
    """
    torch.manual_seed(seed)
    x, y = digits()
    bright = 255 * x * (1 + 9 * torch.rand(len(x), 1))
    shown = bright.clamp(max=255) if mended else bright.long() % 256
    model = chain([64, 24, 10], nn.ReLU)
    return Program(
        model, shown.float() / 255, y, nn.CrossEntropyLoss(), sgd(model, 0.02), 32, 400,
        classes_right(y),
    )  # fmt: skip


class Player(nn.Module):
    """Scores of four actions and, beside them, what a state is worth."""

    def __init__(self) -> None:
        super().__init__()
        self.actor = chain([5, 48, 4], nn.Tanh)
        self.critic = chain([5, 48, 1], nn.Tanh)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.actor(x), self.critic(x)], 1)


@case("isp1tze/MAProj#3", "step_too_small", "too_few_updates")
def actor_and_critic_creep(seed: int, mended: bool) -> Program:
    """Which action is rewarded, by an actor and a critic whose rates are very small. Then a
    hundredth.
    """
    torch.manual_seed(seed)
    x = torch.randn(6000, 5)
    best, taken = (x @ torch.randn(5, 4)).argmax(1), torch.randint(0, 4, (6000,))
    y = torch.stack([taken.float(), (best == taken).float()], 1)
    model = Player()

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        value, reward = outputs[:, 4], targets[:, 1]
        likely = F.log_softmax(outputs[:, :4], 1).gather(1, targets[:, :1].long())[:, 0]
        return F.mse_loss(value, reward) - ((reward - value).detach() * likely).mean()

    right = classes_right(best)
    rule = adam(model, 1e-2 if mended else 1e-5)
    return Program(model, x, y, loss, rule, 100, 700, lambda found: right(found[:, :4]))


class Discharge(nn.Module):
    """How many electrons there are along a gap, in hundreds, and the voltage."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = chain([1, 48, 48, 2], nn.Tanh)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) * torch.tensor([100.0, 1.0])


@case("lululxvi/deepxde#22", "unbalanced_loss_terms")
def electrons_outweigh_the_voltage(seed: int, mended: bool) -> Program:
    """Electrons and a voltage along a gap, by an equation and a first value of each; electrons are
    in the hundreds, and their terms dominate. Then they weigh so much less.
    """
    torch.manual_seed(seed)
    x = torch.linspace(0, 2, 41)[:, None]
    model = Discharge()
    weight = 1e-4 if mended else 1.0

    def loss(outputs: Tensor, places: Tensor) -> Tensor:
        order = places[:, 0].argsort()
        at, found = places[order], outputs[order]
        slope, middle = found.diff(dim=0) / 0.05, (found[1:] + found[:-1]) / 2
        wave = 3 * torch.cos(3 * (at[1:, 0] + at[:-1, 0]) / 2)
        many = (slope[:, 0] + middle[:, 0]).pow(2).mean() + (found[0, 0] - 200) ** 2
        return weight * many + (slope[:, 1] - wave).pow(2).mean() + (found[0, 1] + 1) ** 2

    right = explained(torch.sin(3 * x) - 1)
    return Program(model, x, x, loss, adam(model, 1e-3), 41, 300, lambda found: right(found[:, 1:]))


@case("cazala/synaptic#72", "unscaled_inputs", "saturation")
def customers_as_they_are(seed: int, mended: bool) -> Program:
    """Which customers buy, of their age, income and visits, by a perceptron of sigmoids; numbers
    are as they are. Then each lies in 0 to 1.
    """
    torch.manual_seed(seed)
    part = torch.rand(400, 3)
    y = ((part[:, :1] - 0.5) * (part[:, 1:2] - 0.5) + 0.1 * (part[:, 2:] - 0.5) > 0).float()
    raw = part * torch.tensor([60.0, 90000.0, 300.0]) + torch.tensor([18.0, 12000.0, 0.0])
    model = chain([3, 12, 1], nn.Sigmoid, nn.Sigmoid())
    rule = adam(model, 3e-2)
    return Program(model, part if mended else raw, y, nn.BCELoss(), rule, 40, 1000,
                   sides_right(y, 0.5))  # fmt: skip


@case("datascience.stackexchange 62167", "step_too_large", "unscaled_inputs")
def boards_of_eights_and_fives(seed: int, mended: bool) -> Program:
    """Whether to go left or right on a line of six cells; the player is an 8 and the goal a 5, the
    rate is up to 1, and all boards get the same values. Then each has its own places, and the rate
    is a hundredth.
    """
    torch.manual_seed(seed)
    places = [(p, g) for p in range(6) for g in range(6) if p != g] * 4
    player, goal = torch.tensor(places).unbind(1)
    one, two = F.one_hot(player, 6).float(), F.one_hot(goal, 6).float()
    right = (goal > player).long()
    near = 0.99 ** ((goal - player).abs() - 1).float()
    far = torch.where(right == 1, player == 0, player == 5).float()
    off = near * 0.99**2 * (1 - far) - far
    y = torch.where(right[:, None] == 1, torch.stack([off, near], 1), torch.stack([near, off], 1))
    model = chain([12 if mended else 6, 24, 24, 2], nn.ReLU)
    x = torch.cat([one, two], 1) if mended else 8 * one + 5 * two
    rule = adam(model, 1e-2 if mended else 1.0)
    return Program(model, x, y, nn.MSELoss(), rule, 60, 400, classes_right(right))


@case("vlfeat/matconvnet#648", "over_regularised", "too_much_dropout")
def dropout_in_a_small_network(seed: int, mended: bool) -> Program:
    """Pictures by a small network of convolutions; with dropout the loss does not fall, whatever
    its rate. Then without. No kind names dropout.
    """
    torch.manual_seed(seed)
    x, y = digits()
    parts: list[nn.Module] = [nn.Unflatten(1, (1, 8, 8))]
    for below, above in ((1, 8), (8, 8), (8, 8)):
        parts += [nn.Conv2d(below, above, 3, padding=1), nn.ReLU()]
        parts += [] if mended else [nn.Dropout(0.9)]
    model = nn.Sequential(*parts, nn.Flatten(), nn.Linear(512, 10))
    rule = sgd(model, 0.03, momentum=0.9)
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 40, 200, classes_right(y))
