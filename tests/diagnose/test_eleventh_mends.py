"""What the eleventh set of public faults showed, each on a case of its own."""

from __future__ import annotations

import pytest
import torch
from tests.diagnose.training import problems, trained
from torch import Tensor, nn

import spurious
from spurious.diagnose import Kind, TrainingWatch

MSE = nn.MSELoss()
CLASSES = nn.CrossEntropyLoss()


@pytest.mark.parametrize("size", [1e2, 1e4])
def test_steps_that_leave_any_start_are_not_too_small(size: float) -> None:
    torch.manual_seed(0)
    x = torch.randn(1, 3, 12, 12)
    y = torch.randint(0, 2, (1, 12, 12))
    model = nn.Conv2d(3, 2, 3, padding=1)
    rule = torch.optim.SGD(model.parameters(), size)
    report = trained(model, x, y, CLASSES, rule, 50)
    assert Kind.STEP_TOO_SMALL not in problems(report)
    assert Kind.STEP_TOO_LARGE in problems(report)


def test_copies_that_cannot_be_trained_are_no_crash() -> None:
    """Batch normalisation takes no single point in training."""
    parts = [nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1)]
    model = nn.Sequential(*parts).eval()
    rule = torch.optim.SGD(model.parameters(), 1e-2)
    report = spurious.diagnose(model, (torch.ones(1, 4), torch.ones(1, 1)), MSE, optimiser=rule)
    assert all(trial.note for trial in report.trials)


@pytest.mark.parametrize("followed", [False, True])
def test_a_watch_keeps_the_last_weights_that_were_finite(followed: bool) -> None:
    """A start that torch does not draw comes to log(0); from the weights before that it is seen."""
    torch.manual_seed(0)
    y = torch.randint(0, 4, (320,))
    x = 2 * torch.randn(4, 4)[y] + torch.randn(320, 4)
    model = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 4))
    with torch.no_grad():
        model[2].weight.mul_(20)

    def loss(f: Tensor, labels: Tensor) -> Tensor:
        others = (1 - f.softmax(1)[:, 0]).log()
        return CLASSES(f, labels) - 0.5 * others[labels > 0].mean()

    rule = torch.optim.Adam(model.parameters(), 1e-2)
    draw = torch.Generator().manual_seed(1)
    with TrainingWatch(model, console=False) as watch:
        for _ in range(500):
            rows = torch.randint(320, (40,), generator=draw)
            rule.zero_grad()
            loss(model(x[rows]), y[rows]).backward()
            rule.step()
            watch.step()
    assert not bool(model[0].weight.isfinite().all())
    found = problems(
        spurious.diagnose(model, (x, y), loss, optimiser=rule, watch=watch if followed else None)
    )
    assert Kind.NOT_FINITE in found
    assert (Kind.LOG_OF_ZERO in found) == followed
    assert not bool(model[0].weight.isfinite().all())
