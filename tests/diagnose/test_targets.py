"""Targets that need another output or another loss, or that belong to other inputs."""

import pytest
import torch
from tests.diagnose.unrehearsed import net, points, problems, trained
from torch import Tensor, nn

import spurious
from spurious.diagnose import Kind


def of_classes(p: Tensor, y: Tensor) -> Tensor:
    p = p / p.sum(1, keepdim=True).clamp_min(1e-9)
    return -(y * p.clamp(1e-7, 1).log()).sum(1).mean()


def test_one_output_in_the_loss_of_classes() -> None:
    x, y = points()
    found = problems(net(1, nn.Sigmoid()), (x, (y > 0).float()), of_classes)
    assert found[0].kind == "wrong_loss", [f.kind for f in found]
    right = problems(net(1, nn.Sigmoid()), (x, (y > 0).float()), nn.BCELoss())
    assert not right


def test_distributions_need_a_softmax() -> None:
    def divergence(p: Tensor, y: Tensor) -> Tensor:
        return (y * (y / p.clamp(1e-7, 1)).log()).sum(1).mean()

    x, _ = points()
    y = torch.softmax(2 * x, 1)
    found = problems(net(3, nn.ReLU()), (x, y), divergence)
    assert found[0].kind == "wrong_output_activation"
    assert found[0].remedies == ("softmax_output",)
    assert not problems(net(3, nn.Softmax(1)), (x, y), divergence)


def test_targets_that_belong_to_other_inputs() -> None:
    x, y = points()
    x, y = x[:, :2], x[:, :1]
    for wrong, shift in ((y.roll(2, 0), -2), (y[torch.randperm(len(y))], None)):
        model = net(1, inputs=2)
        rule = trained(model, x, wrong, 5)
        found = problems(model, (x, wrong), nn.MSELoss(), optimiser=rule)
        assert found[0].kind == "targets_shuffled"
        assert found[0].evidence.get("shift") == shift
    model = net(1, inputs=2)
    rule = trained(model, x, y, 5)
    assert not [f for f in problems(model, (x, y), nn.MSELoss()) if f.kind == "targets_shuffled"]


@pytest.mark.parametrize("masked", [True, False])
def test_targets_that_were_not_measured(masked: bool) -> None:
    """NaN is no fault where the loss leaves it out."""
    torch.manual_seed(0)
    x = torch.randn(200, 4)
    y = torch.sin(2 * x[:, :2])
    y[torch.rand(200, 2) < 0.3] = float("nan")

    def loss(f: Tensor, y: Tensor) -> Tensor:
        known = ~y.isnan() if masked else torch.ones_like(y, dtype=torch.bool)
        return ((f - y)[known] ** 2).mean()

    model = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 2))
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(100 if masked else 0):
        rule.zero_grad()
        loss(model(x), y).backward()
        rule.step()
    report = spurious.diagnose(model, (x, y), loss, optimiser=rule)
    assert (Kind.NOT_FINITE in [found.kind for found in report.findings]) is (not masked)
    assert not masked or not report.problems
