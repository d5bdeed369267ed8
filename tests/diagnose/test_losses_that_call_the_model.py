"""Losses that call the model themselves: equations with derivatives, as people write them."""

from collections.abc import Callable

import torch
from tests.diagnose.training import problems, trained
from torch import Tensor, nn

import spurious
from spurious.diagnose import Outcome
from spurious.diagnose.measure.batches import sample_of
from spurious.diagnose.remedy import Remedy
from spurious.diagnose.treat.trials import Course


def places() -> Tensor:
    return torch.linspace(0, 3, 96)[:, None]


def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(1, 24), nn.Tanh(), nn.Linear(24, 1))


def equation(model: nn.Module, with_graph: bool = True) -> Callable[[Tensor, Tensor], Tensor]:
    """u' = 2 cos 2t, and u = 0 at 0; what is given as outputs is not looked at."""

    def loss(_: Tensor, points: Tensor) -> Tensor:
        t = points.clone().requires_grad_(True)
        (slope,) = torch.autograd.grad(model(t).sum(), t, create_graph=with_graph)
        start = model(torch.zeros(1, 1)).pow(2).mean()
        return (slope - 2 * (2 * points).cos()).pow(2).mean() + start

    return loss


def adam(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.Adam(model.parameters(), lr=1e-2)


def test_an_equation_that_is_solved_is_no_plateau() -> None:
    """Constants have the same loss as all else: that says nothing."""
    model, x = net(), places()
    report = trained(model, x, x, equation(model), adam(model), 1000)
    assert report.measurements.landscape.loss < 0.05
    assert report.measurements.landscape.constant_loss is None
    assert not report.problems


def test_copies_learn_such_a_loss_and_the_model_stays_as_it_is() -> None:
    model, x = net(), places()
    before = [p.clone() for p in model.parameters()]
    course = Course(model, equation(model), sample_of((x, x), model, 96), 1e-2)
    copy = course.trial((Remedy.REDRAW_WEIGHTS,), 300)
    assert copy.after is not None and copy.start is not None and copy.after < 0.3 * copy.start
    assert all(torch.equal(p, old) for p, old in zip(model.parameters(), before, strict=True))
    assert "forward" not in vars(model)
    report = spurious.diagnose(model, (x, x), equation(model), optimiser=adam(model))
    assert report.conclusion.outcome is Outcome.LEARNING


def test_a_forward_that_was_set_on_the_model_is_put_back() -> None:
    model, x = net(), places()
    own = type(model).forward.__get__(model)
    model.forward = own
    Course(model, equation(model), sample_of((x, x), model, 96), 1e-2).trial((), 3)
    assert vars(model)["forward"] is own


def test_a_derivative_without_its_graph() -> None:
    model, x = net(), places()
    report = trained(model, x, x, equation(model, with_graph=False), adam(model), 300)
    assert problems(report)[0] == "detached_loss"
    found = report.problems[0]
    assert "create_graph=True" in found.explanation and "autograd.grad" in str(
        found.evidence["line"]
    )
    assert found.remedies[0].endswith("keep_graph")


def test_a_perturbed_input_needs_no_graph() -> None:
    """The direction in which the loss grows is meant to be a plain number."""
    torch.manual_seed(0)
    x = torch.randn(200, 4)
    y = x[:, :1] * x[:, 1:2]
    model = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 1))

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        own = nn.functional.mse_loss(outputs, targets)
        (slope,) = torch.autograd.grad(own, outputs, retain_graph=True)
        return own + nn.functional.mse_loss(outputs + 0.01 * slope.sign(), targets)

    for steps in (10, 100):
        report = trained(model, x, y, loss, adam(model), steps)
        assert "detached_loss" not in problems(report)


def test_a_step_size_of_0() -> None:
    torch.manual_seed(0)
    x = torch.randn(100, 20)
    y, loss = 3 + x[:, :1], nn.MSELoss()

    def model() -> nn.Sequential:
        return nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 1))

    own = model()
    rule = torch.optim.SGD(own.parameters(), lr=0.0)
    report = spurious.diagnose(own, (x, y), loss, optimiser=rule)
    assert "step_too_small" not in problems(report)  # a loop may set it before each step
    assert any(found.evidence.get("step_size") == 0 for found in report.findings)
    report = trained(own, x, y, loss, rule, 20)
    assert problems(report)[0] == "step_too_small"
    assert report.problems[0].evidence["step_size"] == 0


def test_a_schedule_that_begins_or_ends_with_0() -> None:
    torch.manual_seed(0)
    x = torch.randn(100, 3)
    y, loss = 3 + x[:, :1] + torch.randn(100, 1), nn.MSELoss()
    model = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 1))
    warm = torch.optim.SGD(model.parameters(), lr=0.1)
    torch.optim.lr_scheduler.LambdaLR(warm, lambda step: min(step / 10, 1.0))
    assert warm.param_groups[0]["lr"] == 0
    report = spurious.diagnose(model, (x, y), loss, optimiser=warm)
    assert "step_too_small" not in problems(report)
    by_hand = torch.optim.SGD(model.parameters(), lr=0.1)
    trained(model, x, y, loss, by_hand, 300)
    by_hand.param_groups[0]["lr"] = 0.0
    report = spurious.diagnose(model, (x, y), loss, optimiser=by_hand)
    assert "step_too_small" not in problems(report)


def test_words_that_are_all_the_same() -> None:
    """As where none of them is in the dictionary."""
    torch.manual_seed(0)
    x = torch.zeros(100, 6, dtype=torch.long)
    y = (torch.rand(100, 1) < 0.4).float()
    model = nn.Sequential(nn.Embedding(20, 8), nn.Flatten(), nn.Linear(48, 1))
    report = trained(model, x, y, nn.BCEWithLogitsLoss(), adam(model), 100)
    assert problems(report)[0] == "constant_inputs"


def test_a_loss_that_differentiates_the_model() -> None:
    torch.manual_seed(0)
    x = torch.linspace(0, 1, 32)[:, None].requires_grad_()
    model = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))

    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = model

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            with torch.enable_grad():
                x = x.detach().requires_grad_()
                return self.net(x), x

    def equation(outputs: tuple[Tensor, Tensor], targets: Tensor) -> Tensor:
        u, x = outputs
        (slope,) = torch.autograd.grad(u.sum(), x, create_graph=True)
        return ((slope - targets) ** 2).mean() + u[0].square().sum()

    report = spurious.diagnose(Residual(), (x.detach(), 2 * x.detach()), equation)
    assert len(report.measurements.landscape.ray) > 2
    assert not report.problems, [f.explanation for f in report.problems]
