"""Convolutions without a bend between them, and images that are standardised."""

from __future__ import annotations

import pytest
import torch
from tests.diagnose.training import problems, trained
from torch import Tensor, nn

from spurious.diagnose import Kind
from spurious.diagnose.measure.batches import sample_of
from spurious.diagnose.remedy import Remedy
from spurious.diagnose.treat.trials import Course


@pytest.mark.parametrize("bends", [False, True])
@pytest.mark.parametrize("pool", ["module", "mean"])
def test_convolutions_and_their_mean(pool: str, bends: bool) -> None:
    class Texts(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.head = nn.Conv1d(6, 24, 3, padding=1), nn.Linear(24, 1)

        def forward(self, x: Tensor) -> Tensor:
            z = self.first(x)
            z = z.sigmoid() if bends else z
            z = (
                nn.functional.adaptive_avg_pool1d(z, 1).flatten(1)
                if pool == "module"
                else z.mean(2)
            )
            return self.head(z)

    torch.manual_seed(0)
    words = torch.randint(0, 6, (300, 10))
    y = ((words[:, :-1] == 0) & (words[:, 1:] == 1)).any(1).float()[:, None]
    x = nn.functional.one_hot(words, 6).float().transpose(1, 2)
    model = Texts()
    rule = torch.optim.Adam(model.parameters(), 3e-2)
    report = trained(model, x, y, nn.BCEWithLogitsLoss(), rule, 300, rehearse=False)
    assert (Kind.MISSING_NONLINEARITY in problems(report)) is not bends


def test_images_are_standardised_channel_by_channel() -> None:
    torch.manual_seed(0)
    image = torch.rand(120, 1, 6, 6) * (torch.rand(120, 1, 6, 6) < 0.5)
    image[:, :, 0] = 0  # pixels that never change
    x, y = image / 255, image.roll(1, 3) / 255
    model = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(),
                          nn.Conv2d(8, 1, 3, padding=1))  # fmt: skip
    sample = sample_of((x, y), model, 120)
    names = (Remedy.STANDARDISE_INPUTS, Remedy.STANDARDISE_TARGETS)
    result = Course(model, nn.L1Loss(), sample, 5e-3).trial(names, 300)
    constant = float((y - y.median()).abs().mean())
    assert result.after is not None and result.after < 0.2 * constant
