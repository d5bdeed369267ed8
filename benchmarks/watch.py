"""What a TrainingWatch costs: training steps with and without it, in alternation, in one run.

    python benchmarks/watch.py

Each model is trained twice from one start in the same process, the two loops taking turns of some
hundredths of a second, so that other work on the machine hits both. The weights must be equal, bit
for bit, at the end. Times are CPU time of the process on one thread, and beside it by the clock on
the wall, which on a machine with other work also counts waiting for the processor. A watch spaces
its looks by the clock, so the other loop's turns are taken out of its clock.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import torch
from torch import nn

from spurious.diagnose import TrainingWatch

TURN = 0.05
"""Seconds that a loop runs at a time."""

SECONDS = 5.0
"""CPU time of the bare loop, for each model."""


def mlp() -> tuple[nn.Module, torch.Tensor]:
    model = nn.Sequential(
        nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4)
    )
    return model, torch.randn(64, 20)


def wide() -> tuple[nn.Module, torch.Tensor]:
    model = nn.Sequential(
        nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 4)
    )
    return model, torch.randn(128, 784)


def convolutional() -> tuple[nn.Module, torch.Tensor]:
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.AdaptiveAvgPool2d(2),
        nn.Flatten(), nn.Linear(128, 4),
    )  # fmt: skip
    return model, torch.randn(64, 1, 28, 28)


def transformer() -> tuple[nn.Module, torch.Tensor]:
    layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
    model = nn.Sequential(nn.TransformerEncoder(layer, 2), nn.Flatten(), nn.Linear(32 * 16, 4))
    return model, torch.randn(32, 16, 32)


class Loop:
    """A training loop that can be run for a number of steps at a time."""

    def __init__(self, make: Callable[[], tuple[nn.Module, torch.Tensor]], watched: bool) -> None:
        torch.manual_seed(0)
        self.model, self.x = make()
        self.y = torch.randint(0, 4, (len(self.x),))
        self.rule = torch.optim.SGD(self.model.parameters(), lr=0.01)
        self.loss = nn.CrossEntropyLoss()
        self.watch = TrainingWatch(self.model, console=False) if watched else None
        self.seconds, self.wall, self.steps = 0.0, 0.0, 0
        self.left = time.perf_counter()

    def run(self, steps: int) -> None:
        if self.watch is not None:
            self.watch._last += time.perf_counter() - self.left
        began, at = time.process_time(), time.perf_counter()
        for _ in range(steps):
            self.rule.zero_grad()
            value = self.loss(self.model(self.x), self.y)
            value.backward()
            self.rule.step()
            if self.watch is not None:
                self.watch.step(value)
        self.seconds += time.process_time() - began
        self.wall += time.perf_counter() - at
        self.left = time.perf_counter()
        self.steps += steps


def main() -> int:
    torch.set_num_threads(1)
    print("| model | bare step (ms) | watched (ms) | overhead, CPU | wall | looks | same weights |")
    print("|---|---|---|---|---|---|---|")
    for make in (mlp, wide, convolutional, transformer):
        bare, watched = Loop(make, False), Loop(make, True)
        bare.run(20)
        turn = max(1, int(TURN / (bare.seconds / 20)))
        bare = Loop(make, False)
        while bare.seconds < SECONDS:
            bare.run(turn)
            watched.run(turn)
        pairs = zip(bare.model.parameters(), watched.model.parameters(), strict=True)
        same = all(torch.equal(p, q) for p, q in pairs)
        once, twice = (1000 * loop.seconds / loop.steps for loop in (bare, watched))
        looks = watched.watch.looks if watched.watch else 0
        print(
            f"| {make.__name__} | {once:.3f} | {twice:.3f} | {twice / once - 1:.1%} | "
            f"{watched.wall * bare.steps / (bare.wall * watched.steps) - 1:.1%} | "
            f"{looks} of {watched.steps} | {'yes' if same else 'no'} |",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
