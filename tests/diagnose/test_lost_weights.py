"""Weights that have become NaN: the start that is tried in their place."""

from __future__ import annotations

import torch
from tests.diagnose.training import Placed, problems, trained
from torch import Tensor, nn

from spurious.diagnose import Kind

CLASSES = nn.CrossEntropyLoss()
MSE = nn.MSELoss()


def test_parameters_that_no_module_draws_start_anew_where_they_are_nan() -> None:
    torch.manual_seed(0)
    x = torch.randn(200, 6, 4)
    y = (x[:, 0, 0] > 0).long()
    model = Placed()
    report = trained(model, x, y, CLASSES, torch.optim.SGD(model.parameters(), 30.0), 60)
    assert not bool(model.places.isfinite().all())
    assert problems(report)[0] is Kind.STEP_TOO_LARGE


def test_weights_of_nobodys_that_are_lost_are_drawn_anew() -> None:
    class Lines(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.slopes = nn.Parameter(torch.randn(1, 2))
            self.levels = nn.Parameter(torch.randn(2))

        def forward(self, x: Tensor) -> Tensor:
            return (x @ self.slopes + self.levels).prod(1, keepdim=True)

    torch.manual_seed(0)
    x = torch.arange(1.0, 9.0)[:, None]
    model = Lines()
    rule = torch.optim.SGD(model.parameters(), 1e-2)
    report = trained(model, x, 2 * x**2 + 3 * x + 4, MSE, rule, 100)
    assert problems(report)[0] is Kind.STEP_TOO_LARGE
