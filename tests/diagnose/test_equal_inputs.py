"""Inputs that are equal, or nearly so, and what their targets say of them."""

from __future__ import annotations

import pytest
import torch
from tests.diagnose.training import mlp, problems, trained
from torch import Tensor, nn

from spurious.diagnose import Kind

CLASSES = nn.CrossEntropyLoss()
MSE = nn.MSELoss()


@pytest.mark.parametrize("apart", [1e-7, 0.1])
def test_inputs_that_are_equal_but_for_rounding(apart: float) -> None:
    torch.manual_seed(0)
    x = (
        torch.linspace(-1, 1, 20)[:, None].repeat(4, 1)
        + apart * torch.arange(4.0).repeat_interleave(20)[:, None]
    )
    y = torch.tensor([1.0, -1.0, -1.0, 1.0]).repeat_interleave(20)[:, None]
    model = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1))
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    report = trained(model, x, y, MSE, rule, 100, rehearse=False)
    assert (Kind.CONTRADICTING_TARGETS in problems(report)) == (apart < 1e-5)
    if apart < 1e-5:
        assert "equal but for rounding" in report.problems[0].explanation


def test_training_that_has_come_to_what_equal_inputs_leave() -> None:
    torch.manual_seed(0)
    x = torch.randint(0, 6, (400, 1)).float()
    y = x + 2.5 * torch.randn(400, 1)
    model = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    early, late = (trained(model, x, y, MSE, rule, n, rehearse=False) for n in (5, 800))
    assert Kind.CONTRADICTING_TARGETS not in [f.kind for f in early.findings]
    assert not problems(late)  # noise is no fault
    (said,) = (f for f in late.findings if f.kind is Kind.CONTRADICTING_TARGETS)
    assert "training has come to" in said.explanation


@pytest.mark.parametrize(
    "x",
    [
        1e6 + torch.arange(300.0)[:, None],
        torch.cat([torch.linspace(0, 1e-3, 299), torch.tensor([100.0])])[:, None],
        torch.linspace(0, 1, 300)[:, None] * torch.tensor([1.0, 1e-7]),
    ],
    ids=["times", "one far away", "a small column"],
)
def test_inputs_that_are_near_one_another_are_not_equal(x: Tensor) -> None:
    torch.manual_seed(0)
    y = torch.tensor([-1.0, 1.0]).repeat(150)[:, None]
    model = nn.Sequential(nn.Linear(x.shape[1], 8), nn.Tanh(), nn.Linear(8, 1))
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    report = trained(model, x, y, MSE, rule, 20, rehearse=False)
    assert Kind.CONTRADICTING_TARGETS not in problems(report)


def test_numbers_of_double_precision_are_told_apart() -> None:
    class Seconds(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(2, 1)

        def forward(self, x: Tensor) -> Tensor:
            angle = (2 * torch.pi * (x % 60) / 60).float()
            return self.inner(torch.cat([angle.sin(), angle.cos()], 1))

    torch.manual_seed(0)
    x = (torch.randint(0, 6, (256, 1)) * 3.15e7).double() + torch.rand(256, 1).double() * 60
    y = (2 * torch.pi * (x % 60) / 60).sin().float()
    model = Seconds()
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(2):
        report = trained(model, x, y, MSE, rule, 20, rehearse=False)
        assert Kind.CONTRADICTING_TARGETS not in [f.kind for f in report.findings]


def test_a_trained_model_of_single_words() -> None:
    torch.manual_seed(0)
    x = torch.randint(0, 5, (100,))
    model = nn.Sequential(nn.Embedding(5, 8), nn.Linear(8, 5))
    report = trained(model, x, x, CLASSES, torch.optim.Adam(model.parameters(), 1e-2), 100)
    assert not problems(report)


@pytest.mark.parametrize("kinds", [60, 150])
def test_each_input_with_both_answers(kinds: int) -> None:
    torch.manual_seed(0)
    x = torch.randn(kinds, 4).repeat(2, 1)
    y = torch.arange(2).repeat_interleave(kinds).float()[:, None]
    model = mlp(4, 8, 1)
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    report = trained(model, x, y, nn.BCEWithLogitsLoss(), rule, 100, rehearse=False)
    assert problems(report)[0] == Kind.CONTRADICTING_TARGETS
    floor = report.problems[0].evidence["best_reachable_loss"]
    assert floor == pytest.approx(0.6931, abs=1e-3)
