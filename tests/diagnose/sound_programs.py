"""Ordinary programs in which nothing is wrong, small: each once had a false word said of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

F = nn.functional
Train = Callable[[int], None]


@dataclass
class Program:
    """What is diagnosed, and how it goes on.

    Attributes:
        model: At its start.
        data: As for `diagnose`.
        loss: Of outputs and targets.
        optimiser: Made for the model.
        train: Makes so many steps.
        moments: Steps made when it is diagnosed.
    """

    model: nn.Module
    data: Any
    loss: Callable[[Any, Any], Tensor]
    optimiser: torch.optim.Optimizer
    train: Train
    moments: tuple[int, ...]


def plain(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    loss: Callable[[Any, Any], Tensor],
    moments: tuple[int, ...],
    *,
    lr: float = 3e-3,
    batch: int = 32,
    kind: type[torch.optim.Optimizer] = torch.optim.Adam,
) -> Program:
    """Mixed batches, one step each."""
    rule = kind([p for p in model.parameters() if p.requires_grad], lr=lr)  # pyright: ignore[reportCallIssue]
    draw = torch.Generator().manual_seed(1)

    def train(steps: int) -> None:
        model.train()
        for _ in range(steps):
            rows = torch.randperm(len(y), generator=draw)[:batch]
            rule.zero_grad()
            loss(model(x[rows]), y[rows]).backward()
            rule.step()

    return Program(model, (x, y), loss, rule, train, moments)


def mlp(*sizes: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for one, other in pairwise(sizes):
        layers += [nn.Linear(one, other), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def sorted_classes() -> Program:
    """Three classes that come sorted, the easiest last; the loop shuffles."""
    torch.manual_seed(0)
    y = torch.arange(150) // 50
    x = torch.tensor([[0.0, 0.0], [0.7, 0.7], [6.0, -6.0]])[y] + 0.5 * torch.randn(150, 2)
    return plain(mlp(2, 16, 3), x, y, nn.CrossEntropyLoss(), (40, 300))


def rare_words() -> Program:
    """Twenty classes by Zipf's law, midway."""
    torch.manual_seed(0)
    y = torch.multinomial(1 / torch.arange(1.0, 21.0), 600, replacement=True)
    x = torch.randn(20, 12)[y] + 0.3 * torch.randn(600, 12)
    return plain(mlp(12, 32, 20), x, y, nn.CrossEntropyLoss(), (0, 60, 500))


def noisy_labels() -> Program:
    """Three of ten labels are wrong, so that nothing comes far below a constant's loss."""
    torch.manual_seed(0)
    x = torch.randn(600, 2)
    y = ((x[:, 0] * x[:, 1] > 0) ^ (torch.rand(600) < 0.3)).long()
    return plain(mlp(2, 32, 32, 2), x, y, nn.CrossEntropyLoss(), (100,), lr=1e-3)


def rare_clicks() -> Program:
    """One in twenty is yes, and the inputs say little of which."""
    torch.manual_seed(0)
    x = torch.randn(1000, 8)
    y = torch.bernoulli((0.9 * x[:, :1] - 3).sigmoid())
    return plain(mlp(8, 16, 1), x, y, nn.BCEWithLogitsLoss(), (0, 100), lr=1e-3)


def graph() -> Program:
    """A graph convolution, whose points are the nodes of one graph."""
    torch.manual_seed(0)
    y = torch.arange(90) % 3
    near = (torch.rand(90, 90) < torch.where(y[:, None] == y, 0.2, 0.02)).float().triu(1)
    near = near + near.T + torch.eye(90)
    x = torch.cat([torch.eye(3)[y] + torch.randn(90, 3), torch.randn(90, 5)], 1)

    class Graph(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("near", near / near.sum(1, keepdim=True))
            self.first, self.last = nn.Linear(8, 16), nn.Linear(16, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.near @ self.last((self.near @ self.first(x)).relu())

    model, loss = Graph(), nn.CrossEntropyLoss()
    rule = torch.optim.Adam(model.parameters(), lr=1e-2)

    def train(steps: int) -> None:
        for _ in range(steps):
            rule.zero_grad()
            loss(model(x), y).backward()
            rule.step()

    return Program(model, [(x, y)], loss, rule, train, (0, 20, 200))


def contrastive() -> Program:
    """Two views of each point; the others of the batch are its negatives, and no target is used."""
    torch.manual_seed(0)
    x = torch.randn(320, 16)
    views = torch.stack([x + 0.2 * torch.randn_like(x), x + 0.2 * torch.randn_like(x)], 1)

    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = mlp(16, 32, 8)

        def forward(self, x: Tensor) -> Tensor:
            return F.normalize(self.inner(x), dim=2)

    def loss(z: Tensor, _: Tensor) -> Tensor:
        return F.cross_entropy(z[:, 0] @ z[:, 1].T / 0.1, torch.arange(len(z)))

    return plain(Both(), views, torch.zeros(320), loss, (0, 20, 200), batch=64)


def generator() -> Program:
    """Both sides of an adversarial game; the generator is diagnosed, its targets are all 1."""
    torch.manual_seed(0)
    real = 0.4 * torch.randn(256, 2) + torch.tensor([1.5, -1.0])

    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.maker, self.judge = mlp(4, 24, 2), mlp(2, 24, 1)

        def forward(self, z: Tensor) -> Tensor:
            return self.judge(self.maker(z))

    model, loss = Both(), nn.BCEWithLogitsLoss()
    rule = torch.optim.Adam(model.maker.parameters(), lr=1e-3)
    other = torch.optim.Adam(model.judge.parameters(), lr=1e-3)
    yes, no = torch.ones(64, 1), torch.zeros(64, 1)

    def train(steps: int) -> None:
        for _ in range(steps):
            some, made = real[torch.randint(0, 256, (64,))], model.maker(torch.randn(64, 4))
            other.zero_grad()
            (loss(model.judge(some), yes) + loss(model.judge(made.detach()), no)).backward()
            other.step()
            rule.zero_grad()
            loss(model(torch.randn(64, 4)), yes).backward()
            rule.step()

    data = torch.randn(128, 4), torch.ones(128, 1)
    return Program(model, data, loss, rule, train, (0, 100))


def ranking() -> Program:
    """Differences of two scores, of which the first is always the better one."""
    torch.manual_seed(0)
    x = torch.randn(400, 2, 6)
    worth = x[..., 0] * x[..., 1] + x[..., 2]
    x = torch.where((worth[:, 0] < worth[:, 1])[:, None, None], x.flip(1), x)

    class Pair(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.score = mlp(6, 32, 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.score(x[:, 0]) - self.score(x[:, 1])

    return plain(Pair(), x, torch.ones(400, 1), nn.BCEWithLogitsLoss(), (0, 40, 400))


def preferences() -> Program:
    """Users who took one thing and not another; the loss looks at no target."""
    torch.manual_seed(0)
    user, one, other = torch.randint(0, 40, (3, 1000))
    tastes, kinds = torch.randn(40, 4), torch.randn(40, 4)
    swap = (tastes[user] * (kinds[one] - kinds[other])).sum(1) < 0
    x = torch.stack([user, torch.where(swap, other, one), torch.where(swap, one, other)], 1)

    class Tastes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.users, self.things = nn.Embedding(40, 8), nn.Embedding(40, 8)
            nn.init.normal_(self.users.weight, std=0.1)
            nn.init.normal_(self.things.weight, std=0.1)

        def forward(self, x: Tensor) -> Tensor:
            apart = self.things(x[:, 1]) - self.things(x[:, 2])
            return (self.users(x[:, 0]) * apart).sum(1)

    def loss(f: Tensor, _: Tensor) -> Tensor:
        return -F.logsigmoid(f).mean()

    return plain(Tastes(), x, torch.ones(1000), loss, (0, 40, 300), lr=1e-2, batch=64)


def head_on_frozen_body() -> Program:
    """A body that another task has trained, and a new head."""
    torch.manual_seed(0)
    x = torch.randn(300, 1, 6, 6)
    x[:150, 0, :2] += 2.0
    x[75:225, 0, :, 4:] += 2.0
    y = torch.zeros(300).long()
    y[75:225] = 1
    body = nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.ReLU(), nn.Flatten()
    )
    model = nn.Sequential(body, nn.Linear(64, 2))
    before = plain(model, x, (torch.arange(300) < 150).long(), nn.CrossEntropyLoss(), ())
    before.train(60)
    for p in body.parameters():
        p.requires_grad = False
        p.grad = None
    model[1] = nn.Linear(64, 2)
    return plain(model, x, y, nn.CrossEntropyLoss(), (0, 20, 200))


def rounded_weights() -> Program:
    """Weights of four bits, past whose rounding the gradient is led."""
    torch.manual_seed(0)

    class Rounded(nn.Linear):
        def forward(self, input: Tensor) -> Tensor:  # noqa: A002
            unit = self.weight.abs().max().detach() / 7
            near = (self.weight / unit).round() * unit
            return F.linear(input, self.weight + (near - self.weight).detach(), self.bias)

    x = torch.randn(300, 10)
    y = (x[:, 0] + x[:, 1] * x[:, 2] > 0).long()
    model = nn.Sequential(Rounded(10, 32), nn.ReLU(), Rounded(32, 2))
    return plain(model, x, y, nn.CrossEntropyLoss(), (0, 40, 400))


def reversed_gradient() -> Program:
    """Features from which a domain cannot be told."""
    torch.manual_seed(0)

    class Reversal(torch.autograd.Function):
        @staticmethod
        def forward(*args: Any) -> Tensor:
            return args[1].view_as(args[1])

        @staticmethod
        def backward(ctx: Any, *grads: Any) -> Tensor:  # noqa: ARG004
            return -0.3 * grads[0]

    class Adapted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Linear(6, 24), nn.ReLU())
            self.kind, self.domain = nn.Linear(24, 2), nn.Linear(24, 2)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            z = self.body(x)
            return self.kind(z), self.domain(Reversal.apply(z))

    def loss(f: tuple[Tensor, Tensor], y: Tensor) -> Tensor:
        return F.cross_entropy(f[0], y[:, 0]) + F.cross_entropy(f[1], y[:, 1])

    y, x = torch.randint(0, 2, (400, 2)), torch.randn(400, 6)
    x[:, :2] += 1.8 * y
    return plain(Adapted(), x, y, loss, (0, 60, 400))


def summed_gradients() -> Program:
    """Gradients of sixteen batches are added up, and not divided."""
    torch.manual_seed(0)
    y = torch.arange(500) % 5
    x = 0.7 * torch.randn(5, 12)[y] + 0.5 * torch.randn(500, 12)
    model, loss = mlp(12, 24, 5), nn.CrossEntropyLoss()
    rule = torch.optim.SGD(model.parameters(), lr=0.002)

    def train(steps: int) -> None:
        for _ in range(steps):
            rule.zero_grad()
            for rows in torch.randint(0, 500, (16, 16)):
                loss(model(x[rows]), y[rows]).backward()
            rule.step()

    return Program(model, (x, y), loss, rule, train, (0, 60))


def parity() -> Program:
    """All words of six bits, whose nearest neighbours have the opposite target."""
    torch.manual_seed(0)
    x = torch.cartesian_prod(*6 * [torch.tensor([-1.0, 1.0])])
    return plain(mlp(6, 64, 2), x, (x.prod(1) > 0).long(), nn.CrossEntropyLoss(), (40, 800))


PROGRAMS: dict[str, Callable[[], Program]] = {
    make.__name__: make
    for make in (
        sorted_classes,
        rare_words,
        noisy_labels,
        rare_clicks,
        graph,
        contrastive,
        generator,
        ranking,
        preferences,
        head_on_frozen_body,
        rounded_weights,
        reversed_gradient,
        summed_gradients,
        parity,
    )
}
