"""Starts of an unusual size, and dropout that lets too little pass; and sound ones beside them."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import spurious
from spurious.diagnose import Report, TrainingWatch
from spurious.diagnose.measure.records import Affine
from spurious.diagnose.treat.scales import in_another_order, unusual_scales

Draw = Callable[[Tensor], Tensor]


def points() -> tuple[Tensor, Tensor]:
    torch.manual_seed(4)
    x = torch.randn(160, 12)
    return x, (x[:, :3] + 0.5 * x[:, 3:6]).argmax(1)


def net(draw: Draw | None = None, dropout: float = 0.0) -> nn.Sequential:
    torch.manual_seed(1)
    parts = [nn.Linear(12, 32), nn.Tanh(), nn.Dropout(dropout), nn.Linear(32, 32), nn.Tanh()]
    model = nn.Sequential(*parts, nn.Dropout(dropout), nn.Linear(32, 3))
    for layer in model:
        if isinstance(layer, nn.Linear) and draw is not None:
            draw(layer.weight)
            nn.init.zeros_(layer.bias)
    return model


def report_on(model: nn.Module, step: float, trained: int) -> Report:
    x, y = points()
    rule = torch.optim.SGD(model.parameters(), step)
    loss = nn.CrossEntropyLoss()
    model.train()
    for _ in range(trained):
        rule.zero_grad()
        loss(model(x), y).backward()
        rule.step()
    return spurious.diagnose(model, (x, y), loss, optimiser=rule, curvature=False)


@pytest.mark.parametrize(("spread", "trained"), [(8.0, 0), (1e-3, 0), (1e-3, 60)])
def test_weights_of_an_unusual_size(spread: float, trained: int) -> None:
    report = report_on(net(lambda w: nn.init.normal_(w, 0.0, spread)), 0.3, trained)
    assert report.problems[0].kind == "bad_initial_scale", [f.kind for f in report.problems]
    assert report.problems[0].remedies[0] in ("redraw_weights", "rescale")
    assert "reset_parameters" in report.problems[0].code


def test_a_start_that_ends_where_training_has() -> None:
    """More steps would help, but from a usual start these are enough."""
    torch.manual_seed(0)
    y = (torch.rand(300, 8) < 0.3).float()
    x = y @ torch.rand(8, 60).pow(4) + 0.1 * torch.rand(300, 60)
    model = nn.Linear(60, 8, bias=False)
    nn.init.normal_(model.weight)
    rule, loss = torch.optim.SGD(model.parameters(), 0.03), nn.MSELoss()
    with TrainingWatch(model, console=False) as watch:  # which counts the steps
        for k in range(300):
            rows = slice(60 * (k % 5), 60 * (k % 5) + 60)
            rule.zero_grad()
            loss(model(x[rows]), y[rows]).backward()
            rule.step()
            watch.step()
    report = spurious.diagnose(model, (x, y), loss, optimiser=rule, watch=watch, curvature=False)
    assert report.measurements.landscape.loss > 0.9 * (y - y.mean(0)).square().mean()
    assert report.problems[0].kind == "bad_initial_scale"


def test_several_layers_that_are_a_little_large() -> None:
    """Each has twice the weights of He's start: together they stretch signals 32 times."""
    parts = [part for _ in range(5) for part in (nn.Linear(20, 20), nn.Tanh())]
    for spread, wrong in (((8 / 20) ** 0.5, True), ((2 / 20) ** 0.5, False)):
        torch.manual_seed(0)
        for part in parts:
            if isinstance(part, nn.Linear):
                nn.init.normal_(part.weight, 0.0, spread)
        model = nn.Sequential(*parts)
        sizes = unusual_scales(measured(model), False, ())
        assert bool(sizes) is wrong


def measured(model: nn.Module) -> tuple[Affine, ...]:
    x = torch.randn(40, 20)
    report = spurious.diagnose(model, (x, x), nn.MSELoss(), rehearse=False, curvature=False)
    return report.measurements.affine


def test_large_weights_of_a_trained_model_may_come_from_training() -> None:
    report = report_on(net(lambda w: nn.init.normal_(w, 0.0, 8.0)), 0.3, 60)
    assert "bad_initial_scale" not in [f.kind for f in report.findings]


@pytest.mark.parametrize(
    "draw",
    [
        None,
        lambda w: nn.init.normal_(w, 0.0, 0.05),
        nn.init.xavier_uniform_,
        nn.init.kaiming_normal_,
        lambda w: nn.init.orthogonal_(w, 2**0.5),
    ],
)
def test_usual_starts(draw: Draw | None) -> None:
    for trained in (0, 300):
        report = report_on(net(draw), 0.3, trained)
        assert not report.problems, (trained, [f.kind for f in report.problems])


def test_another_order_is_a_start_of_the_same_sizes() -> None:
    model = net()
    other = in_another_order(model)
    for mine, theirs in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.equal(mine.flatten().sort().values, theirs.flatten().sort().values)
        assert torch.equal(mine, theirs) == (mine.ndim == 1)


def test_too_much_dropout() -> None:
    report = report_on(net(dropout=0.97), 0.1, 60)
    assert report.problems[0].kind == "over_regularised", [f.kind for f in report.problems]
    assert report.problems[0].evidence["dropout"] == 0.97
    assert "module.p" in report.problems[0].code
    assert not report_on(net(dropout=0.5), 0.3, 300).problems
