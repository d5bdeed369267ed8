"""What the fifteenth set of public faults showed, and a referee's sound programs beside them."""

from __future__ import annotations

from collections import namedtuple
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
LOGITS = nn.BCEWithLogitsLoss()


def mlp(*sizes: int) -> nn.Sequential:
    parts: list[nn.Module] = []
    for below, above in pairwise(sizes):
        parts += [nn.Linear(below, above), nn.ReLU()]
    return nn.Sequential(*parts[:-1])


def overlap(f: Tensor, y: Tensor) -> Tensor:
    return 1 - 2 * (f * y).sum() / (f.sum() + y.sum() + 1e-5)


@pytest.mark.parametrize("squashed", ["no", "in the model", "in the loss"])
@pytest.mark.parametrize("steps", [20, 200])
def test_an_overlap_of_raw_scores(squashed: str, steps: int) -> None:
    torch.manual_seed(0)
    x = torch.randn(200, 4)
    y = (x[:, :1] > 0.3).float()
    last = nn.Sigmoid() if squashed == "in the model" else nn.Identity()
    model = nn.Sequential(mlp(4, 16, 1), last)
    rule = torch.optim.Adam(model.parameters(), 1e-2)

    def loss(f: Tensor, t: Tensor) -> Tensor:
        return overlap(f.sigmoid() if squashed == "in the loss" else f, t)

    report = trained(model, x, y, loss, rule, steps, rehearse=False)
    assert (Kind.LOGITS_TO_PROBABILITY_LOSS in problems(report)) == (squashed == "no")


@pytest.mark.parametrize("maps", [1, 2])
def test_a_softmax_of_one_map_in_the_loss(maps: int) -> None:
    torch.manual_seed(0)
    x = torch.randn(40, 1, 8, 8)
    y = (x > 0).float()
    model = nn.Conv2d(1, maps, 3, padding=1)
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    report = trained(
        model, x, y, lambda f, t: overlap(f.softmax(1)[:, -1:], t), rule, 30, rehearse=False
    )
    assert (problems(report)[:1] == [Kind.SOFTMAX_OVER_ONE_UNIT]) == (maps == 1)


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


def test_a_policy_that_is_rewarded_for_being_unsure() -> None:
    torch.manual_seed(0)
    x = torch.randn(300, 6)
    y = x[:, :4].argmax(1)

    def loss(f: Tensor, t: Tensor) -> Tensor:
        likely = f.log_softmax(1)
        rewarded = likely.exp().gather(1, t[:, None]).mean()
        return -rewarded + 2 * (likely.exp() * likely).sum(1).mean()

    for steps in (0, 30, 300):
        model = mlp(6, 32, 4)
        rule = torch.optim.Adam(model.parameters(), 5e-3)
        report = trained(model, x, y, loss, rule, steps, rehearse=False)
        assert not {Kind.GRADIENT_SIGN_FLIPPED, Kind.WRONG_LOSS} & set(problems(report))


@pytest.mark.parametrize("steps", [0, 100])
@pytest.mark.parametrize("soft", [False, True])
def test_outputs_that_are_costs(soft: bool, steps: int) -> None:
    torch.manual_seed(0)
    x = torch.randn(300, 6)
    y = torch.softmax(3 * x[:, :4], 1) if soft else x[:, :4].argmax(1)
    model = mlp(6, 32, 4)
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    report = trained(model, x, y, lambda f, t: CLASSES(-f, t), rule, steps, rehearse=False)
    assert not {Kind.GRADIENT_SIGN_FLIPPED, Kind.WRONG_LOSS} & set(problems(report))


def test_margins_that_are_reached_are_no_ignored_outputs() -> None:
    torch.manual_seed(0)
    x = 3 * torch.randn(200, 4)
    y = F.one_hot(x.argmax(1), 4).float()
    model = nn.Linear(4, 4)
    with torch.no_grad():
        model.weight.copy_(5 * torch.eye(4))
    report = trained(
        model, x, y, lambda f, t: F.multi_margin_loss(f, t.argmax(1), margin=0.2),
        torch.optim.SGD(model.parameters(), 1e-3), 5, rehearse=False,
    )  # fmt: skip
    assert Kind.WRONG_LOSS not in problems(report)


@pytest.mark.parametrize("kind", ["worth now and later", "two views", "a mask", "a target net"])
def test_outputs_that_are_detached_on_purpose(kind: str) -> None:
    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.head, self.other = mlp(4, 16, 2), nn.Linear(2, 2), mlp(4, 16, 2)

        def forward(self, x: Tensor) -> Tensor:
            if kind == "worth now and later":
                return torch.stack([self.inner(x), self.inner(x.flip(0))], 1)[..., 0]
            if kind == "two views":
                return torch.cat([self.head(self.inner(x)), self.inner(x + 0.1)], 1)
            if kind == "a mask":
                return torch.cat([self.inner(x), (x[:, :1] > 0).float()], 1)
            with torch.no_grad():
                return torch.cat([self.other(x), self.inner(x)], 1)

    torch.manual_seed(0)
    x = torch.randn(200, 4)
    y = x[:, :2].sum(1, keepdim=True)
    model = Both()

    def loss(f: Tensor, t: Tensor) -> Tensor:
        if kind == "worth now and later":
            return (f[:, 0] - t[:, 0] - 0.8 * f[:, 1].detach()).pow(2).mean()
        if kind == "two views":
            return (f[:, :2] - f[:, 2:].detach()).pow(2).mean() + (f[:, :1] - t).pow(2).mean()
        if kind == "a mask":
            return ((f[:, :1] - t) * (f[:, 2:] > 0.5)).pow(2).mean() + 0 * f[:, 1].sum()
        return (f[:, 2:3] - t - 0.1 * f[:, :1]).pow(2).mean()

    rule = torch.optim.Adam(model.inner.parameters(), 1e-3)
    if kind != "a target net":
        report = trained(model, x, y, loss, rule, 20, rehearse=False)
        assert "outputs" not in [key for f in report.problems for key in f.evidence]
        return
    report = spurious.diagnose(model, (x, y), loss, optimiser=rule)
    assert all("loss_of_others" not in f.evidence for f in report.findings)


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


@pytest.mark.parametrize("noisy", [0, 60])
def test_a_rare_treatment_is_what_is_to_be_told(noisy: int) -> None:
    torch.manual_seed(0)
    x = torch.zeros(300, 3)
    x[:18] = torch.rand(18, 3) + 1
    y = 3 * x.sum(1, keepdim=True) + 0.1 * torch.randn(300, 1)
    y[300 - noisy :] += 8 * torch.rand(noisy, 1)
    report = spurious.diagnose(mlp(3, 16, 1), (x, y), MSE, rehearse=False)
    assert Kind.CONSTANT_INPUTS not in problems(report)


Scored = namedtuple("Scored", ["logits", "features"])


def test_outputs_that_the_loss_reads_by_their_names() -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.head = mlp(4, 16, 8), nn.Linear(8, 3)

        def forward(self, x: Tensor) -> Scored:
            features = self.inner(x)
            return Scored(self.head(features), features)

    torch.manual_seed(0)
    x = torch.randn(200, 4)
    y = x[:, :3].argmax(1)
    model = Named()
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    for steps in (0, 200):
        report = trained(model, x, y, lambda made, t: CLASSES(made.logits, t), rule, steps)
        assert not report.problems


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


def test_targets_of_many_places_that_their_own_inputs_tell() -> None:
    torch.manual_seed(0)
    x = torch.randn(80, 20, 6)
    y = (x[..., 0] + x[..., 1] > 0).float()

    class Places(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(6, 1)

        def forward(self, x: Tensor) -> Tensor:
            return 1e-4 * self.inner(x)[..., 0]

    model = Places()
    rule = torch.optim.SGD(model.parameters(), 1e-3)
    report = trained(model, x, y, LOGITS, rule, 20, rehearse=False)
    assert Kind.TARGETS_SHUFFLED not in problems(report)


@pytest.mark.parametrize("steps", [0, 60])
def test_a_loss_that_moves_the_words_is_no_wrong_loss(steps: int) -> None:
    torch.manual_seed(0)
    x = (torch.randint(0, 8, (96, 1)) + torch.randint(1, 4, (96, 1)) * torch.arange(8)) % 8
    model = Words()
    rule = torch.optim.Adam(model.parameters(), 5e-3)
    report = trained(model, x, x, of_next, rule, steps, rehearse=False)
    assert Kind.WRONG_LOSS not in problems(report)
