"""What a constant or a line reaches, and what is said of a loss beside it."""

import pytest
import torch
from tests.diagnose.plain_descent import inputs, of_kind, trained
from torch import Tensor, nn

import spurious
from spurious.diagnose import Severity


def test_nothing_to_learn_is_no_warning_of_a_constant() -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    for p in model.parameters():
        nn.init.zeros_(p)
    x = inputs()
    report = spurious.diagnose(model, (x, torch.zeros(64, 1)), nn.MSELoss())
    assert not of_kind(report, "constant_output")
    assert not any("-0," in found.explanation for found in report.findings)


def test_worse_than_a_constant_is_said() -> None:
    """At six times the constant's loss, with a step that bounces to and fro."""
    x = inputs()
    model = nn.Sequential(nn.Linear(4, 1))
    with torch.no_grad():
        model[0].weight.fill_(2.0)
        model[0].bias.fill_(1.0)
    y = x[:, :1]
    trained(model, x, y, nn.MSELoss(), 1e-9, 3)
    stuck = torch.optim.SGD(model.parameters(), 1e-9)
    report = spurious.diagnose(model, (x, y), nn.MSELoss(), optimiser=stuck)
    kinds = [found.kind for found in report.problems]
    assert "worse_than_constant" in kinds, kinds
    assert kinds[0] == "step_too_small"


def test_a_loss_of_98_percent_of_the_constants_is_a_plateau() -> None:
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = (x.sum(1, keepdim=True) == 1).float()
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 4), nn.Sigmoid(), nn.Linear(4, 1), nn.Sigmoid())
    trained(model, x, y, nn.L1Loss(), 0.05, 400)
    optimiser = torch.optim.SGD(model.parameters(), 0.05)
    report = spurious.diagnose(model, (x, y), nn.L1Loss(), optimiser=optimiser)
    assert report.measurements.landscape.loss > 0.49
    still = of_kind(report, "plateau") + of_kind(report, "saddle")
    assert still[0].severity is Severity.WARNING


def test_a_loss_that_compares_the_points_of_a_batch() -> None:
    """It is neither a sum, nor has it a constant's loss on all points at once."""
    torch.manual_seed(0)
    x = torch.randn(256, 2, 8)
    x[:, 1] = x[:, 0] + 0.1 * x[:, 1]

    def loss(z: Tensor, _: Tensor) -> Tensor:
        z = nn.functional.normalize(z, dim=2)
        return nn.functional.cross_entropy(z[:, 0] @ z[:, 1].T / 0.1, torch.arange(len(z)))

    model = nn.Linear(8, 8)
    seen = spurious.diagnose(model, (x, torch.zeros(256)), loss, rehearse=False).measurements
    parts = [loss(model(x[rows]), x).item() for rows in torch.tensor(seen.places).split(64)]
    assert seen.landscape.loss == pytest.approx(sum(parts) / 4, rel=1e-4)
    assert seen.landscape.constant_loss == pytest.approx(torch.tensor(64.0).log().item(), rel=1e-3)


def test_no_constant_of_a_loss_without_a_minimum() -> None:
    report = spurious.diagnose(
        nn.Linear(4, 1), (inputs(), torch.zeros(64, 1)), lambda f, _: -f.mean(), rehearse=False
    )
    assert report.measurements.landscape.constant_loss is None


def test_a_line_that_is_not_the_best_one() -> None:
    """Its gradient is small, and the best line has four fifths of its loss."""
    torch.manual_seed(0)
    x = 10 * torch.rand(100, 1)
    y = 2 * x + 1 + torch.randn(100, 1)
    model = nn.Linear(1, 1)
    with torch.no_grad():
        model.weight.fill_(2.14)
        model.bias.zero_()
    trained(model, x, y, nn.MSELoss(), 0.01, 20)
    report = spurious.diagnose(model, (x, y), nn.MSELoss(), rehearse=False)
    landscape = report.measurements.landscape
    assert landscape.linear_loss is not None and landscape.loss > 1.05 * landscape.linear_loss
    assert not any("can reach" in found.explanation for found in report.findings)
    assert not any("within its reach" in found.explanation for found in report.findings)


@pytest.mark.parametrize("lost", [True, False])
def test_what_a_constant_reaches_does_not_depend_on_lost_weights(lost: bool) -> None:
    torch.manual_seed(0)
    x = torch.randn(64, 3)
    y = x @ torch.randn(3, 2)
    model = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 2))
    if lost:
        nn.init.constant_(model.get_parameter("2.weight"), float("nan"))
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    report = spurious.diagnose(model, (x, y), nn.MSELoss(), optimiser=rule, curvature=False)
    constant = report.measurements.landscape.constant_loss
    assert constant is not None
    assert constant == pytest.approx(float((y - y.mean(0)).pow(2).mean()), rel=1e-3)
    assert [str(found.kind) for found in report.problems] == (["not_finite"] if lost else [])
    if lost:
        trials = {trial.remedy: trial.after for trial in report.trials}
        best = trials[report.problems[0].remedies[0]]
        assert best is not None
        assert best < 0.1 * constant
