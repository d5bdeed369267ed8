"""Gradients that are small in absolute terms alone: of tiny outputs, targets or losses."""

from __future__ import annotations

import pytest
import torch
from tests.diagnose.all_points import trained
from torch import Tensor, nn

from spurious.diagnose import Kind, Report


def kinds(report: Report) -> list[Kind]:
    return [found.kind for found in report.problems]


class Sized(nn.Module):
    """Outputs of a size that is given."""

    def __init__(self, size: float) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.inner = nn.Sequential(nn.Linear(1, 15), nn.Tanh(), nn.Linear(15, 1))
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        return self.size * self.inner(x)


@pytest.mark.parametrize("size", [1e-10, 1.0])
def test_what_an_adaptive_optimiser_adds_drowns_tiny_gradients(size: float) -> None:
    x = torch.linspace(-1, 1, 101)[:, None]
    model = Sized(size)
    rule = torch.optim.Adam(model.parameters(), 2e-2)
    report = trained(model, x, size * (5 * (x + 1)).sin(), nn.MSELoss(), rule, 300, rehearse=False)
    assert (Kind.TARGET_SCALE in kinds(report)) is (size < 1)
    assert Kind.WRONG_LOSS not in kinds(report)  # the loss looks at these targets, too


@pytest.mark.parametrize("size", [1e-12, 1.0])
def test_a_tiny_loss_of_usual_targets(size: float) -> None:
    x = torch.linspace(-1, 1, 101)[:, None]
    model, mean = Sized(1.0), nn.MSELoss()

    def loss(f: Tensor, y: Tensor) -> Tensor:
        return size * mean(f, y)

    rule = torch.optim.Adam(model.parameters(), 2e-2)
    report = trained(model, x, (5 * (x + 1)).sin(), loss, rule, 300, rehearse=False)
    assert (Kind.STEP_TOO_SMALL in kinds(report)) is (size < 1)


def test_plain_descent_adds_nothing() -> None:
    x = torch.linspace(-1, 1, 101)[:, None]
    model = Sized(1.0)
    rule = torch.optim.SGD(model.parameters(), 1e-3)
    report = trained(model, x, (5 * (x + 1)).sin(), nn.MSELoss(), rule, 5, rehearse=False)
    assert not any("epsilon" in found.evidence for found in report.findings)
