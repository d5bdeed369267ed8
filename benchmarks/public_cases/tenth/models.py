"""Tenth set, held out: what networks are made of and how they start. Written down, with what names
each cause, before any was run; none was diagnosed.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from public_cases.data import blobs, rings, xor
from public_cases.program import (
    Case,
    Program,
    adam,
    chain,
    classes_right,
    collector,
    explained,
    sgd,
    sides_right,
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


def without_biases(model: nn.Module) -> nn.Module:
    """Of linear layers whose biases are 0 and stay so."""
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            layer.register_parameter("bias", None)
    return model


class Spectra(nn.Module):
    """A spectrum for each spectrum, (n, time, d), by a layer of attention."""

    def __init__(self, time: int, d: int, looks_back: bool) -> None:
        super().__init__()
        self.below = nn.Linear(d, 32)
        self.places = nn.Parameter(0.3 * torch.randn(time, 32))
        self.layer = nn.TransformerEncoderLayer(32, 2, 64, dropout=0.0, batch_first=True)
        self.head = nn.Linear(32, d)
        later = torch.ones(time, time).triu(1).bool() if looks_back else None
        self.register_buffer("later", later)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layer(self.below(x) + self.places, src_mask=self.later))


@case(
    "openillumi.com/en/en-pytorch-transformer-non-ar-seq2seq-mask-guide",
    "ignored_inputs",
    "mask_of_another_task",
)
def spectra_of_what_is_to_come(seed: int, mended: bool) -> Program:
    """Spectra from spectra, all at once; the mask of the sample code hides what comes later."""
    torch.manual_seed(seed)
    x = torch.randn(300, 10, 4)
    y = x.roll(-3, 1)
    model = Spectra(10, 4, not mended)
    return Program(model, x, y, nn.MSELoss(), adam(model, 5e-3), 50, 500, explained(y))


@case("stats.stackexchange 379884 (qastack.jp)", "dead_units", "local_minimum", "plateau")
def unit_that_looks_backward(seed: int, mended: bool) -> Program:
    """A ReLU learns a ReLU; if it starts the other way round it ends at 0. Then a leaky one."""
    torch.manual_seed(seed)
    x = torch.randn(500, 1)
    y = x.relu()
    layer = nn.Linear(1, 1)
    nn.init.constant_(layer.weight, -0.3 - float(torch.rand(())))
    nn.init.zeros_(layer.bias)
    model = nn.Sequential(layer, nn.LeakyReLU(0.1) if mended else nn.ReLU())
    return Program(model, x, y, nn.MSELoss(), sgd(model, 0.1), 100, 1000, explained(y))


@case("stackoverflow 38248657", "missing_bias")
def rows_of_zeros(seed: int, mended: bool) -> Program:
    """The first of two bits, by a sigmoid without a bias; where both are 0 it says a half."""
    torch.manual_seed(seed)
    x = torch.tensor([[0.0, 1.0]] * 2 + [[1.0, 0.0]] * 2 + [[1.0, 1.0]] * 2 + [[0.0, 0.0]] * 10)
    y = x[:, :1]
    model = nn.Sequential(nn.Linear(2, 1, bias=mended), nn.Sigmoid())
    return Program(model, x, y, nn.MSELoss(), sgd(model, 1.0), 16, 3000, explained(y))


@case("ballp.it/index.php?topic=1791.msg53960", "missing_bias")
def months_without_a_bias(seed: int, mended: bool) -> Program:
    """A network of one's own and a simple rule that is not linear; there were no bias units."""
    x, y = rings(seed)
    model = chain([2, 16, 16, 1], nn.Tanh, nn.Sigmoid())
    if not mended:
        without_biases(model)
    return Program(model, x, y, nn.BCELoss(), adam(model, 1e-2), 30, 600, sides_right(y, 0.5))


@case(
    "datascience.stackexchange 30298, python.19633.com/it/Python/1007038040",
    "missing_bias",
    "unscaled_inputs",
)
def one_weight_alone(seed: int, mended: bool) -> Program:
    """Two classes along one number that is never negative, by one weight: all are of one class.
    Then with a bias.
    """
    torch.manual_seed(seed)
    x = 1 + 9 * torch.rand(200, 1)
    y = (x > 5.5).float()
    model = nn.Sequential(nn.Linear(1, 1, bias=mended), nn.Sigmoid())
    return Program(model, x, y, nn.BCELoss(), adam(model, 5e-2), 20, 1500, sides_right(y, 0.5))


@case(
    "e-learn.cn/qa/q-661284, example-a.com/answer/32683367",
    "missing_bias",
    "step_too_small",
    "too_few_updates",
)
def three_units_until_convergence(seed: int, mended: bool) -> Program:
    """Exclusive or by three logistic units without biases, at a small rate, until it seems to
    converge. Then with biases, inputs of both signs, and a thousand epochs faster.
    """
    torch.manual_seed(seed)
    bits, y = xor()
    model = chain([2, 3, 1], nn.Sigmoid)
    for p in model.parameters():
        nn.init.normal_(p)
    if not mended:
        without_biases(model)
    rate, steps = (0.2, 4000) if mended else (0.01, 400)
    return Program(
        model, 2 * bits - 1 if mended else bits, y, nn.MSELoss(), sgd(model, rate), 1, steps,
        explained(y),
    )  # fmt: skip


@case("stackoverflow 20009078 (geek-tips.imtqy.com/articles/543798)", "vanishing_gradient")
def deep_and_logistic(seed: int, mended: bool) -> Program:
    """Five layers of logistic units by plain gradient descent: nothing moves below. Then by a rule
    that does not depend on how small gradients are.
    """
    x, kind = blobs(seed, 3, 300)
    model = chain([4, 20, 20, 20, 20, 20, 3], nn.Sigmoid)
    rule = torch.optim.Rprop(model.parameters(), 1e-2) if mended else sgd(model, 0.1)
    return Program(model, x, kind, nn.CrossEntropyLoss(), rule, 300, 600, classes_right(kind))


@case("stats.stackexchange 265453", "saturation", "bad_initial_scale")
def outputs_near_0_or_1(seed: int, mended: bool) -> Program:
    """Logistic units all of which are near 0 or 1 from the start, so that only the last layer
    learns. Then from smaller weights.
    """
    torch.manual_seed(seed)
    x = torch.randn(300, 10)
    y = (x[:, :1] * x[:, 1:2] > 0).float()
    model = chain([10, 12, 12, 1], nn.Sigmoid, nn.Sigmoid())
    for p in model.parameters():
        nn.init.normal_(p, std=0.5 if mended else 20.0)
    return Program(model, x, y, nn.BCELoss(), sgd(model, 1.0), 30, 4000, sides_right(y, 0.5))
