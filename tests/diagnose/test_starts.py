"""What looks like a bad start and is none: weights at 0 where nothing is lost, learnt biases."""

import torch
from tests.diagnose.plain_descent import inputs, of_kind, trained
from torch import nn

import spurious
from spurious.diagnose import Severity


def test_linear_regression_from_zero_is_no_problem() -> None:
    x = inputs()
    model = nn.Linear(4, 1)
    for p in model.parameters():
        nn.init.zeros_(p)
    y = x @ torch.tensor([[1.0], [2.0], [-1.0], [0.5]])
    optimiser = torch.optim.SGD(model.parameters(), 0.1)
    for given in (None, optimiser):
        report = spurious.diagnose(model, (x, y), nn.MSELoss(), optimiser=given)
        assert not any(f.severity is Severity.CRITICAL for f in report.findings)
    assert not report.problems


def test_learnt_biases_are_no_start() -> None:
    """A unit's bias may be anything that training has made of it."""
    torch.manual_seed(0)
    x = torch.rand(256, 4)
    y = 3 * x[:, :1] + 0.3 * torch.randn(256, 1)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    nn.init.constant_(model[0].bias, 3.0)
    trained(model, x, y, nn.MSELoss(), 1e-3, 2000)
    report = spurious.diagnose(model, (x, y), nn.MSELoss(), curvature=False)
    assert report.measurements.landscape.loss < 0.6 * report.measurements.landscape.constant_loss
    assert of_kind(report, "shifted_initialisation")
    assert all(f.severity is Severity.INFO for f in of_kind(report, "shifted_initialisation"))
