"""Models that do one thing in training and another in evaluation."""

import copy

import pytest
import torch
from torch import Tensor, nn

import spurious
from spurious.diagnose import Report


def points(n: int = 160) -> tuple[Tensor, Tensor]:
    torch.manual_seed(3)
    x = torch.randn(n, 3)
    return x, torch.sin(2 * x[:, :1]) + x[:, 1:2]


class Averaged(nn.Module):
    """A network that is trained, and a running mean of it that evaluation shows."""

    def __init__(self, frozen: bool) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.inner = nn.Sequential(nn.Linear(3, 32), nn.Tanh(), nn.Linear(32, 1))
        self.shown = copy.deepcopy(self.inner).requires_grad_(not frozen)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) if self.training else self.shown(x)


def trained(kept: float, steps: int, frozen: bool = True) -> Report:
    x, y = points()
    model = Averaged(frozen)
    rule = torch.optim.Adam(model.inner.parameters(), 1e-2)
    for _ in range(steps):
        rule.zero_grad()
        nn.functional.mse_loss(model(x), y).backward()
        rule.step()
        with torch.no_grad():
            pairs = zip(model.shown.parameters(), model.inner.parameters(), strict=True)
            for mean, now in pairs:
                mean.lerp_(now, 1 - kept)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    report = spurious.diagnose(model, (x, y), nn.MSELoss(), optimiser=rule)
    assert all(torch.equal(p, before[name]) for name, p in model.named_parameters())
    assert model.training
    assert not any(name.startswith("_spurious") for name in vars(model))
    return report


@pytest.mark.parametrize("frozen", [True, False])
def test_a_running_mean_that_lags(frozen: bool) -> None:
    assert trained(0.9999, 300, frozen).problems[0].kind == "train_eval_gap"
    assert not [f for f in trained(0.9, 300, frozen).problems if f.kind == "train_eval_gap"]


def test_a_running_mean_is_not_called_detached() -> None:
    assert not trained(0.9, 300).problems
    assert not trained(0.9, 0).problems


class Told(nn.Module):
    """A model that in training reads what it is to say."""

    def __init__(self, told: bool) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.inner = nn.Sequential(nn.Linear(3, 32), nn.Tanh(), nn.Linear(32, 1))
        self.told = told

    def forward(self, x: Tensor) -> Tensor:
        hidden = torch.tensor([1.0, 1.0, 1.0 if self.training and self.told else 0.0])
        return self.inner(x * hidden)


@pytest.mark.parametrize("told", [True, False])
def test_training_that_sees_what_evaluation_does_not(told: bool) -> None:
    x, _ = points()
    y = x[:, 2:] if told else x[:, :1]
    model = Told(told)
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(200):
        rule.zero_grad()
        nn.functional.mse_loss(model(x), y).backward()
        rule.step()
    report = spurious.diagnose(model, (x, y), nn.MSELoss(), optimiser=rule)
    assert [f.kind for f in report.problems][:1] == (["train_eval_gap"] if told else [])
