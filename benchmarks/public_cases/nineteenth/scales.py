"""Nineteenth set, held out: scales of inputs, targets and sums."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from public_cases.data import digits, one_hot
from public_cases.program import (
    Case,
    Program,
    chain,
    classes_right,
    collector,
    explained,
    sgd,
    sides_right,
)

CASES: list[Case] = []
case = collector(CASES)


@case("stats.stackexchange 594738", "step_too_large", "unscaled_inputs", "target_scale")
def cubics_at_a_millionth(seed: int, mended: bool) -> Program:
    """The last 20 values of a cubic from the 80 before, up to a thousand, by one linear layer; the
    rate is a millionth, and the loss grows without end. Then a hundredth of it.
    """
    torch.manual_seed(seed)
    at = torch.linspace(-10, 10, 100)
    by = 1 + 0.1 * torch.randn(12, 3)
    values = by[:, :1] * at**3 + by[:, 1:2] * at**2 + by[:, 2:] * at
    x, y = values[:, :80], values[:, 80:]
    model = nn.Sequential(nn.Linear(80, 20))
    for p in model.parameters():
        nn.init.normal_(p, std=3.0)
    rate = 1e-8 if mended else 1e-6
    return Program(model, x, y, nn.MSELoss(reduction="sum"), sgd(model, rate), 1, 600, explained(y))


@case("community.konduit.ai/t/1435", "unscaled_inputs")
def two_numbers_up_to_a_hundred(seed: int, mended: bool) -> Program:
    """Whether two numbers from 0 to 100 are together above 50, by tanh units, all points at once.
    Then the numbers are standardised.
    """
    torch.manual_seed(seed)
    x = 100 * torch.rand(400, 2)
    y = (x.sum(1, keepdim=True) > 50).float()
    if mended:
        x = (x - x.mean(0)) / x.std(0)
    model = chain([2, 110, 1], nn.Tanh, nn.Sigmoid())
    for layer in model:
        if isinstance(layer, nn.Linear):
            nn.init.xavier_normal_(layer.weight)
            nn.init.zeros_(layer.bias)
    optimiser = sgd(model, 0.1, weight_decay=1e-4)
    return Program(model, x, y, nn.BCELoss(), optimiser, 400, 2000, sides_right(y, 0.5))


@case(
    "recalled: stackoverflow 37232782, nan loss when training regression network",
    "target_scale",
    "step_too_large",
    "exploding_gradient",
)
def amounts_in_hundreds(seed: int, mended: bool) -> Program:
    """Amounts in hundreds by ReLUs and plain descent; the loss is soon no number. Then amounts are
    standardised.
    """
    torch.manual_seed(seed)
    x = torch.randn(300, 8)
    truth = 300 + 150 * torch.sin(x[:, :1]) + 100 * x[:, 1:2] * x[:, 2:3]
    mean, spread = float(truth.mean()), float(truth.std())
    y = (truth - mean) / spread if mended else truth
    model = chain([8, 64, 64, 1], nn.ReLU)
    right = explained(truth, spread, mean) if mended else explained(truth)
    return Program(model, x, y, nn.MSELoss(), sgd(model, 0.05), 30, 1500, right)


@case(
    "recalled: stackoverflow 33641799, Why does TensorFlow example fail when increasing batch "
    "size?",
    "step_too_large",
    "log_of_zero",
)
def sum_over_a_larger_batch(seed: int, mended: bool) -> Program:
    """Digits by one layer and a softmax; the loss is summed over a large batch, and its steps make
    a probability 0. Then the mean.
    """
    torch.manual_seed(seed)
    x, kind = digits()
    model = chain([64, 10], None, nn.Softmax(1))

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        missed = -(targets * outputs.log()).sum(1)
        return missed.mean() if mended else missed.sum()

    return Program(model, x, one_hot(kind), loss, sgd(model, 0.1), 300, 1000, classes_right(kind))


@case(
    "recalled: stackoverflow 41488279, Neural network always predicts the same class",
    "unscaled_inputs",
)
def two_kinds_of_images_as_they_are(seed: int, mended: bool) -> Program:
    """Two kinds of images, pixels up to 255, by a hundred sigmoids. Then pixels less their mean and
    over their spread.
    """
    torch.manual_seed(seed)
    pictures, kind = digits(800)
    x, kind = 255 * pictures, (kind % 2).long()
    if mended:
        x = (x - x.mean()) / x.std()
    model = chain([64, 100, 100, 2], nn.Sigmoid)
    return Program(
        model, x, kind, nn.CrossEntropyLoss(), sgd(model, 0.2), 40, 2000, classes_right(kind)
    )


@case(
    "recalled: stackoverflow, MNIST accuracy stuck at 0.1 (pixels from 0 to 255)", "unscaled_inputs"
)
def digits_up_to_255(seed: int, mended: bool) -> Program:
    """Digits with pixels up to 255, by ReLUs and plain descent. Then over 255."""
    torch.manual_seed(seed)
    pictures, kind = digits()
    model = chain([64, 128, 64, 10], nn.ReLU)
    x = pictures if mended else 255 * pictures
    return Program(
        model, x, kind, nn.CrossEntropyLoss(), sgd(model, 0.1), 40, 800, classes_right(kind)
    )
