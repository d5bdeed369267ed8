"""Ten ordinary models, each sound and with one fault; small, and trained in a second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

F = nn.functional


@dataclass
class Setup:
    """A model with all that trains it.

    Attributes:
        model: At its start.
        data: (inputs, targets).
        loss: Of outputs and targets.
        optimiser: Made for the model.
        steps: Of training, on batches of 32.
        fault: Kinds that name what is wrong; none if nothing is.
    """

    model: nn.Module
    data: tuple[Tensor, Tensor]
    loss: Callable[[Any, Any], Tensor]
    optimiser: torch.optim.Optimizer
    steps: int
    fault: frozenset[str] = frozenset()


def train(setup: Setup) -> None:
    """Trains it as it is."""
    x, y = setup.data
    torch.manual_seed(1)
    setup.model.train()
    done = 0
    while done < setup.steps:
        for rows in torch.randperm(len(x)).split(32):
            setup.optimiser.zero_grad()
            setup.loss(setup.model(x[rows]), y[rows]).backward()
            setup.optimiser.step()
            done += 1


def adam(model: nn.Module, lr: float = 3e-3) -> torch.optim.Optimizer:
    return torch.optim.Adam(model.parameters(), lr=lr)


def labelled(n: int = 192) -> tuple[Tensor, Tensor]:
    """Images of 8 x 8 whose class is where the bright bar is."""
    torch.manual_seed(0)
    y = torch.arange(n) % 4
    x = 0.3 * torch.randn(n, 1, 8, 8)
    for k in range(n):
        x[k, 0, 2 * int(y[k])] += 2.0
    return x, y


def sequences(n: int = 192) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    x = torch.randn(n, 8, 2)
    return x, torch.tanh(x[:, 4:, 0].sum(1, keepdim=True))


class Recurrent(nn.Module):
    """A recurrent layer whose last output is read."""

    def __init__(self, kind: type[nn.LSTM | nn.GRU], batch_first: bool) -> None:
        super().__init__()
        self.inner = kind(2, 16, batch_first=batch_first)
        self.head = nn.Linear(16, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.inner(x)[0][:, -1])


def lstm(faulty: bool) -> Setup:
    """Fault: batch and time are mixed up."""
    model = Recurrent(nn.LSTM, batch_first=not faulty)
    return Setup(model, sequences(), nn.MSELoss(), adam(model, 1e-2), 200,
                 frozenset({"wrong_axis"}))  # fmt: skip


def gru(faulty: bool) -> Setup:
    """Fault: inputs a thousand times too large."""
    x, y = sequences()
    model = Recurrent(nn.GRU, batch_first=True)
    return Setup(model, (x * 1000 if faulty else x, y), nn.MSELoss(), adam(model, 1e-2), 200,
                 frozenset({"unscaled_inputs", "saturation"}))  # fmt: skip


class Encoder(nn.Module):
    """A transformer encoder of token sequences."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(8, 16)
        layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.1, batch_first=True)
        self.inner = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.head = nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.inner(self.embed(x)).mean(1))


def transformer(faulty: bool) -> Setup:
    """Fault: a step size of 1."""
    torch.manual_seed(0)
    x = torch.randint(0, 8, (192, 6))
    y = (x < 3).sum(1).clamp(1, 3) - 1
    model = Encoder()
    return Setup(model, (x, y), nn.CrossEntropyLoss(), adam(model, 1.0 if faulty else 3e-3), 150,
                 frozenset({"step_too_large"}))  # fmt: skip


class Patches(nn.Module):
    """A small vision transformer."""

    def __init__(self, softmax: bool) -> None:
        super().__init__()
        self.cut = nn.Conv2d(1, 16, 4, stride=4)
        self.place = nn.Parameter(0.02 * torch.randn(1, 4, 16))
        layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
        self.inner = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.head = nn.Linear(16, 4)
        self.softmax = softmax

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.cut(x).flatten(2).transpose(1, 2) + self.place
        out = self.head(self.inner(tokens).mean(1))
        return out.softmax(1) if self.softmax else out


def vision_transformer(faulty: bool) -> Setup:
    """Fault: softmax twice."""
    model = Patches(faulty)
    rule = torch.optim.SGD(model.parameters(), lr=0.01) if faulty else adam(model)
    return Setup(model, labelled(), nn.CrossEntropyLoss(), rule, 150,
                 frozenset({"probabilities_to_logits_loss"}))  # fmt: skip


class Residual(nn.Module):
    """Two residual blocks with batch normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 8, 3, padding=1)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
            for _ in range(2)
        )
        self.head = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        z = self.first(x)
        for block in self.blocks:
            z = z + block(z)
        return self.head(z.amax((2, 3)) if z.ndim == 4 else z)


def residual(faulty: bool) -> Setup:
    """Fault: all labels are 0."""
    x, y = labelled()
    x = x.cumsum(2) / 2  # where the bar is can be told from the largest value
    model = Residual()
    return Setup(model, (x, y * 0 if faulty else y % 2), nn.CrossEntropyLoss(), adam(model, 1e-2),
                 150, frozenset({"one_class_targets"}))  # fmt: skip


def autoencoder(faulty: bool) -> Setup:
    """Fault: a sigmoid in front of targets that go to 50."""
    x, _ = labelled()
    flat = x.flatten(1)
    flat = flat * 25 if faulty else flat
    last = [nn.Sigmoid()] if faulty else []
    model = nn.Sequential(nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, 64), *last)
    return Setup(model, (flat, flat), nn.MSELoss(), adam(model, 1e-2), 300,
                 frozenset({"output_range", "target_scale"}))  # fmt: skip


def discriminator(faulty: bool) -> Setup:
    """Fault: a softmax over its one output."""
    torch.manual_seed(0)
    real = torch.randn(96, 2) * 0.3 + torch.tensor([1.0, 1.0])
    made = torch.randn(96, 2)
    x = torch.cat([real, made])
    y = torch.cat([torch.ones(96, 1), torch.zeros(96, 1)])
    last = nn.Softmax(1) if faulty else nn.Sigmoid()
    model = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1), last)
    return Setup(model, (x, y), nn.BCELoss(), adam(model, 1e-2), 300,
                 frozenset({"softmax_over_one_unit"}))  # fmt: skip


class Solution(nn.Module):
    """A network and the points, which its loss differentiates it by."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(1, 24), nn.Tanh(), nn.Linear(24, 1))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            return self.net(x), x


def equation(outputs: tuple[Tensor, Tensor], forcing: Tensor) -> Tensor:
    """U' = forcing, u(0) = 0."""
    u, x = outputs
    (slope,) = torch.autograd.grad(u.sum(), x, create_graph=True)
    start = torch.exp(-200 * x**2)
    return ((slope - forcing) ** 2).mean() + (start * u**2).mean()


def physics(faulty: bool) -> Setup:
    """Fault: all weights start at 0."""
    torch.manual_seed(0)
    x = torch.linspace(0, 1, 96)[:, None]
    model = Solution()
    if faulty:
        for p in model.parameters():
            nn.init.zeros_(p)
    return Setup(model, (x, torch.cos(6 * x)), equation, adam(model, 1e-2), 400,
                 frozenset({"duplicated_units", "saddle"}))  # fmt: skip


def chosen_values(outputs: Tensor, targets: Tensor) -> Tensor:
    """Huber loss of the values of the actions taken; targets are (action, return)."""
    taken = outputs.gather(1, targets[:, :1].long())
    return F.huber_loss(taken, targets[:, 1:])


def value_learner(faulty: bool) -> Setup:
    """A step of deep Q learning with a fixed target. Fault: the body is frozen."""
    torch.manual_seed(0)
    x = torch.randn(192, 4)
    actions = torch.randint(0, 2, (192, 1))
    returns = torch.where(actions == 0, 2 * x[:, :1] * x[:, 1:2], 2 * torch.sin(2 * x[:, 2:3]))
    width = 3 if faulty else 48
    model = nn.Sequential(nn.Linear(4, width), nn.ReLU(), nn.Linear(width, 2))
    if faulty:
        model[0].requires_grad_(False)
    trained = [p for p in model.parameters() if p.requires_grad]
    rule = torch.optim.Adam(trained, lr=1e-2)
    return Setup(model, (x, torch.cat([actions.float(), returns], 1)), chosen_values, rule, 400,
                 frozenset({"frozen_layers"}))  # fmt: skip


class Tied(nn.Module):
    """A language model whose output weights are its embedding's."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(12, 16)
        self.inner = nn.GRU(16, 16, batch_first=True)
        self.last = nn.Linear(16, 12, bias=False)
        self.last.weight = self.embed.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.inner(self.embed(x))[0]).transpose(1, 2)


def language_model(faulty: bool) -> Setup:
    """Fault: the optimiser holds the parameters of another copy."""
    torch.manual_seed(0)
    start = torch.randint(0, 12, (192, 1))
    words = (start + 5 * torch.arange(7)) % 12
    model = Tied()
    rule = torch.optim.Adam((Tied() if faulty else model).parameters(), lr=1e-2)
    return Setup(model, (words[:, :-1], words[:, 1:]), nn.CrossEntropyLoss(), rule, 150,
                 frozenset({"optimiser_misses_parameters"}))  # fmt: skip


ARCHITECTURES: dict[str, Callable[[bool], Setup]] = {
    make.__name__: make
    for make in (
        lstm,
        gru,
        transformer,
        vision_transformer,
        residual,
        autoencoder,
        discriminator,
        physics,
        value_learner,
        language_model,
    )
}
