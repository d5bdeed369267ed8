"""Gradients that are never cleared, and ones that are added up on purpose."""

from __future__ import annotations

import pytest
import torch
from tests.diagnose.training import problems
from torch import Tensor, nn

import spurious
from spurious.diagnose import Kind, TrainingWatch

MSE = nn.MSELoss()


def watched(accumulate: int, clears: bool, steps: int) -> set[str]:
    """What a watch has seen of a loop that steps each so many batches, maybe without clearing."""
    torch.manual_seed(0)
    x = torch.randn(64, 4)
    y = x.sum(1, keepdim=True)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    rule = torch.optim.SGD(model.parameters(), 1e-2, momentum=0.5)
    with TrainingWatch(model, console=False) as watch:
        for k in range(steps):
            rows = torch.randperm(64)[:16]
            loss = MSE(model(x[rows]), y[rows])
            loss.backward()
            if (k + 1) % accumulate == 0:
                rule.step()
                if clears:
                    rule.zero_grad()
            watch.step(loss)
        return {found.kind for found in watch.loop_findings}


@pytest.mark.parametrize("accumulate", [1, 2, 3, 4, 8])
def test_gradients_that_are_added_up_on_purpose(accumulate: int) -> None:
    assert Kind.MISSING_ZERO_GRAD not in watched(accumulate, clears=True, steps=60)


def test_three_steps_show_that_nothing_is_cleared() -> None:
    assert Kind.MISSING_ZERO_GRAD in watched(1, clears=False, steps=4)


def test_nan_of_gradients_that_are_kept_is_not_what_is_frozen() -> None:
    class Adapted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.middle = nn.Linear(6, 32), nn.Linear(32, 32)
            self.down, self.up = nn.Linear(32, 4, bias=False), nn.Linear(4, 32, bias=False)
            self.head = nn.Linear(32, 1)
            for layer in (self.first, self.middle):
                layer.requires_grad_(False)

        def forward(self, x: Tensor) -> Tensor:
            h = torch.tanh(self.first(x))
            return self.head(torch.tanh(self.middle(h) + self.up(self.down(h))))

    torch.manual_seed(0)
    x = torch.randn(300, 6)
    y = torch.sin(x[:, :1] + x[:, 1:2])
    model = Adapted()
    rule = torch.optim.SGD(model.parameters(), 0.1)
    with TrainingWatch(model, console=False) as watch:
        for _ in range(800):
            rows = torch.randperm(300)[:40]
            loss = MSE(model(x[rows]), y[rows])
            loss.backward()
            rule.step()
            watch.step(loss)
    assert not bool(next(iter(model.down.parameters())).isfinite().all())
    report = spurious.diagnose(model, (x, y), MSE, optimiser=rule, watch=watch)
    said = problems(report)
    assert said[0] == Kind.MISSING_ZERO_GRAD
    assert Kind.FROZEN_LAYERS not in said
