"""Units, factors and weights that are equal, or only look so."""

from __future__ import annotations

import pytest
import torch
from tests.diagnose.plain_descent import inputs, of_kind
from tests.diagnose.training import problems, trained
from torch import Tensor, nn

import spurious
from spurious.diagnose import Kind, Severity

MSE = nn.MSELoss()


def test_different_sigmoid_units_are_different() -> None:
    """They have the same direction: a free factor holds where the activation lets it through."""
    model = nn.Sequential(nn.Linear(1, 8), nn.Sigmoid(), nn.Linear(8, 1))
    with torch.no_grad():
        model[0].weight.copy_(torch.arange(1.0, 9.0)[:, None])
        model[0].bias.copy_(-torch.arange(1.0, 9.0))
    x = inputs(64, 1)
    report = spurious.diagnose(model, (x, x.sin()), nn.MSELoss(), rehearse=False)
    assert not of_kind(report, "duplicated_units")


def test_relu_units_that_differ_by_a_factor_are_not_critical() -> None:
    model = nn.Sequential(nn.Linear(1, 8), nn.ReLU(), nn.Linear(8, 1))
    with torch.no_grad():
        model[0].weight.copy_(torch.arange(1.0, 9.0)[:, None])
        model[0].bias.copy_(-torch.arange(1.0, 9.0))
    x = inputs(64, 1)
    report = spurious.diagnose(model, (x, x.sin()), nn.MSELoss(), rehearse=False)
    assert of_kind(report, "duplicated_units")[0].severity is Severity.WARNING


def test_weights_that_are_all_zero_are_equal() -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    for p in model.parameters():
        nn.init.zeros_(p)
    x = inputs()
    report = spurious.diagnose(model, (x, (x[:, 0] > 0).long()), nn.CrossEntropyLoss())
    assert report.problems[0].kind == "duplicated_units"
    assert "random" in report.problems[0].explanation


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


def test_gains_that_start_at_1_are_no_equal_factors() -> None:
    class Gains(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gain, self.inner = nn.Embedding(20, 4), nn.Linear(4, 1)
            nn.init.ones_(self.gain.weight)

        def forward(self, which: Tensor) -> Tensor:
            return self.inner(self.gain(which))

    torch.manual_seed(0)
    which = torch.arange(200) % 20
    y = torch.randn(20, 1)[which]
    report = spurious.diagnose(Gains(), (which, y), MSE, rehearse=False)
    assert Kind.DUPLICATED_UNITS not in problems(report)
