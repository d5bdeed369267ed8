"""What the seventh and eighth sets of public faults showed, each on a case of its own."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from tests.diagnose.training import problems, trained
from torch import nn

from spurious.diagnose import Kind

MSE = nn.MSELoss()
CLASSES = nn.CrossEntropyLoss()


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
