"""Losses that little is enough for: a constant, or what a few far points need."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.diagnose.all_points import trained
from torch import Tensor, nn

from spurious.diagnose import Kind, Outcome, Report


def fitted(
    model: nn.Module, x: Tensor, y: Tensor, loss: Any, lr: float, steps: int, **more: Any
) -> Report:
    return trained(model, x, y, loss, torch.optim.Adam(model.parameters(), lr), steps, **more)


def kinds(report: Report) -> list[Kind]:
    return [found.kind for found in report.problems]


@pytest.mark.parametrize("told", [False, True])
def test_an_equation_that_nothing_fulfils_as_well(told: bool) -> None:
    """u'' = -u with u = 0 at the left end; then with u = 1 at another point, too."""
    torch.manual_seed(0)
    near = 0.05
    x = torch.linspace(0, 1.5, 40)[:, None] + torch.tensor([-near, 0.0, near])
    y = torch.zeros(40, 2)
    y[0, 0] = 1.0  # where a value is told, and which
    if told:
        y[-1] = 1.0

    class Height(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x[..., None]).squeeze(-1)

    def loss(u: Tensor, told: Tensor) -> Tensor:
        bend = (u[:, 0] - 2 * u[:, 1] + u[:, 2]) / near**2
        off = told[:, 0] * (u[:, 1] - told[:, 1])
        return (bend + u[:, 1]).pow(2).mean() + off.pow(2).sum()

    report = fitted(Height(), x, y, loss, 3e-3, 2000, rehearse=False, curvature=False)
    assert (Kind.WRONG_LOSS in kinds(report)) is (not told)


@pytest.mark.parametrize("far", [True, False])
def test_a_few_points_far_out_have_the_loss_for_themselves(far: bool) -> None:
    torch.manual_seed(0)
    x = torch.rand(200, 2)
    y = torch.sin(5 * x[:, :1]) * torch.cos(5 * x[:, 1:])
    if far:
        own = torch.arange(200) % 10 == 0
        x[own] = 1000 + 300 * x[own]
        y[own] = x[own].sum(1, keepdim=True)
    model = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 1))
    report = fitted(model, x, y, nn.MSELoss(), 1e-2, 600)
    landscape = report.measurements.landscape
    assert landscape.constant_loss is not None
    assert landscape.loss < 0.1 * landscape.constant_loss
    assert (Kind.TARGET_SCALE in kinds(report)) is far
    assert (report.conclusion.outcome is Outcome.LEARNT) is (not far)


def test_far_points_do_not_matter_where_the_others_are_learnt() -> None:
    torch.manual_seed(0)
    x = torch.randn(200, 1)
    x[:10] *= 1000
    model = nn.Linear(1, 1)
    with torch.no_grad():
        model.weight.fill_(2.0)
        model.bias.fill_(0.1)
    report = fitted(model, x, 2 * x, nn.MSELoss(), 1e-3, 300)
    assert Kind.TARGET_SCALE not in kinds(report)


def overlap(outputs: Tensor, targets: Tensor) -> Tensor:
    both = (outputs * targets).sum()
    return 1 - (2 * both + 1) / (outputs.sum() + targets.sum() + 1)


@pytest.mark.parametrize("high", [255, 1])
def test_masks_of_white_and_black(high: int) -> None:
    torch.manual_seed(0)
    x = torch.randn(60, 1, 8, 8)
    y = high * (nn.functional.avg_pool2d(x, 3, 1, 1) > 0).float()
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 1), nn.Sigmoid()
    )
    report = fitted(model, x, y, overlap, 1e-2, 60)
    assert (Kind.LABELS_OUTSIDE_LOSS in kinds(report)) is (high > 1)


def test_far_points_beside_noise_are_all_there_is() -> None:
    """Nothing says that the others' targets could be told."""
    torch.manual_seed(0)
    x = torch.randn(400, 3)
    event = torch.arange(400) % 20 == 0
    x[:, 0] = event.float()
    y = (30 * event + 0.3 * torch.randn(400))[:, None]
    model = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 1))
    report = fitted(model, x, y, nn.MSELoss(), 1e-2, 800)
    assert not report.problems
    assert report.conclusion.outcome is Outcome.LEARNT


def test_far_points_do_not_matter_to_a_loss_that_is_not_theirs() -> None:
    torch.manual_seed(0)
    x = torch.rand(200, 2)
    y = torch.sin(5 * x[:, :1]) * torch.cos(5 * x[:, 1:])
    y[::20] *= 1e5

    def loss(f: Tensor, y: Tensor) -> Tensor:
        return torch.log1p((f - y) ** 2).mean()

    model = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 1))
    assert Kind.TARGET_SCALE not in kinds(fitted(model, x, y, loss, 1e-2, 20, rehearse=False))


def test_small_units_are_no_solution() -> None:
    """Targets of thousandths, of which nothing explains half while the model is on its way."""
    torch.manual_seed(0)
    x, weight = torch.randn(200, 4), torch.rand(200)
    y = torch.stack([3e-3 * torch.sin(x[:, 0] + x[:, 1]), weight], 1)

    def loss(f: Tensor, y: Tensor) -> Tensor:
        return (y[:, 1] * (f[:, 0] - y[:, 0]) ** 2).mean()

    for steps in (3, 10, 30):
        model = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 1))
        with torch.no_grad():
            model[2].weight.mul_(0.05)
            model[2].bias.zero_()
        report = fitted(model, x, y, loss, 1e-3, steps, rehearse=False, curvature=False)
        assert Kind.WRONG_LOSS not in kinds(report)


def test_boundary_values_that_are_built_in() -> None:
    """u = x + x (1 - x) N(x) and u'' = 0: N = 0 is the solution, and the only one."""
    torch.manual_seed(0)

    class Left(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))

        def forward(self, x: Tensor) -> Tensor:
            with torch.enable_grad():
                at = x.detach().requires_grad_()
                u = at + at * (1 - at) * self.inner(at)
                slope = torch.autograd.grad(u.sum(), at, create_graph=True)[0]
                return torch.autograd.grad(slope.sum(), at, create_graph=True)[0]

    def loss(left: Tensor, _: Tensor) -> Tensor:
        return (left**2).mean()

    x = torch.rand(64, 1)
    report = fitted(Left(), x, x.clone(), loss, 3e-3, 400)
    assert Kind.WRONG_LOSS not in kinds(report)


def test_a_loss_that_takes_white_for_yes_by_itself() -> None:
    torch.manual_seed(0)
    x = torch.randn(60, 1, 8, 8)
    y = 255.0 * (nn.functional.avg_pool2d(x, 3, 1, 1) > 0).float()

    def loss(f: Tensor, y: Tensor) -> Tensor:
        yes = (y > 0).float()
        return nn.functional.binary_cross_entropy(f, yes, reduction="sum") / y.sum()

    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 1), nn.Sigmoid()
    )
    report = fitted(model, x, y, loss, 1e-2, 60)
    assert Kind.LABELS_OUTSIDE_LOSS not in kinds(report)
