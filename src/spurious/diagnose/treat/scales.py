# pyright: basic
"""Starts whose weights are far larger or smaller than usual, and others of the same sizes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from math import prod

import torch
from torch import nn

from spurious.diagnose import thresholds
from spurious.diagnose.measure.fresh import started_afresh
from spurious.diagnose.measure.preserve import copied
from spurious.diagnose.measure.records import Affine


def unusual_scales(
    layers: Iterable[Affine], trained: bool, unmoved: Collection[str]
) -> dict[str, float]:
    """The layers whose weights are of an unusual size, with how often torch's default start.

    Training makes weights large, so large ones count at a start only, or where they look as a start
    draws them, and those of few units never. Several that are a little large count where together
    they stretch signals as one large one does, beyond what He's start does.
    """
    known = [layer for layer in layers if layer.weight is not None]
    as_started = [
        layer
        for layer in known
        if layer.units >= thresholds.FEWEST_UNITS and (not trained or layer.name in unmoved)
    ]
    wide = [layer for layer in as_started if layer.scale > thresholds.HE_START]
    together = prod(layer.scale / thresholds.HE_START for layer in wide)
    least = 0.0 if together > thresholds.LARGE_START else thresholds.LARGE_START
    large = {layer.name for layer in wide if layer.scale > least}
    return {
        layer.name: layer.scale
        for layer in known
        if layer.name in large or layer.scale < thresholds.SMALL_START
    }


def with_frozen_drawn_anew(model: nn.Module) -> nn.Module:
    """A copy in which what is frozen, and nothing else, is as its modules start it."""
    clone, other = copied(model), started_afresh(model)
    start = {} if other is None else dict(other.named_parameters())
    with torch.no_grad():
        for name, p in clone.named_parameters():
            if not p.requires_grad and name in start:
                p.copy_(start[name])
    return clone


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
