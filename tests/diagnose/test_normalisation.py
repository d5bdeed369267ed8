"""Layers that normalise: they do not bend, and what their statistics hide."""

from __future__ import annotations

import pytest
import torch
from tests.diagnose.training import mlp, problems, trained
from torch import Tensor, nn

from spurious.diagnose import Kind

CLASSES = nn.CrossEntropyLoss()
MSE = nn.MSELoss()


def waves(points: int = 200) -> tuple[Tensor, Tensor]:
    """Rows and columns of waves, (n, 1, 8, 8), of random phase: no linear map tells them apart."""
    torch.manual_seed(0)
    y = torch.arange(points) % 2
    place = torch.arange(8.0)
    wave = torch.sin(1.6 * place + 6.3 * torch.rand(points, 1))[:, None, :].expand(-1, 8, -1)
    x = torch.where(y[:, None, None] > 0, wave, wave.transpose(1, 2))
    return (x + 0.2 * torch.randn(points, 8, 8))[:, None], y


@pytest.mark.parametrize("bends", [False, True])
def test_batch_norms_do_not_bend(bends: bool) -> None:
    x, y = waves()
    parts: list[nn.Module] = []
    for below, above in ((1, 8), (8, 16)):
        parts += [nn.Conv2d(below, above, 3, padding=1, bias=False), nn.BatchNorm2d(above)]
        parts += [nn.ReLU()] if bends else []
    model = nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 2))
    report = trained(model, x, y, CLASSES, torch.optim.Adam(model.parameters(), 1e-2), 150)
    assert (Kind.MISSING_NONLINEARITY in problems(report)) == (not bends)


def test_statistics_that_steps_have_driven_off_hide_no_inputs() -> None:
    x, y = waves()
    model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(),
                          nn.Linear(288, 32), nn.ReLU(), nn.Linear(32, 2))  # fmt: skip
    report = trained(model, x, y, CLASSES, torch.optim.SGD(model.parameters(), 30.0), 60)
    assert Kind.CONSTANT_INPUTS not in problems(report)
    assert problems(report)[0] is Kind.STEP_TOO_LARGE


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
