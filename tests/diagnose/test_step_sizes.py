"""Steps that are too large or too small, and ones that are as they should be."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from tests.diagnose.training import mlp, problems, trained
from torch import nn

import spurious
from spurious.diagnose import Kind, Severity

CLASSES = nn.CrossEntropyLoss()
MSE = nn.MSELoss()


def test_steps_that_are_too_large_before_anything_is_learnt_from_the_usual_start() -> None:
    torch.manual_seed(0)
    x = torch.rand(300, 10)
    y = (x @ torch.randn(10, 4)).argmax(1)
    sizes = [10, 64, 64, 64, 64, 64, 64, 4]
    model = nn.Sequential()
    for below, above in pairwise(sizes):
        model.extend([nn.Linear(below, above), nn.ReLU()])
    model = model[:-1]
    for layer in model:
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight)
    rule = torch.optim.SGD(model.parameters(), 2.0, momentum=0.9)
    assert problems(trained(model, x, y, CLASSES, rule, 100))[0] is Kind.STEP_TOO_LARGE


@pytest.mark.parametrize("step", [1e-5, 1e-2])
def test_steps_that_are_too_small_from_far_above_a_constant(step: float) -> None:
    torch.manual_seed(0)
    x = torch.randn(300, 8)
    y = x @ torch.randn(8, 1) + 2
    model = nn.Linear(8, 1)
    report = trained(model, x, y, MSE, torch.optim.SGD(model.parameters(), step), 300)
    assert (Kind.STEP_TOO_SMALL in problems(report)) == (step < 1e-3)


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


def test_weights_that_start_far_too_large_and_steps_that_are_small() -> None:
    torch.manual_seed(0)
    x = torch.rand(200, 20)
    y = nn.functional.one_hot(x[:, :5].argmax(1), 5).float()
    model = nn.Sequential(nn.Linear(20, 16), nn.Sigmoid(), nn.Linear(16, 5), nn.Sigmoid())
    for layer in (model[0], model[2]):
        nn.init.uniform_(layer.weight, -20, 20)
    rule = torch.optim.SGD(model.parameters(), 1.0)
    report = trained(model, x, y, MSE, rule, 500)
    assert problems(report)[0] == Kind.BAD_INITIAL_SCALE


@pytest.mark.parametrize("rule", ["plain", "clipped"])
def test_steps_before_training_that_clipping_makes_short_enough(rule: str) -> None:
    torch.manual_seed(0)
    x = torch.randn(300, 8)
    y = (x[:, 0] > 0).long()
    blocks = [nn.Sequential(nn.Linear(64, 64), nn.ReLU()) for _ in range(4)]
    model = nn.Sequential(nn.Linear(8, 64), *blocks, nn.Linear(64, 2))
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(2.5)
    optimiser = torch.optim.SGD(model.parameters(), 0.2, momentum=0.9)
    if rule == "clipped":
        draw = torch.Generator().manual_seed(1)
        for _ in range(200):
            rows = torch.randint(300, (32,), generator=draw)
            optimiser.zero_grad()
            CLASSES(model(x[rows]), y[rows]).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.1)
            optimiser.step()
    report = spurious.diagnose(model, (x, y), CLASSES, optimiser=optimiser)
    assert Kind.STEP_TOO_LARGE not in problems(report)


def test_a_step_size_that_a_schedule_may_raise_is_no_problem_of_a_start() -> None:
    torch.manual_seed(0)
    x = torch.randn(200, 4)
    model = mlp(4, 16, 2)
    rule = torch.optim.SGD(model.parameters(), 1e-8)
    report = spurious.diagnose(model, (x, (x[:, 0] > 0).long()), CLASSES, optimiser=rule)
    (found,) = [f for f in report.findings if f.kind == Kind.STEP_TOO_SMALL]
    assert found.severity is Severity.INFO
