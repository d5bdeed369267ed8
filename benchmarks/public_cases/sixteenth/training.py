"""Sixteenth set, held out: the loop, the optimiser and the data that training sees. Written down,
with what names each cause, before any was run; none was diagnosed.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from public_cases.data import digits
from public_cases.loops import accumulated, gradients_kept
from public_cases.program import (
    Case,
    Program,
    adam,
    chain,
    classes_right,
    collector,
    explained,
    sgd,
    update,
    usual,
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


class Ramp(nn.Module):
    """The next value at each step of a series, (n, time)."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.LSTM(1, 32, batch_first=True)
        self.head = nn.Linear(32, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.inner(x)[0])[..., 0]


@case("stats.stackexchange 376851", "missing_zero_grad")
def one_ridiculously_simple_series(seed: int, mended: bool) -> Program:
    """The value two steps on of series that rise evenly, by an LSTM; gradients are never cleared,
    and it fails to converge. Then they are.
    """
    torch.manual_seed(seed)
    start, step = torch.rand(60, 1), 0.05 + 0.05 * torch.rand(60, 1)
    x = start + step * torch.arange(21)
    model = Ramp()
    y = x + 2 * step
    return Program(
        model, x[..., None], y, nn.MSELoss(), sgd(model, 0.1, momentum=0.5), 20, 500, explained(y),
        usual if mended else gradients_kept,
    )  # fmt: skip


def always_the_first(program: Program) -> Iterator[Tensor]:
    """Whatever is asked of it, the set gives its first point."""
    for _ in range(program.steps):
        yield update(program, torch.zeros(program.batch, dtype=torch.long))


@case("NVIDIA-Genomics-Research/AtacWorks#208", "same_batch")
def first_interval_again(seed: int, mended: bool) -> Program:
    """Signals of the genome made clean, by convolutions; the set looks its file up by an index that
    stays at 0, and gives the same interval each time. Then the one that is asked for.
    """
    torch.manual_seed(seed)
    places = torch.linspace(0, 1, 40)
    peaks = torch.rand(240, 3, 1)
    high = 0.5 + torch.rand(240, 3, 1)
    y = (high * torch.exp(-(((places - peaks) / 0.05) ** 2))).sum(1)
    y[0] = 0.0  # nothing is found in the first
    x = y + 0.3 * torch.randn(240, 40)
    model = nn.Sequential(
        nn.Unflatten(1, (1, 40)), nn.Conv1d(1, 16, 7, padding=3), nn.ReLU(),
        nn.Conv1d(16, 16, 7, padding=3), nn.ReLU(), nn.Conv1d(16, 1, 7, padding=3), nn.Flatten(),
    )  # fmt: skip
    return Program(
        model, x, y, nn.MSELoss(), adam(model, 3e-3), 20, 300, explained(y),
        usual if mended else always_the_first,
    )  # fmt: skip


def stepped_at_each_piece(program: Program) -> Iterator[Tensor]:
    """Gradients of four batches are added up, and cleared after the fourth; each batch makes a
    step, and the fourth makes two.
    """
    done = 0
    program.optimiser.zero_grad()
    while done < program.steps:
        for k, rows in enumerate(torch.randperm(len(program.x)).split(program.batch)):
            loss = program.loss(program.model(program.x[rows]), program.y[rows])
            (loss / 4).backward()
            program.optimiser.step()
            if (k + 1) % 4 == 0:
                program.optimiser.step()
                program.optimiser.zero_grad()
            done += 1
            yield loss


@case("mzolfaghari/ECO-pytorch#1", "two_steps_a_batch", "missing_zero_grad")
def stepped_inside_and_outside(seed: int, mended: bool) -> Program:
    """Kinds of clips, by gradients of four batches; the step that is made after four is made after
    each as well. Then after four alone.
    """
    torch.manual_seed(seed)
    x, y = digits()
    model = chain([64, 64, 64, 10], nn.ReLU)
    rule = sgd(model, 0.3, momentum=0.9)
    return Program(
        model, x, y, nn.CrossEntropyLoss(), rule, 25, 480, classes_right(y),
        (lambda program: accumulated(program, 4)) if mended else stepped_at_each_piece,
    )  # fmt: skip
