"""Losses of probabilities, shares and logarithms, and outputs that are something else."""

from __future__ import annotations

import pytest
import torch
from tests.diagnose.training import mlp, overlap, problems, trained
from torch import Tensor, nn

from spurious.diagnose import Kind


@pytest.mark.parametrize("logarithm", [False, True])
@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_a_divergence_wants_logarithms(temperature: float, logarithm: bool) -> None:
    torch.manual_seed(0)
    x = torch.randn(300, 6)
    y = torch.softmax(x @ torch.randn(6, 5), 1)

    def loss(f: Tensor, t: Tensor) -> Tensor:
        said = (f / temperature).log_softmax(1) if logarithm else (f / temperature).softmax(1)
        return nn.functional.kl_div(said, t, reduction="batchmean")

    model = mlp(6, 32, 5)
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    for steps in (0, 100):
        report = trained(model, x, y, loss, rule, steps, rehearse=False)
        assert (Kind.WRONG_LOSS in problems(report)) is not logarithm


def of_shares(f: Tensor, t: Tensor) -> Tensor:
    """Cross entropy of outputs over their sum, clipped."""
    p = f / f.sum(1, keepdim=True).clamp_min(1e-30)
    return -p.clamp(1e-7, 1 - 1e-7).log()[torch.arange(len(t)), t].mean()


@pytest.mark.parametrize("squashed", [False, True])
def test_logits_in_a_loss_of_shares(squashed: bool) -> None:
    torch.manual_seed(0)
    x = torch.randn(300, 6)
    y = x[:, :3].argmax(1)
    last = nn.Softmax(1) if squashed else nn.Identity()
    model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3), last)
    rule = torch.optim.Adam(model.parameters(), 3e-3)
    report = trained(model, x, y, of_shares, rule, 200)
    assert report.measurements.landscape.constant_loss == pytest.approx(1.0986, abs=0.01)
    said = Kind.LOGITS_TO_PROBABILITY_LOSS in problems(report)
    assert said is not squashed


@pytest.mark.parametrize("squashed", ["no", "in the model", "in the loss"])
@pytest.mark.parametrize("steps", [20, 200])
def test_an_overlap_of_raw_scores(squashed: str, steps: int) -> None:
    torch.manual_seed(0)
    x = torch.randn(200, 4)
    y = (x[:, :1] > 0.3).float()
    last = nn.Sigmoid() if squashed == "in the model" else nn.Identity()
    model = nn.Sequential(mlp(4, 16, 1), last)
    rule = torch.optim.Adam(model.parameters(), 1e-2)

    def loss(f: Tensor, t: Tensor) -> Tensor:
        return overlap(f.sigmoid() if squashed == "in the loss" else f, t)

    report = trained(model, x, y, loss, rule, steps, rehearse=False)
    assert (Kind.LOGITS_TO_PROBABILITY_LOSS in problems(report)) == (squashed == "no")
