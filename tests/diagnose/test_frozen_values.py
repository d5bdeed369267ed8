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


def normed(shift: float, scale: float = 1.0, weight: float | None = None) -> nn.Sequential:
    """A normalisation, frozen, that moves what comes to the relu behind it."""
    torch.manual_seed(0)
    first, norm = nn.Linear(6, 32), nn.BatchNorm1d(32)
    nn.init.constant_(norm.bias, shift)
    nn.init.constant_(norm.weight, scale)
    norm.requires_grad_(False)
    if weight is not None:
        nn.init.constant_(first.weight, weight)
        nn.init.zeros_(first.bias)
    return nn.Sequential(first, norm, nn.ReLU(), nn.Linear(32, 2))


def test_a_frozen_shift_that_shuts_a_layer_is_the_cause() -> None:
    first = report_of(normed(-6.0), 60).problems[0]
    assert first.kind is Kind.FROZEN_LAYERS
    assert first.evidence["frozen"] == ["1.weight", "1.bias"]


def test_a_frozen_scale_of_zero_is_the_cause() -> None:
    assert report_of(normed(0.0, scale=0.0), 60).problems[0].kind is Kind.FROZEN_LAYERS


def test_a_frozen_normalisation_that_lets_pass_is_none() -> None:
    for model in (normed(0.0), normed(0.0, weight=0.0)):  # what is wrong with the second is trained
        report = report_of(model, 60)
        assert Kind.FROZEN_LAYERS not in [found.kind for found in report.problems]
