"""Eleventh set, held out: the data that training sees. Written down, with what names each cause,
before any was run; none was diagnosed.
"""

from __future__ import annotations

import torch
from torch import nn

from public_cases.program import Case, Program, adam, classes_balanced, collector

CASES: list[Case] = []
case = collector(CASES)


@case("decodetrail.com/question/why-does-my-cnn-predict-only-one-class", "class_imbalance")
def one_object_everywhere(seed: int, mended: bool) -> Program:
    """Pictures of three kinds, most of them of one; all are told to be of it. Then kinds have
    weights.
    """
    torch.manual_seed(seed)
    y = torch.zeros(600, dtype=torch.long)
    y[:24], y[24:48] = 1, 2
    x = torch.randn(600, 1, 8, 8)
    x[y == 1, :, :4] += 0.3
    x[y == 2, :, :, 4:] += 0.3
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(72, 3)
    )
    weights = 600 / (3 * torch.bincount(y).float()) if mended else None
    loss = nn.CrossEntropyLoss(weights)
    return Program(model, x, y, loss, adam(model, 2e-3), 60, 400, classes_balanced(y))
