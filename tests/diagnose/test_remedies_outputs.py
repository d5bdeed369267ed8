"""Remedies for outputs, targets and the optimiser: what they do to a copy."""

import pytest
import torch
from torch import Tensor, nn

import spurious
from spurious.diagnose.treat.trials import Trial


def regression() -> tuple[Tensor, Tensor]:
    torch.manual_seed(3)
    x = torch.randn(96, 4)
    return x, 1000 * x[:, :1] + 5000


def net(*last: nn.Module) -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1), *last)


def tried(model: nn.Module, remedy: str, optimiser: object = None, steps: int = 200) -> list[Trial]:
    asked = (model, regression(), nn.MSELoss())
    report = spurious.diagnose(*asked, optimiser=optimiser, curvature=False, rehearse=False)
    return list(report.try_remedies(*asked, steps, optimiser=optimiser, only=(remedy,)))


def test_standardised_targets_are_learnt_in_their_own_units() -> None:
    model = net()
    nothing, trial = tried(model, "standardise_targets", torch.optim.Adam(model.parameters(), 1e-2))
    assert nothing.after > 1e7 and trial.after < 1e4  # of a variance of 1e6


def test_standardised_targets_do_not_change_the_step_of_plain_descent() -> None:
    model = net()
    _, trial = tried(model, "standardise_targets", torch.optim.SGD(model.parameters(), 0.1))
    assert trial.after < 2e4


def test_a_sigmoid_is_left_out() -> None:
    model = net(nn.Sigmoid())
    nothing, trial = tried(model, "drop_last_activation", torch.optim.SGD(model.parameters(), 1e-3))
    assert trial.after < nothing.after
    with pytest.raises(AssertionError):
        assert trial.start == nothing.start


def test_what_the_optimiser_misses_is_given_to_it() -> None:
    model = net()
    held = torch.optim.Adam(model[0].parameters(), 1.0)
    nothing, trial = tried(model, "new_optimiser", held)
    assert trial.after < 0.9 * nothing.after


def test_no_weight_decay() -> None:
    model = net()
    pulled = torch.optim.SGD(model.parameters(), 1e-5, weight_decay=1e4)
    nothing, trial = tried(model, "without_weight_decay", pulled)
    assert trial.after < nothing.after


def test_another_optimiser_is_adam_with_its_usual_step() -> None:
    model = net()
    slow = torch.optim.SGD(model.parameters(), 1e-12)
    nothing, trial = tried(model, "another_optimiser", slow)
    assert nothing.after == pytest.approx(nothing.before, rel=1e-4)
    assert trial.after < nothing.after - 1e4


def test_the_rule_of_the_optimiser_is_kept() -> None:
    """A remedy's trial follows the optimiser that was given, group by group."""
    model = net()
    frozen_first = torch.optim.SGD(
        [{"params": model[0].parameters(), "lr": 0.0}, {"params": model[2].parameters()}], lr=1e-6
    )
    nothing = tried(model, "larger_step", frozen_first, steps=1)[0]
    want = net()
    loss = nn.functional.mse_loss(want(regression()[0]), regression()[1])
    assert nothing.before == pytest.approx(float(loss.detach()))


def test_an_impossible_remedy_loses_no_other_trial() -> None:
    """A unit added to probabilities leaves their range, and BCELoss refuses them."""
    torch.manual_seed(0)
    x = torch.randn(40, 4)
    y = (x[:, :1] > 0).float()
    model = net(nn.Sigmoid())
    asked = (model, (x, y), nn.BCELoss())
    report = spurious.diagnose(*asked, curvature=False, rehearse=False)
    trials = report.try_remedies(*asked, 60, only=("add_unit", "larger_step"), step_size=0.1)
    assert {t.remedy for t in trials} == {"nothing", "add_unit", "larger_step"}
    failed = next(t for t in trials if t.remedy == "add_unit")
    assert failed.after is None and "raised RuntimeError" in failed.note
    assert next(t for t in trials if t.remedy == "larger_step").after is not None


@pytest.mark.filterwarnings("ignore:Using a target size")
def test_outputs_get_the_targets_shape() -> None:
    x, y = regression()
    y = (y[:, 0] - 5000) / 1000
    asked = (net(), (x, y), nn.MSELoss())
    report = spurious.diagnose(*asked, curvature=False)
    assert report.problems[0].kind == "broadcast_targets"
    assert report.problems[0].remedies[0] == "match_shapes"
    nothing, trial = report.try_remedies(*asked, 200, only=("match_shapes",), step_size=1e-2)
    assert trial.after < 0.05 and nothing.after > 0.5


def test_remedies_joined_are_applied_one_after_the_other() -> None:
    model = net()
    optimiser = torch.optim.SGD(model.parameters(), 1e6)
    asked = (model, regression(), nn.MSELoss())
    report = spurious.diagnose(*asked, optimiser=optimiser, curvature=False, rehearse=False)
    joined = "standardise_targets+thousandth_step"
    _, trial = report.try_remedies(*asked, 3, optimiser=optimiser, only=(joined,))
    assert trial.remedy == joined and trial.note == ""
    with pytest.raises(spurious.InputError, match="nonsense"):
        report.try_remedies(*asked, 1, only=("smaller_step+nonsense",))


def test_lost_weights_are_drawn_again_before_anything_else() -> None:
    x, _ = regression()
    model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 3))
    with torch.no_grad():
        model[2].weight.fill_(float("nan"))
    asked = (model, (x, torch.arange(96) % 3), nn.CrossEntropyLoss())
    report = spurious.diagnose(*asked, curvature=False)
    first = report.problems[0]
    assert first.kind == "not_finite"
    starts = {name.split("+")[0] for name in first.remedies}
    assert starts <= {"redraw_weights", "rescale"}
    _, trial = report.try_remedies(*asked, 5, only=(first.remedies[0],))
    assert trial.after is not None and trial.after == trial.after
