"""Labels that the loss or the outputs have no place for, and numbers that are none."""

from __future__ import annotations

import pytest
import torch
from tests.diagnose.seeded import mlp
from tests.diagnose.training import problems, trained
from torch import Tensor, nn

import spurious
from spurious.diagnose import Kind


@pytest.mark.parametrize("last", [nn.Sigmoid(), nn.Identity()])
def test_labels_from_0_to_9_in_a_loss_of_one_output(last: nn.Module) -> None:
    torch.manual_seed(0)
    x = torch.randn(200, 4)
    y = torch.randint(0, 10, (200, 1)).float()
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1), last)

    def loss(f: Tensor, t: Tensor) -> Tensor:
        p = f if isinstance(last, nn.Sigmoid) else f.sigmoid()
        p = p.clamp(1e-7, 1 - 1e-7)
        return -(t * p.log() + (1 - t) * (1 - p).log()).mean()

    usual = nn.functional.binary_cross_entropy_with_logits
    report = spurious.diagnose(
        model, (x, y), loss if isinstance(last, nn.Sigmoid) else usual, rehearse=False
    )
    assert Kind.LABELS_OUTSIDE_LOSS in problems(report)


@pytest.mark.parametrize("outputs", [3, 10])
def test_nan_by_labels_without_an_output(outputs: int) -> None:
    torch.manual_seed(0)
    x = torch.randn(300, 10)
    y = x.argmax(1)
    model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, outputs))

    def loss(f: Tensor, t: Tensor) -> Tensor:
        each = nn.functional.cross_entropy(f, t.clamp(max=outputs - 1), reduction="none")
        return (each * torch.where(t < outputs, 1.0, torch.nan)).mean()

    rule = torch.optim.Adam(model.parameters(), 1e-2)
    report = trained(model, x, y, loss, rule, 5, rehearse=False)
    assert (Kind.LABELS_OUTSIDE_LOSS in problems(report)) == (outputs < 10)


def test_counts_are_no_classes_without_an_output() -> None:
    torch.manual_seed(0)
    x = torch.randn(400, 3)
    y = (40 + 15 * x[:, 0]).round().long()

    def loss(f: Tensor, y: Tensor) -> Tensor:  # a normal density by hand: 0 far from its mean
        mean, spread = f[:, 0], nn.functional.softplus(f[:, 1])
        return -((-0.5 * ((y - mean) / spread) ** 2).exp() / spread).log().mean()

    kinds = problems(spurious.diagnose(mlp(3, 16, 2), (x, y), loss))
    assert Kind.NOT_FINITE in kinds
    assert Kind.LABELS_OUTSIDE_LOSS not in kinds
