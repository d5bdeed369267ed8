"""Nineteenth set, held out: rates, updates and what they follow."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from public_cases.data import digits, rings, xor
from public_cases.loops import gradients_kept
from public_cases.program import (
    Case,
    Program,
    adam,
    chain,
    classes_right,
    collector,
    keras,
    sgd,
    sides_right,
    usual,
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


@case("discuss.pytorch.org/t/43814/16", "step_too_large", "dead_units")
def rectifiers_killed_by_adam(seed: int, mended: bool) -> Program:
    """Digits; Adam's rate is so high that weights become negative and all units are silent. Then
    smaller.
    """
    torch.manual_seed(seed)
    x, kind = digits()
    model = chain([64, 64, 64, 64, 10], nn.ReLU)
    optimiser = adam(model, 1e-3 if mended else 0.3)
    return Program(model, x, kind, nn.CrossEntropyLoss(), optimiser, 50, 600, classes_right(kind))


class Sentences(nn.Module):
    """Two classes of sequences of words, (n, time), by a transformer's encoder."""

    def __init__(self, words: int, time: int) -> None:
        super().__init__()
        self.words = nn.Embedding(words, 32)
        self.places = nn.Parameter(0.1 * torch.randn(time, 32))
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
        self.inner = nn.TransformerEncoder(layer, 3)
        self.out = nn.Linear(32, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.inner(self.words(x) + self.places).mean(1))


@case("ai.stackexchange 18234", "step_too_large")
def fine_tuning_at_a_beginners_rate(seed: int, mended: bool) -> Program:
    """Whether one word is more frequent in a sequence than another, by a transformer; the rate is
    far too high for it, and the loss ends at 0.69. Then smaller.
    """
    torch.manual_seed(seed)
    x = torch.randint(0, 6, (400, 11))
    y = ((x == 1).sum(1) > (x == 2).sum(1)).float()[:, None]
    model = Sentences(6, 11)
    optimiser = adam(model, 1e-3 if mended else 5e-2)
    return Program(model, x, y, nn.BCEWithLogitsLoss(), optimiser, 32, 300, sides_right(y, 0.0))


@case("datascience.stackexchange 129632", "class_imbalance")
def lesions_in_few_pixels(seed: int, mended: bool) -> Program:
    """Masks in noisy images, of which one pixel in fifty is no background, by the focal loss; all
    is called background. Then those pixels weigh more.
    """
    torch.manual_seed(seed)
    bright = (torch.rand(60, 1, 4, 4) < 0.02).float()
    y = bright.repeat_interleave(3, 2).repeat_interleave(3, 3)
    x = 0.5 * y + 0.7 * torch.randn(60, 1, 12, 12)
    model = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1))

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        missed = F.binary_cross_entropy_with_logits(outputs, targets, reduction="none")
        focal = 0.8 * (1 - (-missed).exp()) ** 2 * missed
        return (focal * (1 + 49 * targets)).mean() if mended else focal.mean()

    def score(outputs: Tensor) -> float:
        told = (outputs > 0).double()
        return float(told[y == 1].mean() - told[y == 0].mean())

    return Program(model, x, y, loss, adam(model, 1e-2), 10, 600, score)


class OneNorm(nn.Module):
    """Two inputs of each point, (n, 2, 8), by two layers that share their normalisation, or not."""

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(8, 16), nn.Linear(8, 16)
        self.norm = nn.BatchNorm1d(16)
        self.other = nn.BatchNorm1d(16) if mended else self.norm
        self.out = nn.Linear(32, 1)

    def forward(self, x: Tensor) -> Tensor:
        one = self.norm(self.first(x[:, 0])).relu()
        two = self.other(self.second(x[:, 1])).relu()
        return self.out(torch.cat([one, two], 1))


@case(
    "recalled: discuss.pytorch.org/t/7323, Performance highly degraded when eval() is activated",
    "train_eval_gap",
)
def one_norm_for_two_inputs(seed: int, mended: bool) -> Program:
    """Two classes by two inputs of unlike scales, which pass one and the same normalisation; its
    running averages are right for neither. Then each has its own.
    """
    torch.manual_seed(seed)
    raw = torch.randn(400, 2, 8)
    y = ((raw[:, 0, :1] > 0) != (raw[:, 1, :1] > 0)).float()
    x = torch.stack([0.2 * raw[:, 0], 8 * raw[:, 1] + 20], 1)
    model = OneNorm(mended)
    return Program(
        model, x, y, nn.BCEWithLogitsLoss(), adam(model, 1e-2), 40, 800, sides_right(y, 0.0)
    )


@case("recalled: stackoverflow 34311586, Keras and XOR", "step_too_small", "too_few_updates")
def xor_at_the_default_rate(seed: int, mended: bool) -> Program:
    """The exclusive or by tanh units and plain descent at a hundredth, point by point. Then at ten
    times that.
    """
    torch.manual_seed(seed)
    x, y = xor()
    model = keras(chain([2, 8, 1], nn.Tanh, nn.Sigmoid()))
    optimiser = sgd(model, 0.1 if mended else 0.01)
    return Program(model, x, y, nn.BCELoss(), optimiser, 1, 4000, sides_right(y, 0.5))


@case(
    "recalled: stackoverflow, element 0 of tensors does not require grad, and "
    "`requires_grad = True` on the loss",
    "detached_loss",
)
def a_loss_told_to_require_gradients(seed: int, mended: bool) -> Program:
    """Digits; the loss is of the class that is told, which has no gradient, and is told to require
    one. Then of the scores of classes.
    """
    torch.manual_seed(seed)
    x, kind = digits()
    model = chain([64, 64, 10], nn.ReLU)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        if mended:
            return F.cross_entropy(outputs, targets)
        missed = (outputs.argmax(1) - targets).float().abs().mean()
        return missed.requires_grad_()

    return Program(model, x, kind, loss, adam(model, 3e-3), 50, 400, classes_right(kind))


@case("recalled: discuss.pytorch.org, loss does not decrease, no zero_grad", "missing_zero_grad")
def gradients_never_cleared(seed: int, mended: bool) -> Program:
    """Circles; gradients are added up from the first update on. Then cleared."""
    x, y = rings(seed)
    model = chain([2, 32, 32, 1], nn.ReLU)
    loop = usual if mended else gradients_kept
    return Program(
        model, x, y, nn.BCEWithLogitsLoss(), sgd(model, 0.1), 32, 1000, sides_right(y, 0.0), loop
    )
