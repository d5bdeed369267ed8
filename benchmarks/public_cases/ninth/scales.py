"""Ninth set, held out: scales, starts and the sizes and counts of steps. Written down, with what
names each cause, before any was run; none was diagnosed.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from public_cases.data import digits, xor
from public_cases.loops import in_order
from public_cases.models import Read
from public_cases.program import (
    Case,
    Program,
    adam,
    chain,
    classes_right,
    collector,
    explained,
    keras,
    sgd,
    sides_right,
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


@case("stackoverflow 48335501, qa.1r1g.com/sf/ask/2752046251", "step_too_large", "unscaled_inputs")
def line_from_5_to_40(seed: int, mended: bool) -> Program:
    """A line through eight points with inputs from 5 to 40; the loss overflows. Smaller steps."""
    torch.manual_seed(seed)
    x = torch.arange(5.0, 41.0, 5.0)[:, None]
    y = 0.4 * x + 0.3 * torch.randn(8, 1)
    model = nn.Linear(1, 1)
    rate = 1e-3 if mended else 1e-2
    return Program(model, x, y, nn.MSELoss(), sgd(model, rate), 8, 3000, explained(y))


@case("mejorcodigo.com/p/45698", "step_too_large", "unscaled_inputs")
def five_times_and_three(seed: int, mended: bool) -> Program:
    """A line from 0 to 100, from weights of 0; smaller steps again."""
    torch.manual_seed(seed)
    x = 100 * torch.rand(100, 1)
    y = 5 * x + 3
    model = nn.Linear(1, 1)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    rate = 1e-4 if mended else 1e-2
    return Program(model, x, y, nn.MSELoss(), sgd(model, rate), 100, 2000, explained(y))


@case("bot.dharman.net/reports.php?id=1943234", "bad_initial_scale", "unscaled_inputs")
def digits_to_255(seed: int, mended: bool) -> Program:
    """A small network for digits, written from nothing: pictures from 0 to 255 and weights as wide
    as 1. Then pictures up to 1 and weights by the count of inputs.
    """
    x, y = digits()
    torch.manual_seed(seed)
    model = chain([64, 10, 10], nn.ReLU)
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, 0, layer.in_features**-0.5 if mended else 1.0)
            nn.init.zeros_(layer.bias)
    x = x if mended else 255 * x
    right = classes_right(y)
    return Program(model, x, y, nn.CrossEntropyLoss(), sgd(model, 0.1), 600, 1000, right)


@case("stackoverflow 41488279", "too_few_updates")
def two_kinds_of_pictures(seed: int, mended: bool) -> Program:
    """Two kinds of pictures by ten sigmoids: all that is missing is time."""
    torch.manual_seed(seed)
    kind = torch.arange(200) % 2
    down, along = torch.meshgrid(torch.arange(10), torch.arange(10), indexing="ij")
    middle = torch.rand(200, 2, 1, 1) * 3 + 3
    far = ((down - middle[:, 0]) ** 2 + (along - middle[:, 1]) ** 2).sqrt()
    drawn = torch.where(kind[:, None, None] > 0, far < 3, (far > 2) & (far < 4)).float()
    x = (drawn + 0.5 * torch.randn(200, 10, 10)).flatten(1)
    y = kind.float()[:, None]
    model = keras(chain([100, 10, 1], nn.Sigmoid, nn.Sigmoid()))
    steps = 8000 if mended else 100
    return Program(model, x, y, nn.MSELoss(), sgd(model, 0.03), 50, steps, sides_right(y, 0.5))


@case("newbe.dev/tensorflow-does-not-learn-xor", "bad_initial_scale", "saddle")
def xor_from_nearly_nothing(seed: int, mended: bool) -> Program:
    """Two sigmoids for XOR, with the library's start of nearly 0; then uniform from -1 to 1."""
    torch.manual_seed(seed)
    x, y = xor()
    model = chain([2, 2, 1], nn.Sigmoid, nn.Sigmoid())
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            if mended:
                nn.init.uniform_(layer.weight, -1, 1)
            else:
                nn.init.trunc_normal_(layer.weight, 0, 0.02)
            nn.init.zeros_(layer.bias)
    return Program(model, x, y, nn.MSELoss(), sgd(model, 2.0), 4, 4000, explained(y))


@case("ai.stackexchange 16779", "unscaled_inputs", "target_scale", "saturation")
def squares_by_an_lstm(seed: int, mended: bool) -> Program:
    """Numbers from 0 to 19 and their squares, one after the other, by an LSTM; then both between
    0 and 1.
    """
    torch.manual_seed(seed)
    start = torch.arange(17.0)
    x = (start[:, None] + torch.arange(3.0))[:, :, None]
    y = x[:, -1] ** 2
    if mended:
        x, y = x / 19, y / 361
    model = Read(nn.LSTM(1, 32, batch_first=True), nn.Linear(32, 1))
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-3), 17, 1000, explained(y))


@case("DmitryUlyanov/AGE#2", "step_too_small")
def grey_pictures_blank(seed: int, mended: bool) -> Program:
    """Pictures of grey digits, encoded and made again, stay blank; then steps ten times as
    large.
    """
    flat, _ = digits(300)
    torch.manual_seed(seed)
    x = 2 * flat.reshape(-1, 1, 8, 8) - 1
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(16, 32, 4),
        nn.Flatten(),
        nn.Linear(32, 128),
        nn.ReLU(),
        nn.Unflatten(1, (32, 2, 2)),
        nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(16, 1, 4, stride=2, padding=1),
        nn.Tanh(),
    )
    rate = 5e-4 if mended else 5e-5
    blank = (x - x.mean(0)).pow(2).mean()

    def right(found: Tensor) -> float:
        return float(1 - (found - x).pow(2).mean() / blank)

    return Program(model, x, x, nn.MSELoss(), adam(model, rate), 64, 500, right)


@case("mstksg/inCode#17, tiny-dnn/tiny-dnn#127", "too_few_updates")
def xor_point_by_point(seed: int, mended: bool) -> Program:
    """XOR by four sigmoids, point by point; then more of the same points."""
    torch.manual_seed(seed)
    x, y = xor()
    model = keras(chain([2, 4, 1], nn.Sigmoid, nn.Sigmoid()), 1.0)
    steps = 20000 if mended else 2000
    right = explained(y)
    return Program(model, x, y, nn.MSELoss(), sgd(model, 0.3), 1, steps, right, in_order)


@case("zenecture/neuroflow#5", "too_few_updates", "step_too_small")
def xor_in_100_steps(seed: int, mended: bool) -> Program:
    """XOR by three sigmoids, from small weights, in 100 steps."""
    torch.manual_seed(seed)
    x, y = xor()
    model = chain([2, 3, 1], nn.Sigmoid, nn.Sigmoid())
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, 0, 0.1)
            nn.init.zeros_(layer.bias)
    steps = 8000 if mended else 100
    return Program(model, x, y, nn.MSELoss(), sgd(model, 2.0), 4, steps, explained(y))


class Tagger(nn.Module):
    """Kinds of all words of sentences, (n, kinds, time)."""

    def __init__(self, words: int, kinds: int) -> None:
        super().__init__()
        self.words = nn.Embedding(words, 16)
        self.inner = nn.LSTM(16, 48, batch_first=True, bidirectional=True)
        self.head = nn.Linear(96, kinds)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.inner(self.words(x))[0]).transpose(1, 2)


@case("guillaumegenthial/sequence_tagging#47", "step_too_large")
def names_and_places(seed: int, mended: bool) -> Program:
    """Kinds of words in sentences, by the word and the third one before it; with smaller steps
    of Adam.
    """
    torch.manual_seed(seed)
    x = torch.randint(60, (200, 20))
    before = F.pad(x, (3, 0))[:, :-3]
    y = torch.where(x < 30, 0, 1 + before % 4)
    model = Tagger(60, 5)
    return Program(
        model, x, y, nn.CrossEntropyLoss(), adam(model, 0.005 if mended else 0.3), 20, 400,
        lambda found: classes_right(y.flatten())(found.transpose(1, 2).flatten(0, 1)),
    )  # fmt: skip


@case("google-deepmind/open_spiel#742", "target_scale", "step_too_large")
def winnings_to_3500(seed: int, mended: bool) -> Program:
    """Values of actions, of rewards and the values of what comes next; rewards go to 3500, and
    the values away. Then rewards up to 1.
    """
    torch.manual_seed(seed)
    n, kinds = 600, 8
    state, action = torch.randint(kinds, (n,)), torch.randint(3, (n,))
    worth = torch.rand(kinds, 3)
    worth[torch.arange(kinds), torch.randint(3, (kinds,))] += 0.5
    after = torch.randint(kinds, (n,))
    reward = worth[state, action] / 1.5 * (1.0 if mended else 3500.0)
    x = torch.cat([F.one_hot(state, kinds), F.one_hot(after, kinds)], 1).float()
    y = torch.stack([action.float(), reward], 1)
    body = chain([kinds, 64, 64, 3], nn.ReLU)

    class Both(nn.Module):
        """Values of all actions now and next, (n, 2, 3)."""

        def __init__(self) -> None:
            super().__init__()
            self.body = body

        def forward(self, x: Tensor) -> Tensor:
            return self.body(x.reshape(-1, 2, kinds))

    def loss(found: Tensor, targets: Tensor) -> Tensor:
        taken = found[:, 0].gather(1, targets[:, :1].long())[:, 0]
        wanted = targets[:, 1] + 0.9 * found[:, 1].detach().max(1).values
        return (taken - wanted).pow(2).mean()

    right = classes_right(worth.argmax(1)[state])
    model = Both()
    return Program(model, x, y, loss, sgd(model, 0.05), 50, 2000, lambda found: right(found[:, 0]))


class Clicks(nn.Module):
    """Whether there is a click, of who and what it is about and two numbers of each."""

    def __init__(self) -> None:
        super().__init__()
        self.who = nn.Embedding(20, 8)
        self.deep = chain([10, 32, 16, 1], nn.ReLU)

    def forward(self, x: Tensor) -> Tensor:
        return self.deep(torch.cat([self.who(x[:, 0].long()), x[:, 1:]], 1))


@case("alibaba/EasyRec#23", "unscaled_inputs")
def clicks_by_raw_numbers(seed: int, mended: bool) -> Program:
    """Clicks by an embedding and two numbers, of which one goes to hundreds of thousands; then
    numbers made standard.
    """
    torch.manual_seed(seed)
    who = torch.randint(20, (500,))
    told = torch.randn(500, 2)
    liking = torch.randn(20)[who]
    y = ((liking + told[:, 0] - told[:, 1]) > 0).float()[:, None]
    if not mended:
        told = torch.stack([30 + 10 * told[:, 0], 500000 + 150000 * told[:, 1]], 1)
    x = torch.cat([who.float()[:, None], told], 1)
    model = Clicks()
    loss = nn.BCEWithLogitsLoss()
    return Program(model, x, y, loss, adam(model, 1e-3), 50, 1000, sides_right(y, 0))


@case("tdeboissiere/DeepLearningImplementations#11", "step_too_large")
def judge_stays_at_16(seed: int, mended: bool) -> Program:
    """The part of an adversarial pair that tells drawn from made pictures; its clipped loss is 16
    from the first steps on. Then smaller steps.
    """
    flat, _ = digits(300)
    torch.manual_seed(seed)
    real = flat.reshape(-1, 1, 8, 8)
    made = F.avg_pool2d(real[torch.randperm(300)], 3, stride=1, padding=1)
    x = torch.cat([real, made + 0.1 * torch.randn(300, 1, 8, 8)])
    y = torch.cat([torch.ones(300, 1), torch.zeros(300, 1)])
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(16, 32, 3, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Flatten(),
        nn.Linear(128, 1),
        nn.Sigmoid(),
    )

    def loss(found: Tensor, targets: Tensor) -> Tensor:
        return F.binary_cross_entropy(found.clamp(1e-7, 1 - 1e-7), targets)

    rate = 1e-3 if mended else 0.3
    return Program(model, x, y, loss, adam(model, rate), 50, 400, sides_right(y, 0.5))


class Blocks(nn.Module):
    """The next values of a series; each block explains what the ones before it left over."""

    def __init__(self, seen: int, ahead: int) -> None:
        super().__init__()
        self.ahead = ahead
        self.blocks = nn.ModuleList(chain([seen, 32, 32, seen + ahead], nn.ReLU) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        y = torch.zeros(len(x), self.ahead)
        for block in self.blocks:
            back, ahead = block(x).split([x.shape[1], self.ahead], 1)
            x, y = x - back, y + ahead
        return y


def clipped(program: Program, norm: float) -> Iterator[Tensor]:
    """With the norm of the gradient clipped before each step."""
    for _ in range(program.steps):
        rows = torch.randperm(len(program.x))[: program.batch]
        program.optimiser.zero_grad()
        loss = program.loss(program.model(program.x[rows]), program.y[rows])
        loss.backward()
        nn.utils.clip_grad_norm_(program.model.parameters(), norm)
        program.optimiser.step()
        yield loss


@case("sktime/pytorch-forecasting#1750", "step_too_small", "gradients_clipped")
def seasons_with_clipped_steps(seed: int, mended: bool) -> Program:
    """Series of seasons, forecast by blocks; gradients are clipped to 0.01, and the forecast
    stays flat. Then to 0.1.
    """
    torch.manual_seed(seed)
    phase, height = 6.28 * torch.rand(200, 1), 0.5 + torch.rand(200, 1)
    series = height * torch.sin(0.5 * torch.arange(20.0) + phase) + 0.05 * torch.randn(200, 20)
    x, y = series[:, :15], series[:, 15:]
    model = Blocks(15, 5)
    norm = 0.1 if mended else 0.01
    return Program(
        model, x, y, nn.MSELoss(), sgd(model, 0.1), 32, 600, explained(y),
        lambda p: clipped(p, norm),
    )  # fmt: skip


@case("CharlieDinh/pFedMe#11", "step_too_large")
def client_without_numbers(seed: int, mended: bool) -> Program:
    """Digits of one client by a small network; the loss is nan. Then smaller steps."""
    x, y = digits(400)
    torch.manual_seed(seed)
    model = chain([64, 100, 10], nn.ReLU)
    rate = 0.1 if mended else 50.0
    right = classes_right(y)
    return Program(model, x, y, nn.CrossEntropyLoss(), sgd(model, rate), 20, 600, right)
