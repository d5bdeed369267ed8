"""Losses that compare all pairs or triplets of points: fine in small batches, gigabytes in one."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import spurious
from spurious.diagnose.measure.batches import sample_of
from spurious.diagnose.measure.cost import DEAR, MOST_ENTRIES, affordable
from spurious.diagnose.measure.task import Task

N = 150


def pairs(f: Tensor, y: Tensor) -> Tensor:
    apart = (f[:, None] - f[None]).pow(2).sum(2)
    return torch.where(y[:, None] == y[None], apart, (1 - apart).clamp_min(0)).mean()


def triplets(f: Tensor, y: Tensor) -> Tensor:
    apart = (f[:, None] - f[None]).pow(2).sum(2)
    same = y[:, None] == y[None]
    chosen = (same.unsqueeze(2) & ~same.unsqueeze(1)).float()
    return (chosen * (apart.unsqueeze(2) - apart.unsqueeze(1) + 0.5)).clamp_min(0).mean()


def points() -> tuple[nn.Module, Tensor, Tensor]:
    torch.manual_seed(0)
    y = torch.arange(N) % 3
    x = torch.eye(3)[y] + 0.3 * torch.randn(N, 3)
    return nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 4)), x, y


class Most:
    """A loss that notes of how many points it was asked."""

    def __init__(self, loss: Any) -> None:
        self.loss, self.points = loss, 0

    def __call__(self, f: Tensor, y: Tensor) -> Tensor:
        self.points = max(self.points, len(f))
        return self.loss(f, y)


@pytest.mark.parametrize("loss", [nn.CrossEntropyLoss(), pairs])
def test_losses_that_cost_little_stay_as_they_are(loss: Any) -> None:
    model, x, y = points()
    sample = sample_of((x, y), model, 512)
    assert affordable(model, loss, sample) == (loss, sample)


def test_batches_become_as_small_as_a_loss_of_triplets_is_dear() -> None:
    model, x, y = points()
    y = y[:, None]  # a column where a row is meant: entries are of four points
    sample = sample_of((x, y), model, 512)
    loss, cheaper = affordable(model, triplets, sample)
    assert loss is not None
    assert cheaper.size == N
    sizes = [batch.size for batch in cheaper.batches]
    assert max(sizes) ** 4 <= DEAR < (max(sizes) + 2) ** 4
    torch.testing.assert_close(cheaper.features, sample.features)
    most = int(MOST_ENTRIES**0.25)
    with torch.no_grad():
        f = model(x)
        assert float(loss(f[:most], y[:most])) == float(triplets(f[:most], y[:most]))
        with pytest.raises(RuntimeError, match="too much memory"):
            loss(f, y)


@pytest.mark.parametrize("column", [False, True])
def test_no_loss_is_asked_of_more_points_than_there_is_memory_for(column: bool) -> None:
    model, x, y = points()
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    y = y[:, None] if column else y
    loss = Most(triplets)
    for rows in torch.randperm(N).split(20):
        rule.zero_grad()
        loss(model(x[rows]), y[rows]).backward()
        rule.step()
    report = spurious.diagnose(model, (x, y), loss, optimiser=rule)
    assert loss.points <= MOST_ENTRIES ** (1 / (3 + column)) + 1
    report.try_remedies(model, (x, y), loss, steps=2)
    assert loss.points <= MOST_ENTRIES ** (1 / (3 + column)) + 1


@pytest.mark.parametrize("from_one", [False, True])
def test_labels_without_an_output_that_make_a_loss_nan(from_one: bool) -> None:
    torch.manual_seed(0)
    x = torch.randn(100, 3)
    y = (x[:, 0] > 0).long() + from_one

    def loss(f: Tensor, y: Tensor) -> Tensor:
        each = nn.functional.cross_entropy(f, y.clamp(max=1), reduction="none")
        return (each * torch.where(y < 2, 1.0, torch.nan)).mean()

    model = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 2))
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(3):
        rule.zero_grad()
        loss(model(x), y).backward()
        rule.step()
    kinds = [f.kind for f in spurious.diagnose(model, (x, y), loss, optimiser=rule).problems]
    assert ("labels_outside_loss" in kinds) == from_one
    assert not from_one or kinds[0] == "labels_outside_loss"


@pytest.mark.parametrize(("loss", "compares"), [(pairs, True), (nn.CrossEntropyLoss(), False)])
def test_a_loss_of_pairs_is_another_one_in_other_batches(loss: Any, compares: bool) -> None:
    model, x, y = points()
    with torch.no_grad():
        f = model(x)
    assert Task(f, y, loss).compares_points == compares


def test_a_loss_of_differences_on_a_grid_is_not_taken_apart() -> None:
    torch.manual_seed(0)
    t = torch.linspace(0, 1, 101)[:, None]

    def loss(f: Tensor, at: Tensor) -> Tensor:
        slopes = (f[1:] - f[:-1]) / 0.01
        return (slopes - 1).pow(2).mean() + f[0].pow(2).mean() + 0 * at.sum()

    model = nn.Linear(1, 1)
    with torch.no_grad():
        model.weight.fill_(1.0)
        model.bias.fill_(0.5)
    report = spurious.diagnose(model, (t, t), loss, rehearse=False)
    assert report.measurements.landscape.loss == pytest.approx(0.25, abs=1e-3)
