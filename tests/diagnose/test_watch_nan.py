"""The first number that is not finite is found where it arises; the weights before are kept."""

import pytest
import torch
from tests.diagnose.training import problems
from torch import Tensor, nn

import spurious
from spurious.diagnose import Finding, Kind, TrainingWatch

CLASSES = nn.CrossEntropyLoss()


class Half(nn.Module):
    """A function between two layers."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way = way

    def forward(self, z: Tensor) -> Tensor:
        if self.way == "log":
            return torch.log(z)
        if self.way == "sqrt":
            return torch.sqrt(z * 0)  # its slope at 0 is infinite
        return z


def first(way: str, steps: int = 3, bad: int | None = None) -> tuple[list[Finding], nn.Module]:
    torch.manual_seed(0)
    x = torch.rand(8, 4)
    if bad is not None:
        x[bad, 1] = -50.0
    below = nn.Linear(4, 4)
    model = nn.Sequential(below, Half(way), nn.Linear(4, 1))
    with torch.no_grad():
        for p in below.parameters():
            p.abs_()
    optimiser = torch.optim.SGD(model.parameters(), 0.01)
    watch = TrainingWatch(model, every=10**6, console=False)
    for _ in range(steps):
        optimiser.zero_grad()
        out = model(x)
        loss = (out / 0.0).sum() if way == "loss" else out.square().mean()
        loss.backward()
        optimiser.step()
        watch.step(loss)
    watch.close()
    return [event.finding for event in watch.events if event.finding.kind == "not_finite"], model


def test_forwards_with_the_rows() -> None:
    (found,), model = first("log", bad=5)
    assert found.evidence["where"] == "forward"
    assert found.evidence["operation"] == "log"
    assert found.evidence["rows"] == [5]
    assert found.layer == "1"
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_backwards() -> None:
    (found,), _ = first("sqrt")
    assert found.evidence["where"] == "backward"
    assert found.evidence["operation"] == "sqrt"
    assert found.layer == "1"


def test_between_the_outputs_and_the_loss() -> None:
    (found,), _ = first("loss")
    assert found.evidence["where"] == "the loss"


def test_a_sound_run_has_none() -> None:
    found, _ = first("")
    assert not found


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
