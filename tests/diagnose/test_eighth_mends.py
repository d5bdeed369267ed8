"""What the seventh and eighth sets of public faults showed, each on a case of its own."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from tests.diagnose.training import problems, trained
from torch import Tensor, nn

from spurious.diagnose import Kind
from spurious.diagnose.measure.batches import sample_of
from spurious.diagnose.remedy import Remedy
from spurious.diagnose.treat.trials import Course

MSE = nn.MSELoss()
CLASSES = nn.CrossEntropyLoss()


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


class Last(nn.Module):
    """Classes of sequences, from a GRU's last state."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.head = nn.GRU(4, 16, batch_first=True), nn.Linear(16, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.cell(x)[0][:, -1])


def test_steps_behind_gates_that_training_has_shut_are_not_unseen() -> None:
    torch.manual_seed(0)
    x = torch.randn(200, 6, 4)
    y = (x[:, -1, 0] > 0).long()
    model = Last()
    report = trained(model, x, y, CLASSES, torch.optim.SGD(model.parameters(), 30.0), 100)
    assert Kind.WRONG_TIME_STEP not in problems(report)


class Placed(nn.Module):
    """Attention over places that have embeddings of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.up, self.places = nn.Linear(4, 16), nn.Parameter(0.02 * torch.randn(6, 16))
        self.mix = nn.TransformerEncoderLayer(16, 2, 32, 0.0, batch_first=True)
        self.head = nn.Linear(16, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.mix(self.up(x) + self.places).mean(1))


def test_parameters_that_no_module_draws_start_anew_where_they_are_nan() -> None:
    torch.manual_seed(0)
    x = torch.randn(200, 6, 4)
    y = (x[:, 0, 0] > 0).long()
    model = Placed()
    report = trained(model, x, y, CLASSES, torch.optim.SGD(model.parameters(), 30.0), 60)
    assert not bool(model.places.isfinite().all())
    assert problems(report)[0] is Kind.STEP_TOO_LARGE


def test_steps_that_are_too_large_before_anything_is_learnt_from_the_usual_start() -> None:
    torch.manual_seed(0)
    x = torch.rand(300, 10)
    y = (x @ torch.randn(10, 4)).argmax(1)
    sizes = [10, 64, 64, 64, 64, 64, 64, 4]
    model = nn.Sequential()
    for below, above in pairwise(sizes):
        model.extend([nn.Linear(below, above), nn.ReLU()])
    model = model[:-1]
    for layer in model:
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight)
    rule = torch.optim.SGD(model.parameters(), 2.0, momentum=0.9)
    assert problems(trained(model, x, y, CLASSES, rule, 100))[0] is Kind.STEP_TOO_LARGE


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


class LastState(nn.Module):
    """Numbers of sequences: a state of an LSTM, or a linear map of states."""

    def __init__(self, linear: bool) -> None:
        super().__init__()
        self.cell = nn.LSTM(2, 8 if linear else 1, batch_first=True)
        self.head = nn.Linear(8, 1) if linear else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.cell(x)[0][:, -1])


@pytest.mark.parametrize("linear", [False, True])
def test_targets_beyond_what_larger_weights_give(linear: bool) -> None:
    torch.manual_seed(0)
    x = torch.randn(200, 4, 2)
    y = 3 * x[:, :, :1].sum(1)
    model = LastState(linear)
    report = trained(model, x, y, MSE, torch.optim.Adam(model.parameters(), 1e-2), 150)
    assert (Kind.OUTPUT_RANGE in problems(report)) == (not linear)


@pytest.mark.parametrize("step", [1e-5, 1e-2])
def test_steps_that_are_too_small_from_far_above_a_constant(step: float) -> None:
    torch.manual_seed(0)
    x = torch.randn(300, 8)
    y = x @ torch.randn(8, 1) + 2
    model = nn.Linear(8, 1)
    report = trained(model, x, y, MSE, torch.optim.SGD(model.parameters(), step), 300)
    assert (Kind.STEP_TOO_SMALL in problems(report)) == (step < 1e-3)
