"""Bad minima of PyTorch's own modules, read by `from_torch`, proved and checked."""

import pytest
import torch
from torch import nn

from spurious import Answer, Decision, certified_minima, certified_saddles, from_torch
from spurious.program import Program
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


def drawn(*shape: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(shape, generator=generator, dtype=torch.float64).mul(10).round() / 10
    return x, torch.randn(N, 1, generator=generator, dtype=torch.float64).mul(10).round() / 10


class Encoder(nn.Module):
    """An encoder layer without dropout: attention, norms and a feed-forward part; 44 numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(
            2, 1, 2, dropout=0.0, activation="gelu", batch_first=True
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)[:, -1, :1]


@pytest.fixture(scope="module")
def encoder() -> Program:
    x, y = drawn(N, 3, 2)
    return from_torch(Encoder().double(), x, y, nn.MSELoss(), weight_decay=0.02).program


def test_a_bad_minimum_of_an_encoder_layer(encoder: Program) -> None:
    assert encoder.parameter_count == 44
    best, bad = certified_minima(encoder, starts=4, seed=1)
    assert best.verdict.decision is bad.verdict.decision is Decision.LOCAL_MINIMUM_NEARBY
    assert bad.verdict.is_global is Answer.NO
    assert check(dict(bad.verdict.certificate)).valid


def test_a_saddle_of_an_encoder_layer(encoder: Program) -> None:
    (found,) = certified_saddles(encoder, starts=16, seed=2)
    assert found.verdict.decision is Decision.SADDLE_NEARBY and found.verdict.index == 1
    assert check(dict(found.verdict.certificate)).valid


@pytest.mark.parametrize("name", CASES)
def test_a_bad_minimum_of_a_module(name: str) -> None:
    build, shape = CASES[name]
    x, y = drawn(*shape)
    problem = from_torch(build().double(), x, y, nn.MSELoss(), weight_decay=0.01)
    best, *bad = certified_minima(problem.program, starts=10)
    assert best.verdict.decision is Decision.LOCAL_MINIMUM_NEARBY
    assert bad and all(found.verdict.is_global is Answer.NO for found in bad)
    assert check(dict(bad[-1].verdict.certificate)).valid
