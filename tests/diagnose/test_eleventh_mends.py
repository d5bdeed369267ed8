"""What the eleventh set of public faults showed, each on a case of its own."""

from __future__ import annotations

import pytest
import torch
from tests.diagnose.training import problems, trained
from torch import Tensor, nn

import spurious
from spurious.diagnose import Kind, TrainingWatch
from spurious.diagnose.treat.rehearse import LATER_STEPS

MSE = nn.MSELoss()
CLASSES = nn.CrossEntropyLoss()


class Read(nn.Module):
    """A recurrent layer whose last output is read."""

    def __init__(self, cell: type[nn.RNNBase], hidden: int = 8) -> None:
        super().__init__()
        self.cell, self.head = cell(1, hidden, batch_first=True), nn.Linear(hidden, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.cell(x)[0][:, -1])


@pytest.mark.parametrize("cell", [nn.RNN, nn.LSTM, nn.GRU])
@pytest.mark.parametrize("steps", [1, 3])
def test_sequences_of_one_step(cell: type[nn.RNNBase], steps: int) -> None:
    torch.manual_seed(0)
    seen = torch.rand(402).unfold(0, 3, 1)
    x, y = seen[:, -steps:, None], seen[:, :1]
    model = Read(cell)
    report = trained(
        model, x, y, MSE, torch.optim.Adam(model.parameters(), 1e-2), 200, rehearse=False
    )
    assert (problems(report)[:1] == [Kind.ONE_STEP_SEQUENCES]) == (steps == 1)


def test_one_step_is_enough_where_nothing_before_says_more() -> None:
    torch.manual_seed(0)
    x = torch.rand(400, 1, 1)
    y = x[:, 0] + torch.randn(400, 1)
    model = Read(nn.LSTM)
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    report = trained(model, x, y, MSE, rule, 200, rehearse=False)
    assert Kind.ONE_STEP_SEQUENCES not in problems(report)


class Stepwise(Read):
    """Hands the state on, as an argument or by its name."""

    named = False

    def forward(self, x: Tensor) -> Tensor:
        state = None
        for step in x.split(1, 1):
            out, state = self.cell(step, hx=state) if self.named else self.cell(step, state)
        return self.head(out[:, -1])


class Named(Stepwise):
    """By its name."""

    named = True


class Beside(Read):
    """Another such layer reads the last step alone."""

    def __init__(self, cell: type[nn.RNNBase]) -> None:
        super().__init__(cell)
        self.last = cell(1, 8, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.cell(x)[0][:, -1] + self.last(x[:, -1:])[0][:, -1])


@pytest.mark.parametrize("kind", [Stepwise, Named, Beside])
def test_a_model_that_reads_all_steps(kind: type[Read]) -> None:
    torch.manual_seed(0)
    numbers = torch.rand(405)
    seen = numbers[2:].unfold(0, 3, 1)[:400]
    model = kind(nn.GRU)
    rule = torch.optim.SGD(model.parameters(), 1e-3)
    y = numbers[:400, None]  # two steps before the first that is seen
    report = trained(model, seen[:, :, None], y, MSE, rule, 20, rehearse=False)
    assert Kind.ONE_STEP_SEQUENCES not in problems(report)


def test_weights_of_nobodys_that_are_lost_are_drawn_anew() -> None:
    class Lines(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.slopes = nn.Parameter(torch.randn(1, 2))
            self.levels = nn.Parameter(torch.randn(2))

        def forward(self, x: Tensor) -> Tensor:
            return (x @ self.slopes + self.levels).prod(1, keepdim=True)

    torch.manual_seed(0)
    x = torch.arange(1.0, 9.0)[:, None]
    model = Lines()
    rule = torch.optim.SGD(model.parameters(), 1e-2)
    report = trained(model, x, 2 * x**2 + 3 * x + 4, MSE, rule, 100)
    assert problems(report)[0] is Kind.STEP_TOO_LARGE


@pytest.mark.parametrize("size", [1e2, 1e4])
def test_steps_that_leave_any_start_are_not_too_small(size: float) -> None:
    torch.manual_seed(0)
    x = torch.randn(1, 3, 12, 12)
    y = torch.randint(0, 2, (1, 12, 12))
    model = nn.Conv2d(3, 2, 3, padding=1)
    rule = torch.optim.SGD(model.parameters(), size)
    report = trained(model, x, y, CLASSES, rule, 50)
    assert Kind.STEP_TOO_SMALL not in problems(report)
    assert Kind.STEP_TOO_LARGE in problems(report)


def test_copies_that_cannot_be_trained_are_no_crash() -> None:
    """Batch normalisation takes no single point in training."""
    parts = [nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1)]
    model = nn.Sequential(*parts).eval()
    rule = torch.optim.SGD(model.parameters(), 1e-2)
    report = spurious.diagnose(model, (torch.ones(1, 4), torch.ones(1, 1)), MSE, optimiser=rule)
    assert all(trial.note for trial in report.trials)


def test_a_second_look_is_long() -> None:
    """What 300 steps of a copy do not show, thousands do."""
    torch.manual_seed(0)
    x = torch.randn(120, 2)
    y = (x.pow(2).sum(1, keepdim=True) > 1.4).float()
    layers = [nn.Linear(2, 12, bias=False), nn.Tanh(), nn.Linear(12, 1, bias=False)]
    model = nn.Sequential(*layers)
    rule = torch.optim.Adam(model.parameters(), 1e-3)
    report = trained(model, x, y, nn.BCEWithLogitsLoss(), rule, 600)
    assert problems(report)[0] is Kind.MISSING_BIAS
    assert report.problems[0].evidence["steps"] == LATER_STEPS


@pytest.mark.parametrize("followed", [False, True])
def test_a_watch_keeps_the_last_weights_that_were_finite(followed: bool) -> None:
    """A start that torch does not draw comes to log(0); from the weights before that it is seen."""
    torch.manual_seed(0)
    y = torch.randint(0, 4, (320,))
    x = 2 * torch.randn(4, 4)[y] + torch.randn(320, 4)
    model = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 4))
    with torch.no_grad():
        model[2].weight.mul_(20)

    def loss(f: Tensor, labels: Tensor) -> Tensor:
        others = (1 - f.softmax(1)[:, 0]).log()
        return CLASSES(f, labels) - 0.5 * others[labels > 0].mean()

    rule = torch.optim.Adam(model.parameters(), 1e-2)
    draw = torch.Generator().manual_seed(1)
    with TrainingWatch(model, console=False) as watch:
        for _ in range(500):
            rows = torch.randint(320, (40,), generator=draw)
            rule.zero_grad()
            loss(model(x[rows]), y[rows]).backward()
            rule.step()
            watch.step()
    assert not bool(model[0].weight.isfinite().all())
    found = problems(
        spurious.diagnose(model, (x, y), loss, optimiser=rule, watch=watch if followed else None)
    )
    assert Kind.NOT_FINITE in found
    assert (Kind.LOG_OF_ZERO in found) == followed
    assert not bool(model[0].weight.isfinite().all())
