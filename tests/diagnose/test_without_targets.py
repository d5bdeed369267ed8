"""Losses that do not look at targets, that share one whole, that climb; steps of 0 and below."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import spurious
from spurious.diagnose.measure.weights import spread_evenly


def net(outputs: int, *last: nn.Module) -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, outputs), *last)


def said_of(
    model: nn.Module, x: Tensor, y: Tensor, loss: Any, rule: torch.optim.Optimizer, steps: int = 30
) -> list[str]:
    """Kinds of the problems after a short training."""
    for _ in range(steps):
        rule.zero_grad()
        value = loss(model(x), y)
        value.backward()
        rule.step()
    report = spurious.diagnose(model, (x, y), loss, optimiser=rule, curvature=False, rehearse=False)
    return [str(found.kind) for found in report.problems]


def adam(model: nn.Module, size: float = 1e-2) -> torch.optim.Optimizer:
    return torch.optim.Adam(model.parameters(), size)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_generator_that_goes_down(sign: float) -> None:
    torch.manual_seed(0)
    x, real = torch.randn(128, 3), torch.tensor([2.0, -1.0]) + 0.3 * torch.randn(128, 2)

    def loss(f: Tensor, _: Tensor) -> Tensor:  # a critic that knows what is real
        return -sign * (-(f - torch.tensor([2.0, -1.0])).pow(2).sum(1)).mean()

    model = net(2)
    said = said_of(model, x, real, loss, adam(model), 100)
    assert ("gradient_sign_flipped" in said) == (sign < 0)
    assert not {"targets_shuffled", "optimiser_misses_parameters"} & set(said)


def test_a_critic_in_the_loss_is_no_layer_of_the_model() -> None:
    torch.manual_seed(0)
    x, critic, model = torch.randn(128, 3), nn.Linear(2, 1), net(2)
    said = said_of(model, x, torch.randn(128, 2), lambda f, _: -critic(f).mean(), adam(model), 3)
    assert "optimiser_misses_parameters" not in said


class Slope(nn.Module):
    """A function and its derivative, (n, 2)."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.inner = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))

    def forward(self, x: Tensor) -> Tensor:
        with torch.enable_grad():
            at = x.detach().requires_grad_()
            u = self.inner(at)
            return torch.cat([u, torch.autograd.grad(u.sum(), at, create_graph=True)[0]], 1)


def test_a_constant_that_suits_an_equation_is_no_measure() -> None:
    torch.manual_seed(0)
    x = torch.linspace(0, 1, 64)[:, None]
    model, start = Slope(), (x == 0).float()

    def loss(f: Tensor, y: Tensor) -> Tensor:
        return (f[:, 1] - 1).pow(2).mean() + (y[:, 0] * f[:, 0].pow(2)).sum()

    rule = adam(model)
    for _ in range(200):
        rule.zero_grad()
        loss(model(x), start).backward()
        rule.step()
    report = spurious.diagnose(model, (x, start), loss, optimiser=rule, curvature=False)
    assert report.measurements.landscape.constant_loss is None
    assert not report.problems


@pytest.mark.parametrize("thawed", [True, False])
def test_random_weights_that_are_frozen(thawed: bool) -> None:
    torch.manual_seed(0)
    x = torch.randn(256, 3)
    y = (x[:, :1] * x[:, 1:2] > 0).float()
    model = nn.Sequential(nn.Linear(3, 40), nn.Tanh(), nn.Linear(40, 2), nn.Tanh(), nn.Linear(2, 1))
    model[:3].requires_grad_(thawed)
    rule = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], 1e-2)
    said = said_of(model, x, y, nn.BCEWithLogitsLoss(), rule)
    assert ("frozen_layers" in said) == (not thawed)


def test_weights_that_a_training_has_left_are_not_spread_evenly() -> None:
    torch.manual_seed(0)
    assert spread_evenly(nn.Linear(30, 40).weight)
    assert spread_evenly(nn.Conv2d(8, 16, 3).weight)
    assert not spread_evenly(torch.randn(40, 30))
    assert not spread_evenly(torch.zeros(40, 30))
    assert not spread_evenly(torch.rand(40, 30))  # all of one sign


@pytest.mark.parametrize(
    ("groups", "more", "kind"),
    [
        ((1e-2, 0.0), {}, "step_too_small"),
        ((1e-2, 1e-2), {"momentum": 1.0}, "step_too_large"),
        ((-1e-2, -1e-2), {}, "gradient_sign_flipped"),
        ((1e-2, 1e-2), {"momentum": 0.9}, None),
    ],
)
def test_steps_and_momentum(
    groups: tuple[float, float], more: dict[str, float], kind: str | None
) -> None:
    torch.manual_seed(0)
    x = torch.randn(128, 3)
    y = (x[:, :1] * x[:, 1:2] > 0).float()
    model = net(1)
    rule = torch.optim.SGD(
        [
            {"params": model[2].parameters(), "lr": abs(groups[0])},
            {"params": model[0].parameters(), "lr": abs(groups[1])},
        ],
        lr=1e-2,
        **more,
    )
    for group, size in zip(rule.param_groups, groups, strict=True):
        group["lr"] = size
    said = said_of(model, x, y, nn.BCEWithLogitsLoss(), rule)
    known = {"step_too_small", "step_too_large", "gradient_sign_flipped"} & set(said)
    assert known == ({kind} if kind else set())


@pytest.mark.parametrize(
    ("last", "loss", "kind"),
    [
        ((nn.Softmax(1),), lambda f, y: -(y * f.clamp_min(1e-7).log()).sum(1).mean(),
         "wrong_output_activation"),
        ((), nn.CrossEntropyLoss(), "wrong_loss"),
        ((nn.Sigmoid(),), nn.BCELoss(), None),
        ((), nn.BCEWithLogitsLoss(), None),
    ],
)  # fmt: skip
def test_several_labels_share_no_whole(last: Any, loss: Any, kind: str | None) -> None:
    torch.manual_seed(0)
    x = torch.randn(256, 3)
    y = (x @ torch.randn(3, 5) > 0).float()
    model = net(5, *last)
    said = said_of(model, x, y, loss, adam(model, 1e-3))
    about = [k for k in said if k in ("wrong_output_activation", "wrong_loss")]
    assert kind in about if kind else not about


@pytest.mark.parametrize("sound", [True, False])
def test_a_score_that_is_the_difference_of_two(sound: bool) -> None:
    torch.manual_seed(0)
    x = torch.randn(256, 3)
    y = (x[:, 0] * x[:, 1] > 0).float()

    def loss(f: Tensor, y: Tensor) -> Tensor:
        z = f[:, 1] - f[:, 0]
        return F.binary_cross_entropy_with_logits(z if sound else z.sigmoid(), y)

    model = net(2)
    said = said_of(model, x, y, loss, adam(model, 1e-3), 5)
    assert ("probabilities_to_logits_loss" in said) == (not sound)


@pytest.mark.parametrize("turned", [True, False])
def test_an_overlap_that_is_made_smaller(turned: bool) -> None:
    torch.manual_seed(0)
    x = torch.randn(128, 3)
    y = (x[:, :1] > 0).float()

    def loss(f: Tensor, y: Tensor) -> Tensor:
        dice = (2 * (f * y).sum() + 1) / (f.sum() + y.sum() + 1)
        return dice if turned else 1 - dice

    model = net(1, nn.Sigmoid())
    said = said_of(model, x, y, loss, adam(model), 60)
    assert ("gradient_sign_flipped" in said) == turned
    assert turned or not said


def test_events_among_many_moments_are_a_rare_class() -> None:
    torch.manual_seed(0)
    y = (torch.rand(128, 20) < 0.03).float()
    x = torch.randn(128, 20, 1) + 2.5 * y[..., None]

    class Each(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(1)
            self.inner = nn.Linear(1, 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x)[..., 0]

    rare, even = Each(), Each()
    nn.init.constant_(rare.inner.bias, -4.0)
    nn.init.constant_(rare.inner.weight, 0.3)
    assert "class_imbalance" in said_of(rare, x, y, nn.BCEWithLogitsLoss(), adam(rare, 1e-4), 3)
    weighed = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(30.0))
    assert "class_imbalance" not in said_of(even, x, y, weighed, adam(even, 3e-2), 150)


def test_a_basin_that_another_start_leaves() -> None:
    torch.manual_seed(0)
    x = torch.linspace(-2, 2, 128)[:, None]
    y = x.abs()
    model = nn.Sequential(nn.Linear(1, 16), nn.ReLU(), nn.Linear(16, 1))
    with torch.no_grad():  # one unit is on, for x > 0, and all others are off
        model[0].weight.abs_()
        model[0].bias.copy_(torch.tensor([0.0] + 15 * [-9.0]))
        model[2].weight.abs_()
        model[0].weight[0].fill_(1.0)
    rule = adam(model)
    for _ in range(300):
        rule.zero_grad()
        F.mse_loss(model(x), y).backward()
        rule.step()
    report = spurious.diagnose(model, (x, y), nn.MSELoss(), optimiser=rule, curvature=False)
    found = {str(f.kind): f for f in report.problems}
    assert "local_minimum" in found
    assert "another start" in found["local_minimum"].explanation
    sound = nn.Sequential(nn.Linear(1, 16), nn.ReLU(), nn.Linear(16, 1))
    rule = adam(sound)
    for _ in range(100):
        rule.zero_grad()
        F.mse_loss(sound(x), y).backward()
        rule.step()
    report = spurious.diagnose(sound, (x, y), nn.MSELoss(), optimiser=rule, curvature=False)
    assert not report.problems
