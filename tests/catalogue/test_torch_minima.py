"""Bad minima of PyTorch's own modules, read by `from_torch`, proved and checked."""

import pytest
import torch
from torch import nn

from spurious import Answer, Decision, certified_minima, from_torch
from spurious_checker import check

N = 6


class Attention(nn.Module):
    """One head of one dimension over four tokens; the last token is read out."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(1, 1, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.attention(x, x, x, need_weights=False)[0][:, -1]


class Recurrent(nn.Module):
    """A GRU of one unit over five steps."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRU(1, 1, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.cell(x)[0][:, -1]


def convolution() -> nn.Module:
    return nn.Sequential(
        nn.Conv1d(1, 2, 3), nn.Tanh(), nn.AvgPool1d(3), nn.Flatten(), nn.Linear(2, 1)
    )


def normalised() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 3), nn.LayerNorm(3), nn.Tanh(), nn.Linear(3, 1))


CASES = {
    "MultiheadAttention": (Attention, (N, 4, 1)),
    "GRU": (Recurrent, (N, 5, 1)),
    "Conv1d": (convolution, (N, 1, 5)),
    "LayerNorm": (normalised, (N, 2)),
}


@pytest.mark.parametrize("name", CASES)
def test_a_bad_minimum_of_a_module(name: str) -> None:
    build, shape = CASES[name]
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(shape, generator=generator, dtype=torch.float64).mul(10).round() / 10
    y = torch.randn(N, 1, generator=generator, dtype=torch.float64).mul(10).round() / 10
    problem = from_torch(build().double(), x, y, nn.MSELoss(), weight_decay=0.01)
    best, *bad = certified_minima(problem.program, starts=10)
    assert best.verdict.decision is Decision.LOCAL_MINIMUM_NEARBY
    assert bad and all(found.verdict.is_global is Answer.NO for found in bad)
    assert check(dict(bad[-1].verdict.certificate)).valid
