"""Losses that say nothing, targets out of step, statistics that lag, and tensors nobody trains."""

from typing import Any

import torch
from torch import nn

import spurious
from spurious.diagnose import Finding, TrainingWatch


def problems(model: nn.Module, data: Any, loss: Any, **more: Any) -> list[Finding]:
    more = {"curvature": False, "rehearse": False} | more
    return list(spurious.diagnose(model, data, loss, **more).problems)


def test_the_proof_is_about_the_loss_with_weight_decay() -> None:
    """At 0 the penalised loss has a proved minimum; without the penalty the point is none."""
    x = torch.tensor([[1.0], [-1.0]])
    y = torch.tensor([[0.1], [-0.1]])
    model = nn.Sequential(nn.Linear(1, 1), nn.Tanh(), nn.Linear(1, 1)).double()
    for p in model.parameters():
        nn.init.zeros_(p)
    data = (x.double(), y.double())
    decay = torch.optim.SGD(model.parameters(), 0.1, weight_decay=1.0)
    with_decay = spurious.diagnose(model, data, nn.MSELoss(), optimiser=decay, rehearse=False)
    assert with_decay.verdict is not None, with_decay.measurements.notes
    assert with_decay.verdict.decision == "local_minimum"
    assert any("weight decay 1" in f.explanation for f in with_decay.findings)
    plain = torch.optim.SGD(model.parameters(), 0.1)
    without = spurious.diagnose(model, data, nn.MSELoss(), optimiser=plain, rehearse=False)
    assert without.verdict is not None
    assert without.verdict.decision != "local_minimum"
    loose = torch.optim.AdamW(model.parameters(), 0.1, weight_decay=1.0)
    decoupled = spurious.diagnose(model, data, nn.MSELoss(), optimiser=loose, rehearse=False)
    assert decoupled.verdict is None


def test_a_loss_that_is_infinite_asks_for_no_longer_steps() -> None:
    torch.manual_seed(0)
    x = torch.randn(100, 6)
    y = x @ torch.randn(6, 1)
    model = nn.Linear(6, 1)
    rule = torch.optim.SGD(model.parameters(), 0.1)
    watch = TrainingWatch(model, console=False)
    for _ in range(250):
        rule.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        for p in model.parameters():
            assert p.grad is not None
            p.grad.neg_()
        rule.step()
        watch.step(loss)
    watch.close()
    asked = {"rehearse": True, "optimiser": rule, "watch": watch}
    kinds = [found.kind for found in problems(model, (x, y), nn.MSELoss(), **asked)]
    assert kinds[0] == "gradient_sign_flipped"
    assert "not_finite" in kinds
    assert "step_too_small" not in kinds
