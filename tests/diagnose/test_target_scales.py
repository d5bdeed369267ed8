"""Targets far larger than outputs: how large the outputs are that a loss wants."""

from __future__ import annotations

import pytest
import torch
from tests.diagnose.seeded import mlp
from tests.diagnose.training import problems, trained
from torch import Tensor

from spurious.diagnose import Kind
from spurious.diagnose.measure.wanted import wanted_size


@pytest.mark.parametrize("size", [1.0, 4000.0])
def test_the_outputs_that_a_loss_wants(size: float) -> None:
    torch.manual_seed(0)
    worth = size * torch.randn(100, 3)
    action = torch.randint(3, (100,))
    y = torch.stack([action.double(), worth[torch.arange(100), action].double()], 1).float()

    def loss(f: Tensor, y: Tensor) -> Tensor:
        return (f.gather(1, y[:, :1].long())[:, 0] - y[:, 1]).pow(2).mean()

    found = wanted_size(loss, torch.zeros(100, 3), y)
    assert found is not None
    assert found == pytest.approx(float(y[:, 1].pow(2).mean().sqrt()), rel=1e-3)
    assert wanted_size(lambda f, _: f.abs().mean(), torch.zeros(100, 3), y) is None


@pytest.mark.parametrize("size", [1.0, 4000.0])
def test_rewards_of_thousands(size: float) -> None:
    torch.manual_seed(0)
    state, action = torch.randn(400, 4), torch.randint(3, (400,))
    worth = torch.stack([state[:, 0], state[:, 1], state[:, 0] * state[:, 1]], 1)
    reward = size * worth[torch.arange(400), action]
    y = torch.stack([action.float(), reward], 1)

    def loss(f: Tensor, y: Tensor) -> Tensor:
        return (f.gather(1, y[:, :1].long())[:, 0] - y[:, 1]).pow(2).mean()

    model = mlp(4, 32, 3)
    rule = torch.optim.SGD(model.parameters(), 0.05)
    report = trained(model, state, y, loss, rule, 300)
    assert (Kind.TARGET_SCALE in problems(report)) == (size > 1)
