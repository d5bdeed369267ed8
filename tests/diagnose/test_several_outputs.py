"""Models that give several outputs: which of them the targets belong to."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from typing import Any

import pytest
import torch
from tests.diagnose.training import mlp, problems, trained
from torch import Tensor, nn

from spurious.diagnose import Kind

CLASSES = nn.CrossEntropyLoss()


Made = namedtuple("Made", ["picture", "mean", "spread"])


class Coder(nn.Module):
    """A variational autoencoder that gives its outputs in some container."""

    def __init__(self, last: nn.Module, form: str) -> None:
        super().__init__()
        self.down, self.up = nn.Linear(16, 8), nn.Sequential(nn.Linear(4, 16), last)
        self.form = form

    def forward(self, x: Tensor) -> Any:
        mean, spread = self.down(x).chunk(2, 1)
        made = self.up(mean + torch.randn_like(mean) * (spread / 2).exp())
        if self.form == "tuple":
            return made, mean, spread
        if self.form == "named":
            return Made(made, mean, spread)
        parts = {"picture": made, "mean": mean, "spread": spread}
        return OrderedDict(parts) if self.form == "ordered" else parts


@pytest.mark.parametrize("form", ["tuple", "named", "mapping", "ordered"])
@pytest.mark.parametrize("fits", [False, True])
def test_outputs_beside_others(fits: bool, form: str) -> None:
    torch.manual_seed(0)
    x = (torch.rand(200, 4) > 0.5).float().repeat_interleave(4, 1)
    x = x if fits else 2 * x - 1

    def loss(outputs: Any, t: Tensor) -> Tensor:
        made, mean, spread = outputs.values() if isinstance(outputs, dict) else outputs
        apart = (mean**2 + spread.exp() - 1 - spread).sum(1).mean() / 2
        return nn.functional.mse_loss(made, t, reduction="none").sum(1).mean() + 0.1 * apart

    model = Coder(nn.Sigmoid(), form)
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    report = trained(model, x, x, loss, rule, 200, rehearse=False)
    assert (Kind.OUTPUT_RANGE in problems(report)) is not fits


def test_features_beside_scores_are_not_the_outputs() -> None:
    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.head = nn.Linear(4, 16), nn.Linear(16, 3)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            features = self.inner(x).relu()
            return features, self.head(features)

    torch.manual_seed(0)
    x = torch.randn(200, 4)
    y = x[:, :3].argmax(1)
    model = Both()
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    for steps in (0, 20, 300):
        report = trained(
            model, x, y, lambda made, t: CLASSES(made[1], t), rule, steps, rehearse=False
        )
        assert not report.problems


Scored = namedtuple("Scored", ["logits", "features"])


def test_outputs_that_the_loss_reads_by_their_names() -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.head = mlp(4, 16, 8), nn.Linear(8, 3)

        def forward(self, x: Tensor) -> Scored:
            features = self.inner(x)
            return Scored(self.head(features), features)

    torch.manual_seed(0)
    x = torch.randn(200, 4)
    y = x[:, :3].argmax(1)
    model = Named()
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    for steps in (0, 200):
        report = trained(model, x, y, lambda made, t: CLASSES(made.logits, t), rule, steps)
        assert not report.problems
