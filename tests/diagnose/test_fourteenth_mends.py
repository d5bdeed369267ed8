"""What the fourteenth set of public faults showed, each on a case of its own."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from tests.diagnose.training import problems, trained
from torch import Tensor, nn

import spurious
from spurious.diagnose import Kind

MSE = nn.MSELoss()
CLASSES = nn.CrossEntropyLoss()


def mlp(*sizes: int) -> nn.Sequential:
    parts: list[nn.Module] = []
    for below, above in pairwise(sizes):
        parts += [nn.Linear(below, above), nn.ReLU()]
    return nn.Sequential(*parts[:-1])


@pytest.mark.parametrize("shifted", ["in the data", "in the loss", "twice"])
def test_words_are_shifted_once(shifted: str) -> None:
    class Words(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.head = nn.Embedding(20, 16), nn.Linear(16, 20)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.embed(x)).transpose(1, 2)

    torch.manual_seed(0)
    after = torch.randperm(20)
    rows = [torch.randint(0, 20, (200,))]
    for _ in range(8):
        rows.append(after[rows[-1]])
    text = torch.stack(rows, 1)
    x, y = (text, text) if shifted == "in the loss" else (text[:, :-1], text[:, 1:])

    def loss(f: Tensor, t: Tensor) -> Tensor:
        return CLASSES(f, t) if shifted == "in the data" else CLASSES(f[..., :-1], t[:, 1:])

    model = Words()
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    report = trained(model, x, y, loss, rule, 30, rehearse=False)
    assert (Kind.WRONG_TIME_STEP in problems(report)) == (shifted == "twice")


class Tastes(nn.Module):
    """Ratings by factors of users and items."""

    def __init__(self, users: float | None, items: float | None) -> None:
        super().__init__()
        self.users, self.items = nn.Embedding(30, 4), nn.Embedding(20, 4)
        for table, level in ((self.users, users), (self.items, items)):
            nn.init.normal_(table.weight, std=0.3)
            if level is not None:
                nn.init.constant_(table.weight, level)

    def forward(self, x: Tensor) -> Tensor:
        return (self.users(x[:, 0]) * self.items(x[:, 1])).sum(1)


@pytest.mark.parametrize("steps", [0, 100])
@pytest.mark.parametrize(("users", "items"), [(0.1, 0.1), (0.1, None), (0.0, None), (None, None)])
def test_factors_that_start_alike(users: float | None, items: float | None, steps: int) -> None:
    torch.manual_seed(0)
    x = torch.cartesian_prod(torch.arange(30), torch.arange(20))
    y = (torch.randn(30, 4) @ torch.randn(4, 20)).flatten() / 2
    model = Tastes(users, items)
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    report = trained(model, x, y, MSE, rule, steps, rehearse=False)
    alike = users is not None and items is not None
    assert (Kind.DUPLICATED_UNITS in problems(report)) == alike


@pytest.mark.parametrize("kind", ["plain", "constant", "parameter"])
def test_a_weight_that_is_a_plain_tensor(kind: str) -> None:
    class Clicks(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.ids = nn.Linear(1, 1)
            start = 0.5 * torch.randn(6, 1)
            self.weight = nn.Parameter(start) if kind == "parameter" else start
            self.mean = torch.zeros(1, 6)
            if kind == "constant":
                self.weight = nn.Parameter(start)

        def forward(self, x: Tensor) -> Tensor:
            return self.ids(x[:, :1]) + (x[:, 1:] - self.mean) @ self.weight

    torch.manual_seed(0)
    x = torch.randn(300, 7)
    y = (x[:, 1:] @ torch.randn(6, 1) > 0).float()
    model = Clicks()
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    report = trained(model, x, y, nn.BCEWithLogitsLoss(), rule, 100)
    said = problems(report)
    assert (Kind.OPTIMISER_MISSES_PARAMETERS in said) == (kind == "plain")
    if kind == "plain":
        assert "register_tensors" in report.problems[0].remedies[0]
        assert "weight" in report.problems[0].explanation


@pytest.mark.parametrize("rule", ["plain", "clipped"])
def test_steps_before_training_that_clipping_makes_short_enough(rule: str) -> None:
    torch.manual_seed(0)
    x = torch.randn(300, 8)
    y = (x[:, 0] > 0).long()
    blocks = [nn.Sequential(nn.Linear(64, 64), nn.ReLU()) for _ in range(4)]
    model = nn.Sequential(nn.Linear(8, 64), *blocks, nn.Linear(64, 2))
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(2.5)
    optimiser = torch.optim.SGD(model.parameters(), 0.2, momentum=0.9)
    if rule == "clipped":
        draw = torch.Generator().manual_seed(1)
        for _ in range(200):
            rows = torch.randint(300, (32,), generator=draw)
            optimiser.zero_grad()
            CLASSES(model(x[rows]), y[rows]).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.1)
            optimiser.step()
    report = spurious.diagnose(model, (x, y), CLASSES, optimiser=optimiser)
    assert Kind.STEP_TOO_LARGE not in problems(report)


def test_a_loop_is_blamed_where_several_starts_learn() -> None:
    torch.manual_seed(0)
    x = torch.randn(400, 4)
    y = x[:, :1].sin() + x[:, 1:2]
    for blamed in (False, True):
        model = mlp(4, 32, 1)
        rule = torch.optim.Adam(model.parameters(), 1e-2)
        draw = torch.Generator().manual_seed(1)
        for _ in range(1000 if blamed else 3):
            rows = torch.randint(400, (32,), generator=draw)
            wrong = y[rows.roll(1)] if blamed else y[rows]  # each beside another's input
            rule.zero_grad()
            MSE(model(x[rows]), wrong).backward()
            rule.step()
        report = spurious.diagnose(model, (x, y), MSE, optimiser=rule)
        said = [f for f in report.problems if f.kind == Kind.FAULT_IN_LOOP]
        assert bool(said) == blamed
        if blamed:
            assert said[0].evidence.get("starts", 3) == 3
