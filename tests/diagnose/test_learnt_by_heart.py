"""Targets that are learnt by heart as they belong to no inputs, and a table that is meant to be."""

from __future__ import annotations

import pytest
import torch
from tests.diagnose.seeded import mlp
from tests.diagnose.training import problems, trained
from torch import nn

from spurious.diagnose import Kind

MSE = nn.MSELoss()


@pytest.mark.parametrize("apart", [False, True])
def test_targets_that_are_learnt_by_heart(apart: bool) -> None:
    torch.manual_seed(0)
    x = torch.randn(400, 12)
    y = torch.tanh(x[:, :4].sum(1, keepdim=True)) + 0.5 * x[:, 4:5].relu()
    y = y[torch.randperm(400)] if apart else y
    model = mlp(12, 64, 64, 1)
    rule = torch.optim.Adam(model.parameters(), 1e-3)
    report = trained(model, x, y, MSE, rule, 700)
    landscape = report.measurements.landscape
    assert landscape.constant_loss is not None
    assert landscape.loss < 0.5 * landscape.constant_loss
    assert (Kind.TARGETS_SHUFFLED in problems(report)) == apart


def test_a_table_is_meant_to_be_learnt_by_heart() -> None:
    torch.manual_seed(0)
    x = 2.0 * torch.cartesian_prod(*[torch.arange(2)] * 8) - 1
    y = (x[torch.randperm(256)] > 0).float()
    model = mlp(8, 64, 64, 8)
    rule = torch.optim.Adam(model.parameters(), 2e-3)
    report = trained(model, x, y, nn.BCEWithLogitsLoss(), rule, 700)
    assert Kind.TARGETS_SHUFFLED not in problems(report)
