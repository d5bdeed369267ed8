"""What is frozen at values at which nothing can be learnt, and what is frozen at good ones."""

import torch
from torch import Tensor, nn

import spurious
from spurious.diagnose import Kind, Report


def points() -> tuple[Tensor, Tensor]:
    torch.manual_seed(3)
    x = torch.randn(160, 6)
    return x, (x[:, 0] * x[:, 1] > 0).long()


def report_of(model: nn.Module, steps: int) -> Report:
    x, y = points()
    loss = nn.CrossEntropyLoss()
    own = [p for p in model.parameters() if p.requires_grad]
    rule = torch.optim.Adam(own, lr=1e-3)
    for _ in range(steps):
        rule.zero_grad()
        loss(model(x), y).backward()
        rule.step()
    return spurious.diagnose(model, (x, y), loss, optimiser=rule)


def normed(shift: float) -> nn.Sequential:
    """A normalisation, frozen, that moves what comes to the relu behind it."""
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(32)
    nn.init.constant_(norm.bias, shift)
    norm.requires_grad_(False)
    return nn.Sequential(nn.Linear(6, 32), norm, nn.ReLU(), nn.Linear(32, 2))


def test_a_frozen_shift_that_shuts_a_layer_is_the_cause() -> None:
    first = report_of(normed(-6.0), 60).problems[0]
    assert first.kind is Kind.FROZEN_LAYERS
    assert first.evidence["frozen"] == ["1.weight", "1.bias"]


def test_a_frozen_scale_of_zero_is_the_cause() -> None:
    model = normed(0.0)
    nn.init.zeros_(model[1].weight)
    assert report_of(model, 60).problems[0].kind is Kind.FROZEN_LAYERS


def test_a_frozen_normalisation_that_lets_pass_is_none() -> None:
    report = report_of(normed(0.0), 60)
    assert Kind.FROZEN_LAYERS not in [found.kind for found in report.problems]
    nn.init.constant_((stuck := normed(0.0))[0].bias, 0.0)
    nn.init.zeros_(stuck[0].weight)  # what is wrong is trained, and starts at 0
    report = report_of(stuck, 60)
    assert Kind.FROZEN_LAYERS not in [found.kind for found in report.problems]
