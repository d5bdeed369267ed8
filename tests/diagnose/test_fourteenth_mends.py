"""What the fourteenth set of public faults showed, each on a case of its own."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from tests.diagnose.training import problems
from torch import nn

import spurious
from spurious.diagnose import Kind

MSE = nn.MSELoss()
CLASSES = nn.CrossEntropyLoss()


def mlp(*sizes: int) -> nn.Sequential:
    parts: list[nn.Module] = []
    for below, above in pairwise(sizes):
        parts += [nn.Linear(below, above), nn.ReLU()]
    return nn.Sequential(*parts[:-1])


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
