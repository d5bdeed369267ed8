"""What the functions behind the last layer can give, against what the loss wants."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import spurious
from spurious.diagnose.judge.causes.reach import range_of


def points() -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(2)
    x = torch.randn(128, 3)
    return x, (x[:, :1] > 0).float(), (3 * torch.rand(128)).long()


X, YES, CLASSES = points()


def net(outputs: int, *last: nn.Module) -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, outputs), *last)


def first(model: nn.Module, y: Tensor, loss: Any) -> str | None:
    report = spurious.diagnose(model, (X, y), loss, curvature=False, rehearse=False)
    return str(report.problems[0].kind) if report.problems else None


def test_ranges_of_functions_in_a_row() -> None:
    assert range_of(()) == (float("-inf"), float("inf"))
    assert range_of(("relu", "sigmoid")) == (0.5, 1.0)
    assert range_of(("tanh", "exp")) == pytest.approx((math.exp(-1), math.e))
    assert range_of(("sigmoid", "abs")) == (0.0, float("inf"))  # wider than it could be


@pytest.mark.parametrize(
    ("last", "loss"),
    [
        ((nn.ReLU(), nn.Sigmoid()), nn.BCELoss()),
        ((nn.ReLU(),), nn.BCEWithLogitsLoss()),
        ((nn.Softplus(), nn.Sigmoid()), nn.BCELoss()),
    ],
)
def test_no_cannot_be_said(last: tuple[nn.Module, ...], loss: nn.Module) -> None:
    assert first(net(1, *last), YES, loss) == "output_range"


@pytest.mark.parametrize(
    ("model", "targets", "loss"),
    [
        (net(1, nn.Sigmoid()), YES, nn.BCELoss()),
        (net(1), YES, nn.BCEWithLogitsLoss()),
        (net(3), CLASSES, nn.CrossEntropyLoss()),
        (net(3, nn.ReLU()), CLASSES, nn.CrossEntropyLoss()),  # large enough for the right class
        (net(1, nn.Tanh(), nn.Sigmoid()), 0.4 + 0.2 * YES, nn.MSELoss()),
    ],
)
def test_what_can_be_said(model: nn.Module, targets: Tensor, loss: nn.Module) -> None:
    assert first(model, targets, loss) != "output_range"


def test_logits_between_one_and_minus_one_cannot_be_sure() -> None:
    assert first(net(3, nn.Tanh()), CLASSES, nn.CrossEntropyLoss()) == "output_range"


def test_of_two_activations_in_a_row_the_first_is_left_out() -> None:
    model = net(1, nn.ReLU(), nn.Sigmoid())
    asked = (model, (X, YES), nn.BCELoss())
    report = spurious.diagnose(*asked, curvature=False, rehearse=False)
    _, trial = report.try_remedies(*asked, 200, step_size=1e-2, only=("drop_last_activation",))
    assert trial.after is not None and trial.after < 0.2  # at least 0.69 for half of the points
