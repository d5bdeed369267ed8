"""What a third set of public programs showed: kinds that were missed, and false alarms."""

from typing import Any

import torch
from torch import Tensor, nn

import spurious


def first(model: nn.Module, x: Tensor, y: Tensor, loss: Any) -> str | None:
    report = spurious.diagnose(model, (x, y), loss, curvature=False, rehearse=False)
    return str(report.problems[0].kind) if report.problems else None


def net(outputs: int, *last: nn.Module) -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, outputs), *last)


def points() -> Tensor:
    torch.manual_seed(3)
    return torch.randn(120, 4)


def test_a_divergence_wants_logarithms() -> None:
    x = points()
    y = torch.softmax(2 * x, 1)
    divergence = nn.KLDivLoss(reduction="batchmean")
    for loss in (divergence, lambda f, t: divergence(f, t) / 4):
        assert first(net(4, nn.Softmax(1)), x, y, loss) == "logits_to_probability_loss"
        assert first(net(4, nn.LogSoftmax(1)), x, y, loss) is None


def test_two_values_that_are_not_0_and_1_need_no_other_loss() -> None:
    x = points()
    y = torch.where(x > 1, -1.0, 0.0)
    assert first(net(4), x, y, nn.MSELoss()) is None


def test_a_value_that_is_made_smaller() -> None:
    x = points()
    y = 0.8 * torch.sin(x[:, :1])

    def value(f: Tensor, t: Tensor) -> Tensor:
        return (1 - (f - t).pow(2)).mean()

    assert first(net(1, nn.Tanh()), x, y, value) == "gradient_sign_flipped"
    assert first(net(1, nn.Tanh()), x, y, lambda f, t: -value(f, t)) is None


class Attention(nn.Module):
    """A mean over time, weighted by a softmax along an axis."""

    def __init__(self, axis: int) -> None:
        super().__init__()
        self.weigh, self.head, self.axis = nn.Linear(4, 1), nn.Linear(4, 1), axis

    def forward(self, x: Tensor) -> Tensor:
        return self.head((torch.softmax(self.weigh(x), self.axis) * x).sum(1))


def test_attention_over_an_axis_of_length_1() -> None:
    torch.manual_seed(3)
    x = torch.randn(120, 5, 4)
    y = x[:, 0, :1].exp()
    assert first(Attention(2), x, y, nn.MSELoss()) == "softmax_over_one_unit"
    assert first(Attention(1), x, y, nn.MSELoss()) is None


def test_a_class_whose_output_is_shut_by_a_relu() -> None:
    x = points()
    y = x[:, :3].argmax(1)
    for last, loss in (
        ((nn.ReLU(),), nn.CrossEntropyLoss()),
        ((nn.ReLU(), nn.LogSoftmax(1)), nn.NLLLoss()),
    ):
        model = net(3, *last)
        assert first(model, x, y, loss) is None
        with torch.no_grad():
            model.get_parameter("2.bias")[1] = -20.0
        assert first(model, x, y, loss) == "wrong_output_activation"
