"""What the eleventh set of public faults showed, each on a case of its own."""

from __future__ import annotations

import pytest
import torch
from tests.diagnose.training import problems, trained
from torch import Tensor, nn

import spurious
from spurious.diagnose import Kind, TrainingWatch
from spurious.diagnose.treat.rehearse import LATER_STEPS

MSE = nn.MSELoss()
CLASSES = nn.CrossEntropyLoss()
DIFFERENCES = {Kind.CONSTANT_OUTPUT, Kind.SHARED_REGIONS, Kind.BLIND_SPOTS, Kind.PLATEAU}


class Read(nn.Module):
    """A recurrent layer whose last output is read."""

    def __init__(self, cell: type[nn.RNNBase], hidden: int = 8) -> None:
        super().__init__()
        self.cell, self.head = cell(1, hidden, batch_first=True), nn.Linear(hidden, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.cell(x)[0][:, -1])


@pytest.mark.parametrize("cell", [nn.RNN, nn.LSTM, nn.GRU])
@pytest.mark.parametrize("steps", [1, 3])
def test_sequences_of_one_step(cell: type[nn.RNNBase], steps: int) -> None:
    torch.manual_seed(0)
    seen = torch.rand(402).unfold(0, 3, 1)
    x, y = seen[:, -steps:, None], seen[:, :1]
    model = Read(cell)
    report = trained(
        model, x, y, MSE, torch.optim.Adam(model.parameters(), 1e-2), 200, rehearse=False
    )
    assert (problems(report)[:1] == [Kind.ONE_STEP_SEQUENCES]) == (steps == 1)


def test_one_step_is_enough_where_nothing_before_says_more() -> None:
    torch.manual_seed(0)
    x = torch.rand(400, 1, 1)
    y = x[:, 0] + torch.randn(400, 1)
    model = Read(nn.LSTM)
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    report = trained(model, x, y, MSE, rule, 200, rehearse=False)
    assert Kind.ONE_STEP_SEQUENCES not in problems(report)


class Stepwise(Read):
    """Hands the state on, as an argument or by its name."""

    named = False

    def forward(self, x: Tensor) -> Tensor:
        state = None
        for step in x.split(1, 1):
            out, state = self.cell(step, hx=state) if self.named else self.cell(step, state)
        return self.head(out[:, -1])


class Named(Stepwise):
    """By its name."""

    named = True


class Beside(Read):
    """Another such layer reads the last step alone."""

    def __init__(self, cell: type[nn.RNNBase]) -> None:
        super().__init__(cell)
        self.last = cell(1, 8, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.cell(x)[0][:, -1] + self.last(x[:, -1:])[0][:, -1])


@pytest.mark.parametrize("kind", [Stepwise, Named, Beside])
def test_a_model_that_reads_all_steps(kind: type[Read]) -> None:
    torch.manual_seed(0)
    numbers = torch.rand(405)
    seen = numbers[2:].unfold(0, 3, 1)[:400]
    model = kind(nn.GRU)
    rule = torch.optim.SGD(model.parameters(), 1e-3)
    y = numbers[:400, None]  # two steps before the first that is seen
    report = trained(model, seen[:, :, None], y, MSE, rule, 20, rehearse=False)
    assert Kind.ONE_STEP_SEQUENCES not in problems(report)


@pytest.mark.parametrize("apart", [1e-7, 0.1])
def test_inputs_that_are_equal_but_for_rounding(apart: float) -> None:
    torch.manual_seed(0)
    x = (
        torch.linspace(-1, 1, 20)[:, None].repeat(4, 1)
        + apart * torch.arange(4.0).repeat_interleave(20)[:, None]
    )
    y = torch.tensor([1.0, -1.0, -1.0, 1.0]).repeat_interleave(20)[:, None]
    model = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1))
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    report = trained(model, x, y, MSE, rule, 100, rehearse=False)
    assert (Kind.CONTRADICTING_TARGETS in problems(report)) == (apart < 1e-5)
    if apart < 1e-5:
        assert "equal but for rounding" in report.problems[0].explanation


def test_training_that_has_come_to_what_equal_inputs_leave() -> None:
    torch.manual_seed(0)
    x = torch.randint(0, 6, (400, 1)).float()
    y = x + 2.5 * torch.randn(400, 1)
    model = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    early, late = (trained(model, x, y, MSE, rule, n, rehearse=False) for n in (5, 800))
    assert Kind.CONTRADICTING_TARGETS not in [f.kind for f in early.findings]
    assert not problems(late)  # noise is no fault
    (said,) = (f for f in late.findings if f.kind is Kind.CONTRADICTING_TARGETS)
    assert "training has come to" in said.explanation


@pytest.mark.parametrize(
    "x",
    [
        1e6 + torch.arange(300.0)[:, None],
        torch.cat([torch.linspace(0, 1e-3, 299), torch.tensor([100.0])])[:, None],
        torch.linspace(0, 1, 300)[:, None] * torch.tensor([1.0, 1e-7]),
    ],
    ids=["times", "one far away", "a small column"],
)
def test_inputs_that_are_near_one_another_are_not_equal(x: Tensor) -> None:
    torch.manual_seed(0)
    y = torch.tensor([-1.0, 1.0]).repeat(150)[:, None]
    model = nn.Sequential(nn.Linear(x.shape[1], 8), nn.Tanh(), nn.Linear(8, 1))
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    report = trained(model, x, y, MSE, rule, 20, rehearse=False)
    assert Kind.CONTRADICTING_TARGETS not in problems(report)


def test_a_common_class_at_the_end_is_no_sign_of_the_order() -> None:
    torch.manual_seed(0)
    y = torch.zeros(400, dtype=torch.long)
    y[:20], y[20:40] = 1, 2
    x = torch.randn(400, 6) + 0.2 * nn.functional.one_hot(y, 6)
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    report = trained(model, x, y, CLASSES, torch.optim.Adam(model.parameters(), 3e-3), 300)
    assert Kind.UNSHUFFLED_DATA not in problems(report)


def test_weights_of_nobodys_that_are_lost_are_drawn_anew() -> None:
    class Lines(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.slopes = nn.Parameter(torch.randn(1, 2))
            self.levels = nn.Parameter(torch.randn(2))

        def forward(self, x: Tensor) -> Tensor:
            return (x @ self.slopes + self.levels).prod(1, keepdim=True)

    torch.manual_seed(0)
    x = torch.arange(1.0, 9.0)[:, None]
    model = Lines()
    rule = torch.optim.SGD(model.parameters(), 1e-2)
    report = trained(model, x, 2 * x**2 + 3 * x + 4, MSE, rule, 100)
    assert problems(report)[0] is Kind.STEP_TOO_LARGE


@pytest.mark.parametrize("size", [1e2, 1e4])
def test_steps_that_leave_any_start_are_not_too_small(size: float) -> None:
    torch.manual_seed(0)
    x = torch.randn(1, 3, 12, 12)
    y = torch.randint(0, 2, (1, 12, 12))
    model = nn.Conv2d(3, 2, 3, padding=1)
    rule = torch.optim.SGD(model.parameters(), size)
    report = trained(model, x, y, CLASSES, rule, 50)
    assert Kind.STEP_TOO_SMALL not in problems(report)
    assert Kind.STEP_TOO_LARGE in problems(report)


ONE: dict[str, tuple[nn.Module, Tensor, Tensor, nn.Module]] = {
    "numbers": (nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1)), torch.ones(1, 4),
                torch.ones(1, 1), MSE),
    "class": (nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3)), torch.ones(1, 4),
              torch.tensor([1]), CLASSES),
    "yes": (nn.Sequential(nn.Linear(4, 1), nn.Sigmoid()), torch.ones(1, 4), torch.ones(1, 1),
            nn.BCELoss()),
    "picture": (nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(),
                              nn.Linear(144, 2)), torch.ones(1, 1, 8, 8), torch.tensor([0]),
                CLASSES),
    "words": (nn.Sequential(nn.Embedding(9, 4), nn.Flatten(), nn.Linear(20, 9)),
              torch.arange(5)[None], torch.tensor([3]), CLASSES),
}  # fmt: skip


@pytest.mark.parametrize("name", ONE)
@pytest.mark.parametrize(("steps", "size"), [(0, 0.1), (400, 0.1), (100, 1e-9)])
def test_one_point(name: str, steps: int, size: float) -> None:
    """Nobody can say how one point lies to others; whether it is learnt everybody can."""
    torch.manual_seed(0)
    model, x, y, loss = ONE[name]
    for module in model.modules():
        reset = getattr(module, "reset_parameters", None)
        if reset is not None:
            reset()
    rule = torch.optim.SGD(model.parameters(), size)
    found = problems(trained(model, x, y, loss, rule, steps))
    assert not DIFFERENCES & set(found)
    assert found[:1] == ([Kind.STEP_TOO_SMALL] if size < 1e-6 else [])


@pytest.mark.parametrize("seed", [3, 5, 7, 10])
def test_one_point_in_the_first_steps(seed: int) -> None:
    """Nothing is wrong with a loop, or with steps, for which another start is luckier."""
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    x, y = torch.randn(1, 4), torch.randn(1, 1)
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(3):
        report = trained(model, x, y, MSE, rule, 10)
        assert set(problems(report)) <= {Kind.TOO_FEW_UPDATES, Kind.STEP_TOO_SMALL}


def test_one_point_at_the_least_loss() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 4))
    x, y = torch.randn(1, 3), torch.tensor([[0.1, 0.2, 0.3, 0.4]])
    report = trained(model, x, y, CLASSES, torch.optim.Adam(model.parameters(), 1e-2), 300)
    assert not problems(report)


@pytest.mark.parametrize("bad", [0, 1])
def test_one_point_that_is_no_number(bad: int) -> None:
    data = [torch.ones(1, 3), torch.ones(1, 1)]
    data[bad] = data[bad] * torch.nan
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    report = spurious.diagnose(model, tuple(data), MSE)
    assert Kind.NOT_FINITE in problems(report)


def test_a_trained_model_of_single_words() -> None:
    torch.manual_seed(0)
    x = torch.randint(0, 5, (100,))
    model = nn.Sequential(nn.Embedding(5, 8), nn.Linear(8, 5))
    report = trained(model, x, x, CLASSES, torch.optim.Adam(model.parameters(), 1e-2), 100)
    assert not problems(report)


def test_numbers_of_double_precision_are_told_apart() -> None:
    class Seconds(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(2, 1)

        def forward(self, x: Tensor) -> Tensor:
            angle = (2 * torch.pi * (x % 60) / 60).float()
            return self.inner(torch.cat([angle.sin(), angle.cos()], 1))

    torch.manual_seed(0)
    x = (torch.randint(0, 6, (256, 1)) * 3.15e7).double() + torch.rand(256, 1).double() * 60
    y = (2 * torch.pi * (x % 60) / 60).sin().float()
    model = Seconds()
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(2):
        report = trained(model, x, y, MSE, rule, 20, rehearse=False)
        assert Kind.CONTRADICTING_TARGETS not in [f.kind for f in report.findings]


def test_one_point_that_has_blown_up() -> None:
    torch.manual_seed(0)
    model, x, y = nn.Linear(80, 20), 100 * torch.randn(1, 80), 100 * torch.randn(1, 20)
    report = trained(model, x, y, MSE, torch.optim.SGD(model.parameters(), 1e-2), 60)
    assert problems(report)[0] is Kind.STEP_TOO_LARGE


def test_copies_that_cannot_be_trained_are_no_crash() -> None:
    """Batch normalisation takes no single point in training."""
    parts = [nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1)]
    model = nn.Sequential(*parts).eval()
    rule = torch.optim.SGD(model.parameters(), 1e-2)
    report = spurious.diagnose(model, (torch.ones(1, 4), torch.ones(1, 1)), MSE, optimiser=rule)
    assert all(trial.note for trial in report.trials)


def test_a_second_look_is_long() -> None:
    """What 300 steps of a copy do not show, thousands do."""
    torch.manual_seed(0)
    x = torch.randn(120, 2)
    y = (x.pow(2).sum(1, keepdim=True) > 1.4).float()
    layers = [nn.Linear(2, 12, bias=False), nn.Tanh(), nn.Linear(12, 1, bias=False)]
    model = nn.Sequential(*layers)
    rule = torch.optim.Adam(model.parameters(), 1e-3)
    report = trained(model, x, y, nn.BCEWithLogitsLoss(), rule, 600)
    assert problems(report)[0] is Kind.MISSING_BIAS
    assert report.problems[0].evidence["steps"] == LATER_STEPS


@pytest.mark.parametrize("followed", [False, True])
def test_a_watch_keeps_the_last_weights_that_were_finite(followed: bool) -> None:
    """A start that torch does not draw comes to log(0); from the weights before that it is seen."""
    torch.manual_seed(0)
    y = torch.randint(0, 4, (320,))
    x = 2 * torch.randn(4, 4)[y] + torch.randn(320, 4)
    model = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 4))
    with torch.no_grad():
        model[2].weight.mul_(20)

    def loss(f: Tensor, labels: Tensor) -> Tensor:
        others = (1 - f.softmax(1)[:, 0]).log()
        return CLASSES(f, labels) - 0.5 * others[labels > 0].mean()

    rule = torch.optim.Adam(model.parameters(), 1e-2)
    draw = torch.Generator().manual_seed(1)
    with TrainingWatch(model, console=False) as watch:
        for _ in range(500):
            rows = torch.randint(320, (40,), generator=draw)
            rule.zero_grad()
            loss(model(x[rows]), y[rows]).backward()
            rule.step()
            watch.step()
    assert not bool(model[0].weight.isfinite().all())
    found = problems(
        spurious.diagnose(model, (x, y), loss, optimiser=rule, watch=watch if followed else None)
    )
    assert Kind.NOT_FINITE in found
    assert (Kind.LOG_OF_ZERO in found) == followed
    assert not bool(model[0].weight.isfinite().all())
