"""Units that are off, and whether it was steps that have switched them off."""

from __future__ import annotations

import torch
from tests.diagnose.training import problems
from torch import Tensor, nn

import spurious
from spurious.diagnose import Kind


def killing(lr: float) -> tuple[nn.Module, Tensor, Tensor, torch.optim.Optimizer]:
    """A network, and a start of training in which each step has a point or two."""
    torch.manual_seed(0)
    x = torch.randn(200, 6)
    y = x[:, :1] * x[:, 1:2] + 3
    model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(),
                          nn.Linear(32, 1))  # fmt: skip
    rule = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    for row in range(400):
        rule.zero_grad()
        rows = torch.tensor([row % 200])
        nn.functional.mse_loss(model(x[rows]), y[rows]).backward()
        rule.step()
    return model, x, y, rule


def test_units_that_steps_have_switched_off() -> None:
    model, x, y, rule = killing(0.02)
    report = spurious.diagnose(model, (x, y), nn.MSELoss(), optimiser=rule)
    assert Kind.DEAD_UNITS in problems(report)
    assert report.problems[0].kind == Kind.STEP_TOO_LARGE
    model, x, y, rule = killing(1e-4)
    with torch.no_grad():
        model.get_parameter("0.bias").fill_(-50.0)
    for p in model.parameters():
        p.grad = torch.zeros_like(p)
    report = spurious.diagnose(model, (x, y), nn.MSELoss(), optimiser=rule)
    assert Kind.STEP_TOO_LARGE not in problems(report)
