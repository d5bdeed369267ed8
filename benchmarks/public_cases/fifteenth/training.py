"""Fifteenth set, held out: the loop, the optimiser and the data that training sees. Written down,
with what names each cause, before any was run; none was diagnosed.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from public_cases.data import digits
from public_cases.loops import in_order
from public_cases.program import (
    Case,
    Program,
    adam,
    chain,
    classes_right,
    collector,
    explained,
    usual,
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


class Painter(nn.Module):
    """A plan painted in the style of a picture: what comes in is the plan and the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = chain([64, 32, 2], nn.ReLU)
        self.painter = chain([18, 48, 16], nn.ReLU)

    def forward(self, x: Tensor) -> Tensor:
        return self.painter(torch.cat([x[:, :16], self.encoder(x[:, 16:])], 1))


@case(
    "PacktPublishing/Hands-On-Image-Generation-with-TensorFlow-2.0#24, soumik12345/tf2_gans#14",
    "optimiser_misses_parameters",
)
def style_is_never_read(seed: int, mended: bool) -> Program:
    """A plan painted in the style of a picture; the encoder that reads the style is not among what
    is updated. Then it is.
    """
    torch.manual_seed(seed)
    plan = (torch.rand(400, 16) < 0.5).float()
    style = torch.randn(400, 1)
    picture = 0.3 * style * torch.randn(64).sign() + torch.randn(400, 64)
    y = plan * style
    model = Painter()
    rule = adam(model if mended else model.painter, 3e-3)
    x = torch.cat([plan, picture], 1)
    return Program(model, x, y, nn.MSELoss(), rule, 40, 600, explained(y))


@case("zalandoresearch/fashion-mnist#5", "unshuffled_data")
def clothes_sorted_by_kind(seed: int, mended: bool) -> Program:
    """Pictures that lie sorted by their kind, and batches are taken as they lie. Then shuffled."""
    torch.manual_seed(seed)
    x, y = digits()
    order = y.argsort()
    x, y = x[order], y[order]
    model = chain([64, 48, 10], nn.ReLU)
    return Program(
        model, x, y, nn.CrossEntropyLoss(), adam(model, 1e-2), 15, 160, classes_right(y),
        usual if mended else in_order,
    )  # fmt: skip


class Follow(nn.Module):
    """A number at each step of a series."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.GRU(2, 32, batch_first=True)
        self.head = nn.Linear(32, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.inner(x)[0])[..., 0]


def steps_shuffled(program: Program) -> Iterator[Tensor]:
    """Not series are drawn in a new order, but all of their steps."""
    done = 0
    while done < program.steps:
        order = torch.randperm(program.y.numel())
        x = program.x.flatten(0, 1)[order].view_as(program.x)
        y = program.y.flatten()[order].view_as(program.y)
        for rows in torch.arange(len(x)).split(program.batch):
            program.optimiser.zero_grad()
            loss = program.loss(program.model(x[rows]), y[rows])
            loss.backward()
            program.optimiser.step()
            done += 1
            yield loss


@case("instadeepai/Mava#846", "fault_in_loop", "steps_shuffled", "targets_shuffled")
def steps_of_all_series_shuffled(seed: int, mended: bool) -> Program:
    """What was before, at each step of series; with the series their steps are shuffled. Then the
    series alone. No kind names this: each step keeps its target.
    """
    torch.manual_seed(seed)
    x = torch.randn(300, 12, 2)
    y = torch.zeros(300, 12)
    for t in range(1, 12):
        y[:, t] = 0.7 * y[:, t - 1] + x[:, t - 1, 0]
    model = Follow()
    return Program(
        model, x, y, nn.MSELoss(), adam(model, 5e-3), 30, 400, explained(y),
        usual if mended else steps_shuffled,
    )  # fmt: skip


class Forger(nn.Module):
    """Points made of noise, and how true they look."""

    def __init__(self) -> None:
        super().__init__()
        self.maker = chain([4, 32, 2], nn.ReLU)
        self.judge = chain([2, 32, 1], nn.LeakyReLU)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        made = self.maker(x)
        return made, self.judge(made)


def in_turn(program: Program) -> Iterator[Tensor]:
    """The judge learns to tell true points from made ones, then the maker makes some."""
    model = program.model
    assert isinstance(model, Forger)
    rule = torch.optim.Adam(model.judge.parameters(), lr=5e-3, betas=(0.5, 0.9))
    for _ in range(program.steps):
        rows = torch.randint(0, len(program.x), (program.batch,))
        rule.zero_grad()
        false = model.judge(model.maker(program.x[rows]).detach())
        (F.softplus(-model.judge(program.y[rows])) + F.softplus(false)).mean().backward()
        rule.step()
        program.optimiser.zero_grad()
        loss = program.loss(model(program.x[rows]), program.y[rows])
        loss.backward()
        program.optimiser.step()
        yield loss


@case("mlpack/mlpack#1933", "wrong_loss")
def maker_of_zeros(seed: int, mended: bool) -> Program:
    """Points made like true ones; what the maker makes is compared with answers that were never
    set, and are 0. Then the judge's opinion counts.
    """
    torch.manual_seed(seed)
    x, y = torch.randn(400, 4), torch.tensor([2.0, -1.0]) + 0.5 * torch.randn(400, 2)
    model = Forger()

    def loss(outputs: tuple[Tensor, Tensor], targets: Tensor) -> Tensor:
        made, true = outputs
        return F.softplus(-true).mean() if mended else F.mse_loss(made, torch.zeros_like(targets))

    def score(outputs: tuple[Tensor, Tensor]) -> float:
        apart = (outputs[0].mean(0) - y.mean(0)).pow(2).sum() / y.mean(0).pow(2).sum()
        return float(1 - apart)

    rule = torch.optim.Adam(model.maker.parameters(), lr=2e-3, betas=(0.5, 0.9))
    return Program(model, x, y, loss, rule, 40, 800, score, in_turn)
