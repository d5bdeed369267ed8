"""What the ninth set of public faults showed, each on a case of its own."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from tests.diagnose.training import problems, trained
from torch import Tensor, nn

import spurious
from spurious.diagnose import Kind
from spurious.diagnose.measure.batches import sample_of
from spurious.diagnose.measure.unseen import unseen_by
from spurious.diagnose.measure.wanted import wanted_size

MSE = nn.MSELoss()
CLASSES = nn.CrossEntropyLoss()


def mlp(*sizes: int) -> nn.Sequential:
    torch.manual_seed(0)
    parts: list[nn.Module] = []
    for below, above in pairwise(sizes):
        parts += [nn.Linear(below, above), nn.ReLU()]
    return nn.Sequential(*parts[:-1])


def sides(points: int = 200) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    x = torch.randn(points, 3)
    return x, (x[:, :1] + x[:, 1:2] > 0).float()


@pytest.mark.parametrize(("size", "named"), [(1e-40, True), (1e-2, False)])
def test_steps_that_have_vanished(size: float, named: bool) -> None:
    x, y = sides()
    model = mlp(3, 16, 1)
    rule = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(3):
        rule.zero_grad()
        MSE(model(x), y).backward()
        rule.step()
    rule.param_groups[0]["lr"] = size  # by a loop that lowers it by hand
    report = spurious.diagnose(model, (x, y), MSE, optimiser=rule)
    assert (Kind.SCHEDULE_TO_ZERO in problems(report)) == named
    if named:
        assert problems(report)[0] is Kind.SCHEDULE_TO_ZERO


class TwoRelus(nn.Module):
    """Two units twice: most draws of its weights let nothing of one bit pass."""

    def __init__(self, deaf: bool) -> None:
        super().__init__()
        self.body, self.deaf = mlp(1, 2, 2, 1), deaf

    def forward(self, x: Tensor) -> Tensor:
        return self.body(0 * x if self.deaf else x)


@pytest.mark.parametrize("deaf", [False, True])
def test_whether_anything_arrives_is_asked_of_many_draws(deaf: bool) -> None:
    x = (torch.arange(100) % 2).float()[:, None]
    for seed in range(5):
        torch.manual_seed(seed)
        model = TwoRelus(deaf)
        found = unseen_by(model, sample_of((x, 10 + 10 * x), model, 512))
        assert (found is not None and found.everything) == deaf


@pytest.mark.parametrize("apart", [False, True])
def test_targets_that_are_learnt_by_heart(apart: bool) -> None:
    torch.manual_seed(0)
    x = torch.randn(400, 12)
    y = torch.tanh(x[:, :4].sum(1, keepdim=True)) + 0.5 * x[:, 4:5].relu()
    y = y[torch.randperm(400)] if apart else y
    model = mlp(12, 64, 64, 1)
    rule = torch.optim.Adam(model.parameters(), 1e-3)
    report = trained(model, x, y, MSE, rule, 700)
    landscape = report.measurements.landscape
    assert landscape.constant_loss is not None
    assert landscape.loss < 0.5 * landscape.constant_loss
    assert (Kind.TARGETS_SHUFFLED in problems(report)) == apart


class Looked(nn.Module):
    """A table's row, and numbers beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.body = nn.Embedding(20, 8), mlp(9, 16, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(torch.cat([self.table(x[:, 0].long()), x[:, 1:]], 1))


def test_inputs_of_which_some_are_looked_up_in_a_table() -> None:
    torch.manual_seed(0)
    told = torch.randn(300, 1)
    y = (told > 0).float()
    x = torch.cat([torch.randint(20, (300, 1)).float(), 5e5 + 1.5e5 * told], 1)
    model = Looked()
    rule = torch.optim.Adam(model.parameters(), 1e-3)
    report = trained(model, x, y, nn.BCEWithLogitsLoss(), rule, 300)
    assert problems(report)[0] is Kind.UNSCALED_INPUTS
    assert "standardise_inputs" in report.problems[0].remedies[0]


@pytest.mark.parametrize("size", [1.0, 4000.0])
def test_the_outputs_that_a_loss_wants(size: float) -> None:
    torch.manual_seed(0)
    worth = size * torch.randn(100, 3)
    action = torch.randint(3, (100,))
    y = torch.stack([action.double(), worth[torch.arange(100), action].double()], 1).float()

    def loss(f: Tensor, y: Tensor) -> Tensor:
        return (f.gather(1, y[:, :1].long())[:, 0] - y[:, 1]).pow(2).mean()

    found = wanted_size(loss, torch.zeros(100, 3), y)
    assert found is not None
    assert found == pytest.approx(float(y[:, 1].pow(2).mean().sqrt()), rel=1e-3)
    assert wanted_size(lambda f, _: f.abs().mean(), torch.zeros(100, 3), y) is None


@pytest.mark.parametrize("size", [1.0, 4000.0])
def test_rewards_of_thousands(size: float) -> None:
    torch.manual_seed(0)
    state, action = torch.randn(400, 4), torch.randint(3, (400,))
    worth = torch.stack([state[:, 0], state[:, 1], state[:, 0] * state[:, 1]], 1)
    reward = size * worth[torch.arange(400), action]
    y = torch.stack([action.float(), reward], 1)

    def loss(f: Tensor, y: Tensor) -> Tensor:
        return (f.gather(1, y[:, :1].long())[:, 0] - y[:, 1]).pow(2).mean()

    model = mlp(4, 32, 3)
    rule = torch.optim.SGD(model.parameters(), 0.05)
    report = trained(model, state, y, loss, rule, 300)
    assert (Kind.TARGET_SCALE in problems(report)) == (size > 1)


def test_equal_targets_that_are_learnt() -> None:
    x = torch.tensor([[1.0, 2.0, 3.0]]).repeat(9, 1)
    model = mlp(3, 4, 3)
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    report = trained(model, x, x, MSE, rule, 300)
    assert not report.problems


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


@pytest.mark.parametrize("bias", [False, True])
def test_layers_without_biases(bias: bool) -> None:
    torch.manual_seed(0)
    x = torch.randn(300, 2)
    y = (x.norm(dim=1, keepdim=True) > 1.2).float()  # as of x as of -x: tanh without biases is odd
    parts = [nn.Linear(2, 16, bias=bias), nn.Tanh(), nn.Linear(16, 16, bias=bias), nn.Tanh()]
    model = nn.Sequential(*parts, nn.Linear(16, 1, bias=bias))
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    report = trained(model, x, y, nn.BCEWithLogitsLoss(), rule, 300)
    assert (Kind.MISSING_BIAS in problems(report)) == (not bias)
    if not bias:
        assert problems(report)[0] is Kind.MISSING_BIAS
        assert "redraw_weights+add_biases" in report.problems[0].remedies[0]


def test_few_points_that_need_thousands_of_steps() -> None:
    torch.manual_seed(0)
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = x.sum(1, keepdim=True).remainder(2)
    parts = [nn.Linear(2, 10), nn.Sigmoid(), nn.Linear(10, 10), nn.Sigmoid(), nn.Linear(10, 1)]
    model = nn.Sequential(*parts, nn.Sigmoid())
    rule = torch.optim.SGD(model.parameters(), 2.0)
    report = trained(model, x, y, MSE, rule, 400)
    assert Kind.TOO_FEW_UPDATES in problems(report)
    assert "more steps of a copy" in next(
        f.explanation for f in report.problems if f.kind is Kind.TOO_FEW_UPDATES
    )
    assert Kind.SADDLE not in problems(report)


def test_counts_are_no_classes_without_an_output() -> None:
    torch.manual_seed(0)
    x = torch.randn(400, 3)
    y = (40 + 15 * x[:, 0]).round().long()

    def loss(f: Tensor, y: Tensor) -> Tensor:  # a normal density by hand: 0 far from its mean
        mean, spread = f[:, 0], nn.functional.softplus(f[:, 1])
        return -((-0.5 * ((y - mean) / spread) ** 2).exp() / spread).log().mean()

    kinds = problems(spurious.diagnose(mlp(3, 16, 2), (x, y), loss))
    assert Kind.NOT_FINITE in kinds
    assert Kind.LABELS_OUTSIDE_LOSS not in kinds


def test_short_steps_of_long_gradients_have_not_vanished() -> None:
    torch.manual_seed(0)
    x = torch.randn(400, 3) * 1e5
    y = x @ torch.randn(3, 1) + 1e4 * torch.randn(400, 1)
    model = nn.Linear(3, 1)
    rule = torch.optim.SGD(model.parameters(), 5e-15)
    report = trained(model, x, y, nn.MSELoss(reduction="sum"), rule, 100)
    assert Kind.SCHEDULE_TO_ZERO not in problems(report)


def test_steps_that_vanish_at_the_end_are_no_fault() -> None:
    torch.manual_seed(0)
    x = torch.randn(400, 4)
    y = torch.sin(2 * x[:, :1]) + 0.85 * torch.randn(400, 1)
    model = mlp(4, 16, 1)
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    trained(model, x, y, MSE, rule, 400)
    rule.param_groups[0]["lr"] = 1e-14
    report = trained(model, x, y, MSE, rule, 1)
    assert Kind.SCHEDULE_TO_ZERO not in problems(report)


def test_a_table_is_meant_to_be_learnt_by_heart() -> None:
    torch.manual_seed(0)
    x = 2.0 * torch.cartesian_prod(*[torch.arange(2)] * 8) - 1
    y = (x[torch.randperm(256)] > 0).float()
    model = mlp(8, 64, 64, 8)
    rule = torch.optim.Adam(model.parameters(), 2e-3)
    report = trained(model, x, y, nn.BCEWithLogitsLoss(), rule, 700)
    assert Kind.TARGETS_SHUFFLED not in problems(report)
