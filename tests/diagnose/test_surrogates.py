"""Losses whose value says little: a policy's, and one that is about an opponent."""

from __future__ import annotations

import torch
from tests.diagnose.all_points import steps
from torch import Tensor, nn

import spurious
from spurious.diagnose import Kind, Report


def policy(outputs: Tensor, reward: Tensor) -> Tensor:
    """The surrogate of a policy gradient, whose value says nothing."""
    chosen = torch.distributions.Categorical(logits=outputs)
    action = chosen.sample()
    return -(chosen.log_prob(action) * reward.gather(1, action[:, None])[:, 0]).mean()


def problems(report: Report) -> set[Kind]:
    return {found.kind for found in report.problems}


def test_a_loss_that_samples_is_not_judged_by_its_value() -> None:
    torch.manual_seed(0)
    x = torch.randn(200, 3)
    reward = torch.where(nn.functional.one_hot((x @ torch.randn(3, 4)).argmax(1), 4) > 0, 1.0, -0.5)
    model = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 4))
    rule = torch.optim.Adam(model.parameters(), lr=3e-3)
    steps(model, x, reward, policy, rule, 200)
    report = spurious.diagnose(model, (x, reward), policy, optimiser=rule)
    assert report.measurements.landscape.constant_loss is None
    assert not problems(report) & {Kind.WRONG_LOSS, Kind.LABELS_OUTSIDE_LOSS, Kind.FAULT_IN_LOOP}


class Game(nn.Module):
    """What is made of noise, (n, 2), and what a judge says of it."""

    def __init__(self) -> None:
        super().__init__()
        self.maker = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 2))
        self.judge = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1))

    def forward(self, x: Tensor) -> Tensor:
        made = self.maker(x)
        return torch.cat([made, self.judge(made)], 1)


def test_units_of_an_opponent_are_no_problem_of_this_training() -> None:
    torch.manual_seed(0)
    model, x, real = Game(), torch.randn(200, 3), torch.randn(200, 2)
    with torch.no_grad():
        model.get_parameter("judge.0.bias")[:12] = -50.0
    rule = torch.optim.Adam(model.maker.parameters(), lr=1e-3)

    def fooled(outputs: Tensor, _: Tensor) -> Tensor:
        return nn.functional.softplus(-outputs[:, -1]).mean()

    steps(model, x, real, fooled, rule, 20)
    found = spurious.diagnose(model, (x, real), fooled, optimiser=rule)
    assert not problems(found) & {Kind.DEAD_UNITS, Kind.OPTIMISER_MISSES_PARAMETERS}
