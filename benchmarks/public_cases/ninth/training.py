"""Ninth set, held out: loops, optimisers and orders of data. Written down, with what names each
cause, before any was run; none was diagnosed.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from public_cases.data import digits, masks
from public_cases.loops import in_order, scheduled
from public_cases.program import (
    Case,
    Program,
    adam,
    chain,
    classes_balanced,
    classes_right,
    collector,
    explained,
    sgd,
    sides_right,
    update,
    usual,
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


def small_cnn(kinds: int, size: int = 8) -> nn.Sequential:
    """Two convolutions and a linear layer, for grey pictures."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * (size // 4) ** 2, kinds),
    )


@case("apache/mxnet#4220", "unshuffled_data")
def list_by_label(seed: int, mended: bool) -> Program:
    """Pictures from a list that goes label by label; then one that was shuffled once."""
    flat, y = digits()
    torch.manual_seed(seed)
    rows = torch.randperm(len(y)) if mended else torch.argsort(y, stable=True)
    x, y = flat[rows].reshape(-1, 1, 8, 8), y[rows]
    model = small_cnn(10)
    return Program(
        model, x, y, nn.CrossEntropyLoss(), sgd(model, 0.1), 30, 400, classes_right(y), in_order
    )


@case("blog.gcc.ac.cn/post/2024/machinelearninghighaccuracyatfirstthendecrease", "unshuffled_data")
def right_at_first_then_less(seed: int, mended: bool) -> Program:
    """Folders of pictures, loaded one behind the other; accuracy in training is high at first
    and then falls. With `shuffle`.
    """
    flat, y = digits()
    torch.manual_seed(seed)
    rows = torch.argsort(y, stable=True)
    x, y = flat[rows].reshape(-1, 1, 8, 8), y[rows]
    model = small_cnn(10)
    loop = usual if mended else in_order
    return Program(
        model, x, y, nn.CrossEntropyLoss(), adam(model, 3e-3), 16, 380, classes_right(y), loop
    )


@case("Project-MONAI/tutorials#122", "one_class_targets", "unshuffled_data")
def first_pictures_of_the_list(seed: int, mended: bool) -> Program:
    """The first pictures of a list that goes folder by folder are trained with; then a draw."""
    flat, labels = digits()
    torch.manual_seed(seed)
    kind = (labels > 4).long()
    rows = torch.argsort(kind, stable=True)
    flat, kind = flat[rows].reshape(-1, 1, 8, 8), kind[rows]
    drawn = torch.randperm(600)
    taken, held = (drawn[:200], drawn[200:]) if mended else (torch.arange(200), drawn[200:])
    model = small_cnn(2)
    right = classes_right(kind[held])
    return Program(
        model, flat[taken], kind[taken], nn.CrossEntropyLoss(), adam(model, 1e-3), 20, 300,
        lambda _: right(model(flat[held])),
    )  # fmt: skip


@case("pullrequest.ru/8552344", "one_class_targets")
def all_rows_are_one(seed: int, mended: bool) -> Program:
    """Rows of a hundred bits; each of them is labelled 1, so that it answers 1 to all else."""
    torch.manual_seed(seed)
    kind = (torch.arange(600) % 2).float()[:, None]
    rows = (torch.rand(600, 100) < 0.35 + 0.3 * kind).float()
    x, held, told = rows[:300], rows[300:], kind[300:]
    y = kind[:300]
    if not mended:
        x = torch.cat([x[1::2], rows[301::2]])[:300]
        y = torch.ones(len(x), 1)
    model = chain([100, 64, 1], nn.ReLU, nn.Sigmoid())
    right = sides_right(told, 0.5)
    return Program(
        model, x, y, nn.BCELoss(), adam(model, 1e-3), 30, 300, lambda _: right(model(held))
    )


@case("tommylees112/vegetation_health#1", "targets_shuffled")
def months_without_their_plants(seed: int, mended: bool) -> Program:
    """How green it is by the weather of months; only the inputs were shuffled."""
    torch.manual_seed(seed)
    weather = torch.randn(500, 12)
    green = torch.tanh(weather[:, :4].sum(1, keepdim=True)) + 0.5 * weather[:, 4:5].relu()
    rows = torch.randperm(500)
    x = weather[rows]
    y = green[rows] if mended else green
    model = chain([12, 64, 64, 1], nn.ReLU)
    right = explained(green)
    return Program(
        model, x, y, nn.MSELoss(), adam(model, 1e-3), 50, 600, lambda _: right(model(weather))
    )


@case("stevenmiller888/mind#52", "constant_inputs")
def inputs_all_one(seed: int, mended: bool) -> Program:
    """Numbers up to 100 to be told apart; each is divided by itself and not by the largest."""
    torch.manual_seed(seed)
    raw = torch.randint(1, 101, (200, 2)).float()
    y = (raw[:, :1] > raw[:, 1:]).float()
    x = raw / (100.0 if mended else raw)
    model = chain([2, 8, 1], nn.Sigmoid, nn.Sigmoid())
    return Program(model, x, y, nn.MSELoss(), sgd(model, 2.0), 20, 2000, sides_right(y, 0.5))


@case("btgraham/SparseConvNet-archived#12", "constant_inputs")
def pictures_times_nothing(seed: int, mended: bool) -> Program:
    """Pictures are multiplied with what was to be their brightness, and is 0."""
    flat, y = digits()
    torch.manual_seed(seed)
    bright = 0.8 + 0.4 * torch.rand(600, 1, 1, 1) if mended else torch.zeros(600, 1, 1, 1)
    x = bright * flat.reshape(-1, 1, 8, 8)
    model = small_cnn(10)
    return Program(model, x, y, nn.CrossEntropyLoss(), adam(model, 2e-3), 50, 300, classes_right(y))


class Fused(nn.Module):
    """Boxes of pictures by a weighted mean of what is seen near and far, (n, 4)."""

    def __init__(self) -> None:
        super().__init__()
        self.near = nn.Sequential(nn.Conv2d(1, 4, 3, stride=3), nn.BatchNorm2d(4))
        self.weights = nn.Parameter(torch.ones(2))
        self.head = nn.Sequential(nn.ReLU(), nn.Flatten(), nn.Linear(64, 4))

    def forward(self, x: Tensor) -> Tensor:
        w = self.weights.relu()
        seen = (w[0] * x[:, :1] + w[1] * x[:, 1:]) / (w.sum() + 1e-4)
        return self.head(self.near(seen))


@case("bubbliiiing/efficientdet-pytorch#37", "optimiser_misses_parameters")
def weights_of_the_fusion(seed: int, mended: bool) -> Program:
    """Boxes by a mean of two pictures; its weights are in none of the optimiser's groups, which
    are drawn up by kinds of layers.
    """
    torch.manual_seed(seed)
    place = torch.rand(900, 2, 1, 1) * 6 + 3
    half = torch.rand(900, 2, 1, 1) * 2 + 1
    down, along = torch.meshgrid(torch.arange(12), torch.arange(12), indexing="ij")
    inside = ((down - place[:, :1]).abs() < half[:, :1]) & (
        (along - place[:, 1:]).abs() < half[:, 1:]
    )
    seen = inside.float()
    x = torch.cat([seen, 6 * torch.randn(900, 1, 12, 12)], 1)
    y = torch.cat([place.flatten(1) / 12, half.flatten(1) / 3], 1)
    y = (y - y.mean(0)) / y.std(0)
    model = Fused()
    groups = [
        {"params": [p for n, p in model.named_parameters() if n.startswith("near")]},
        {"params": [p for n, p in model.named_parameters() if n.startswith("head")]},
    ]
    if mended:
        groups.append({"params": [model.weights]})
    return Program(model, x, y, nn.MSELoss(), torch.optim.Adam(groups, 3e-3), 30, 800, explained(y))


@case("blog.gitcode.com/3ec123ad43da921deff784fd702ca18b", "optimiser_misses_parameters")
def optimiser_of_another(seed: int, mended: bool) -> Program:
    """Digits by convolutions; the network was made anew behind the optimiser."""
    flat, y = digits()
    torch.manual_seed(seed)
    x = flat.reshape(-1, 1, 8, 8)
    model = small_cnn(10)
    rule = adam(model if mended else small_cnn(10), 1e-3)
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 50, 400, classes_right(y))


class Tracked(nn.Module):
    """Where a thing is in the second of two pictures, (n, 4), of both."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = nn.Sequential(
            nn.Conv2d(1, 12, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(12, 24, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
        )
        self.head = chain([432, 48, 4], nn.ReLU)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.cat([self.seen(x[:, :1]), self.seen(x[:, 1:])], 1))


def lowered(program: Program, every: int, by: float, again: int) -> Iterator[Tensor]:
    """The rate is lowered each `every` updates, `again` times when its turn has come."""
    done = 0
    while done < program.steps:
        for rows in torch.randperm(len(program.x)).split(program.batch):
            loss = update(program, rows)
            done += 1
            if done % every == 0:
                for group in program.optimiser.param_groups:
                    group["lr"] *= by**again
            yield loss


@case("amoudgl/pygoturn#16", "schedule_to_zero")
def tracked_by_vanishing_steps(seed: int, mended: bool) -> Program:
    """Boxes by two crops; when the rate is due to be lowered, it is for each of the batches of
    that turn again.
    """
    torch.manual_seed(seed)
    before, move = torch.rand(300, 2, 1, 1) * 2 + 5, torch.randn(300, 2, 1, 1) * 1.5
    half = torch.rand(300, 2, 1, 1) + 1.5
    down, along = torch.meshgrid(torch.arange(12), torch.arange(12), indexing="ij")

    def picture(place: Tensor) -> Tensor:
        far = ((down - place[:, :1]) / half[:, :1]) ** 2 + (
            (along - place[:, 1:]) / half[:, 1:]
        ) ** 2
        return (-far).exp() + 0.1 * torch.randn(300, 1, 12, 12)

    x = torch.cat([picture(before), picture(before + move)], 1)
    place = (before + move).flatten(1)
    y = torch.cat([place - half.flatten(1), place + half.flatten(1)], 1) / 12
    y = (y - y.mean(0)) / y.std(0)
    model = Tracked()
    again = 1 if mended else 30
    return Program(
        model, x, y, nn.L1Loss(), sgd(model, 0.05, momentum=0.9), 30, 600, explained(y),
        lambda p: lowered(p, 20, 0.9, again),
    )  # fmt: skip


@case("ivadomed/ivadomed#55, automl/Auto-PyTorch#210", "schedule_to_zero")
def decayed_by_the_batch(seed: int, mended: bool) -> Program:
    """Masks of pictures; the rate decays with each batch, and it was meant with each epoch."""
    x, y = masks(seed, 0.3, 120)
    model = nn.Sequential(
        nn.Conv2d(1, 12, 5, padding=2), nn.ReLU(), nn.Conv2d(12, 12, 5, padding=2), nn.ReLU(),
        nn.Conv2d(12, 1, 1),
    )  # fmt: skip
    rule = adam(model, 1e-3)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(rule, 0.9)
    right = sides_right(y.flatten(), 0)
    return Program(
        model, x, y, nn.BCEWithLogitsLoss(), rule, 4, 450, lambda z: right(z.flatten()),
        lambda p: scheduled(p, scheduler, by_epoch=mended),
    )  # fmt: skip


@case("discuss.pytorch.org/t/174762", "class_imbalance")
def rare_bright_pixels(seed: int, mended: bool) -> Program:
    """Masks of which few pixels are set; all is told to be ground. Then set ones weigh more."""
    x, y = masks(seed, 0.03, 120)
    x = x + 0.8 * torch.randn(120, 1, 12, 12)
    model = nn.Sequential(
        nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 12, 3, padding=1), nn.ReLU(),
        nn.Conv2d(12, 1, 1),
    )  # fmt: skip
    loss = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(30.0) if mended else None)
    right = classes_balanced(y[:, 0].long())
    return Program(
        model, x, y, loss, adam(model, 1e-3), 10, 300, lambda z: right(torch.cat([-z, z], 1))
    )


class Texts(nn.Module):
    """The kind of texts of words, (n, time), by convolutions and a recurrent layer."""

    def __init__(self, kinds: int) -> None:
        super().__init__()
        self.words = nn.Embedding(200, 16)
        self.near = nn.Conv1d(16, 24, 3, padding=1)
        self.inner = nn.GRU(24, 24, batch_first=True)
        self.head = nn.Linear(24, kinds)

    def forward(self, x: Tensor) -> Tensor:
        z = self.near(self.words(x).transpose(1, 2)).relu().transpose(1, 2)
        return self.head(self.inner(z)[0][:, -1])


@case("jiegzhan/multi-class-text-classification-cnn-rnn#27", "class_imbalance")
def texts_of_rare_kinds(seed: int, mended: bool) -> Program:
    """Texts of four kinds, of which one is nearly all; the rest is never told. Then each kind
    weighs alike.
    """
    torch.manual_seed(seed)
    y = torch.where(torch.rand(600) < 0.93, 0, torch.randint(1, 4, (600,)))
    own = 20 * y[:, None] + torch.randint(20, (600, 10))
    x = torch.where(torch.rand(600, 10) < 0.25, own, torch.randint(200, (600, 10)))
    model = Texts(4)
    weight = 600 / (4 * torch.bincount(y, minlength=4).float()) if mended else None
    return Program(
        model, x, y, nn.CrossEntropyLoss(weight), adam(model, 2e-3), 30, 200, classes_balanced(y)
    )
