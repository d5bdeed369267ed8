"""What the fifteenth set of public faults showed, and a referee's sound programs beside them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from tests.diagnose.training import problems, trained
from torch import Tensor, nn

import spurious
from spurious.diagnose import Kind, Severity

F = nn.functional
MSE = nn.MSELoss()
CLASSES = nn.CrossEntropyLoss()


def mlp(*sizes: int) -> nn.Sequential:
    parts: list[nn.Module] = []
    for below, above in pairwise(sizes):
        parts += [nn.Linear(below, above), nn.ReLU()]
    return nn.Sequential(*parts[:-1])


class Words(nn.Module):
    """Scores of words at each place, read from the front, or from both sides."""

    def __init__(self, both: bool = False) -> None:
        super().__init__()
        self.embed = nn.Embedding(8, 16)
        self.inner = nn.GRU(16, 16, batch_first=True, bidirectional=both)
        self.head = nn.Linear(32 if both else 16, 8)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.inner(self.embed(x))[0])


def of_places(f: Tensor, t: Tensor) -> Tensor:
    return CLASSES(f.flatten(0, 1), t.flatten())


def of_next(f: Tensor, t: Tensor) -> Tensor:
    return of_places(f[:, :-1], t[:, 1:])


@pytest.mark.parametrize("steps", [0, 100])
@pytest.mark.parametrize(
    ("loss", "both", "said"),
    [(of_places, False, True), (of_next, False, False), (of_places, True, False)],
)
def test_each_word_is_its_own_answer(
    loss: Callable[[Tensor, Tensor], Tensor], both: bool, said: bool, steps: int
) -> None:
    torch.manual_seed(0)
    x = (torch.randint(0, 8, (96, 1)) + torch.randint(1, 4, (96, 1)) * torch.arange(8)) % 8
    model = Words(both)
    rule = torch.optim.Adam(model.parameters(), 5e-3)
    report = trained(model, x, x, loss, rule, steps, rehearse=False)
    assert (Kind.WRONG_TIME_STEP in problems(report)) == said


def test_words_that_hardly_change_are_shifted_by_the_loss() -> None:
    torch.manual_seed(0)
    x = torch.randint(0, 8, (200, 1)).repeat(1, 10)
    x[:4, 5:] = 0
    model = Words()
    rule = torch.optim.Adam(model.parameters(), 5e-3)
    report = trained(model, x, x, of_next, rule, 60, rehearse=False)
    assert Kind.WRONG_TIME_STEP not in problems(report)


def test_one_point_a_batch_of_a_loss_that_compares_them() -> None:
    def cox(f: Tensor, t: Tensor) -> Tensor:
        there = t[:, None] <= t
        return -(
            f[:, 0] - f[:, 0].expand_as(there).masked_fill(~there, -torch.inf).logsumexp(1)
        ).mean()

    torch.manual_seed(0)
    x = torch.randn(200, 4)
    y = -torch.rand(200).log() * (-x[:, 0]).exp()
    model = mlp(4, 16, 1)
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    for k in range(100):
        rule.zero_grad()
        cox(model(x[k : k + 1]), y[k : k + 1]).backward()
        rule.step()
    report = spurious.diagnose(model, (x, y), cox, optimiser=rule, rehearse=False)
    (found,) = [f for f in report.findings if f.kind == Kind.FAULT_IN_LOOP]
    assert "one point alone is 0" in found.explanation
    assert Kind.OPTIMISER_NEVER_STEPS not in [f.kind for f in report.findings]


def test_sorted_classes_where_a_copy_still_learns_a_little() -> None:
    torch.manual_seed(0)
    y = torch.arange(10).repeat_interleave(60)
    x = F.one_hot(y, 10) + 0.5 * torch.randn(600, 10)
    model = mlp(10, 48, 10)
    rule = torch.optim.Adam(model.parameters(), 2e-2)
    for k in range(160):
        rows = slice(15 * (k % 40), 15 * (k % 40) + 15)
        rule.zero_grad()
        CLASSES(model(x[rows]), y[rows]).backward()
        rule.step()
    report = spurious.diagnose(model, (x, y), CLASSES, optimiser=rule)
    assert problems(report)[0] == Kind.UNSHUFFLED_DATA


@pytest.mark.parametrize("size", [1e-4, 0.5])
def test_a_last_layer_upon_fixed_features(size: float) -> None:
    torch.manual_seed(0)
    x = torch.randn(300, 16)
    y = x[:, :4].argmax(1)
    body = nn.Sequential(nn.Linear(16, 64), nn.ReLU()).requires_grad_(False)
    model = nn.Sequential(body, nn.Linear(64, 4))
    rule = torch.optim.SGD(model[1].parameters(), size)
    report = trained(model, x, y, CLASSES, rule, 300)
    assert Kind.FROZEN_LAYERS not in problems(report)
    assert (Kind.STEP_TOO_SMALL in problems(report)) == (size < 1e-3)


def test_a_norm_of_two_features() -> None:
    class Signs(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.inner = nn.LayerNorm(2), mlp(2, 16, 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(self.norm(x))

    torch.manual_seed(0)
    x = torch.randn(300, 2)
    for y, said in ((x.sum(1, keepdim=True), True), ((x[:, :1] > x[:, 1:]).float(), False)):
        model = Signs()
        rule = torch.optim.Adam(model.parameters(), 1e-2)
        report = trained(model, x, y, MSE, rule, 200, rehearse=False)
        assert (Kind.ONE_FEATURE_NORM in problems(report)) == said


def test_a_step_size_that_a_schedule_may_raise_is_no_problem_of_a_start() -> None:
    torch.manual_seed(0)
    x = torch.randn(200, 4)
    model = mlp(4, 16, 2)
    rule = torch.optim.SGD(model.parameters(), 1e-8)
    report = spurious.diagnose(model, (x, (x[:, 0] > 0).long()), CLASSES, optimiser=rule)
    (found,) = [f for f in report.findings if f.kind == Kind.STEP_TOO_SMALL]
    assert found.severity is Severity.INFO


def test_a_teacher_that_follows_is_frozen_on_purpose() -> None:
    class Pair(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.student, self.teacher = mlp(6, 32, 4), mlp(6, 32, 4).requires_grad_(False)
            self.teacher.load_state_dict(self.student.state_dict())

        def forward(self, x: Tensor) -> Tensor:
            return self.student(x) + 0.0 * self.teacher(x)

    torch.manual_seed(0)
    x = torch.randn(300, 6)
    y = x[:, :4].argmax(1)
    model = Pair()
    rule = torch.optim.Adam(model.student.parameters(), 1e-3)
    report = trained(model, x, y, CLASSES, rule, 20, rehearse=False)
    assert Kind.FROZEN_LAYERS not in problems(report)


def test_gains_that_start_at_1_are_no_equal_factors() -> None:
    class Gains(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gain, self.inner = nn.Embedding(20, 4), nn.Linear(4, 1)
            nn.init.ones_(self.gain.weight)

        def forward(self, which: Tensor) -> Tensor:
            return self.inner(self.gain(which))

    torch.manual_seed(0)
    which = torch.arange(200) % 20
    y = torch.randn(20, 1)[which]
    report = spurious.diagnose(Gains(), (which, y), MSE, rehearse=False)
    assert Kind.DUPLICATED_UNITS not in problems(report)


@pytest.mark.parametrize("steps", [0, 60])
def test_a_loss_that_moves_the_words_is_no_wrong_loss(steps: int) -> None:
    torch.manual_seed(0)
    x = (torch.randint(0, 8, (96, 1)) + torch.randint(1, 4, (96, 1)) * torch.arange(8)) % 8
    model = Words()
    rule = torch.optim.Adam(model.parameters(), 5e-3)
    report = trained(model, x, x, of_next, rule, steps, rehearse=False)
    assert Kind.WRONG_LOSS not in problems(report)
