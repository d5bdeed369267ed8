"""What a diagnosis comes to; that nothing was found is never said to be health."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import rich.console
import torch
from tests.diagnose.training import problems, trained
from torch import Tensor, nn

import spurious
from spurious.diagnose import Outcome, Report
from spurious.diagnose.judge.conclude import conclusion
from spurious.diagnose.measure.scene import DataSeen, Scene, TrainingSeen
from spurious.diagnose.measure.task import Task
from spurious.diagnose.treat import rehearse

MSE = nn.MSELoss()


def net(columns: int = 3, width: int = 32) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(columns, width), nn.ReLU(), nn.Linear(width, 1))


def points(many: int = 300) -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    x = torch.randn(many, 3)
    return x, torch.sin(2 * x[:, :1]) + x[:, 1:2] * x[:, 2:]


def adam(model: nn.Module, rate: float = 3e-3) -> torch.optim.Optimizer:
    return torch.optim.Adam(model.parameters(), lr=rate)


def shown(report: Report) -> str:
    console = rich.console.Console(width=120, no_color=True)
    with console.capture() as captured:
        console.print(report)
    return captured.get()


def near_the_old(outputs: Tensor, targets: Tensor) -> Tensor:
    """Values that may move by a tenth at most; what is far away has no gradient."""
    near = outputs.clamp(-0.1, 0.1)
    return torch.max((outputs - targets) ** 2, (near - targets) ** 2).mean()


def test_a_start_about_which_nothing_is_known() -> None:
    x, y = points()
    report = spurious.diagnose(net(), (x, y), MSE, rehearse=False)
    assert not report.problems and report.conclusion.outcome is Outcome.UNKNOWN
    assert len(report.conclusion.unseen) == 3  # optimiser, loop, copies
    assert "not known" in shown(report) and "Not looked at: the optimiser" in shown(report)


def test_a_start_that_learns() -> None:
    model, (x, y) = net(), points()
    report = spurious.diagnose(model, (x, y), MSE, optimiser=adam(model, 1e-2))
    assert not report.problems and report.conclusion.outcome is Outcome.LEARNING


def test_what_has_learnt() -> None:
    model, (x, _) = net(), points()
    report = trained(model, x, x[:, :1], MSE, adam(model, 1e-2), 300)
    assert not report.problems and report.conclusion.outcome is Outcome.LEARNT
    assert f"{report.measurements.landscape.loss:.4g}" in report.conclusion.text


def test_a_cause() -> None:
    model, (x, y) = net(), points()
    (model[2].bias if isinstance(model[2], nn.Linear) else model).requires_grad_(False)
    report = spurious.diagnose(model, (x, y), lambda f, t: MSE(f.detach(), t))
    assert problems(report)[0] == "detached_loss"
    assert report.conclusion.outcome is Outcome.CAUSE
    assert "detached_loss" in report.conclusion.text


@pytest.fixture(scope="module")
def lost() -> Report:
    model, (x, y) = net(), points()
    with pytest.MonkeyPatch.context() as patch:  # one look is enough to report on
        patch.setattr(rehearse, "LATER_STEPS", rehearse.MOST_STEPS)
        return trained(model, x, -150 + 60 * y, near_the_old, adam(model), 300, curvature=False)


def test_what_does_not_learn_is_not_called_sound(lost: Report) -> None:
    found = lost.conclusion
    assert found.outcome in (Outcome.STUCK, Outcome.SYMPTOM)
    assert "not found" in found.text
    assert found.tried[0].change == "as it is"
    assert all(one.won is None or one.won < 0.5 for one in found.tried)


def test_what_was_tried_is_shown(lost: Report, tmp_path: Path) -> None:
    text, page = shown(lost), lost.to_html(tmp_path / "report.html")
    for one in lost.conclusion.tried:
        assert one.change[:30] in text and one.change[:30] in page
    assert "What was tried" in page
    data = json.loads(json.dumps(lost.to_dict()))["conclusion"]
    assert data["outcome"] == lost.conclusion.outcome
    assert len(data["tried"]) == len(lost.conclusion.tried)


def test_a_small_loss_is_not_taken_for_success_of_what_is_meant() -> None:
    """A term that outweighs the other: the loss is small, and half of the outputs are wrong."""
    torch.manual_seed(0)
    x = torch.randn(300, 3)
    y = torch.cat([100 * x[:, :1], torch.sin(5 * x[:, 1:2])], 1)
    model = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 2))
    report = trained(model, x, y, MSE, adam(model, 3e-2), 300)
    assert (model(x)[:, 1] - y[:, 1]).square().mean() > 0.5 * y[:, 1].var()
    assert report.conclusion.outcome is Outcome.LEARNT
    assert "this loss does not say it" in report.conclusion.text


@pytest.mark.parametrize(("linear", "outcome"), [(0.1, Outcome.STUCK), (0.9, Outcome.UNKNOWN)])
def test_stuck_is_said_only_where_something_says_that_more_can_be_learnt(
    linear: float, outcome: Outcome
) -> None:
    model, (x, y) = net(), points()
    report = spurious.diagnose(model, (x, y), MSE, rehearse=False, curvature=False)
    landscape = replace(
        report.measurements.landscape, loss=0.95, constant_loss=1.0, linear_loss=linear
    )
    task = Task(model(x).detach(), y, MSE)
    scene = Scene(task, landscape, data=DataSeen(x), training=TrainingSeen(begun=True))
    found = conclusion((), scene, None, False, ())
    assert found.outcome is outcome
    assert ("does not learn" in found.text) is (outcome is Outcome.STUCK)
