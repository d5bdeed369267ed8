"""What comes last in a model, against what the loss and the targets want."""

from __future__ import annotations

import pytest
import torch
from tests.diagnose.first_problem import first, net, points
from tests.diagnose.training import problems, trained
from torch import nn

from spurious.diagnose import Kind

MSE = nn.MSELoss()


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


@pytest.mark.parametrize(("shift", "kind"), [(1.0, Kind.WRONG_OUTPUT_ACTIVATION),
                                             (-3.0, Kind.OUTPUT_RANGE)])  # fmt: skip
def test_a_relu_that_is_off_on_all_points(shift: float, kind: Kind) -> None:
    torch.manual_seed(0)
    x = torch.randn(100, 3)
    y = x[:, :1].sigmoid() + shift
    model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1), nn.ReLU())
    with torch.no_grad():
        model.get_parameter("2.bias").fill_(-9.0)
    rule = torch.optim.Adam(model.parameters(), 1e-3)
    assert problems(trained(model, x, y, MSE, rule, 5))[0] is kind
