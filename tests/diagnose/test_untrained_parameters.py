"""Parameters that no step moves: frozen on purpose, or a tensor that is no parameter."""

from __future__ import annotations

import pytest
import torch
from tests.diagnose.training import mlp, problems, trained
from torch import Tensor, nn

from spurious.diagnose import Kind

CLASSES = nn.CrossEntropyLoss()


@pytest.mark.parametrize("kind", ["plain", "constant", "parameter"])
def test_a_weight_that_is_a_plain_tensor(kind: str) -> None:
    class Clicks(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.ids = nn.Linear(1, 1)
            start = 0.5 * torch.randn(6, 1)
            self.weight = nn.Parameter(start) if kind == "parameter" else start
            self.mean = torch.zeros(1, 6)
            if kind == "constant":
                self.weight = nn.Parameter(start)

        def forward(self, x: Tensor) -> Tensor:
            return self.ids(x[:, :1]) + (x[:, 1:] - self.mean) @ self.weight

    torch.manual_seed(0)
    x = torch.randn(300, 7)
    y = (x[:, 1:] @ torch.randn(6, 1) > 0).float()
    model = Clicks()
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    report = trained(model, x, y, nn.BCEWithLogitsLoss(), rule, 100)
    said = problems(report)
    assert (Kind.OPTIMISER_MISSES_PARAMETERS in said) == (kind == "plain")
    if kind == "plain":
        assert "register_tensors" in report.problems[0].remedies[0]
        assert "weight" in report.problems[0].explanation


@pytest.mark.parametrize("size", [1e-4, 0.5])
def test_a_last_layer_upon_fixed_features(size: float) -> None:
    torch.manual_seed(0)
    x = torch.randn(300, 16)
    y = x[:, :4].argmax(1)
    body = nn.Sequential(nn.Linear(16, 64), nn.ReLU()).requires_grad_(False)
    model = nn.Sequential(body, nn.Linear(64, 4))
    rule = torch.optim.SGD(model[1].parameters(), size)
    report = trained(model, x, y, CLASSES, rule, 300)
    assert Kind.FROZEN_LAYERS not in problems(report)
    assert (Kind.STEP_TOO_SMALL in problems(report)) == (size < 1e-3)


def test_a_teacher_that_follows_is_frozen_on_purpose() -> None:
    class Pair(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.student, self.teacher = mlp(6, 32, 4), mlp(6, 32, 4).requires_grad_(False)
            self.teacher.load_state_dict(self.student.state_dict())

        def forward(self, x: Tensor) -> Tensor:
            return self.student(x) + 0.0 * self.teacher(x)

    torch.manual_seed(0)
    x = torch.randn(300, 6)
    y = x[:, :4].argmax(1)
    model = Pair()
    rule = torch.optim.Adam(model.student.parameters(), 1e-3)
    report = trained(model, x, y, CLASSES, rule, 20, rehearse=False)
    assert Kind.FROZEN_LAYERS not in problems(report)
