"""What the order of the data, the scheduler and the loop have left behind."""

from collections.abc import Callable, Iterator

import pytest
import torch
from tests.diagnose.seeded import mlp
from tests.diagnose.training import problems, trained
from torch import Tensor, nn

import spurious
from spurious.diagnose import Kind, TrainingWatch

CLASSES = nn.CrossEntropyLoss()
N = 256
Rows = Callable[[int], Tensor]


def data() -> tuple[Tensor, Tensor]:
    """Four classes that a small network learns, sorted."""
    torch.manual_seed(2)
    y = torch.arange(N) // (N // 4)
    return 2 * torch.eye(4, 6)[y] + 0.5 * torch.randn(N, 6), y


def net() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 4))


def mixed(_: int) -> Tensor:
    return torch.randperm(N)[:16]


def as_they_lie(step: int) -> Tensor:
    return torch.arange(N).split(16)[step % (N // 16)]


def losses(
    model: nn.Module, rule: torch.optim.Optimizer, rows: Rows, steps: int
) -> Iterator[Tensor]:
    x, y = data()
    for step in range(steps):
        rule.zero_grad()
        loss = nn.functional.cross_entropy(model(x[rows(step)]), y[rows(step)])
        loss.backward()
        rule.step()
        yield loss


def test_a_first_batch_that_is_the_only_one() -> None:
    torch.manual_seed(0)
    x, y = torch.randn(N, 6), torch.randint(0, 4, (N,))
    for rows, wrong in ((torch.arange(16), True), (torch.arange(N), False)):
        model = net()
        rule = torch.optim.Adam(model.parameters(), 1e-2)
        for _ in range(100):
            rule.zero_grad()
            nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            rule.step()
        report = spurious.diagnose(
            model, (x, y), nn.CrossEntropyLoss(), optimiser=rule, rehearse=False
        )
        kinds = [str(problem.kind) for problem in report.problems]
        assert ("same_batch" in kinds) == wrong


def found(model: nn.Module, rule: torch.optim.Optimizer, **more: bool) -> list[str]:
    asked = (model, data(), nn.CrossEntropyLoss())
    report = spurious.diagnose(*asked, optimiser=rule, curvature=False, **more)
    return [str(problem.kind) for problem in report.problems]


@pytest.mark.parametrize(
    ("rows", "steps", "kind"),
    [(as_they_lie, 16, "unshuffled_data"), (mixed, 160, None)],
)
def test_the_order_of_the_data(rows: Rows, steps: int, kind: str | None) -> None:
    model = net()
    rule = torch.optim.SGD(model.parameters(), 0.5)
    for _ in losses(model, rule, rows, steps):
        pass
    kinds = found(model, rule, rehearse=False)
    assert (kinds[:1] == [kind]) if kind else not {"unshuffled_data", "same_batch"} & set(kinds)


def test_a_copy_shows_that_sorted_data_spoil_the_training() -> None:
    model = net()
    rule = torch.optim.SGD(model.parameters(), 0.5, momentum=0.9)
    for _ in losses(model, rule, as_they_lie, 64):
        pass
    with torch.no_grad():
        model[0].bias.fill_(-100.0)  # dead: nothing shows what came last
    assert "dead_units" in found(model, rule)
    kinds = found(model, rule)
    assert kinds[0] == "unshuffled_data" or "unshuffled_data" not in kinds


@pytest.mark.parametrize(("gamma", "kind"), [(0.5, "schedule_to_zero"), (0.999, None)])
def test_a_scheduler_that_stops_the_training(gamma: float, kind: str | None) -> None:
    model = net()
    rule = torch.optim.SGD(model.parameters(), 0.05)
    schedule = torch.optim.lr_scheduler.ExponentialLR(rule, gamma)
    for _ in losses(model, rule, mixed, 100):
        schedule.step()
    kinds = found(model, rule)
    assert (kinds[:1] == [kind]) if kind else "schedule_to_zero" not in kinds


def test_a_warm_up_that_is_too_long_is_a_small_step() -> None:
    model = net()
    rule = torch.optim.SGD(model.parameters(), 0.1)
    schedule = torch.optim.lr_scheduler.LambdaLR(rule, lambda k: min(1.0, (k + 1) / 2000))
    for _ in losses(model, rule, mixed, 60):
        schedule.step()
    assert found(model, rule)[0] == "step_too_small"


def test_an_optimiser_that_makes_no_step() -> None:
    model = net()
    rule = torch.optim.Adam(model.parameters())
    x, y = data()
    nn.functional.cross_entropy(model(x), y).backward()
    assert found(model, rule)[0] == "optimiser_never_steps"
    rule.step()
    assert "optimiser_never_steps" not in found(model, rule)


def test_adagrad_before_its_first_step_is_a_start() -> None:
    model = net()
    rule = torch.optim.Adagrad(model.parameters(), 0.1)
    assert not found(model, rule)


@pytest.mark.parametrize("faulty", [True, False])
def test_gradients_that_no_batch_can_have_given(faulty: bool) -> None:
    model = net()
    rule = torch.optim.SGD(model.parameters(), 1e-7)
    x, y = data()
    for step in range(300):
        if not faulty:
            rule.zero_grad()
        nn.functional.cross_entropy(model(x[mixed(step)]), y[mixed(step)]).backward()
        rule.step()
    assert ("missing_zero_grad" in found(model, rule, rehearse=False)) == faulty


@pytest.mark.parametrize("faulty", [True, False])
def test_what_the_watch_saw_of_the_loop_is_told(faulty: bool) -> None:
    x, y = data()
    model = net()
    rule = torch.optim.SGD(model.parameters(), 0.01)
    watch = TrainingWatch(model, console=False, every=1)
    for step in range(40):
        nn.functional.cross_entropy(outputs := model(x[mixed(step)]), y[: len(outputs)]).backward()
        rule.step()
        watch.step()
        if not faulty:
            rule.zero_grad()
    watch.close()
    report = spurious.diagnose(
        model, (x, y), nn.CrossEntropyLoss(), watch=watch, curvature=False, rehearse=False
    )
    kinds = [str(problem.kind) for problem in report.problems]
    assert ("missing_zero_grad" in kinds) == faulty


@pytest.mark.parametrize(("step", "wrong"), [(0.5, True), (0.01, False)])
def test_steps_as_long_as_the_weights_of_a_start(step: float, wrong: bool) -> None:
    model = net()
    rule = torch.optim.Adam(model.parameters(), step)
    for _ in losses(model, rule, mixed, 20):
        pass
    with torch.no_grad():
        model[0].bias.fill_(-100.0)  # as such steps leave it now and then
    assert ("step_too_large" in found(model, rule)) == wrong


def test_small_targets_at_the_beginning_are_not_learnt_by_heart() -> None:
    x = torch.arange(1.0, N + 1)[:, None] / N
    y = x**5
    model = nn.Linear(1, 1)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    rule = torch.optim.SGD(model.parameters(), 1e-6)
    nn.functional.mse_loss(model(x), y).backward()
    rule.step()
    report = spurious.diagnose(model, (x, y), nn.MSELoss(), optimiser=rule, rehearse=False)
    assert "same_batch" not in [str(problem.kind) for problem in report.problems]


@pytest.mark.parametrize("shuffles", [False, True])
def test_sorted_classes_of_which_some_are_learnt(shuffles: bool) -> None:
    torch.manual_seed(0)
    y = torch.arange(10).repeat_interleave(100)
    x = nn.functional.one_hot(y, 10) + 0.5 * torch.randn(1000, 10)
    model = mlp(10, 32, 10)
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(2):
        order = torch.randperm(1000) if shuffles else torch.arange(1000)
        for rows in order.split(16):
            rule.zero_grad()
            CLASSES(model(x[rows]), y[rows]).backward()
            rule.step()
    report = spurious.diagnose(model, (x, y), CLASSES, optimiser=rule)
    assert (Kind.UNSHUFFLED_DATA in problems(report)) == (not shuffles)
    if not shuffles:
        assert problems(report)[0] is Kind.UNSHUFFLED_DATA


def test_a_common_class_at_the_end_is_no_sign_of_the_order() -> None:
    torch.manual_seed(0)
    y = torch.zeros(400, dtype=torch.long)
    y[:20], y[20:40] = 1, 2
    x = torch.randn(400, 6) + 0.2 * nn.functional.one_hot(y, 6)
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    report = trained(model, x, y, CLASSES, torch.optim.Adam(model.parameters(), 3e-3), 300)
    assert Kind.UNSHUFFLED_DATA not in problems(report)


@pytest.mark.parametrize("n", [240, 2048])
def test_classes_that_take_turns(n: int) -> None:
    """Neither are all points of one class, nor is any batch, which batch norm would show."""
    torch.manual_seed(0)
    y = torch.arange(n) % 4
    x = torch.eye(4)[y] + 0.1 * torch.randn(n, 4)
    model = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 4))
    rule, loss = torch.optim.Adam(model.parameters(), lr=0.01), nn.CrossEntropyLoss()
    for rows in torch.randint(0, n, (200, 32)):
        rule.zero_grad()
        loss(model(x[rows]), y[rows]).backward()
        rule.step()
    report = spurious.diagnose(model, (x, y), loss, optimiser=rule)
    assert report.measurements.landscape.loss < 0.05
    assert not report.problems, report.problems
