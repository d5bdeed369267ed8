"""Weight decay that pulls the weights back as hard as the loss pulls them on."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import spurious
from spurious.diagnose import Kind


@pytest.mark.parametrize("decay", [0.05, 0.0])
def test_weights_that_decay_holds_back(decay: float) -> None:
    """A thousandth of each is taken off with each update."""
    torch.manual_seed(0)
    x = torch.randn(300, 11)
    y = (x @ torch.randn(11, 1) > 0).float()
    model = nn.Sequential(nn.Linear(11, 5), nn.Sigmoid(), nn.Linear(5, 1), nn.Sigmoid())
    rule = torch.optim.SGD(model.parameters(), lr=0.02, weight_decay=decay)
    loss = nn.MSELoss()
    for _ in range(20):
        for k in torch.randperm(300):
            rule.zero_grad()
            loss(model(x[k : k + 1]), y[k : k + 1]).backward()
            rule.step()
    report = spurious.diagnose(model, (x, y), loss, optimiser=rule)
    first = next((found.kind for found in report.problems), None)
    assert first == (Kind.OVER_REGULARISED if decay else None)
    if decay:
        assert "pulls the weights back as hard" in report.problems[0].explanation


def test_decay_that_keeps_noise_from_being_learnt_by_heart() -> None:
    """Of 60 points with 100 inputs: without decay the error on others is five times as large."""
    torch.manual_seed(0)
    x, truth = torch.randn(60, 100), torch.randn(100, 1) / 10
    y = x @ truth + 2 * torch.randn(60, 1)
    model, loss = nn.Linear(100, 1), nn.MSELoss()
    rule = torch.optim.SGD(model.parameters(), lr=0.02, weight_decay=5.0)
    for _ in range(600):
        rule.zero_grad()
        loss(model(x), y).backward()
        rule.step()
    report = spurious.diagnose(model, (x, y), loss, optimiser=rule)
    assert Kind.OVER_REGULARISED not in [found.kind for found in report.problems]
