"""What the gradient that a loop has left says of the loop, without a watch; and loops in order."""

from collections.abc import Callable, Iterator

import pytest
import torch
from tests.diagnose.parity import data, net
from torch import Tensor, nn

import spurious
from spurious.diagnose import Report
from spurious.diagnose.measure.before import before_last_step

N, BATCH = 120, 20
RULES: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": lambda p: torch.optim.SGD(p, 0.05),
    "momentum": lambda p: torch.optim.SGD(p, 0.02, momentum=0.9, nesterov=True, weight_decay=1e-3),
    "adam": lambda p: torch.optim.Adam(p, 3e-3, weight_decay=1e-3),
    "adamw": lambda p: torch.optim.AdamW(p, 3e-3),
    "rmsprop": lambda p: torch.optim.RMSprop(p, 1e-3, centered=True),
    "adagrad": lambda p: torch.optim.Adagrad(p, 1e-2, lr_decay=1e-3),
}
OF_THE_LOOP = {
    "missing_zero_grad", "gradient_sign_flipped", "fault_in_loop", "step_too_small",
}  # fmt: skip


LOSS = nn.BCEWithLogitsLoss()


def batches(steps: int) -> Iterator[tuple[Tensor, Tensor]]:
    x, y = data(N)
    torch.manual_seed(2)
    for _ in range(steps):
        rows = torch.randperm(N)[:BATCH]
        yield x[rows], y[rows]


def train(
    model: nn.Module,
    rule: torch.optim.Optimizer,
    fault: str = "",
    steps: int = 8,
    pieces: int = 1,
) -> None:
    for k, (x, y) in enumerate(batches(steps)):
        if fault != "kept" and k % pieces == 0:
            rule.zero_grad()
        y = y.roll(1, 0) if fault == "targets" else y
        loss = LOSS(model(x), y)
        if fault == "other loss":
            loss = (model(x.flip(1) * 3) ** 2).mean()
        if fault == "penalty":
            loss = loss + 0.05 * sum(p.abs().sum() + p.pow(2).sum() for p in model.parameters())
        (-loss if fault == "turned" else loss / pieces).backward()
        if fault == "noise":
            model.zero_grad()
            LOSS(model(x + 0.3 * torch.randn_like(x)), y).backward()
        if fault.startswith("clip"):
            nn.utils.clip_grad_norm_(model.parameters(), float(fault.removeprefix("clip")))
        if (k + 1) % pieces == 0:
            rule.step()


def looked(model: nn.Module, rule: torch.optim.Optimizer | None, rehearse: bool = False) -> Report:
    return spurious.diagnose(
        model, data(N), LOSS, optimiser=rule, curvature=False, rehearse=rehearse
    )


def kinds(report: Report) -> set[str]:
    return {str(found.kind) for found in report.problems} & OF_THE_LOOP


@pytest.mark.parametrize("rule", list(RULES))
def test_the_last_step_is_undone(rule: str) -> None:
    model = net()
    optimiser = RULES[rule](model.parameters())
    before: list[Tensor] = []
    for x, y in batches(5):
        optimiser.zero_grad()
        LOSS(model(x), y).backward()
        before = [p.detach().clone() for p in model.parameters()]
        optimiser.step()
    for group in optimiser.param_groups:
        for p, old in zip(group["params"], before, strict=True):
            found = before_last_step(optimiser, group, p)
            assert found is not None
            assert float((found - old).norm()) < 1e-3 * float((p.detach() - old).norm())


@pytest.mark.parametrize("rule", list(RULES))
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("turned", "gradient_sign_flipped"),
        ("targets", None),  # of these outputs, but another loss may be meant
        ("other loss", None),  # it may be meant
        ("penalty", None),
        ("clip0.05", None),
        ("noise", None),
        ("", None),
    ],
)
def test_what_the_gradient_is_made_of(rule: str, fault: str, kind: str | None) -> None:
    model = net()
    optimiser = RULES[rule](model.parameters())
    train(model, optimiser, fault)
    assert kinds(looked(model, optimiser)) == ({kind} if kind else set())


def test_nothing_is_said_of_other_weights() -> None:
    """Without the optimiser, or under a scheduler, the weights of the gradient are not known."""
    model = net()
    optimiser = RULES["sgd"](model.parameters())
    train(model, optimiser, "turned")
    assert not kinds(looked(model, None))
    optimiser.param_groups[0]["initial_lr"] = 1.0
    assert not kinds(looked(model, optimiser))


@pytest.mark.parametrize("noisy", [nn.Dropout(0.5), nn.BatchNorm1d(32)])
def test_points_without_gradients_of_their_own(noisy: nn.Module) -> None:
    for fault in ("", "turned"):
        model = net(noisy)
        optimiser = RULES["adam"](model.parameters())
        train(model, optimiser, fault)
        assert not kinds(looked(model, optimiser))


def test_gradients_that_are_added_up_on_purpose_and_frozen_parts() -> None:
    for steps in (12, 14):  # in the middle of a window, too
        model = net()
        model[0].requires_grad_(False)
        optimiser = RULES["sgd"]([p for p in model.parameters() if p.requires_grad])
        train(model, optimiser, steps=steps, pieces=4)
        assert not kinds(looked(model, optimiser))


def test_gradients_that_are_kept_by_a_model_of_two_weights() -> None:
    torch.manual_seed(0)
    x = 20 * torch.rand(100, 1)
    y = 2 * x + 3 + torch.randn(100, 1)
    for kept in (True, False):
        model = nn.Linear(1, 1)
        rule = torch.optim.SGD(model.parameters(), 1e-3)
        for _ in range(400 if kept else 5):
            if not kept:
                rule.zero_grad()
            nn.functional.mse_loss(model(x), y).backward()
            rule.step()
        report = spurious.diagnose(model, (x, y), nn.MSELoss(), optimiser=rule, rehearse=False)
        assert ("missing_zero_grad" in kinds(report)) == kept


def test_a_gradient_that_is_rounding_says_nothing() -> None:
    model = net()
    with torch.no_grad():
        for p in model.parameters():
            p.zero_()
    x, _ = data(N)
    y = torch.tensor([0.0, 1.0]).repeat(N // 2)[:, None]
    rule = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(3):
        rule.zero_grad()
        LOSS(model(x), y).backward()
        rule.step()
    report = spurious.diagnose(model, (x, y), LOSS, optimiser=rule, rehearse=False)
    assert not kinds(report) & {"gradient_sign_flipped", "fault_in_loop", "missing_zero_grad"}


@pytest.mark.parametrize(("clip", "small"), [("clip0.001", True), ("clip1.0", False)])
@pytest.mark.parametrize("rule", ["sgd", "adam"])
def test_gradients_that_are_clipped_to_next_to_nothing(clip: str, small: bool, rule: str) -> None:
    model = net()
    optimiser = RULES[rule](model.parameters())
    train(model, optimiser, clip, steps=20)
    said = kinds(looked(model, optimiser, rehearse=True))
    assert ("step_too_small" in said) == (small and rule == "sgd")


@pytest.mark.parametrize("fault", ["other loss", "targets", ""])
def test_another_loss_where_copies_learn_this_one(fault: str) -> None:
    model = net()
    optimiser = RULES["adam"](model.parameters())
    train(model, optimiser, fault, steps=350 if fault else 8)
    assert kinds(looked(model, optimiser, rehearse=True)) == ({"fault_in_loop"} if fault else set())
