"""Losses that ask for something else than is meant: axes, signs, slopes, relative errors."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.diagnose.training import problems, trained
from torch import Tensor, nn

import spurious
from spurious.diagnose import Report
from spurious.diagnose.finding import Severity

F = nn.functional


def net(columns: int, outputs: int, width: int = 32) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(columns, width), nn.ReLU(), nn.Linear(width, outputs))


def adam(model: nn.Module, rate: float = 1e-2) -> torch.optim.Optimizer:
    return torch.optim.Adam(model.parameters(), lr=rate)


def first(report: Report) -> str:
    return str(report.problems[0].kind) if report.problems else ""


# A softmax over the points.


def classes(many: int = 300) -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    x = torch.randn(many, 4)
    return x, x.argmax(1)


def by_hand(axis: int) -> Callable[[Tensor, Tensor], Tensor]:
    """Cross entropy whose gradient is written out: probabilities less the truth."""

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        p = outputs.softmax(axis).detach()
        value = -p.gather(1, targets[:, None]).clamp_min(1e-30).log().mean()
        slope = ((p - F.one_hot(targets, 4)) * outputs).sum(1).mean()
        return value + slope - slope.detach()

    return loss


def test_a_softmax_over_the_points_in_the_loss() -> None:
    x, y = classes()
    model = net(4, 4)
    report = trained(model, x, y, by_hand(0), torch.optim.SGD(model.parameters(), lr=0.5), 300)
    assert first(report) == "wrong_axis"
    assert "by_hand" not in report.problems[0].explanation
    assert "outputs.softmax(axis)" in report.problems[0].explanation
    model = net(4, 4)
    assert not trained(model, x, y, by_hand(1), adam(model), 300).problems


def test_a_table_of_pairs_may_be_looked_at_along_both_axes() -> None:
    torch.manual_seed(0)
    x = torch.randn(256, 6)
    y = x + 0.1 * torch.randn(256, 6)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        table, own = outputs @ targets.T, torch.arange(len(outputs))
        return F.cross_entropy(table, own) + F.cross_entropy(table.T, own)

    model = net(6, 6)
    report = trained(model, x, y, loss, adam(model, 1e-4), 30)
    assert "wrong_axis" not in problems(report)


class Tags(nn.Module):
    """Logarithms of probabilities of tags at each step, (n, time, 5)."""

    def __init__(self, axis: int) -> None:
        super().__init__()
        self.embed, self.head, self.axis = nn.Embedding(10, 16), nn.Linear(16, 5), axis

    def forward(self, x: Tensor) -> Tensor:
        return F.log_softmax(self.head(self.embed(x)), self.axis)


def tags_loss(outputs: Tensor, targets: Tensor) -> Tensor:
    return F.nll_loss(outputs.flatten(0, 1), targets.flatten())


@pytest.mark.parametrize(("axis", "wrong"), [(0, True), (2, False)])
def test_a_softmax_over_the_first_of_three_axes(axis: int, wrong: bool) -> None:
    torch.manual_seed(0)
    x = torch.randint(0, 10, (200, 7))
    model = Tags(axis)
    report = trained(model, x, x % 5, tags_loss, adam(model), 200)
    assert (first(report) == "wrong_axis") is wrong
    assert wrong or not report.problems


# Targets of 0 and 1 where a loss is for -1 and 1.


def pairs(signed: bool) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    a = torch.randn(400, 6)
    alike = torch.rand(400) < 0.5
    b = torch.where(alike[:, None], a + 0.1 * torch.randn(400, 6), torch.randn(400, 6))
    y = alike.float()
    return torch.stack([a, b], 1), 2 * y - 1 if signed else y


def of_cosines(outputs: Tensor, targets: Tensor) -> Tensor:
    return F.cosine_embedding_loss(outputs[:, 0], outputs[:, 1], targets)


def of_ranks(outputs: Tensor, targets: Tensor) -> Tensor:
    return F.margin_ranking_loss(outputs[:, 0, 0], outputs[:, 1, 0], targets, margin=0.5)


@pytest.mark.parametrize(("loss", "signed"), [(of_cosines, True), (of_cosines, False),
                                              (of_ranks, False)])  # fmt: skip
def test_labels_that_must_be_signs(loss: Any, signed: bool) -> None:
    """In a loss of ranks 0 is a tie."""
    x, y = pairs(signed)
    model = net(6, 8)
    report = trained(model, x, y, loss, adam(model, 1e-3), 100, rehearse=False)
    named = [f for f in report.problems if f.kind == "labels_outside_loss"]
    assert bool(named) is (loss is of_cosines and not signed)


FAR: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "absolute": F.l1_loss,
    "huber": lambda f, y: F.huber_loss(f, y, delta=0.5),
    "pinball": lambda f, y: torch.maximum(0.9 * (y - f), 0.1 * (f - y)).mean(),
}


@pytest.mark.parametrize("name", FAR)
def test_targets_far_from_the_outputs_have_a_slope(name: str) -> None:
    model, (x, y) = net(3, 1), numbers()
    report = spurious.diagnose(model, (x, y + 50), FAR[name], rehearse=False)
    assert not any("slope looks at" in f.explanation for f in report.findings)


def test_a_list_that_is_ranked_has_its_softmax_over_the_points() -> None:
    torch.manual_seed(0)
    x = torch.randn(60, 5)
    shares = (3 * (x @ torch.randn(5, 4))).softmax(0)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return -(targets / targets.sum(0) * outputs.log_softmax(0)).sum(0).mean()

    for steps in (0, 20, 300):
        model = net(5, 4)
        report = trained(model, x, shares, loss, adam(model), steps)
        assert "wrong_axis" not in problems(report), steps


# Targets that no gradient looks at.


def numbers(many: int = 300) -> tuple[Tensor, Tensor]:
    torch.manual_seed(2)
    x = torch.randn(many, 3)
    return x, torch.sin(x[:, :1]) + x[:, 1:2]


WITHOUT_SLOPE: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "difference": lambda f, y: (f - y).mean(),
    "sum": lambda f, y: (y - f).sum() / len(f),
    "a term of its own": lambda f, y: f.square().mean() + y.square().mean(),
}

WITH_SLOPE: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "squares": lambda f, y: (f - y).square().mean(),
    "absolute": lambda f, y: (f - y).abs().mean(),
    "critic": lambda f, y: -(f * (y > 0).float().mul(2).sub(1)).mean(),
    "policy": lambda f, y: -(F.logsigmoid(f) * y).mean(),
    "hinge": lambda f, y: (1 - f * y.sign()).relu().mean(),
    "unsupervised": lambda f, _: -f.mean(),
}


@pytest.mark.parametrize("name", WITHOUT_SLOPE)
def test_targets_that_no_gradient_looks_at(name: str) -> None:
    model, (x, y) = net(3, 1), numbers()
    report = spurious.diagnose(model, (x, y), WITHOUT_SLOPE[name], rehearse=False)
    found = [f for f in report.problems if f.kind == "wrong_loss"]
    assert found and "slope looks at the targets" in found[0].explanation
    assert (found[0].severity is Severity.CRITICAL) is (name != "a term of its own")


@pytest.mark.parametrize("name", WITH_SLOPE)
def test_targets_that_a_gradient_looks_at(name: str) -> None:
    model, (x, y) = net(3, 1), numbers()
    report = spurious.diagnose(model, (x, y), WITH_SLOPE[name], rehearse=False)
    assert not any("slope looks at" in f.explanation for f in report.findings)


# Errors in percent of targets that are nearly nothing.


def percent(outputs: Tensor, targets: Tensor) -> Tensor:
    return 100 * ((outputs - targets).abs() / targets.abs().clamp_min(1e-7)).mean()


def test_errors_in_percent_of_nearly_nothing() -> None:
    x, _ = numbers()
    amount = 10 * (x[:, :1] + 0.5 * x[:, 1:2] - 0.3).relu()
    model = net(3, 1)
    report = trained(model, x, amount, percent, adam(model), 300)
    assert first(report) == "wrong_loss" and "divide errors" in report.problems[0].explanation
    model = net(3, 1)
    report = trained(model, x, amount + 100, percent, adam(model), 300)
    assert "wrong_loss" not in problems(report)


# Points that look at one another.


class Nodes(nn.Module):
    """Attention over all points given, in whatever order."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.head = nn.Linear(2, 16), nn.Linear(16, 1)

    def forward(self, x: Tensor) -> Tensor:
        z = self.inner(x)
        near = -(x[:, None] - x[None]).square().sum(2) / 0.02
        return self.head((near.softmax(1) @ z).relu())


def test_nodes_of_a_graph_may_look_at_one_another() -> None:
    """No problem at a start, and no picture over the plane, which would be one graph of its own."""
    torch.manual_seed(0)
    x = torch.rand(150, 2)
    y = ((x - 0.5).norm(dim=1) < 0.35).float()[:, None]
    model = Nodes()
    report = spurious.diagnose(model, (x, y), nn.BCEWithLogitsLoss(), optimiser=adam(model))
    assert not report.problems and report.plane is None
    assert "wrong_axis" in [str(found.kind) for found in report.findings]
