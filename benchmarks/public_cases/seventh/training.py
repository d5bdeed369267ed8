"""Seventh set, held out: loops, optimisers and orders of data. Written down, with what names each
cause, before any was run; none was diagnosed.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from public_cases.data import digits
from public_cases.loops import gradients_kept, in_order, scheduled
from public_cases.program import (
    Case,
    Program,
    adam,
    chain,
    classes_right,
    collector,
    explained,
    sgd,
    usual,
)

CASES: list[Case] = []
case = collector(CASES)


@case("yastrebksv/TennisCourtDetector#7, wenet-e2e/wekws#73", "missing_zero_grad")
def court_with_all_gradients(seed: int, mended: bool) -> Program:
    """Where lines of a court meet, as maps; the gradients are never cleared."""
    torch.manual_seed(seed)
    places = torch.randint(1, 11, (120, 2))
    down, along = torch.arange(12)[None, :, None], torch.arange(12)[None, None, :]
    rows, columns = places[:, :1, None], places[:, 1:, None]
    lines = ((down == rows) | (along == columns)).float()
    y = (-0.5 * ((down - rows) ** 2 + (along - columns) ** 2)).exp()[:, None]
    x = (lines + 0.2 * torch.randn(120, 12, 12))[:, None]
    model = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(),
                          nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(),
                          nn.Conv2d(16, 1, 3, padding=1))  # fmt: skip
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-2), 12, 300, explained(y),
                   usual if mended else gradients_kept)  # fmt: skip


def cleared_before_the_step(program: Program) -> Iterator[Tensor]:
    """Gradients are computed, cleared, and then the optimiser steps."""
    for _ in range(program.steps):
        rows = torch.randperm(len(program.x))[: program.batch]
        loss = program.loss(program.model(program.x[rows]), program.y[rows])
        loss.backward()
        program.optimiser.zero_grad()
        program.optimiser.step()
        yield loss


@case("lucidrains/byol-pytorch#93", "optimiser_never_steps", "zero_grad_before_step")
def cleared_too_early(seed: int, mended: bool) -> Program:
    """Gradients are cleared between `backward` and `step`."""
    torch.manual_seed(seed)
    x, y = digits()
    model = chain([64, 64, 10], nn.ReLU)
    return Program(model, x, y, nn.CrossEntropyLoss(), adam(model, 3e-3), 32, 300, classes_right(y),
                   usual if mended else cleared_before_the_step)  # fmt: skip


@case("Lornatang/SRGAN-PyTorch#1", "schedule_to_zero")
def larger_pictures(seed: int, mended: bool) -> Program:
    """Pictures twice as large; the schedule is to divide the step by 10 halfway through the epochs,
    and is asked with each batch.
    """
    torch.manual_seed(seed)
    fine, _ = digits()
    y = fine.reshape(-1, 1, 8, 8)
    x = nn.functional.avg_pool2d(y, 2)
    model = nn.Sequential(nn.Conv2d(1, 32, 3, padding=1), nn.PReLU(),
                          nn.Conv2d(32, 32, 3, padding=1), nn.PReLU(),
                          nn.Conv2d(32, 4, 3, padding=1), nn.PixelShuffle(2))  # fmt: skip
    rule = adam(model, 1e-3)
    epochs = 20

    def loop(program: Program) -> Iterator[Tensor]:
        schedule = torch.optim.lr_scheduler.StepLR(program.optimiser, epochs // 2, 0.1)
        return scheduled(program, schedule, by_epoch=mended)

    return Program(model, x, y, nn.MSELoss(), rule, 20, epochs * 30, explained(y), loop)


@case("facebookresearch/fastText#74", "unshuffled_data")
def texts_sorted_by_label(seed: int, mended: bool) -> Program:
    """Bags of words, sorted by label, in the order of the file; a few passes."""
    torch.manual_seed(seed)
    y = torch.arange(1200) // 200
    own = 20 * y[:, None] + torch.randint(20, (1200, 4))
    x = torch.cat([own, torch.randint(120, (1200, 8))], 1)
    model = nn.Sequential(nn.EmbeddingBag(120, 10), nn.Linear(10, 6, bias=False))
    return Program(model, x, y, nn.CrossEntropyLoss(), sgd(model, 1.0), 5, 480, classes_right(y),
                   usual if mended else in_order)  # fmt: skip
