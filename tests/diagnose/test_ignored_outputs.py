"""Outputs that the loss does not look at, or has no gradient for, by mistake or on purpose."""

from __future__ import annotations

import pytest
import torch
from tests.diagnose.training import mlp, problems, trained
from torch import Tensor, nn

import spurious
from spurious.diagnose import Kind

F = nn.functional


@pytest.mark.parametrize("ignored", [True, False])
def test_a_loss_that_does_not_look_at_the_outputs(ignored: bool) -> None:
    def loss(f: Tensor, y: Tensor) -> Tensor:
        p = (y + 0 * f if ignored else f.sigmoid()).clamp(1e-6, 1 - 1e-6)
        return -(y * p.log() + (1 - y) * (1 - p).log()).mean()

    torch.manual_seed(0)
    x = torch.randn(128, 3)
    y = (x[:, :1] > 0).float()
    model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
    report = trained(model, x, y, loss, torch.optim.SGD(model.parameters(), 0.1), 20)
    assert (problems(report)[:1] == [Kind.DETACHED_LOSS]) == ignored


@pytest.mark.parametrize("draws", [False, True])
@pytest.mark.parametrize("cut", ["none", "some", "copied"])
def test_outputs_that_are_detached_in_the_loss(cut: str, draws: bool) -> None:
    torch.manual_seed(0)
    x = torch.randn(300, 5)
    y = torch.softmax(x @ torch.randn(5, 4), 1).log()

    def loss(f: Tensor, t: Tensor) -> Tensor:
        scores = f[:, :4].detach() if cut == "some" else f[:, :4]
        taken = torch.randint(0, 4, (len(f), 1)) if draws else torch.zeros(len(f), 1).long()
        flow = f[:, 4:] + scores.log_softmax(1).gather(1, taken)
        weight = 1 + f[:, 4:].detach().sigmoid() if cut == "copied" else 1.0
        return (weight * (flow - t.gather(1, taken)).pow(2)).mean()

    model = mlp(5, 16, 5)
    rule = torch.optim.Adam(model.parameters(), 1e-3)
    report = trained(model, x, y, loss, rule, 20, rehearse=False)
    assert (Kind.DETACHED_LOSS in problems(report)) == (cut == "some")


@pytest.mark.parametrize("kind", ["worth now and later", "two views", "a mask", "a target net"])
def test_outputs_that_are_detached_on_purpose(kind: str) -> None:
    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.head, self.other = mlp(4, 16, 2), nn.Linear(2, 2), mlp(4, 16, 2)

        def forward(self, x: Tensor) -> Tensor:
            if kind == "worth now and later":
                return torch.stack([self.inner(x), self.inner(x.flip(0))], 1)[..., 0]
            if kind == "two views":
                return torch.cat([self.head(self.inner(x)), self.inner(x + 0.1)], 1)
            if kind == "a mask":
                return torch.cat([self.inner(x), (x[:, :1] > 0).float()], 1)
            with torch.no_grad():
                return torch.cat([self.other(x), self.inner(x)], 1)

    torch.manual_seed(0)
    x = torch.randn(200, 4)
    y = x[:, :2].sum(1, keepdim=True)
    model = Both()

    def loss(f: Tensor, t: Tensor) -> Tensor:
        if kind == "worth now and later":
            return (f[:, 0] - t[:, 0] - 0.8 * f[:, 1].detach()).pow(2).mean()
        if kind == "two views":
            return (f[:, :2] - f[:, 2:].detach()).pow(2).mean() + (f[:, :1] - t).pow(2).mean()
        if kind == "a mask":
            return ((f[:, :1] - t) * (f[:, 2:] > 0.5)).pow(2).mean() + 0 * f[:, 1].sum()
        return (f[:, 2:3] - t - 0.1 * f[:, :1]).pow(2).mean()

    rule = torch.optim.Adam(model.inner.parameters(), 1e-3)
    if kind != "a target net":
        report = trained(model, x, y, loss, rule, 20, rehearse=False)
        assert "outputs" not in [key for f in report.problems for key in f.evidence]
        return
    report = spurious.diagnose(model, (x, y), loss, optimiser=rule)
    assert all("loss_of_others" not in f.evidence for f in report.findings)


def test_margins_that_are_reached_are_no_ignored_outputs() -> None:
    torch.manual_seed(0)
    x = 3 * torch.randn(200, 4)
    y = F.one_hot(x.argmax(1), 4).float()
    model = nn.Linear(4, 4)
    with torch.no_grad():
        model.weight.copy_(5 * torch.eye(4))
    report = trained(
        model, x, y, lambda f, t: F.multi_margin_loss(f, t.argmax(1), margin=0.2),
        torch.optim.SGD(model.parameters(), 1e-3), 5, rehearse=False,
    )  # fmt: skip
    assert Kind.WRONG_LOSS not in problems(report)
