"""Layers without biases where biases are needed."""

from __future__ import annotations

import pytest
import torch
from tests.diagnose.training import problems, trained
from torch import nn

from spurious.diagnose import Kind
from spurious.diagnose.treat.rehearse import LATER_STEPS


@pytest.mark.parametrize("bias", [False, True])
def test_layers_without_biases(bias: bool) -> None:
    torch.manual_seed(0)
    x = torch.randn(300, 2)
    y = (x.norm(dim=1, keepdim=True) > 1.2).float()  # as of x as of -x: tanh without biases is odd
    parts = [nn.Linear(2, 16, bias=bias), nn.Tanh(), nn.Linear(16, 16, bias=bias), nn.Tanh()]
    model = nn.Sequential(*parts, nn.Linear(16, 1, bias=bias))
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    report = trained(model, x, y, nn.BCEWithLogitsLoss(), rule, 300)
    assert (Kind.MISSING_BIAS in problems(report)) == (not bias)
    if not bias:
        assert problems(report)[0] is Kind.MISSING_BIAS
        assert "redraw_weights+add_biases" in report.problems[0].remedies[0]


def test_a_second_look_is_long() -> None:
    """What 300 steps of a copy do not show, thousands do."""
    torch.manual_seed(0)
    x = torch.randn(120, 2)
    y = (x.pow(2).sum(1, keepdim=True) > 1.4).float()
    layers = [nn.Linear(2, 12, bias=False), nn.Tanh(), nn.Linear(12, 1, bias=False)]
    model = nn.Sequential(*layers)
    rule = torch.optim.Adam(model.parameters(), 1e-3)
    report = trained(model, x, y, nn.BCEWithLogitsLoss(), rule, 600)
    assert problems(report)[0] is Kind.MISSING_BIAS
    assert report.problems[0].evidence["steps"] == LATER_STEPS
