"""Faults of the training loop itself."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.diagnose.unrehearsed import problems
from torch import Tensor, nn

import spurious
from spurious.diagnose import Kind, TrainingWatch


def data() -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    x = torch.randn(256, 4)
    return x, (x[:, :1] * x[:, 1:2]).tanh()


def run(fault: str = "", clip: str = "", accumulate: int = 1, steps: int = 40) -> set[str]:
    x, y = data()
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
    optimiser = torch.optim.SGD(model.parameters(), 0.05, momentum=0.5)
    watch = TrainingWatch(model, every=1, console=False, batches=16)
    for step in range(steps):
        k = 0 if fault == "same_batch" else step % 16
        rows = slice(16 * k, 16 * k + 16)
        if fault != "missing_zero_grad" and step % accumulate == 0:
            optimiser.zero_grad()
        outputs = model(x[rows])
        if fault == "detached_loss":
            outputs = outputs.detach()
        loss = nn.functional.mse_loss(outputs, y[rows])
        if fault != "detached_loss":
            loss.backward()
        if clip == "norm":
            nn.utils.clip_grad_norm_(model.parameters(), 1e-3)
        if clip == "value":
            nn.utils.clip_grad_value_(model.parameters(), 1e-3)
        if fault == "optimiser_never_steps":
            watch.step(loss)
            continue
        if fault == "gradients_cleared":
            optimiser.zero_grad()
        if (step + 1) % accumulate == 0:
            optimiser.step()
        if fault == "two_steps_a_batch":
            optimiser.step()
        watch.step(loss)
    watch.close()
    return {str(event.finding.kind) for event in watch.events}


FAULTS = ("missing_zero_grad", "two_steps_a_batch", "same_batch", "detached_loss")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_loop_is_named(fault: str) -> None:
    assert fault in run(fault)


def test_an_optimiser_that_never_steps_or_sees_no_gradient() -> None:
    assert "optimiser_never_steps" in run("optimiser_never_steps", steps=120)
    assert "optimiser_never_steps" not in run("optimiser_never_steps", steps=60)  # adds up?
    assert "optimiser_never_steps" in run("gradients_cleared")


def test_gradients_of_what_the_optimiser_does_not_hold_may_add_up() -> None:
    x, y = data()
    model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
    head = torch.optim.SGD(list(model.parameters())[2:], 0.05)
    watch = TrainingWatch(model, every=1, console=False)
    for _ in range(20):
        head.zero_grad()
        nn.functional.mse_loss(model(x), y).backward()
        head.step()
        watch.step()
    assert not [event for event in watch.events if event.finding.kind == "missing_zero_grad"]


def test_a_short_training_is_looked_at_often_enough() -> None:
    model = nn.Linear(4, 1)
    watch = TrainingWatch(model, console=False)
    for _ in range(40):
        watch.step(model(data()[0]).mean())
    assert watch.looks >= 3


@pytest.mark.parametrize("more", [{}, {"clip": "norm"}, {"clip": "value"}, {"accumulate": 4}])
def test_a_sound_loop_has_none(more: dict[str, Any]) -> None:
    assert not run(**more, steps=120) & {*FAULTS, "optimiser_never_steps"}


def test_nothing_changes_and_nothing_stays() -> None:
    x, y = data()

    def weights(watched: bool) -> list[Tensor]:
        torch.manual_seed(1)
        model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
        optimiser = torch.optim.Adam(model.parameters())
        watch = TrainingWatch(model, every=1, console=False) if watched else None
        for _ in range(20):
            optimiser.zero_grad()
            loss = nn.functional.mse_loss(model(x), y)
            loss.backward()
            optimiser.step()
            if watch is not None:
                watch.step(loss)
        if watch is not None:
            watch.close()
        assert not any(p._backward_hooks for p in model.parameters())
        return [p.detach() for p in model.parameters()]

    for one, other in zip(weights(True), weights(False), strict=True):
        assert torch.equal(one, other)


def test_what_comes_and_goes_is_not_said_each_time() -> None:
    """A layer that is dead in every other stretch of ten looks."""
    x, y = data()
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    kept = model[0].bias.detach().clone()
    watch = TrainingWatch(model, every=1, console=False)
    for step in range(200):
        with torch.no_grad():
            model[0].bias.copy_(kept - 100 * (step // 10 % 2))
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        watch.step(loss)
        model.zero_grad()
    watch.close()
    dead = [event for event in watch.events if event.finding.kind == "dead_units"]
    assert len(dead) <= 4


def test_a_loop_that_never_runs() -> None:
    """As of a loader that drops its only batch."""
    torch.manual_seed(0)
    x = torch.randn(20, 3)
    y = x[:, :1] * x[:, 1:2]
    model = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 1))
    rule = torch.optim.Adam(model.parameters())
    watch = TrainingWatch(model, console=False)
    loader = torch.utils.data.DataLoader(list(zip(x, y, strict=True)), 64, drop_last=True)
    for inputs, targets in loader:
        nn.functional.mse_loss(model(inputs), targets).backward()
        rule.step()
        watch.step()
    open_still = spurious.diagnose(model, (x, y), nn.MSELoss(), optimiser=rule, watch=watch)
    assert "optimiser_never_steps" not in [found.kind for found in open_still.problems]
    watch.close()
    report = spurious.diagnose(model, (x, y), nn.MSELoss(), optimiser=rule, watch=watch)
    assert report.problems[0].kind == "optimiser_never_steps"
    nn.functional.mse_loss(model(x), y).backward()  # trained after all, beside the watch
    rule.step()
    report = spurious.diagnose(model, (x, y), nn.MSELoss(), optimiser=rule, watch=watch)
    assert "optimiser_never_steps" not in [found.kind for found in report.problems]


Change = Callable[[nn.Module, Tensor, torch.optim.Optimizer], None]


def cleared(model: nn.Module, loss: Tensor, rule: torch.optim.Optimizer) -> None:
    rule.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 0.1)
    rule.step()


def kept(_: nn.Module, loss: Tensor, rule: torch.optim.Optimizer) -> None:
    loss.backward()
    rule.step()


def of_another(model: nn.Module, _: Tensor, rule: torch.optim.Optimizer) -> None:
    model.zero_grad()
    torch.zeros(1, requires_grad=True).sum().backward()
    rule.step()


def turned(model: nn.Module, loss: Tensor, rule: torch.optim.Optimizer) -> None:
    rule.zero_grad()
    loss.backward()
    for p in model.parameters():
        assert p.grad is not None
        p.grad.neg_()
    rule.step()


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
