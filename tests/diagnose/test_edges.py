"""Logarithms, roots and divisions at 0: kept from it, and named where they make weights NaN."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import spurious
from spurious.diagnose import Kind, Report
from spurious.diagnose.measure.edges import Edge, KeptFromZero

EDGES = {Kind.LOG_OF_ZERO, Kind.ROOT_AT_ZERO, Kind.DIVISION_BY_ZERO}


def first(report: Report) -> Kind:
    return report.problems[0].kind


def train(model: nn.Module, x: Tensor, y: Tensor, loss: Any, rule: Any, steps: int) -> None:
    for _ in range(steps):
        rule.zero_grad()
        loss(model(x), y).backward()
        rule.step()


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (torch.log, Kind.LOG_OF_ZERO),
        (lambda z: (z**2).sqrt(), Kind.ROOT_AT_ZERO),
        (lambda z: (z * z) ** 0.5, Kind.ROOT_AT_ZERO),
        (lambda z: z.abs().pow(0.5), Kind.ROOT_AT_ZERO),
        (lambda z: torch.rsqrt(z * z), Kind.ROOT_AT_ZERO),
        (lambda z: 1 / z, Kind.DIVISION_BY_ZERO),
        (lambda z: z / z, Kind.DIVISION_BY_ZERO),
        (lambda z: torch.div(z, input_of(z)), Kind.DIVISION_BY_ZERO),
        (lambda z: z.reciprocal(), Kind.DIVISION_BY_ZERO),
    ],
)
def test_what_is_not_finite_at_0_is_once_it_is_kept_from_it(
    function: Callable[[Tensor], Tensor], kind: Kind
) -> None:
    def value_and_slope(mode: KeptFromZero | None, at: float) -> Tensor:
        z = torch.tensor(at, dtype=torch.float64, requires_grad=True)
        if mode is None:
            out = function(z)
        else:
            with mode:
                out = function(z)
        return torch.stack([out.detach(), torch.autograd.grad(out, z)[0]])

    edges: list[Edge] = []
    plain = value_and_slope(None, 0.0)
    kept = value_and_slope(KeptFromZero(edges), 0.0)
    assert not plain.isfinite().all()
    assert kept.isfinite().all()
    assert [edge.kind for edge in edges] == [kind]
    assert edges[0].line.startswith("test_edges.py:")
    edges.clear()
    same = value_and_slope(KeptFromZero(edges), 0.25)
    assert torch.equal(same, value_and_slope(None, 0.25))
    assert not edges


def input_of(z: Tensor) -> Tensor:
    return 2 * z


@pytest.mark.parametrize("exponent", [2, 3, 1, 0, 1.5])
def test_powers_that_are_smooth_at_0_are_left_alone(exponent: float) -> None:
    edges: list[Edge] = []
    with KeptFromZero(edges):
        value = torch.zeros(3) ** exponent
    assert not edges
    assert torch.equal(value, torch.zeros(3) ** exponent)


def points(seed: int = 0) -> tuple[Tensor, Tensor]:
    torch.manual_seed(seed)
    x = torch.randn(200, 4)
    return x, (x[:, 0] * x[:, 1] > 0).long() + (x[:, 2] > 0).long()


class Softmaxed(nn.Module):
    """A classifier that ends in probabilities, far from sure or not."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 3))

    def forward(self, x: Tensor) -> Tensor:
        return torch.softmax(20 * self.body(x), 1)


def by_hand(more: float) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda p, y: -(nn.functional.one_hot(y, 3) * (p + more).log()).sum(1).mean()


@pytest.mark.parametrize(("more", "named"), [(0.0, True), (1e-8, False)])
def test_a_cross_entropy_by_hand(more: float, named: bool) -> None:
    x, y = points()
    model = Softmaxed()
    rule = torch.optim.Adam(model.parameters(), lr=1e-2)
    train(model, x, y, by_hand(more), rule, 400)
    report = spurious.diagnose(model, (x, y), by_hand(more), optimiser=rule)
    kinds = {found.kind for found in report.problems}
    if named:
        assert not all(p.isfinite().all() for p in model.parameters())
        assert first(report) is Kind.LOG_OF_ZERO
        assert "test_edges.py" in report.problems[0].explanation
        assert Kind.WRONG_OUTPUT_ACTIVATION not in kinds  # it has its softmax
        assert Kind.DEAD_UNITS not in kinds  # of units that are NaN nothing is known
    else:
        assert not kinds & EDGES


@pytest.mark.parametrize("trained", [False, True])
def test_a_root_at_0(trained: bool) -> None:
    torch.manual_seed(0)
    x = torch.randn(100, 3)
    x[::7] = 0  # places where all outputs are equal, and their distance is 0
    model = nn.Sequential(nn.Linear(3, 16, bias=False), nn.Tanh(), nn.Linear(16, 2, bias=False))
    y = torch.stack([x.sum(1), x[:, 0] * x[:, 1]], 1)

    def loss(f: Tensor, y: Tensor) -> Tensor:
        return nn.functional.mse_loss(f, y) + 0.01 * (f[:, 0] - f[:, 1]).pow(2).sqrt().mean()

    rule = torch.optim.Adam(model.parameters(), lr=1e-2)
    if trained:
        train(model, x, y, loss, rule, 50)
    report = spurious.diagnose(model, (x, y), loss, optimiser=rule)
    assert first(report) is Kind.ROOT_AT_ZERO
    assert report.problems[0].evidence["line"]
    assert report.problems[0].remedies[0].endswith("keep_from_zero")


def test_a_mean_over_an_empty_mask() -> None:
    torch.manual_seed(0)
    x = torch.randn(64, 5, 3)
    there = torch.rand(64, 5) < 0.5
    there[3] = False

    class Pooled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Linear(3, 16), nn.Linear(16, 1)

        def forward(self, x: Tensor) -> Tensor:
            mask = x[..., 3:]
            z = torch.relu(self.one(x[..., :3]))
            return self.two((z * mask).sum(1) / mask.sum(1))

    data = torch.cat([x, there[..., None].float()], 2)
    y = (x.sum(2) * there).sum(1, keepdim=True)
    model = Pooled()
    rule = torch.optim.Adam(model.parameters(), lr=1e-2)
    report = spurious.diagnose(model, (data, y), nn.MSELoss(), optimiser=rule)
    assert first(report) is Kind.DIVISION_BY_ZERO


def test_steps_that_are_too_large_are_no_edge() -> None:
    torch.manual_seed(0)
    x = torch.randn(100, 3)
    y = x.sum(1, keepdim=True)

    def loss(f: Tensor, y: Tensor) -> Tensor:  # a root that is nowhere at 0 before it diverges
        return ((f - y).pow(2).mean() + 1e-12).sqrt() * (f - y).pow(2).mean()

    model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1))
    rule = torch.optim.SGD(model.parameters(), lr=3.0)
    train(model, x, y, loss, rule, 50)
    report = spurious.diagnose(model, (x, y), loss, optimiser=rule)
    kinds = {found.kind for found in report.problems}
    assert Kind.STEP_TOO_LARGE in kinds
    assert not kinds & EDGES
