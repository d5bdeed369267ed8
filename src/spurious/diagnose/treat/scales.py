# pyright: basic
"""Starts whose weights are far larger or smaller than usual, and others of the same sizes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import torch
from torch import Tensor, nn

from spurious.diagnose import thresholds
from spurious.diagnose.measure.preserve import copied
from spurious.diagnose.measure.records import Affine

RANDOM: Final = 0.5
"""Share of the stable rank of a matrix drawn by chance that one must have to be as it was drawn."""


def unusual_scales(layers: Iterable[Affine], model: nn.Module) -> dict[str, float]:
    """The layers whose weights are of an unusual size, with how often torch's default start.

    Training makes the weights of few units large, so those count only where they are small. And
    what training has added has few directions: large weights count if they have as many as such
    that were drawn by chance.
    """
    named = dict(model.named_parameters(remove_duplicate=False))
    found: dict[str, float] = {}
    for layer in layers:
        if layer.weight not in named:
            continue
        large = layer.scale > thresholds.LARGE_START and layer.units >= thresholds.FEWEST_UNITS
        large = large and _as_drawn(named[layer.weight])
        if large or layer.scale < thresholds.SMALL_START:
            found[layer.name] = layer.scale
    return found


def _as_drawn(weight: Tensor) -> bool:
    """Whether the largest singular value is near that of independent entries of the same size.

    That of n x m entries of variance v is about sqrt(v) (sqrt(n) + sqrt(m)) (Marchenko & Pastur).
    """
    matrix = weight.detach().flatten(1).double()
    if not bool(matrix.isfinite().all()):
        return False
    n, m = matrix.shape
    square = float(torch.linalg.matrix_norm(matrix, 2)) ** 2
    expected = float(matrix.pow(2).mean()) * (n**0.5 + m**0.5) ** 2
    return RANDOM * square <= expected


def in_another_order(model: nn.Module) -> nn.Module:
    """A copy with the entries of every weight matrix in an order drawn by chance.

    It is another start of the very same sizes: what a learnt matrix holds is gone.
    """
    clone = copied(model)
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for p in clone.parameters():
            if p.ndim >= 2:
                order = torch.randperm(p.numel(), generator=draw).to(p.device)
                p.copy_(p.flatten()[order].reshape(p.shape))
    return clone
