"""What the fifteenth set of public faults showed, and a referee's sound programs beside them."""

from __future__ import annotations

from itertools import pairwise

import torch
from tests.diagnose.training import problems
from torch import Tensor, nn

import spurious
from spurious.diagnose import Kind, Severity

F = nn.functional
CLASSES = nn.CrossEntropyLoss()


def mlp(*sizes: int) -> nn.Sequential:
    parts: list[nn.Module] = []
    for below, above in pairwise(sizes):
        parts += [nn.Linear(below, above), nn.ReLU()]
    return nn.Sequential(*parts[:-1])


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


def test_a_step_size_that_a_schedule_may_raise_is_no_problem_of_a_start() -> None:
    torch.manual_seed(0)
    x = torch.randn(200, 4)
    model = mlp(4, 16, 2)
    rule = torch.optim.SGD(model.parameters(), 1e-8)
    report = spurious.diagnose(model, (x, (x[:, 0] > 0).long()), CLASSES, optimiser=rule)
    (found,) = [f for f in report.findings if f.kind == Kind.STEP_TOO_SMALL]
    assert found.severity is Severity.INFO
