"""A loop that has learnt less than copies do: its batches, their order, their targets."""

from __future__ import annotations

import torch
from tests.diagnose.training import mlp, problems
from torch import Tensor, nn

import spurious
from spurious.diagnose import Kind

CLASSES = nn.CrossEntropyLoss()
F = nn.functional
MSE = nn.MSELoss()


def test_a_loop_is_blamed_where_several_starts_learn() -> None:
    torch.manual_seed(0)
    x = torch.randn(400, 4)
    y = x[:, :1].sin() + x[:, 1:2]
    for blamed in (False, True):
        model = mlp(4, 32, 1)
        rule = torch.optim.Adam(model.parameters(), 1e-2)
        draw = torch.Generator().manual_seed(1)
        for _ in range(1000 if blamed else 3):
            rows = torch.randint(400, (32,), generator=draw)
            wrong = y[rows.roll(1)] if blamed else y[rows]  # each beside another's input
            rule.zero_grad()
            MSE(model(x[rows]), wrong).backward()
            rule.step()
        report = spurious.diagnose(model, (x, y), MSE, optimiser=rule)
        said = [f for f in report.problems if f.kind == Kind.FAULT_IN_LOOP]
        assert bool(said) == blamed
        if blamed:
            assert said[0].evidence.get("starts", 3) == 3


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
