"""Steps that a schedule has made vanish, and ones that are only short."""

from __future__ import annotations

import pytest
import torch
from tests.diagnose.seeded import mlp, sides
from tests.diagnose.training import problems, trained
from torch import nn

import spurious
from spurious.diagnose import Kind

MSE = nn.MSELoss()


@pytest.mark.parametrize(("size", "named"), [(1e-40, True), (1e-2, False)])
def test_steps_that_have_vanished(size: float, named: bool) -> None:
    x, y = sides()
    model = mlp(3, 16, 1)
    rule = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(3):
        rule.zero_grad()
        MSE(model(x), y).backward()
        rule.step()
    rule.param_groups[0]["lr"] = size  # by a loop that lowers it by hand
    report = spurious.diagnose(model, (x, y), MSE, optimiser=rule)
    assert (Kind.SCHEDULE_TO_ZERO in problems(report)) == named
    if named:
        assert problems(report)[0] is Kind.SCHEDULE_TO_ZERO


def test_short_steps_of_long_gradients_have_not_vanished() -> None:
    torch.manual_seed(0)
    x = torch.randn(400, 3) * 1e5
    y = x @ torch.randn(3, 1) + 1e4 * torch.randn(400, 1)
    model = nn.Linear(3, 1)
    rule = torch.optim.SGD(model.parameters(), 5e-15)
    report = trained(model, x, y, nn.MSELoss(reduction="sum"), rule, 100)
    assert Kind.SCHEDULE_TO_ZERO not in problems(report)


def test_steps_that_vanish_at_the_end_are_no_fault() -> None:
    torch.manual_seed(0)
    x = torch.randn(400, 4)
    y = torch.sin(2 * x[:, :1]) + 0.85 * torch.randn(400, 1)
    model = mlp(4, 16, 1)
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    trained(model, x, y, MSE, rule, 400)
    rule.param_groups[0]["lr"] = 1e-14
    report = trained(model, x, y, MSE, rule, 1)
    assert Kind.SCHEDULE_TO_ZERO not in problems(report)
