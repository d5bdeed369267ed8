"""Recurrent layers: how many steps they read, and what their states can give."""

from __future__ import annotations

import pytest
import torch
from tests.diagnose.training import problems, trained
from torch import Tensor, nn

from spurious.diagnose import Kind

CLASSES = nn.CrossEntropyLoss()
MSE = nn.MSELoss()


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


class Beside(Read):
    """Another such layer reads the last step alone."""

    def __init__(self, cell: type[nn.RNNBase]) -> None:
        super().__init__(cell)
        self.last = cell(1, 8, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.cell(x)[0][:, -1] + self.last(x[:, -1:])[0][:, -1])


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


class Last(nn.Module):
    """Classes of sequences, from a GRU's last state."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.head = nn.GRU(4, 16, batch_first=True), nn.Linear(16, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.cell(x)[0][:, -1])


def test_steps_behind_gates_that_training_has_shut_are_not_unseen() -> None:
    torch.manual_seed(0)
    x = torch.randn(200, 6, 4)
    y = (x[:, -1, 0] > 0).long()
    model = Last()
    report = trained(model, x, y, CLASSES, torch.optim.SGD(model.parameters(), 30.0), 100)
    assert Kind.WRONG_TIME_STEP not in problems(report)


class LastState(nn.Module):
    """Numbers of sequences: a state of an LSTM, or a linear map of states."""

    def __init__(self, linear: bool) -> None:
        super().__init__()
        self.cell = nn.LSTM(2, 8 if linear else 1, batch_first=True)
        self.head = nn.Linear(8, 1) if linear else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.cell(x)[0][:, -1])


@pytest.mark.parametrize("linear", [False, True])
def test_targets_beyond_what_larger_weights_give(linear: bool) -> None:
    torch.manual_seed(0)
    x = torch.randn(200, 4, 2)
    y = 3 * x[:, :, :1].sum(1)
    model = LastState(linear)
    report = trained(model, x, y, MSE, torch.optim.Adam(model.parameters(), 1e-2), 150)
    assert (Kind.OUTPUT_RANGE in problems(report)) == (not linear)
