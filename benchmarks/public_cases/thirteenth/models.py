"""Thirteenth set, held out: how networks are built. Written down, with what names each cause,
before any was run; none was diagnosed.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from public_cases.program import (
    Case,
    Program,
    adam,
    chain,
    classes_right,
    collector,
    explained,
    sides_right,
)

CASES: list[Case] = []
case = collector(CASES)


class Clips(nn.Module):
    """Reads features of frames; what is first in the batch is maybe taken for time."""

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.inner = nn.LSTM(4, 24, batch_first=mended)
        self.head = nn.Linear(24, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.inner(x)[0][:, -1])


@case("HHTseng/video-classification#42", "wrong_axis")
def clips_read_across_the_batch(seed: int, mended: bool) -> Program:
    """Kinds of clips, told by their first frames; the LSTM takes the batch for time. Then frames
    are time.
    """
    torch.manual_seed(seed)
    y = torch.arange(300) % 3
    x = torch.randn(300, 8, 4)
    x[:, :3] += 1.5 * torch.randn(3, 4)[y][:, None]
    model = Clips(mended)
    return Program(model, x, y, nn.CrossEntropyLoss(), adam(model, 5e-3), 30, 300, classes_right(y))


@case("keras-team/keras#1597: a comment", "missing_nonlinearity")
def comments_without_activation(seed: int, mended: bool) -> Program:
    """Whether a text has a word before another, by one layer of convolutions that has no
    activation, and their mean. Then a sigmoid.
    """
    torch.manual_seed(seed)
    words = torch.randint(0, 6, (400, 10))
    y = ((words[:, :-1] == 0) & (words[:, 1:] == 1)).any(1).float()[:, None]
    x = nn.functional.one_hot(words, 6).float().transpose(1, 2)
    first = nn.Conv1d(6, 24, 3, padding=1)
    nn.init.normal_(first.weight)
    model = nn.Sequential(
        first, *([nn.Sigmoid()] if mended else []),
        nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(24, 1),
    )  # fmt: skip
    return Program(
        model, x, y, nn.BCEWithLogitsLoss(), adam(model, 3e-2), 40, 900, sides_right(y, 0.0)
    )


@case(
    "discourse.julialang.org/t/103723",
    "wrong_loss",
    "dead_units",
    "wrong_output_activation",
)
def decay_by_relus(seed: int, mended: bool) -> Program:
    """dy/dt = -y from 1, by ReLUs, also behind the output; the derivative is one by the output
    itself, which is 1, and y is told to be 0. Then differences in time, and tanh.
    """
    torch.manual_seed(seed)
    t = torch.linspace(0, 2, 21)[:, None]
    y = torch.exp(-t)
    model = chain([1, 8, 1], nn.Tanh) if mended else chain([1, 16, 16, 1], nn.ReLU, nn.ReLU())

    def loss(outputs: Tensor, times: Tensor) -> Tensor:
        order = times[:, 0].argsort()
        found, at = outputs[order], times[order]
        start = (found[0, 0] - 1) ** 2
        if not mended:
            return (1 + found).pow(2).mean() + start
        slope = found.diff(dim=0) / at.diff(dim=0)
        return (slope + found[1:]).pow(2).sum() + start

    return Program(model, t, t, loss, adam(model, 1e-2), 21, 1000, explained(y))
