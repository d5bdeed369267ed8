"""Eleventh set, held out: what the network is and what it is told. Written down, with what names
each cause, before any was run; none was diagnosed.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from public_cases.data import rings
from public_cases.models import Read
from public_cases.program import Case, Program, adam, collector, explained, sides_right

CASES: list[Case] = []
case = collector(CASES)


class EachStep(nn.Module):
    """A number for each step of sequences, (n, time, 1)."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.RNN(1, 32, batch_first=True)
        self.head = nn.Linear(32, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.inner(x)[0])


@case("grindskills.com/rnn-learning-sine-waves-of-different-frequencies", "contradicting_targets")
def wave_of_half_the_frequency(seed: int, mended: bool) -> Program:
    """Slices of a wave, and of one of half its frequency: what is the same has opposite targets.
    Then of the same frequency, shifted.
    """
    torch.manual_seed(seed)
    start = torch.randint(0, 32, (320, 1))
    time = 2 * torch.pi / 16 * (start + torch.arange(16))
    x = time.sin()[:, :, None]
    y = ((time - 0.6) if mended else time / 2).sin()[:, :, None]
    model = EachStep()
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-2), 16, 400, explained(y))


def windows(values: Tensor, long: int) -> Tensor:
    """The last `long` values at each step, (n, long, 1)."""
    return values.unfold(0, long, 1)[:, :, None]


@case(
    "stats.stackexchange 329619 (wiki.hoelee.com)",
    "one_step_sequences",
    "contradicting_targets",
)
def value_before_last(seed: int, mended: bool) -> Program:
    """The number two steps ago, by a recurrent layer; each number is a sequence of its own and the
    middle comes out. Then sequences of three.
    """
    torch.manual_seed(seed)
    values = torch.randint(0, 100, (802,)) / 100
    seen = windows(values, 3)
    y = seen[:, 0]
    x = seen if mended else seen[:, 2:]
    model = Read(nn.RNN(1, 8, batch_first=True), nn.Linear(8, 1))
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-2), 40, 1500, explained(y))


@case(
    "copy in huggingface.co/datasets/nvidia/Nemotron-CC-Math-v1: Proper Shape of LSTM Dataset for "
    "Keras",
    "one_step_sequences",
    "contradicting_targets",
)
def mean_of_the_last_three(seed: int, mended: bool) -> Program:
    """The mean of the last three digits by an LSTM; each digit is a sequence of its own. Then
    sequences of three.
    """
    torch.manual_seed(seed)
    values = torch.randint(0, 10, (802,)).float()
    seen = windows(values, 3)
    y = seen.mean(1)
    x = seen if mended else seen[:, 2:]
    model = Read(nn.LSTM(1, 8, batch_first=True), nn.Linear(8, 1))
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-2), 20, 1500, explained(y))


class Stacked(nn.Module):
    """Layers in a list, of Python's or of PyTorch's."""

    def __init__(self, registered: bool) -> None:
        super().__init__()
        layers = [nn.Linear(below, 12) for below in (2, 12, 12)]
        self.layers = nn.ModuleList(layers) if registered else layers
        self.head = nn.Linear(12, 1)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x).sigmoid()
        return self.head(x)


@case(
    "theflyingbirds.in/blog: PyTorch mysteries, the classic layers",
    "optimiser_misses_parameters",
)
def layers_in_a_plain_list(seed: int, mended: bool) -> Program:
    """Hidden layers in a list of Python's: the model does not know of their parameters."""
    x, y = rings(seed)
    torch.manual_seed(seed)
    model = Stacked(mended)
    rule = adam(model, 2e-2)
    return Program(model, x, y, nn.BCEWithLogitsLoss(), rule, 30, 600, sides_right(y, 0.0))
