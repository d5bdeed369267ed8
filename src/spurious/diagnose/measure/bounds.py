# pyright: basic
"""What a model's outputs stay between, whatever the weights: by copies with random ones."""

from __future__ import annotations

from math import isfinite
from typing import Final

import torch
from torch import nn

from spurious.diagnose.measure.batches import Sample
from spurious.diagnose.measure.fresh import outputs_of, with_random_weights
from spurious.errors import InputError

SIZES: Final = (1e3, 1e5)
"""Times the usual size of weights, at which functions that have flat ends are there."""

SEEDS: Final = (0, 1)

SAME: Final = 1e-3
"""Ends that move by no more than this share of the span, from one size to the next, stay."""


def bounds_of(model: nn.Module, sample: Sample) -> tuple[float, float] | None:
    """Least and largest output of such copies; None if larger weights give larger ones.

    A state of an LSTM, say, lies between -1 and 1. It is what was seen, and no proof.
    """
    batch = sample.batches[0]
    if len(batch.args) != 1 or batch.kwargs:
        return None
    spans: list[tuple[float, float]] = []
    try:
        for size in SIZES:
            lows, highs = [], []
            for seed in SEEDS:
                clone = with_random_weights(model, seed)
                with torch.no_grad():
                    for p in clone.parameters():
                        p.mul_(size)
                f = outputs_of(clone, batch.args[0])
                if f is None:
                    return None
                lows.append(float(f.min()))
                highs.append(float(f.max()))
            spans.append((min(lows), max(highs)))
    except (InputError, RuntimeError):
        return None
    (low, high), (lower, higher) = spans
    span = high - low
    if not isfinite(lower) or not isfinite(higher) or not span > 0:
        return None
    stays = abs(lower - low) <= SAME * span and abs(higher - high) <= SAME * span
    return (min(low, lower), max(high, higher)) if stays else None
