"""A softmax, or a share in a sum, over an axis of length 1: in the model and in the loss."""

from __future__ import annotations

import pytest
import torch
from tests.diagnose.first_problem import first
from tests.diagnose.seeded import mlp, sides
from tests.diagnose.training import overlap, problems, trained
from torch import Tensor, nn

from spurious.diagnose import Kind

MSE = nn.MSELoss()


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


@pytest.mark.parametrize("outputs", [1, 2])
def test_a_softmax_of_one_term_in_the_loss(outputs: int) -> None:
    x, y = sides()
    model = mlp(3, 16, outputs)
    targets = y if outputs == 1 else torch.cat([y, 1 - y], 1)

    def loss(f: Tensor, targets: Tensor) -> Tensor:
        return -(targets * f.log_softmax(1)).sum(1).mean()

    rule = torch.optim.Adam(model.parameters(), 1e-2)
    report = trained(model, x, targets, loss, rule, 200)
    if outputs == 1:
        assert problems(report)[0] is Kind.SOFTMAX_OVER_ONE_UNIT
        assert "test_softmax_over_one.py" in report.problems[0].explanation
        assert Kind.DETACHED_LOSS not in problems(report)
    else:
        assert Kind.SOFTMAX_OVER_ONE_UNIT not in problems(report)


@pytest.mark.parametrize("loss", ["share", "value"])
def test_one_output_whose_share_in_its_sum_the_loss_looks_at(loss: str) -> None:
    torch.manual_seed(0)
    x = torch.randn(200, 3)
    y = torch.randint(0, 4, (200, 1)).float()
    model = mlp(3, 16, 1)

    def shares(f: Tensor, y: Tensor) -> Tensor:
        p = f / f.sum(1, keepdim=True)
        return -(y * p.clamp(1e-7, 1 - 1e-7).log()).sum(1).mean()

    rule = torch.optim.Adam(model.parameters(), 1e-2)
    report = trained(model, x, y, shares if loss == "share" else MSE, rule, 50)
    assert (Kind.SOFTMAX_OVER_ONE_UNIT in problems(report)) == (loss == "share")
    assert Kind.DETACHED_LOSS not in problems(report)


@pytest.mark.parametrize("maps", [1, 2])
def test_a_softmax_of_one_map_in_the_loss(maps: int) -> None:
    torch.manual_seed(0)
    x = torch.randn(40, 1, 8, 8)
    y = (x > 0).float()
    model = nn.Conv2d(1, maps, 3, padding=1)
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    report = trained(
        model, x, y, lambda f, t: overlap(f.softmax(1)[:, -1:], t), rule, 30, rehearse=False
    )
    assert (problems(report)[:1] == [Kind.SOFTMAX_OVER_ONE_UNIT]) == (maps == 1)
