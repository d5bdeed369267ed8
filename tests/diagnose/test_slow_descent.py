"""Descent on all points that is slow, or cannot finish: steps, inputs or targets are to blame."""

from __future__ import annotations

import torch
from tests.diagnose.all_points import trained
from tests.diagnose.training import problems
from torch import nn

import spurious
from spurious.diagnose import Kind


def test_a_steady_fall_from_afar_is_no_scale_of_targets() -> None:
    torch.manual_seed(0)
    x = torch.randn(300, 1)
    y = 1.8 * x + 32
    near, far = nn.Linear(1, 1), nn.Linear(1, 1)
    loss = nn.MSELoss()
    quick = torch.optim.SGD(near.parameters(), lr=1e-3)
    assert Kind.TARGET_SCALE not in problems(spurious.diagnose(near, (x, y), loss, optimiser=quick))
    slow = torch.optim.Adam(far.parameters(), lr=1e-2)
    assert Kind.TARGET_SCALE in problems(spurious.diagnose(far, (x, 100 * y), loss, optimiser=slow))


def test_a_line_over_far_inputs_that_descent_cannot_finish() -> None:
    torch.manual_seed(0)
    near = torch.randn(200, 1)
    for unit, lr, found in ((300.0, 5e-6, True), (1.0, 0.1, False)):
        model, x = nn.Linear(1, 1), unit * near
        y = 1.8 * x + 0.1 * unit
        rule = torch.optim.SGD(model.parameters(), lr=lr)
        report = trained(model, x, y, nn.MSELoss(), rule, 400)
        assert (Kind.UNSCALED_INPUTS in problems(report)) == found


def test_a_loss_that_falls_far_too_slowly() -> None:
    torch.manual_seed(0)
    label = torch.arange(300) % 4
    x = 2 * torch.randn(4, 6)[label] + 0.3 * torch.randn(300, 6)
    for lr, found in ((1e-5, True), (1e-2, False)):
        model = nn.Sequential(nn.Linear(6, 64), nn.Tanh(), nn.Linear(64, 4))
        rule = torch.optim.Adam(model.parameters(), lr=lr)
        report = trained(model, x, label, nn.CrossEntropyLoss(), rule, 30)
        assert (Kind.STEP_TOO_SMALL in problems(report)) == found
