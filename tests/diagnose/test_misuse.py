"""What people do by mistake gets one clear line, or the finding that names it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import spurious
from spurious.diagnose import Report, to_torch
from spurious.errors import InputError
from spurious.problem.bundled import bundled

torch.manual_seed(2)
X = torch.randn(60, 4)
LABELS = (X[:, 0] > 0).long()
CROSS_ENTROPY = nn.CrossEntropyLoss()


def mlp(outputs: int = 2) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 12), nn.Tanh(), nn.Linear(12, outputs))


def broken_loss(*_: Tensor) -> Tensor:
    raise KeyError("weights")


MISTAKES: list[tuple[Callable[[], nn.Module], Any, Any, str]] = [
    (lambda: nn.Linear(5, 2), (X, LABELS), CROSS_ENTROPY,
     r"model: raised RuntimeError \(mat1 and mat2 shapes"),
    (mlp, (X.double(), LABELS), CROSS_ENTROPY, "must have the same dtype"),
    (mlp, [{"x": X, "y": LABELS}], CROSS_ENTROPY, r"model: raised TypeError .* argument 'x'"),
    (mlp, (X, LABELS + 1), CROSS_ENTROPY, r"loss: raised IndexError .* int64 \(60,\)"),
    (mlp, (X, LABELS), broken_loss, "loss: raised KeyError"),
    (mlp, (X, LABELS), nn.CrossEntropyLoss(reduction="none"), r"loss: found \(60,\)"),
    (lambda: nn.Sequential(nn.LazyLinear(2)), (X, LABELS), CROSS_ENTROPY, "model: has lazy"),
    (mlp, (X[:0], LABELS[:0]), CROSS_ENTROPY, "data: found a batch without a tensor"),
    (mlp, [], CROSS_ENTROPY, "data: found no batches"),
    (mlp, (np.zeros((5, 4)), np.zeros(5)), CROSS_ENTROPY, "data: found arrays"),
    (mlp, (X, np.zeros(60)), CROSS_ENTROPY, "data: found an array of targets"),
    (mlp, [(X, LABELS, LABELS)], CROSS_ENTROPY, "data: found a batch that is a tuple of 3"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "data", "loss", "message"), MISTAKES, ids=lambda v: str(v)[:20])
def test_one_line(make: Any, data: Any, loss: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as raised:
        spurious.diagnose(make(), data, loss, rehearse=False)
    assert "\n" not in str(raised.value)


@pytest.mark.filterwarnings("ignore:Using a target size")
def test_targets_that_the_loss_stretches() -> None:
    report = spurious.diagnose(mlp(1), (X, X[:, 0]), nn.MSELoss(), rehearse=False)
    first = report.problems[0]
    assert first.kind == "broadcast_targets" and "(60, 1) with targets (60,)" in first.explanation
    right = spurious.diagnose(mlp(1), (X, X[:, :1]), nn.MSELoss(), rehearse=False)
    own = spurious.diagnose(
        mlp(1), (X, X[:, 0]), lambda f, y: F.mse_loss(f[:, 0], y), rehearse=False
    )
    assert "broadcast_targets" not in {f.kind for f in (*right.findings, *own.findings)}


@pytest.mark.parametrize("frozen", [True, False])
def test_a_loss_that_no_parameter_reaches(frozen: bool) -> None:
    model = mlp().requires_grad_(not frozen)
    asked = (model, (X, LABELS), lambda f, y: F.cross_entropy(f.detach(), y))
    report = spurious.diagnose(*asked, rehearse=False)
    assert report.problems[0].kind == ("vanishing_gradient" if frozen else "detached_loss")
    assert report.problems[0].severity.name == "CRITICAL"
    with pytest.raises(InputError, match="depends on no trained parameter"):
        report.try_remedies(*asked, 2)


def test_class_weights_and_sums_have_a_best_constant() -> None:
    def constant(loss: nn.Module) -> float:
        found = spurious.diagnose(mlp(), (X, LABELS), loss, curvature=False, rehearse=False)
        assert found.measurements.landscape.constant_loss is not None
        return found.measurements.landscape.constant_loss

    mean = constant(CROSS_ENTROPY)
    assert constant(nn.CrossEntropyLoss(torch.tensor([1.0, 1.0]))) == pytest.approx(mean, rel=1e-5)
    assert constant(nn.CrossEntropyLoss(reduction="sum")) == pytest.approx(60 * mean, rel=1e-5)


def test_sorted_data_are_looked_at_evenly() -> None:
    x, order = torch.randn(400, 4), torch.arange(400)
    labels = (order >= 200).long()
    x[350, 1] = float("nan")
    report = spurious.diagnose(mlp(), (x, labels), CROSS_ENTROPY, rehearse=False)
    assert report.problems[0].evidence["where"] == "the inputs of point 350"
    x[350, 1] = 0
    half = spurious.diagnose(
        mlp(), (x, labels), CROSS_ENTROPY, points=100, curvature=False, rehearse=False
    )
    assert half.measurements.landscape.constant_loss == pytest.approx(np.log(2), rel=1e-6)
    assert [place // 4 for place in sorted(half.measurements.places)] == list(range(100))
    both = torch.utils.data.TensorDataset(x, labels)
    again = spurious.diagnose(
        mlp(), both, CROSS_ENTROPY, points=100, curvature=False, rehearse=False
    )
    assert again.to_dict() == half.to_dict()


def minimum() -> tuple[nn.Sequential, Tensor, Tensor]:
    """A proved minimum, its inputs and its targets."""
    problem = bundled("c5-d1")
    x, y = (
        torch.tensor([[float(v) for v in row] for row in rows], dtype=torch.float64)
        for rows in (problem.data.x, problem.data.y)
    )
    return to_torch(problem), x, y


class MSELoss(nn.Module):
    """Not what its name says."""

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs - targets).abs().mean()


def hooked() -> nn.Module:
    model = minimum()[0]
    model[0].register_forward_hook(lambda *call: call[-1] + 1)
    return model


def pruned() -> nn.Module:
    from torch.nn.utils import prune

    model = minimum()[0]
    prune.identity(model[0], "weight")
    return model


def random() -> nn.Module:
    return nn.Sequential(minimum()[0], nn.Dropout(0.5))


@pytest.mark.parametrize("make", [hooked, pruned, random])
def test_nothing_is_proved_about_another_model(make: Callable[[], nn.Module]) -> None:
    _, x, y = minimum()
    assert unproved(spurious.diagnose(make(), (x, y), nn.MSELoss(), rehearse=False))


@pytest.mark.filterwarnings("ignore:Using a target size")
def test_nothing_is_proved_about_another_loss() -> None:
    model, x, y = minimum()
    assert not unproved(spurious.diagnose(model, (x, y), nn.MSELoss(), rehearse=False))
    assert unproved(spurious.diagnose(model, (x, y), MSELoss(), rehearse=False))
    assert unproved(spurious.diagnose(model, (x, y[:, 0]), nn.MSELoss(), rehearse=False))


def test_nothing_is_proved_where_layers_share_weights() -> None:
    shared = nn.Linear(1, 1)
    model = nn.Sequential(shared, nn.Tanh(), shared)
    assert unproved(spurious.diagnose(model, (X[:, :1], X[:, 1:2]), nn.MSELoss(), rehearse=False))


def unproved(report: Report) -> bool:
    proved = [f for f in report.findings if f.explanation.startswith("Proved")]
    assert not proved or (report.verdict is not None and report.verdict.certificate)
    return report.verdict is None and not proved


class Halved(nn.Module):
    """Computes in half precision, whatever its inputs are."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).bfloat16()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x.bfloat16()).float()


class Shares(nn.Module):
    """Shares that are numbers near the start, and none where weights are large."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(3, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.inner(x).exp().exp().exp() * 0)


@pytest.mark.parametrize(
    ("model", "loss"),
    [
        (nn.Sequential(nn.Linear(3, 4), nn.LeakyReLU(True), nn.Linear(4, 1)), nn.MSELoss()),
        (Halved(), nn.MSELoss()),
        (Shares(), nn.BCELoss()),
    ],
)
def test_models_that_do_not_bear_every_look(model: nn.Module, loss: nn.Module) -> None:
    """A slope of True, a precision of its own, outputs that the loss refuses further on."""
    torch.manual_seed(0)
    x = torch.randn(32, 3)
    report = spurious.diagnose(model, (x, (x[:, :1] > 0).float()), loss)
    assert report.measurements.landscape.loss > 0
