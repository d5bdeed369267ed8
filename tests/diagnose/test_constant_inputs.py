"""Inputs that were lost on their way to the model, and rare ones that tell something."""

from __future__ import annotations

import pytest
import torch
from tests.diagnose.training import mlp, problems
from torch import nn

import spurious
from spurious.diagnose import Kind

CLASSES = nn.CrossEntropyLoss()
MSE = nn.MSELoss()


@pytest.mark.parametrize("left", [0, 10, 60])
def test_inputs_that_were_lost_on_their_way(left: int) -> None:
    torch.manual_seed(0)
    x = torch.zeros(200, 5)
    x[:left] = torch.rand(left, 5)
    y = torch.arange(200) % 2
    report = spurious.diagnose(mlp(5, 16, 2), (x, y), CLASSES, rehearse=False)
    assert (Kind.CONSTANT_INPUTS in problems(report)) == (left < 20)


def test_a_rare_event_has_inputs_of_its_own() -> None:
    torch.manual_seed(0)
    y = (torch.arange(200) % 20 == 0).long()
    x = y[:, None] * torch.rand(200, 5)
    report = spurious.diagnose(mlp(5, 16, 2), (x, y), CLASSES, rehearse=False)
    assert Kind.CONSTANT_INPUTS not in problems(report)


@pytest.mark.parametrize("noisy", [0, 60])
def test_a_rare_treatment_is_what_is_to_be_told(noisy: int) -> None:
    torch.manual_seed(0)
    x = torch.zeros(300, 3)
    x[:18] = torch.rand(18, 3) + 1
    y = 3 * x.sum(1, keepdim=True) + 0.1 * torch.randn(300, 1)
    y[300 - noisy :] += 8 * torch.rand(noisy, 1)
    report = spurious.diagnose(mlp(3, 16, 1), (x, y), MSE, rehearse=False)
    assert Kind.CONSTANT_INPUTS not in problems(report)
