"""Inputs far from mean 0 and deviation 1, and what they hide."""

from __future__ import annotations

import torch
from tests.diagnose.seeded import mlp
from tests.diagnose.training import Placed, problems, trained
from torch import Tensor, nn

from spurious.diagnose import Kind

CLASSES = nn.CrossEntropyLoss()


def test_positions_that_large_inputs_drown_are_not_missing() -> None:
    torch.manual_seed(0)
    x = 1000 * (torch.randn(200, 6, 4) + 1)
    y = (x[:, 0, 0] > x[:, 5, 0]).long()
    model = Placed()
    report = trained(model, x, y, CLASSES, torch.optim.SGD(model.parameters(), 0.1), 60)
    assert Kind.MISSING_POSITIONS not in problems(report)
    assert Kind.UNSCALED_INPUTS in problems(report)


def test_inputs_that_shut_starts_of_the_present_sizes() -> None:
    torch.manual_seed(1)
    unit = torch.randn(200, 8)
    y = (unit[:, 0] * unit[:, 1] > 0).long()
    model = nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(),
                          nn.Linear(64, 2))  # fmt: skip
    rule = torch.optim.Adam(model.parameters(), 1e-3)
    kinds = problems(trained(model, 200 * unit + 300, y, CLASSES, rule, 200))
    assert kinds[0] is Kind.UNSCALED_INPUTS


class Looked(nn.Module):
    """A table's row, and numbers beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.body = nn.Embedding(20, 8), mlp(9, 16, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(torch.cat([self.table(x[:, 0].long()), x[:, 1:]], 1))


def test_inputs_of_which_some_are_looked_up_in_a_table() -> None:
    torch.manual_seed(0)
    told = torch.randn(300, 1)
    y = (told > 0).float()
    x = torch.cat([torch.randint(20, (300, 1)).float(), 5e5 + 1.5e5 * told], 1)
    model = Looked()
    rule = torch.optim.Adam(model.parameters(), 1e-3)
    report = trained(model, x, y, nn.BCEWithLogitsLoss(), rule, 300)
    assert problems(report)[0] is Kind.UNSCALED_INPUTS
    assert "standardise_inputs" in report.problems[0].remedies[0]
