# pyright: basic
"""What near inputs say about one another's targets."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor

FEWEST: Final = 16
"""Fewer points have no neighbours to speak of."""

MOST_NEIGHBOURS: Final = 1024
"""Points whose distances are compared."""


def explained_by_neighbours(x: Tensor, y: Tensor) -> float:
    """Share of the variance of y, (n, ...), that nearest neighbours in x, (n, ...), explain.

    Each point's own target is left out; at most `MOST_NEIGHBOURS` points are looked at.
    """
    x, y = x[:MOST_NEIGHBOURS], y[:MOST_NEIGHBOURS]
    if len(x) < FEWEST:
        return 0.0
    flat = x.double().flatten(1)
    flat = (flat - flat.mean(0)) / flat.std(0).clamp_min(1e-12)
    if not bool(torch.isfinite(flat).all()):
        return 0.0
    apart = torch.cdist(flat, flat)
    apart.fill_diagonal_(float("inf"))
    nearest = apart.argmin(1)
    values = columns_of(y)
    spread = (values - values.mean(0)).pow(2).sum()
    missed = (values - values[nearest]).pow(2).sum() / 2  # a neighbour has noise of its own
    return float(1 - missed / spread) if float(spread) > 0 else 0.0


def told_by_neighbours(x: Tensor, labels: Tensor) -> tuple[float, float]:
    """Share of labels, (n,), that nearest neighbours in x, (n, ...), share; and how far others are.

    The second number is the mean distance, as numbers, between each label and that of the nearest
    point of another label, in units of that of points drawn by chance: about 1 where numbers stand
    for classes, near 0 for a quantity. (0, 0) for too few points.
    """
    flat = x[:MOST_NEIGHBOURS].double().flatten(1)
    flat = (flat - flat.mean(0)) / flat.std(0).clamp_min(1e-12)
    y = labels[:MOST_NEIGHBOURS].double().reshape(-1)
    if len(flat) < FEWEST or len(y) != len(flat) or not bool(torch.isfinite(flat).all()):
        return 0.0, 0.0
    apart = torch.cdist(flat, flat)
    apart.fill_diagonal_(float("inf"))
    same = float((y == y[apart.argmin(1)]).double().mean())
    differs = (y[:, None] - y).abs()
    other = y[apart.masked_fill(differs == 0, float("inf")).argmin(1)]
    usual = float(differs[differs > 0].mean())
    return same, float((y - other).abs().mean()) / usual


def is_whole_grid(x: Tensor) -> bool:
    """Whether points, (n, ...), are all combinations of their entries' values: none is unseen."""
    flat, many = x.flatten(1), 1
    for column in flat.T:
        many *= len(torch.unique(column))
        if many > len(flat):
            return False
    return len(torch.unique(flat, dim=0)) == many


def explained_by_order(y: Tensor) -> float:
    """Share of the variance of y, (n, ...), that the target before each explains: 0 by chance."""
    values = columns_of(y)
    spread = float((values - values.mean(0)).pow(2).sum())
    missed = float((values[1:] - values[:-1]).pow(2).sum()) / 2
    return 1 - missed / spread if spread > 0 else 0.0


def columns_of(targets: Any) -> Tensor:
    """Targets as columns of numbers, (n, K)."""
    if not targets.is_floating_point() and targets.ndim == 1:
        _, labels = torch.unique(targets, return_inverse=True)
        return torch.nn.functional.one_hot(labels).double()
    return targets.double().reshape(len(targets), -1)
