"""Targets out of step with their inputs, and weak or wide signals that are in step."""

from __future__ import annotations

import pytest
import torch
from tests.diagnose.plain_descent import inputs, of_kind
from tests.diagnose.training import mlp, problems, trained
from torch import Tensor, nn

import spurious
from spurious.diagnose import Kind, Severity

CLASSES = nn.CrossEntropyLoss()
LOGITS = nn.BCEWithLogitsLoss()
MSE = nn.MSELoss()


def test_windows_of_a_series_that_nothing_foretells() -> None:
    """Earlier targets are among the inputs: that they fit shifted is no sign of a shift."""
    torch.manual_seed(0)
    rows = torch.randn(500).unfold(0, 11, 1)
    x, y = rows[:, :-1].clone(), rows[:, -1:].clone()
    model = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 1))
    rule = torch.optim.Adam(model.parameters(), lr=1e-3)
    for some in torch.randint(0, len(x), (100, 32)):
        rule.zero_grad()
        nn.functional.mse_loss(model(x[some]), y[some]).backward()
        rule.step()
    report = spurious.diagnose(model, (x, y), nn.MSELoss(), optimiser=rule, curvature=False)
    found = of_kind(report, "targets_shuffled")
    assert [f.severity for f in found] == [Severity.WARNING]
    assert "at all" in found[0].explanation and "in step" not in found[0].explanation
    assert {f.kind for f in report.problems} <= {"targets_shuffled", "plateau"}  # by heart alone


def test_targets_of_one_column_that_are_out_of_step() -> None:
    x = inputs(256)
    y = x[:, :1].roll(1, 0)
    report = spurious.diagnose(nn.Linear(4, 1), (x, y), nn.MSELoss(), rehearse=False)
    assert "moved by -1 places" in of_kind(report, "targets_shuffled")[0].explanation


@pytest.mark.parametrize("order", ["own", "drawn", "moved"])
def test_masks_of_other_pictures(order: str) -> None:
    torch.manual_seed(1)
    y = (torch.rand(48, 1, 4, 4) < 0.4).float().repeat_interleave(3, 2).repeat_interleave(3, 3)
    x = y + 0.5 * torch.randn(48, 1, 12, 12)
    if order != "own":
        y = y[torch.randperm(48)] if order == "drawn" else y.roll(-2, 0)
    model = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 1))
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    report = trained(model, x, y, nn.BCEWithLogitsLoss(), rule, 5, rehearse=False)
    said = [f for f in report.problems if f.kind == Kind.TARGETS_SHUFFLED]
    assert bool(said) == (order != "own")
    if order == "moved":
        assert said[0].evidence["shift"] == 2


@pytest.mark.parametrize("of_noise", [False, True])
def test_masks_that_the_whole_picture_decides(of_noise: bool) -> None:
    torch.manual_seed(0)
    bright = torch.rand(48) < 0.5
    x = torch.randn(48, 1, 8, 8) + 2.0 * bright[:, None, None, None]
    y = bright[:, None, None].long().expand(48, 8, 8)
    y = torch.randint(0, 2, (48, 8, 8)) if of_noise else y
    model = nn.Conv2d(1, 2, 3, padding=1)
    rule = torch.optim.Adam(model.parameters(), 1e-4)
    report = trained(model, x, y, CLASSES, rule, 3, rehearse=False)
    assert Kind.TARGETS_SHUFFLED not in problems(report)


@pytest.mark.parametrize("noise", [0.5, 2.0])
def test_a_weak_signal_is_no_wrong_order(noise: float) -> None:
    torch.manual_seed(0)
    x = torch.randn(400, 12)
    y = x[:, :1] + noise * torch.randn(400, 1)
    model = mlp(12, 32, 1)
    rule = torch.optim.Adam(model.parameters(), 1e-4)
    report = trained(model, x, y, MSE, rule, 20, rehearse=False)
    assert Kind.TARGETS_SHUFFLED not in problems(report)
    report = trained(model, x, y[torch.randperm(400)], MSE, rule, 20, rehearse=False)
    assert Kind.TARGETS_SHUFFLED in problems(report)


def test_targets_of_many_places_that_their_own_inputs_tell() -> None:
    torch.manual_seed(0)
    x = torch.randn(80, 20, 6)
    y = (x[..., 0] + x[..., 1] > 0).float()

    class Places(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(6, 1)

        def forward(self, x: Tensor) -> Tensor:
            return 1e-4 * self.inner(x)[..., 0]

    model = Places()
    rule = torch.optim.SGD(model.parameters(), 1e-3)
    report = trained(model, x, y, LOGITS, rule, 20, rehearse=False)
    assert Kind.TARGETS_SHUFFLED not in problems(report)
