"""Causes in outputs, losses, targets and data are named, and not where they are absent."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import spurious
from spurious.diagnose import Finding


def points(n: int = 120) -> tuple[Tensor, Tensor]:
    torch.manual_seed(2)
    x = torch.randn(n, 4)
    return x, (x[:, 0] + x[:, 1] ** 2 > 1).long()


def net(outputs: int, *last: nn.Module, inputs: int = 4) -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(inputs, 16), nn.Tanh(), nn.Linear(16, outputs), *last)


def found(
    kind: str, model: nn.Module, data: Any, loss: Callable[..., Tensor], **more: Any
) -> list[Finding]:
    more = {"curvature": False, "rehearse": False} | more
    report = spurious.diagnose(model, data, loss, **more)
    return [f for f in report.problems if f.kind == kind]


X, LABELS = points()
BINARY = LABELS[:, None].float()
ONE_HOT = nn.functional.one_hot(torch.arange(120) % 3).float()
REAL = X[:, :1] * 2 - 1


def keras_cross_entropy(p: Tensor, y: Tensor) -> Tensor:
    p = (p / p.sum(1, keepdim=True)).clamp(1e-7, 1 - 1e-7)
    return -(y * p.log()).sum(1).mean()


def log_loss(p: Tensor, y: Tensor) -> Tensor:
    return -(y * p.log() + (1 - y) * (1 - p).log()).mean()


def clipped_log_loss(p: Tensor, y: Tensor) -> Tensor:
    return log_loss(p.clamp(1e-7, 1 - 1e-7), y)


class Softmaxed(nn.Module):
    """The function, not the module; over an axis of choice."""

    def __init__(self, outputs: int, axis: int) -> None:
        super().__init__()
        self.net, self.axis = net(outputs), axis

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x).softmax(self.axis)


CASES = {
    "softmax_over_one_unit": [
        (net(1, nn.Softmax(1)), (X, BINARY), nn.BCELoss()),
        (Softmaxed(1, 1), (X, BINARY), nn.MSELoss()),
        (net(1, nn.LogSoftmax(1)), (X, BINARY), nn.MSELoss()),
    ],
    "probabilities_to_logits_loss": [
        (net(2, nn.Softmax(1)), (X, LABELS), nn.CrossEntropyLoss()),
        (Softmaxed(2, 1), (X, LABELS), nn.CrossEntropyLoss()),
        (net(1, nn.Sigmoid()), (X, BINARY), nn.BCEWithLogitsLoss()),
        (net(1, nn.Sigmoid()), (X, 2 * BINARY - 1), nn.SoftMarginLoss()),
    ],
    "logits_to_probability_loss": [
        (net(2), (X, LABELS), nn.NLLLoss()),
        (net(2, nn.Softmax(1)), (X, LABELS), nn.NLLLoss()),
        (net(1), (X, BINARY), clipped_log_loss),
        (net(1), (X, BINARY), log_loss),
    ],
    "output_range": [
        (net(1, nn.ReLU()), (X, REAL), nn.MSELoss()),
        (net(1, nn.Tanh()), (X, 50 * REAL), nn.L1Loss()),
        (net(1, nn.Sigmoid()), (X, 9 * BINARY), nn.SmoothL1Loss()),
        (net(3, nn.Softmax(1)), (X, (X[:, :3] > 0).float()), nn.MSELoss()),
    ],
    "wrong_output_activation": [
        (net(3, nn.Sigmoid()), (X, ONE_HOT), keras_cross_entropy),
    ],
    "labels_outside_loss": [
        (net(1, nn.Sigmoid()), (X, 3 * BINARY), clipped_log_loss),
        (net(1), (X, 2 * BINARY - 1), nn.BCEWithLogitsLoss()),
        (net(1), (X, BINARY), nn.SoftMarginLoss()),
    ],
    "one_class_targets": [
        (net(2), (X, 0 * LABELS), nn.CrossEntropyLoss()),
        (net(1), (X, 0 * BINARY + 1), nn.MSELoss()),
    ],
    "constant_inputs": [(net(2), (X * 0 + 1, LABELS), nn.CrossEntropyLoss())],
    "contradicting_targets": [
        (net(2), (X[:2].repeat(60, 1), torch.arange(120) // 2 % 2), nn.CrossEntropyLoss())
    ],
    "gradient_sign_flipped": [
        (net(1), (X, REAL), lambda f, y: -((f - y) ** 2).mean()),
        (net(2), (X, LABELS), lambda f, y: -nn.functional.cross_entropy(f, y)),
    ],
    "wrong_axis": [
        (Softmaxed(2, 0), (X, LABELS), nn.MultiMarginLoss()),
    ],
    "one_feature_norm": [
        (nn.Sequential(nn.Linear(4, 1), nn.LayerNorm(1), nn.Linear(1, 2)), (X, LABELS),
         nn.CrossEntropyLoss()),
        (nn.Sequential(nn.Linear(4, 4), nn.GroupNorm(4, 4), nn.Linear(4, 2)), (X, LABELS),
         nn.CrossEntropyLoss()),
    ],
    "missing_nonlinearity": [
        (nn.Sequential(nn.Linear(2, 8), nn.Linear(8, 1)),
         (X[:, :2], (X[:, :1] * X[:, 1:2]).sign()), nn.MSELoss()),
        (nn.Sequential(nn.Linear(2, 8), nn.LeakyReLU(True), nn.Linear(8, 1)),
         (X[:, :2], (X[:, :1] * X[:, 1:2]).sign()), nn.MSELoss()),
    ],
    "hidden_softmax": [
        (nn.Sequential(nn.Linear(4, 16), nn.Softmax(1), nn.Linear(16, 2)), (X, LABELS),
         nn.CrossEntropyLoss()),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "case"), [(kind, case) for kind, cases in CASES.items() for case in cases]
)
def test_a_cause_is_named_first(kind: str, case: tuple[Any, ...]) -> None:
    report = spurious.diagnose(*case, curvature=False, rehearse=False)
    first = report.problems[0]
    assert first.kind == kind, [f.kind for f in report.problems]
    assert first.explanation.endswith(".")


HEALTHY: dict[str, tuple[nn.Module, Any, Any]] = {
    "logits": (net(2), (X, LABELS), nn.CrossEntropyLoss()),
    "log-probabilities": (net(2, nn.LogSoftmax(1)), (X, LABELS), nn.NLLLoss()),
    "log-probabilities twice": (net(2, nn.LogSoftmax(1)), (X, LABELS), nn.CrossEntropyLoss()),
    "one logit": (net(1), (X, BINARY), nn.BCEWithLogitsLoss()),
    "margins": (net(1), (X, 2 * BINARY - 1), nn.SoftMarginLoss()),
    "probability": (net(1, nn.Sigmoid()), (X, BINARY), nn.BCELoss()),
    "Keras' softmax": (net(3, nn.Softmax(1)), (X, ONE_HOT), keras_cross_entropy),
    "one sigmoid for each class": (net(3, nn.Sigmoid()), (X, ONE_HOT), nn.BCELoss()),
    "sigmoid and squares": (net(1, nn.Sigmoid()), (X, BINARY), nn.MSELoss()),
    "softmax and squares": (net(3, nn.Softmax(1)), (X, ONE_HOT), nn.MSELoss()),
    "tanh": (net(1, nn.Tanh()), (X, REAL.tanh()), nn.MSELoss()),
    "relu": (net(1, nn.ReLU()), (X, REAL.abs()), nn.MSELoss()),
    "regression": (net(1), (X, REAL), nn.HuberLoss()),
    "a linear model": (nn.Linear(4, 1), (X, REAL), nn.MSELoss()),
    "linear layers of linear data": (
        nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 1)), (X, REAL), nn.MSELoss(),
    ),
    "soft labels": (net(3), (X, ONE_HOT * 0.7 + 0.1), nn.CrossEntropyLoss()),
}  # fmt: skip


@pytest.mark.parametrize("name", HEALTHY)
def test_no_cause_where_there_is_none(name: str) -> None:
    report = spurious.diagnose(*HEALTHY[name])
    assert not report.problems, [(f.kind, f.explanation) for f in report.problems]


def test_other_points_of_a_batch_do_not_matter() -> None:
    class Sequence(nn.Module):
        def __init__(self, batch_first: bool) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.inner = nn.GRU(3, 8, batch_first=batch_first)
            self.head = nn.Linear(8, 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.inner(x)[0][:, -1])

    torch.manual_seed(0)
    x = torch.randn(32, 6, 3)
    data = (x, x[:, -1, :1])
    assert found("wrong_axis", Sequence(False), data, nn.MSELoss())
    assert not found("wrong_axis", Sequence(True), data, nn.MSELoss())


def test_the_optimiser_of_another_model() -> None:
    model, other = net(2), net(2)
    data, loss = (X, LABELS), nn.CrossEntropyLoss()
    kind = "optimiser_misses_parameters"
    wrong = torch.optim.Adam(other.parameters())
    first = found(kind, model, data, loss, optimiser=wrong)[0]
    assert first.severity.name == "CRITICAL" and first.evidence["strangers"] == 4
    assert not found(kind, model, data, loss, optimiser=torch.optim.Adam(model.parameters()))
    model[2] = nn.Linear(16, 2)
    swapped = torch.optim.Adam([*model[0].parameters(), *other[2].parameters()])
    assert found(kind, model, data, loss, optimiser=swapped)[0].evidence["missed"] == [
        "2.weight", "2.bias",
    ]  # fmt: skip


def test_an_optimiser_must_be_one() -> None:
    with pytest.raises(spurious.InputError, match=r"expected a torch\.optim\.Optimizer"):
        spurious.diagnose(net(2), (X, LABELS), nn.CrossEntropyLoss(), optimiser=0.01)


def trained(
    model: nn.Module, rule: torch.optim.Optimizer, data: Any, loss: Any, steps: int
) -> None:
    for _ in range(steps):
        rule.zero_grad()
        loss(model(data[0]), data[1]).backward()
        rule.step()


@pytest.mark.parametrize(
    ("kind", "rule", "factor", "shift"),
    [
        ("step_too_large", lambda p: torch.optim.SGD(p, 1e3, momentum=0.9), 1.0, 0.0),
        ("step_too_small", lambda p: torch.optim.SGD(p, 1e-6), 1.0, 0.0),
        ("over_regularised", lambda p: torch.optim.SGD(p, 0.05, weight_decay=5.0), 1.0, 0.0),
        ("unscaled_inputs", lambda p: torch.optim.Adam(p, 1e-3), 1e5, 1e6),
        ("unscaled_inputs", lambda p: torch.optim.Adam(p, 1e-3), 1e-5, 0.0),
    ],
)
def test_what_a_trained_copy_shows(
    kind: str, rule: Callable[..., Any], factor: float, shift: float
) -> None:
    data = (X * factor + shift, LABELS)
    model, loss = net(2), nn.CrossEntropyLoss()
    optimiser = rule(model.parameters())
    trained(model, optimiser, data, loss, 100)
    report = spurious.diagnose(model, data, loss, optimiser=optimiser)
    assert report.problems[0].kind == kind, [f.kind for f in report.problems]
    said = report.problems[0].explanation
    assert "Tried on a copy" in said or "at a usual start" in said


def test_large_targets() -> None:
    data = (X, 1e6 * REAL)
    model, loss = net(1), nn.MSELoss()
    optimiser = torch.optim.Adam(model.parameters())
    assert spurious.diagnose(model, data, loss, optimiser=optimiser).problems[0].kind == (
        "target_scale"
    )


def test_frozen_layers_are_named_and_nothing_is_called_a_minimum() -> None:
    torch.manual_seed(4)
    model = nn.Sequential(
        nn.Linear(4, 16), nn.BatchNorm1d(16), nn.Tanh(), nn.Linear(16, 2), nn.Softplus()
    )
    for k in (0, 3):
        model[k].requires_grad_(False)
        nn.init.constant_(model[k].weight, 0.01)
    data, loss = (X, LABELS), nn.CrossEntropyLoss()
    optimiser = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], 0.5)
    trained(model, optimiser, data, loss, 200)
    report = spurious.diagnose(model, data, loss, optimiser=optimiser)
    kinds = [f.kind for f in report.problems]
    assert kinds[0] == "frozen_layers", kinds
    assert not any("looks like a local minimum" in f.explanation for f in report.findings)


def test_training_that_has_only_begun() -> None:
    data, loss = (X, LABELS), nn.CrossEntropyLoss()
    model = net(2)
    optimiser = torch.optim.SGD(model.parameters(), 0.1)
    trained(model, optimiser, data, loss, 1)
    report = spurious.diagnose(model, data, loss, optimiser=optimiser)
    found = next(f for f in report.findings if f.kind == "too_few_updates")
    assert found.evidence["loss_after"] < 0.8 * found.evidence["loss"]
    assert "Train longer" in found.explanation


def test_why_the_weights_are_lost() -> None:
    """The loss is NaN after a few steps: the step is named, not only the NaN."""
    torch.manual_seed(0)
    x = torch.randn(200, 3)
    y = torch.sin(x[:, :1]) + 0.5 * x[:, 1:2] * x[:, 2:]
    model = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(),
                          nn.Linear(32, 1))  # fmt: skip
    optimiser = torch.optim.SGD(model.parameters(), 3.0)
    trained(model, optimiser, (x, y), nn.MSELoss(), 100)
    asked = (model, (x, y), nn.MSELoss())
    report = spurious.diagnose(*asked, optimiser=optimiser)
    assert [f.kind for f in report.problems[:2]] == ["step_too_large", "not_finite"]
    assert report.problems[0].evidence["better_step_size"] < 1
    assert report.problems[0].remedies[0].startswith("redraw_weights+")
    first = report.problems[0].remedies[0]
    _, trial = report.try_remedies(*asked, 300, optimiser=optimiser, only=(first,))
    assert trial.after < 0.5 * float(y.var())
