"""Twenty-second set, held out: outputs, losses and targets."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from public_cases.data import curve, digits, masks
from public_cases.models import Read
from public_cases.program import (
    Case,
    Program,
    adam,
    chain,
    classes_right,
    collector,
    explained,
    keras,
    keras_binary,
    sides_right,
)

CASES: list[Case] = []
case = collector(CASES)


@case("github.com/keras-team/keras/issues/500", "softmax_over_one_unit")
def next_sign_by_a_softmax_of_one(seed: int, mended: bool) -> Program:
    """The next of a series of numbers; a softmax over the one output is always 1. Then none."""
    torch.manual_seed(seed)
    phase = 6.3 * torch.rand(300, 1) + 0.7 * torch.arange(9)
    wave = 0.5 + 0.4 * phase.sin()
    y = wave[:, 8:]
    model = Read(
        nn.LSTM(1, 24, batch_first=True), nn.Linear(24, 1), None if mended else nn.Softmax(1)
    )
    return Program(
        model, wave[:, :8, None], y, nn.MSELoss(), adam(model, 1e-2), 30, 400, explained(y)
    )


@case(
    "stackguides.com/questions/46620813/keras-lstm-model-not-learning-binary-sequence",
    "softmax_over_one_unit",
)
def next_bit_by_a_softmax_of_one(seed: int, mended: bool) -> Program:
    """The next bit from three, by an LSTM of one unit and a softmax over one output. Then a
    sigmoid.
    """
    torch.manual_seed(seed)
    x = torch.randint(0, 2, (400, 3, 1)).float()
    y = 1 - x[:, 2]
    last: nn.Module = nn.Sigmoid() if mended else nn.Softmax(1)
    model = Read(nn.LSTM(1, 1, batch_first=True), nn.Linear(1, 1), last)
    return Program(model, x, y, keras_binary, adam(model, 3e-2), 40, 600, sides_right(y, 0.5))


@case(
    "github.com/jvargasmu/population_estimation/issues/68", "dead_units", "wrong_output_activation"
)
def people_in_houses_through_a_relu(seed: int, mended: bool) -> Program:
    """How many live in each house, from positive properties; at some starts the ReLU at the end
    gives 0 for every house. Then a softplus.
    """
    torch.manual_seed(seed)
    x = torch.rand(300, 5) + 0.5
    y = 3 * x[:, :1] * x[:, 1:2] + x[:, 2:3]
    model = chain([5, 16, 1], nn.ReLU, nn.Softplus() if mended else nn.ReLU())
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-2), 30, 800, explained(y))


@case(
    "github.com/dansuh17/segan-pytorch/issues/30", "output_range", "wrong_output_activation",
    "target_scale",
)  # fmt: skip
def sound_of_sixteen_bits_by_a_tanh(seed: int, mended: bool) -> Program:
    """Noise is taken out of sound; what is made ends in a tanh, and what it shall be is as it was
    recorded, in the thousands. Then between -1 and 1.
    """
    torch.manual_seed(seed)
    time = torch.arange(32) * (0.2 + 0.5 * torch.rand(400, 1)) + 6.3 * torch.rand(400, 1)
    sound = 0.6 * time.sin()
    x = sound + 0.1 * torch.randn(400, 32)
    scale = 1.0 if mended else 32768.0
    model = chain([32, 64, 64, 32], nn.LeakyReLU, nn.Tanh())
    return Program(
        model, x, sound * scale, nn.L1Loss(), adam(model, 3e-3), 40, 800, explained(sound * scale)
    )


@case(
    "github.com/qubvel-org/segmentation_models.pytorch/issues/234", "labels_outside_loss",
)  # fmt: skip
def masks_of_white_and_black(seed: int, mended: bool) -> Program:
    """Persons in pictures by the Dice loss; masks hold 0 and 255, and the loss falls below 0. Then
    0 and 1.
    """
    x, y = masks(seed, 0.4)
    model = nn.Sequential(
        nn.Conv2d(1, 12, 5, padding=2), nn.ReLU(), nn.Conv2d(12, 12, 5, padding=2), nn.ReLU(),
        nn.Conv2d(12, 1, 1), nn.Sigmoid(),
    )  # fmt: skip

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        both = (outputs * targets).sum()
        return 1 - (2 * both + 1) / (outputs.sum() + targets.sum() + 1)

    right = sides_right(y.flatten(), 0.5)
    return Program(
        model, x, y if mended else 255 * y, loss, adam(model, 3e-3), 10, 300,
        lambda found: right(found.flatten()),
    )  # fmt: skip


@case(
    "community.deeplearning.ai/t/can-not-achieve-desired-accuracy/436298", "labels_outside_loss",
    "not_finite",
)  # fmt: skip
def three_outputs_for_all_signs(seed: int, mended: bool) -> Program:
    """Which of ten signs; there are three outputs, and Keras's cross entropy of a label beyond them
    is no number. Then as many as signs.
    """
    torch.manual_seed(seed)
    x, y = digits()
    model = keras(chain([64, 64, 10 if mended else 3], nn.ReLU, nn.Softmax(1)))

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        known = targets < outputs.shape[1]
        picked = outputs.gather(1, (targets * known)[:, None])[:, 0].clamp(1e-7, 1 - 1e-7)
        return -(picked.log() * torch.where(known, 1.0, torch.nan)).mean()

    return Program(model, x, y, loss, adam(model, 1e-3), 30, 600, classes_right(y))


@case("github.com/IntelLabs/matsciml/pull/347", "broadcast_targets")
def energies_against_every_other(seed: int, mended: bool) -> Program:
    """Energies; labels are a column and what is read out is a row, so that each meets all. Then
    both are columns.
    """
    x, y = curve(seed)
    model = chain([3, 48, 1], nn.SiLU, *([] if mended else [nn.Flatten(0)]))
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-2), 25, 600, explained(y))


class Wave(nn.Module):
    """A function of a place, at three places that are near each other, (n, 3)."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = chain([1, 32, 32, 1], nn.Tanh)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x[..., None])[..., 0]


@case(
    "github.com/lululxvi/deepxde/issues/356", "wrong_loss", "nothing_is_a_solution",
)  # fmt: skip
def wave_that_may_be_nothing(seed: int, mended: bool) -> Program:
    """A wave in a box by its equation, with 0 at both walls; 0 everywhere fulfils all of it. Then
    its height in the middle is told, too. No kind names a loss that nothing fulfils as well.
    """
    torch.manual_seed(seed)
    near = 0.02
    inside = torch.linspace(0.03, 0.97, 48)
    told = torch.tensor([0.0, 1.0, 0.5]) if mended else torch.tensor([0.0, 1.0])
    place = torch.cat([inside, told])
    x = torch.stack([place - near, place, place + near], 1)
    height = torch.cat([torch.zeros(50), torch.ones(1)])[: len(place)]
    y = torch.stack([(torch.arange(len(place)) >= 48).float(), height], 1)
    model = Wave()

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        fixed, value = targets[:, 0], targets[:, 1]
        bend = (outputs[:, 0] - 2 * outputs[:, 1] + outputs[:, 2]) / near**2
        rest = (bend / torch.pi**2 + outputs[:, 1]).pow(2)
        off = (outputs[:, 1] - value).pow(2)
        held = (fixed * off).sum() / fixed.sum().clamp_min(1)
        return ((1 - fixed) * rest).sum() / (1 - fixed).sum().clamp_min(1) + held

    right = explained((torch.pi * inside).sin())
    return Program(
        model, x, y, loss, adam(model, 3e-3), len(x), 1500, lambda found: right(found[:48, 1])
    )


@case(
    "github.com/etzinis/sudo_rm_rf/issues/1", "log_of_zero", "division_by_zero", "not_finite",
)  # fmt: skip
def silence_among_the_sounds(seed: int, mended: bool) -> Program:
    """Noise is taken out of sound by the logarithm of what is right over what is not; some sounds
    are silence. Then there is none.
    """
    torch.manual_seed(seed)
    time = torch.arange(32) * (0.2 + 0.5 * torch.rand(400, 1)) + 6.3 * torch.rand(400, 1)
    sound = time.sin()
    if not mended:
        sound[::80] = 0.0
    x = sound + 0.7 * torch.randn(400, 32)
    model = chain([32, 64, 64, 32], nn.ReLU)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        along = (outputs * targets).sum(1, keepdim=True) / targets.pow(2).sum(1, keepdim=True)
        right = along * targets
        ratio = right.pow(2).sum(1) / (outputs - right).pow(2).sum(1)
        return -10 * ratio.log10().mean()

    def score(outputs: Tensor) -> float:
        like = nn.functional.cosine_similarity(outputs, sound)
        return float(like[torch.arange(400) % 80 != 0].abs().mean())

    return Program(model, x, sound, loss, adam(model, 3e-3), 40, 600, score)


class Range(nn.Module):
    """From 0 to 1 to the range of prices."""

    def forward(self, x: Tensor) -> Tensor:
        return 500000 * x


@case("github.com/fastai/fastai/issues/1551", "overflow", "not_finite")
def prices_in_half_precision(seed: int, mended: bool) -> Program:
    """Prices from a table, within a range that is told, in half precision, in which numbers end at
    65504. Then in single.
    """
    x, y = curve(seed)
    y = 250000 + 60000 * y
    model = chain([3, 64, 64, 1], nn.ReLU, nn.Sigmoid(), Range())

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        if mended:
            return (outputs - targets).pow(2).mean()
        return (outputs.half() - targets.half()).pow(2).mean().float()

    return Program(model, x, y, loss, adam(model, 1e-2), 25, 1000, explained(y))
