"""What the sixth set of public faults showed: each judge on a case of its own, and refuted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import spurious
from spurious.diagnose import Kind, Report, TrainingWatch


def problems(report: Report) -> set[Kind]:
    return {found.kind for found in report.problems}


def steps(model: nn.Module, x: Tensor, y: Tensor, loss: Any, rule: Any, many: int) -> None:
    for _ in range(many):
        rule.zero_grad()
        loss(model(x), y).backward()
        rule.step()


def test_a_steady_fall_from_afar_is_no_scale_of_targets() -> None:
    torch.manual_seed(0)
    x = torch.randn(300, 1)
    y = 1.8 * x + 32
    near, far = nn.Linear(1, 1), nn.Linear(1, 1)
    loss = nn.MSELoss()
    quick = torch.optim.SGD(near.parameters(), lr=1e-3)
    assert Kind.TARGET_SCALE not in problems(spurious.diagnose(near, (x, y), loss, optimiser=quick))
    slow = torch.optim.Adam(far.parameters(), lr=1e-2)
    assert Kind.TARGET_SCALE in problems(spurious.diagnose(far, (x, 100 * y), loss, optimiser=slow))


def trained(
    model: nn.Module, x: Tensor, y: Tensor, loss: Any, rule: Any, many: int = 150
) -> Report:
    steps(model, x, y, loss, rule, many)
    return spurious.diagnose(model, (x, y), loss, optimiser=rule)


Change = Callable[[nn.Module, Tensor, torch.optim.Optimizer], None]


def watched(change: Change) -> set[Kind]:
    """What a watch says of a line that is learnt in a loop with a change before the step."""
    torch.manual_seed(0)
    x = torch.randn(64, 1)
    model = nn.Linear(1, 1)
    rule = torch.optim.SGD(model.parameters(), lr=1e-2)
    watch = TrainingWatch(model, console=False, every=1)
    for _ in range(30):
        loss = nn.functional.mse_loss(model(x), 2 * x + 1)
        change(model, loss, rule)
        watch.step(loss)
    watch.close()
    return {found.kind for found in watch.loop_findings}


def cleared(model: nn.Module, loss: Tensor, rule: torch.optim.Optimizer) -> None:
    rule.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 0.1)
    rule.step()


def kept(_: nn.Module, loss: Tensor, rule: torch.optim.Optimizer) -> None:
    loss.backward()
    rule.step()


def turned(model: nn.Module, loss: Tensor, rule: torch.optim.Optimizer) -> None:
    rule.zero_grad()
    loss.backward()
    for p in model.parameters():
        assert p.grad is not None
        p.grad.neg_()
    rule.step()


def of_another(model: nn.Module, _: Tensor, rule: torch.optim.Optimizer) -> None:
    model.zero_grad()
    torch.zeros(1, requires_grad=True).sum().backward()
    rule.step()


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (cleared, set[Kind]()),
        (kept, {Kind.MISSING_ZERO_GRAD}),
        (turned, {Kind.GRADIENT_SIGN_FLIPPED}),
        (of_another, {Kind.DETACHED_LOSS}),
    ],
)
def test_what_arrives_is_compared_with_what_is_there(change: Change, found: set[Kind]) -> None:
    assert watched(change) == found


def test_a_line_over_far_inputs_that_descent_cannot_finish() -> None:
    torch.manual_seed(0)
    near = torch.randn(200, 1)
    for unit, lr, found in ((300.0, 5e-6, True), (1.0, 0.1, False)):
        model, x = nn.Linear(1, 1), unit * near
        y = 1.8 * x + 0.1 * unit
        rule = torch.optim.SGD(model.parameters(), lr=lr)
        report = trained(model, x, y, nn.MSELoss(), rule, 400)
        assert (Kind.UNSCALED_INPUTS in problems(report)) == found


def test_a_loss_that_falls_far_too_slowly() -> None:
    torch.manual_seed(0)
    label = torch.arange(300) % 4
    x = 2 * torch.randn(4, 6)[label] + 0.3 * torch.randn(300, 6)
    for lr, found in ((1e-5, True), (1e-2, False)):
        model = nn.Sequential(nn.Linear(6, 64), nn.Tanh(), nn.Linear(64, 4))
        rule = torch.optim.Adam(model.parameters(), lr=lr)
        report = trained(model, x, label, nn.CrossEntropyLoss(), rule, 30)
        assert (Kind.STEP_TOO_SMALL in problems(report)) == found
