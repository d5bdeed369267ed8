"""A step size is not to blame where the gradient does not reach the first layers."""

from itertools import pairwise

import torch
from torch import nn

import spurious
from spurious.diagnose import Report


def report_on(layers: int, step: float) -> Report:
    torch.manual_seed(0)
    centres = torch.randn(3, 4) * 3
    y = torch.arange(96) % 3
    x = centres[y] + 0.3 * torch.randn(96, 4)
    sizes = [4, *[16] * layers]
    parts: list[nn.Module] = []
    for below, above in pairwise(sizes):
        parts += [nn.Linear(below, above), nn.Sigmoid()]
    model = nn.Sequential(*parts, nn.Linear(16, 3))
    rule = torch.optim.SGD(model.parameters(), step)
    loss = nn.CrossEntropyLoss()
    for _ in range(100):
        rule.zero_grad()
        loss(model(x), y).backward()
        rule.step()
    return spurious.diagnose(model, (x, y), loss, optimiser=rule, curvature=False)


def test_where_only_adam_helps_the_gradient_vanishes() -> None:
    report = report_on(6, 0.1)
    assert report.problems[0].kind == "vanishing_gradient", [f.kind for f in report.problems]
    assert "step_too_small" not in [f.kind for f in report.problems]


def test_where_a_larger_step_helps_it_was_too_small() -> None:
    report = report_on(1, 1e-4)
    assert report.problems[0].kind == "step_too_small", [f.kind for f in report.problems]
