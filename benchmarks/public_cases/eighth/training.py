"""Eighth set, held out: loops, optimisers and orders of data. Written down, with what names each
cause, before any was run; none was diagnosed.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from public_cases.data import curve, digits
from public_cases.loops import gradients_kept, in_order, scheduled
from public_cases.models import Read
from public_cases.program import (
    Case,
    Program,
    Rule,
    adam,
    chain,
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


class Sound(nn.Module):
    """The next level of a sound, of its levels so far and what is told of it in numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.levels = nn.Embedding(16, 24)
        self.told = nn.Linear(2, 24)
        self.inner = nn.GRU(48, 48, batch_first=True)
        self.second = nn.GRU(48, 24, batch_first=True)
        self.head = nn.Linear(24, 16)

    def forward(self, x: Tensor) -> Tensor:
        told = self.told(x[:, None, :2]).expand(-1, x.shape[1] - 2, -1)
        z = self.inner(torch.cat([self.levels(x[:, 2:].long()), told], 2))[0]
        return self.head(self.second(z)[0][:, -1])


@case("xiph/LPCNet#45", "frozen_layers")
def sound_by_frozen_layers(seed: int, mended: bool) -> Program:
    """Sound by recurrent layers; these, the embedding and the last layer are not trainable, as
    was meant for a second training.
    """
    torch.manual_seed(seed)
    pitch, loud = 0.3 + 0.7 * torch.rand(500, 1), 0.5 + 0.5 * torch.rand(500, 1)
    phase = 6.28 * torch.rand(500, 1)
    wave = loud * torch.sin(pitch * torch.arange(13.0) + phase)
    levels = (8 + 7.5 * wave).floor().clamp(0, 15)
    x = torch.cat([pitch, loud, levels[:, :-1]], 1)
    y = levels[:, -1].long()
    model = Sound()
    if not mended:
        for part in (model.levels, model.inner, model.second, model.head):
            part.requires_grad_(False)
    return Program(model, x, y, nn.CrossEntropyLoss(), adam(model, 5e-3), 50, 600, classes_right(y))


@case(
    "Adversarial-Deep-Learning/code-soup#69, Hsintien-Ng/idinvert_pytorch-reproduced#1",
    "missing_zero_grad",
)
def judge_with_all_gradients(seed: int, mended: bool) -> Program:
    """The part of an adversarial pair that tells drawn pictures from made ones; its gradients are
    never cleared.
    """
    torch.manual_seed(seed)
    flat, _ = digits(300)
    real = flat.reshape(-1, 1, 8, 8)
    drift = F.avg_pool2d(real[torch.randperm(300)], 3, stride=1, padding=1)
    made = (drift + 0.25 * torch.randn(300, 1, 8, 8)).clamp(0, 1)
    x = torch.cat([real, made])
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
    loop = usual if mended else gradients_kept
    return Program(model, x, y, nn.BCELoss(), sgd(model, 0.1), 50, 500, sides_right(y, 0.5), loop)


@case("snakers4/silero-vad#699", "missing_zero_grad")
def speech_with_all_gradients(seed: int, mended: bool) -> Program:
    """Whether there is speech in a piece of sound, by an LSTM over its spectra; the gradients are
    never cleared.
    """
    torch.manual_seed(seed)
    y = (torch.arange(400) % 2).float()[:, None]
    beat = torch.sin(0.9 * torch.arange(16.0) + 6.28 * torch.rand(400, 1))
    even = torch.sin(2.4 * torch.arange(16.0) + 6.28 * torch.rand(400, 1))
    strength = torch.where(y > 0, beat, even)[:, :, None]
    x = strength * torch.rand(400, 1, 8) + 0.3 * torch.randn(400, 16, 8)
    model = Read(nn.LSTM(8, 32, batch_first=True), nn.Linear(32, 1), nn.Sigmoid())
    loop = usual if mended else gradients_kept
    return Program(model, x, y, nn.BCELoss(), adam(model, 1e-2), 40, 400, sides_right(y, 0.5), loop)


def never_stepped(program: Program) -> Iterator[Tensor]:
    """Gradients are computed, and no step is made."""
    for _ in range(program.steps):
        yield update(program, torch.randperm(len(program.x))[: program.batch], step=False)


@case("zhaoyuzhi/deepfillv2#6", "optimiser_never_steps")
def patches_never_judged(seed: int, mended: bool) -> Program:
    """Which patches of pictures were filled in, by convolutions; the optimiser's step is left out
    for this part.
    """
    torch.manual_seed(seed)
    flat, _ = digits(240)
    real = F.interpolate(flat.reshape(-1, 1, 8, 8), size=16, mode="bilinear")
    y = (torch.rand(240, 1, 4, 4) < 0.4).float()
    hole = y.repeat_interleave(4, 2).repeat_interleave(4, 3)
    x = torch.where(hole > 0, 0.5 + 0.1 * torch.randn(240, 1, 16, 16), real)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(16, 32, 3, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(32, 1, 1),
    )
    loop = usual if mended else never_stepped
    return Program(
        model, x, y, nn.BCEWithLogitsLoss(), adam(model, 5e-3), 24, 300, sides_right(y, 0), loop
    )


@case("pyro-ppl/pyro#1241", "optimiser_never_steps")
def scheduled_without_steps(seed: int, mended: bool) -> Program:
    """A mean and a spread of numbers, by their likelihood; the schedule is followed, and no step
    is made.
    """
    x, y = curve(seed, 300)
    model = chain([3, 48, 48, 2], nn.Tanh)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return F.gaussian_nll_loss(outputs[:, :1], targets, outputs[:, 1:].exp())

    def loop(program: Program) -> Iterator[Tensor]:
        schedule = torch.optim.lr_scheduler.ExponentialLR(program.optimiser, 0.97)
        return scheduled(program, schedule, by_epoch=True, steps_too=mended)

    right = explained(y)
    return Program(
        model, x, y, loss, adam(model, 5e-3), 30, 600, lambda found: right(found[:, :1]), loop
    )


class Motion(nn.Module):
    """An autoencoder of motions: a recurrent layer in, a code, a recurrent layer out."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.GRU(4, 48, batch_first=True)
        self.code = nn.Linear(48, 12)
        self.back = nn.Linear(12, 48)
        self.decoder = nn.GRU(48, 48, batch_first=True)
        self.head = nn.Linear(48, 4)

    def forward(self, x: Tensor) -> Tensor:
        code = self.code(self.encoder(x)[0][:, -1])
        return self.head(self.decoder(self.back(code)[:, None].expand(-1, x.shape[1], -1))[0])


@case("LINCellularNeuroscience/VAME#26", "schedule_to_zero")
def schedule_turned_off(seed: int, mended: bool) -> Program:
    """Motions of animals through a code; with the schedule turned off, the step is multiplied by
    0, and not by 1, after some epochs.
    """
    torch.manual_seed(seed)
    speed, phase = 0.4 + 0.5 * torch.rand(300, 1, 1), 6.28 * torch.rand(300, 1, 1)
    limbs = torch.tensor([0.0, 1.57, 3.14, 4.71])
    x = torch.sin(speed * torch.arange(10.0)[:, None] + phase + limbs)
    x = x + 0.05 * torch.randn(300, 10, 4)
    model = Motion()

    def loop(program: Program) -> Iterator[Tensor]:
        rate = 1.0 if mended else 0.0
        schedule = torch.optim.lr_scheduler.StepLR(program.optimiser, 3, rate)
        return scheduled(program, schedule, by_epoch=True)

    return Program(model, x, x, nn.MSELoss(), adam(model, 3e-3), 30, 500, explained(x), loop)


class Late(nn.Module):
    """A classifier whose layers are made when it is first used."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.layers: nn.Sequential | None = None

    def forward(self, x: Tensor) -> Tensor:
        if self.layers is None:
            self.layers = chain([x.shape[1], 48, 48, 5], nn.ReLU)
        return self.scale * self.layers(x)


@case("floneum/kalosm#285", "optimiser_misses_parameters")
def layers_after_the_optimiser(seed: int, mended: bool) -> Program:
    """Texts as numbers, in five kinds; the layers are made at the first use, which is after the
    optimiser has taken what there was.
    """
    torch.manual_seed(seed)
    y = torch.arange(400) % 5
    centres = torch.randn(10, 24)
    x = centres[y + 5 * torch.randint(2, (400,))] + 0.8 * torch.randn(400, 24)
    model = Late()
    make: Rule = torch.optim.Adam
    if mended:
        model(x[:1])
    rule = make(model.parameters(), lr=3e-3)
    model(x[:1])
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 40, 400, classes_right(y))


@case("BVLC/caffe#2343", "unshuffled_data")
def pictures_in_their_order(seed: int, mended: bool) -> Program:
    """Pictures lie kind by kind and are read so; the loss falls and jumps. Then shuffled."""
    torch.manual_seed(seed)
    flat, label = digits()
    order = label.argsort(stable=True)
    x, y = flat[order].reshape(-1, 1, 8, 8), label[order]
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(256, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )
    rule = sgd(model, 0.02, momentum=0.9)
    loop = usual if mended else in_order
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 15, 240, classes_right(y), loop)
