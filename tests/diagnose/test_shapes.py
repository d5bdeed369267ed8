"""Outputs and targets that do not meet one by one: rows, columns, places, classes."""

from __future__ import annotations

import pytest
import torch
from tests.diagnose.seeded import mlp, sides
from tests.diagnose.training import problems, trained
from torch import Tensor, nn

import spurious
from spurious.diagnose import Kind


@pytest.mark.parametrize("form", ["column", "row", "pairs"])
def test_rows_that_meet_columns_in_the_loss(form: str) -> None:
    """Weights of points as a column; in a loss that compares pairs both come from the outputs."""

    def loss(f: Tensor, y: Tensor) -> Tensor:
        apart = (f[:, 0] - y[:, 0]).abs()
        if form == "pairs":
            return apart.mean() + 0.01 * (f - f[:, 0]).abs().mean()
        return (apart * (y[:, 1:] if form == "column" else y[:, 1])).mean()

    torch.manual_seed(0)
    x = torch.randn(120, 3)
    y = torch.cat([x[:, :1] * x[:, 1:2] + 3, torch.rand(120, 1) + 0.5], 1)
    model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
    report = trained(model, x, y, loss, torch.optim.SGD(model.parameters(), 1e-3), 10)
    found = [f for f in report.problems if f.kind is Kind.BROADCAST_TARGETS]
    assert bool(found) == (form == "column")
    if found:
        assert str(found[0].evidence["line"]).startswith("test_shapes.py:")


@pytest.mark.parametrize("columns", [1, 2])
def test_one_output_for_two_targets(columns: int) -> None:
    x, y = sides()
    model = nn.Sequential(mlp(3, 16, 1), nn.Sigmoid())
    targets = y if columns == 1 else torch.cat([1 - y, y], 1)

    def loss(p: Tensor, y: Tensor) -> Tensor:
        return -(y * (p + 1e-7).log() + (1 - y) * (1 - p + 1e-7).log()).mean()

    rule = torch.optim.Adam(model.parameters(), 1e-2)
    report = trained(model, x, targets, loss, rule, 200)
    assert (Kind.BROADCAST_TARGETS in problems(report)) == (columns == 2)
    if columns == 2:
        assert problems(report)[0] is Kind.BROADCAST_TARGETS
        assert "2 outputs" in report.problems[0].explanation


def test_one_output_for_several_measurements_that_it_can_suit() -> None:
    x, _ = sides()
    y = x.sum(1, keepdim=True) + 0.1 * torch.randn(200, 4)  # four times the same thing
    model = mlp(3, 16, 1)
    report = spurious.diagnose(model, (x, y), lambda f, y: ((f - y) ** 2).mean())
    assert Kind.BROADCAST_TARGETS not in problems(report)


def test_repeated_measurements_of_a_weak_signal() -> None:
    torch.manual_seed(0)
    x = torch.randn(400, 3)
    y = 0.2 * torch.sin(2 * x[:, :1]) + torch.randn(400, 30)
    report = spurious.diagnose(mlp(3, 16, 1), (x, y), lambda f, y: ((f - y) ** 2).mean())
    assert Kind.BROADCAST_TARGETS not in problems(report)


class Turned(nn.Module):
    """The last two axes exchanged."""

    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(1, 2)


@pytest.mark.parametrize("second", [False, True])
@pytest.mark.parametrize("places", [5, 7])
def test_as_many_places_as_classes(places: int, second: bool) -> None:
    """Scores (n, T, K) or (n, K, T) of labels (n, T), K = 5: which axis is meant the loss tells."""
    torch.manual_seed(0)
    y = torch.randint(1, 5, (60, places)) * (torch.arange(places) < places - 2)  # 0 fills up
    x = nn.functional.one_hot(y, 5) + 0.1 * torch.randn(60, places, 5)
    model = nn.Linear(5, 5)

    def loss(scores: Tensor, labels: Tensor) -> Tensor:
        classes_second = scores if second else scores.transpose(1, 2)
        each = nn.functional.cross_entropy(classes_second, labels, reduction="none")
        return (each * (labels > 0)).sum() / (labels > 0).sum()

    whole = nn.Sequential(model, Turned()) if second else model
    rule = torch.optim.Adam(whole.parameters(), lr=0.1)
    for steps in (0, 100):
        for _ in range(steps):
            rule.zero_grad()
            loss(whole(x), y).backward()
            rule.step()
        report = spurious.diagnose(whole, (x, y), loss, optimiser=rule, curvature=False)
        assert not report.problems, report.problems
