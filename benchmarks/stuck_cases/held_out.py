"""Held-out ways and controls: other data, shapes and seeds; written when every threshold was fixed.

What a right diagnosis is was written down before any of them was run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from stuck_cases.controls import Control
from stuck_cases.data import Task, real
from stuck_cases.models import mlp
from stuck_cases.ways import DEAD, FLAT, FROZEN, SCALE, SGD, Way, layers

SEED = 77


def made(name: str) -> Task:
    """A data set made by scikit-learn, standardised, 400 points in random order."""
    from sklearn import datasets

    settings: dict[str, dict[str, Any]] = {
        "friedman1": {"noise": 0.5},
        "swiss_roll": {"noise": 0.1},
        "circles": {"noise": 0.1, "factor": 0.4},
        "moons": {"noise": 0.15},
        "hastie_10_2": {},
        "classification": {"n_features": 20, "n_informative": 10, "n_classes": 4},
        "multilabel_classification": {"n_features": 15, "n_classes": 6},
    }
    make = getattr(datasets, f"make_{name}")
    x, y = make(400, random_state=SEED, **settings[name])
    inputs = torch.tensor((x - x.mean(0)) / x.std(0), dtype=torch.float32)
    if name in ("friedman1", "swiss_roll"):
        target = torch.tensor((y - y.mean()) / y.std(), dtype=torch.float32)[:, None]
        return Task(name, inputs, target, nn.MSELoss(), 1)
    if name == "multilabel_classification":
        target = torch.tensor(y, dtype=torch.float32)
        return Task(name, inputs, target, nn.BCEWithLogitsLoss(), 6)
    target = torch.tensor(np.unique(y, return_inverse=True)[1])
    return Task(name, inputs, target, nn.CrossEntropyLoss(), int(target.max()) + 1)


def reconstruction() -> Task:
    """Digits as their own targets, pixels from 0 to 1."""
    from sklearn.datasets import load_digits

    found: Any = load_digits()
    x = torch.tensor(found.data[600:1100] / 16, dtype=torch.float32)
    return Task("digits to digits", x, x, nn.MSELoss(), 64)


class Conv1d(nn.Module):
    """Two convolutions over the features, with GroupNorm if asked."""

    def __init__(self, task: Task, norm: bool = False) -> None:
        super().__init__()
        self.first, self.second = nn.Conv1d(1, 12, 3, padding=1), nn.Conv1d(12, 12, 3, padding=1)
        self.norm = nn.GroupNorm(3, 12) if norm else nn.Identity()
        self.head = nn.Linear(12 * task.width, task.outputs)

    def forward(self, x: Tensor) -> Tensor:
        z = torch.relu(self.norm(self.first(x[:, None])))
        return self.head(torch.relu(self.second(z)).flatten(1))


class Concatenating(nn.Module):
    """Each layer sees all layers below it (DenseNet)."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        widths = [task.width, task.width + 16, task.width + 32]
        self.body = nn.ModuleList(nn.Linear(width, 16) for width in widths)
        self.head = nn.Linear(task.width + 48, task.outputs)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.body:
            x = torch.cat([x, nn.functional.leaky_relu(layer(x), 0.1)], 1)
        return self.head(x)


class Gated(nn.Module):
    """A gated linear unit with sigmoid gates."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.value, self.gate = nn.Linear(task.width, 24), nn.Linear(task.width, 24)
        self.head = nn.Linear(24, task.outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.value(x) * torch.sigmoid(self.gate(x)))


class Features(nn.Module):
    """Every feature a token; attention between them."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.scale = nn.Parameter(0.5 * torch.randn(task.width, 16))
        self.place = nn.Parameter(0.5 * torch.randn(task.width, 16))
        block = nn.TransformerEncoderLayer(16, 4, 32, 0.0, "gelu", batch_first=True,
                                           norm_first=True)  # fmt: skip
        self.encoder = nn.TransformerEncoder(block, 2, enable_nested_tensor=False)
        self.head = nn.Linear(16, task.outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.encoder(x[:, :, None] * self.scale + self.place).mean(1))


def autoencoder(task: Task) -> nn.Module:
    return nn.Sequential(
        nn.Linear(64, 32), nn.ELU(), nn.Linear(32, 8), nn.Linear(8, 32), nn.ELU(),
        nn.Linear(32, task.outputs), nn.Sigmoid(),
    )  # fmt: skip


def dense(*hidden: int, act: type[nn.Module] = nn.ReLU, **more: Any) -> Callable[[Task], nn.Module]:
    return lambda task: mlp(task, hidden, act, **more)


def held_out_controls() -> list[Control]:
    """Twelve models that learn their data."""
    friedman, several = made("friedman1"), made("classification")
    found: list[tuple[str, Task, Callable[[Task], nn.Module]]] = [
        ("relu 48-24-12", friedman, dense(48, 24, 12)),
        ("softplus 40", made("swiss_roll"), dense(40, act=nn.Softplus)),
        ("tanh 24-24-24", made("circles"), dense(24, 24, 24, act=nn.Tanh)),
        ("relu 20-20", made("moons"), dense(20, 20)),
        ("relu6 64-64", made("hastie_10_2"), dense(64, 64, act=nn.ReLU6)),
        ("hardswish 40-40", several, dense(40, 40, act=nn.Hardswish)),
        ("batch norm 50", made("multilabel_classification"), dense(50, norm=nn.BatchNorm1d)),
        ("Conv1d with group norm", several, lambda t: Conv1d(t, norm=True)),
        ("concatenating", friedman, Concatenating),
        ("gated", real("wine"), Gated),
        ("attention between features", real("iris"), Features),
        ("autoencoder of 8 numbers", reconstruction(), autoencoder),
    ]
    return [Control(f"{name}, {task.name}", task, make) for name, task, make in found]


def shifted(which: int, value: float) -> Callable[[nn.Module], None]:
    def harm(model: nn.Module) -> None:
        nn.init.constant_(layers(model)[which].bias, value)

    return harm


def times(factor: float) -> Callable[[nn.Module], None]:
    def harm(model: nn.Module) -> None:
        with torch.no_grad():
            for p in model.parameters():
                p.mul_(factor)

    return harm


def same_rows(model: nn.Module) -> None:
    """Each hidden layer's units are one unit, and so are the weights that leave them."""
    with torch.no_grad():
        for layer in layers(model):
            layer.weight.copy_(layer.weight.mean(dim=(0, 1), keepdim=True).expand_as(layer.weight))
            layer.bias.zero_()


def nothing(_: nn.Module) -> None:
    """The data or the shape are what is wrong."""


def held_out_ways() -> list[Way]:
    """Twelve ways to be stuck."""
    friedman, several, circles = made("friedman1"), made("classification"), made("circles")
    moons, hastie, labels = made("moons"), made("hastie_10_2"), made("multilabel_classification")
    far = Task(moons.name, moons.x * 1e3 + 2e4, moons.y, moons.loss, moons.outputs)
    flat = Task(friedman.name, friedman.x, friedman.y[:, 0], friedman.loss, 1)
    return [
        Way("biases -20, third of three layers", friedman, dense(48, 24, 12), shifted(2, -20),
            DEAD),
        Way("Conv1d, first biases -9", several, Conv1d, shifted(0, -9), DEAD),
        Way("relu6 with biases 30: above its upper kink", hastie, dense(64, 64, act=nn.ReLU6),
            shifted(0, 30), {"saturation", "shifted_initialisation", "dead_units",
                             "constant_output"}),
        Way("all weights of a layer equal, gelu", several, dense(40, 40, act=nn.GELU), same_rows,
            {"duplicated_units"}, **SGD),
        Way("weights x 50, tanh", circles, dense(24, 24, 24, act=nn.Tanh), times(50),
            {"saturation", "exploding_gradient"}, **SGD),
        Way("weights x 0.02, 4 tanh layers", friedman,
            dense(20, 20, 20, 20, act=nn.Tanh), times(0.02), FLAT,
            named_since=SCALE, **SGD),
        Way("weights x 15, 6 leaky layers", labels, dense(*[24] * 6, act=nn.LeakyReLU), times(15),
            {"exploding_gradient"}, **SGD),
        Way("10 sigmoid layers", several, dense(*[24] * 10, act=nn.Sigmoid), nothing, FLAT,
            healthy=dense(24, 24), **SGD),
        Way("inputs x 1000 + 20000, tanh", far, dense(20, 20, act=nn.Tanh), nothing,
            {"saturation", "constant_output", "unscaled_inputs"}, reference=moons),
        Way("targets without the outputs' axis", flat, dense(48, 24), nothing,
            {"broadcast_targets"}, reference=friedman),
        Way("frozen body behind dead units", hastie, dense(64, 64), frozen_and_dead, DEAD,
            named_since=FROZEN),
        Way("one relu unit for circles", circles, dense(1), nothing,
            {"local_minimum", "valley_to_infinity", "saddle", "dead_units", "blind_spots",
             "shared_regions", "too_few_units"}, healthy=dense(24), step_size=1e-2),
    ]  # fmt: skip


def frozen_and_dead(model: nn.Module) -> None:
    """The first layer is off on all points and not trained."""
    first = layers(model)[0]
    nn.init.constant_(first.bias, -25.0)
    first.requires_grad_(False)
