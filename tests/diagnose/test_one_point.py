"""Data of one point, or of the same point several times."""

from __future__ import annotations

import pytest
import torch
from tests.diagnose.seeded import mlp
from tests.diagnose.training import problems, trained
from torch import Tensor, nn

import spurious
from spurious.diagnose import Kind

CLASSES = nn.CrossEntropyLoss()
MSE = nn.MSELoss()
DIFFERENCES = {Kind.CONSTANT_OUTPUT, Kind.SHARED_REGIONS, Kind.BLIND_SPOTS, Kind.PLATEAU}

ONE: dict[str, tuple[nn.Module, Tensor, Tensor, nn.Module]] = {
    "numbers": (nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1)), torch.ones(1, 4),
                torch.ones(1, 1), MSE),
    "class": (nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3)), torch.ones(1, 4),
              torch.tensor([1]), CLASSES),
    "yes": (nn.Sequential(nn.Linear(4, 1), nn.Sigmoid()), torch.ones(1, 4), torch.ones(1, 1),
            nn.BCELoss()),
    "picture": (nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(),
                              nn.Linear(144, 2)), torch.ones(1, 1, 8, 8), torch.tensor([0]),
                CLASSES),
    "words": (nn.Sequential(nn.Embedding(9, 4), nn.Flatten(), nn.Linear(20, 9)),
              torch.arange(5)[None], torch.tensor([3]), CLASSES),
}  # fmt: skip


@pytest.mark.parametrize("name", ONE)
@pytest.mark.parametrize(("steps", "size"), [(0, 0.1), (400, 0.1), (100, 1e-9)])
def test_one_point(name: str, steps: int, size: float) -> None:
    """Nobody can say how one point lies to others; whether it is learnt everybody can."""
    torch.manual_seed(0)
    model, x, y, loss = ONE[name]
    for module in model.modules():
        reset = getattr(module, "reset_parameters", None)
        if reset is not None:
            reset()
    rule = torch.optim.SGD(model.parameters(), size)
    found = problems(trained(model, x, y, loss, rule, steps))
    assert not DIFFERENCES & set(found)
    assert found[:1] == ([Kind.STEP_TOO_SMALL] if size < 1e-6 else [])


@pytest.mark.parametrize("seed", [3, 5, 7, 10])
def test_one_point_in_the_first_steps(seed: int) -> None:
    """Nothing is wrong with a loop, or with steps, for which another start is luckier."""
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    x, y = torch.randn(1, 4), torch.randn(1, 1)
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(3):
        report = trained(model, x, y, MSE, rule, 10)
        assert set(problems(report)) <= {Kind.TOO_FEW_UPDATES, Kind.STEP_TOO_SMALL}


def test_one_point_at_the_least_loss() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 4))
    x, y = torch.randn(1, 3), torch.tensor([[0.1, 0.2, 0.3, 0.4]])
    report = trained(model, x, y, CLASSES, torch.optim.Adam(model.parameters(), 1e-2), 300)
    assert not problems(report)


@pytest.mark.parametrize("bad", [0, 1])
def test_one_point_that_is_no_number(bad: int) -> None:
    data = [torch.ones(1, 3), torch.ones(1, 1)]
    data[bad] = data[bad] * torch.nan
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    report = spurious.diagnose(model, tuple(data), MSE)
    assert Kind.NOT_FINITE in problems(report)


def test_one_point_that_has_blown_up() -> None:
    torch.manual_seed(0)
    model, x, y = nn.Linear(80, 20), 100 * torch.randn(1, 80), 100 * torch.randn(1, 20)
    report = trained(model, x, y, MSE, torch.optim.SGD(model.parameters(), 1e-2), 60)
    assert problems(report)[0] is Kind.STEP_TOO_LARGE


def test_equal_targets_that_are_learnt() -> None:
    x = torch.tensor([[1.0, 2.0, 3.0]]).repeat(9, 1)
    model = mlp(3, 4, 3)
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    report = trained(model, x, x, MSE, rule, 300)
    assert not report.problems
