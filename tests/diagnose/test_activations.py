"""Activations that are missing, that shut the outputs, and that jump."""

from __future__ import annotations

import torch
from tests.diagnose.all_points import trained
from tests.diagnose.training import problems
from torch import Tensor, nn

from spurious.diagnose import Kind


def test_two_linear_layers_and_four_points() -> None:
    torch.manual_seed(0)
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    both, either = x.prod(1, keepdim=True), (x.sum(1, keepdim=True) == 1).float()
    for y, found in ((either, True), (both, False)):
        model = nn.Sequential(nn.Linear(2, 10), nn.Linear(10, 1), nn.Sigmoid())
        rule = torch.optim.SGD(model.parameters(), lr=0.3)
        report = trained(model, x, y, nn.BCELoss(), rule, 800)
        assert (Kind.MISSING_NONLINEARITY in problems(report)) == found


def test_a_relu_behind_which_the_outputs_are_reshaped() -> None:
    torch.manual_seed(0)
    x = torch.randn(200, 4)
    model = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 4), nn.ReLU(),
                          nn.Unflatten(1, (2, 2)))  # fmt: skip
    report = trained(model, x, x.view(-1, 2, 2), nn.MSELoss(), torch.optim.Adam(model.parameters()))
    assert report.problems[0].kind == Kind.OUTPUT_RANGE


class Sign(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.sign()


def test_outputs_that_jump() -> None:
    torch.manual_seed(0)
    x = torch.randn(200, 3)
    y = x[:, :1].sign()
    for last, found in ((Sign(), True), (nn.Tanh(), False)):
        model = nn.Sequential(nn.Linear(3, 1), last)
        report = trained(model, x, y, nn.MSELoss(), torch.optim.SGD(model.parameters(), lr=0.1))
        assert (Kind.DETACHED_LOSS in problems(report)) == found
