"""What copies that are trained show of units and of steps; copies that cannot be trained."""

from __future__ import annotations

import torch
from tests.diagnose.training import problems, trained
from torch import nn

import spurious
from spurious.diagnose import Kind

MSE = nn.MSELoss()


def test_few_points_that_need_thousands_of_steps() -> None:
    torch.manual_seed(0)
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = x.sum(1, keepdim=True).remainder(2)
    parts = [nn.Linear(2, 10), nn.Sigmoid(), nn.Linear(10, 10), nn.Sigmoid(), nn.Linear(10, 1)]
    model = nn.Sequential(*parts, nn.Sigmoid())
    rule = torch.optim.SGD(model.parameters(), 2.0)
    report = trained(model, x, y, MSE, rule, 400)
    assert Kind.TOO_FEW_UPDATES in problems(report)
    assert "more steps of a copy" in next(
        f.explanation for f in report.problems if f.kind is Kind.TOO_FEW_UPDATES
    )
    assert Kind.SADDLE not in problems(report)


def test_units_are_enough_where_as_much_work_with_few_does_as_well() -> None:
    torch.manual_seed(0)
    x = torch.randn(300, 32)
    y = nn.functional.one_hot(x[:, :10].argmax(1), 10).float()
    model = nn.Sequential(nn.Linear(32, 24), nn.Sigmoid(), nn.Linear(24, 10), nn.Sigmoid())
    rule = torch.optim.SGD(model.parameters(), 0.3)
    report = trained(model, x, y, MSE, rule, 600)
    assert Kind.TOO_FEW_UNITS not in problems(report)


def test_copies_that_cannot_be_trained_are_no_crash() -> None:
    """Batch normalisation takes no single point in training."""
    parts = [nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1)]
    model = nn.Sequential(*parts).eval()
    rule = torch.optim.SGD(model.parameters(), 1e-2)
    report = spurious.diagnose(model, (torch.ones(1, 4), torch.ones(1, 1)), MSE, optimiser=rule)
    assert all(trial.note for trial in report.trials)
