"""The words of findings fit the numbers beside them."""

import torch
from tests.diagnose.plain_descent import inputs, of_kind
from torch import nn

import spurious


def test_the_number_of_the_clause_that_holds() -> None:
    torch.manual_seed(0)
    deep = [part for _ in range(5) for part in (nn.Linear(8, 8), nn.ReLU())]
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), *deep, nn.Linear(8, 1))
    with torch.no_grad():
        model[0].weight.mul_(1e6)
        model[0].bias.zero_()
        model[-1].weight.mul_(1e-3)
    x = inputs()
    report = spurious.diagnose(model, (x, x[:, :1]), nn.MSELoss(), rehearse=False)
    for found in of_kind(report, "exploding_gradient"):
        relative = found.evidence["relative_gradient"]
        assert ("thousandth of its size" in found.explanation) == (relative >= 1e3)


def test_no_finding_speaks_of_nan() -> None:
    x = inputs()
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    with torch.no_grad():
        model[0].bias.fill_(float("nan"))
    report = spurious.diagnose(model, (x, x[:, :1]), nn.MSELoss())
    assert not any("nan" in found.explanation for found in report.findings)
