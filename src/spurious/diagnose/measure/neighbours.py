# pyright: basic
"""What near inputs say about one another's targets."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor

FEWEST: Final = 16
"""Fewer points have no neighbours to speak of."""

RIDGE: Final = 1.0
"""Penalty of a linear map, in units of a point's squared length: it weighs as much as one point."""

MOST_NEIGHBOURS: Final = 1024
"""Points whose distances are compared."""

FEWEST_VARIED: Final = 100.0
"""Places, of those drawn, on which the variance of the targets rests, at least."""

PAIRINGS: Final = 40
"""Ways to pair pictures with targets: that their own is not the best happens by chance to one in so
many, if it says anything."""


def explained_by_neighbours(x: Tensor, y: Tensor) -> float:
    """Share of the variance of y, (n, ...), that nearest neighbours in x, (n, ...), explain.

    Each point's own target is left out; at most `MOST_NEIGHBOURS` points are looked at.
    """
    x, y = x[:MOST_NEIGHBOURS], y[:MOST_NEIGHBOURS]
    if len(x) < FEWEST:
        return 0.0
    flat = _standardised(x.double().flatten(1))
    if not bool(torch.isfinite(flat).all()):
        return 0.0
    apart = torch.cdist(flat, flat)
    apart.fill_diagonal_(float("inf"))
    nearest = apart.argmin(1)
    values = columns_of(y)
    spread = (values - values.mean(0)).pow(2).sum()
    missed = (values - values[nearest]).pow(2).sum() / 2  # a neighbour has noise of its own
    return float(1 - missed / spread) if float(spread) > 0 else 0.0


def told_by_lines(x: Tensor, y: Tensor) -> float:
    """Correlation of y, (n, ...), with what a linear map of x, (n, ...), says of unseen points.

    It is fitted by ridge regression to every other point, and asked of the rest; both ways.
    """
    flat = _standardised(x[:MOST_NEIGHBOURS].double().flatten(1))
    values = columns_of(y)[:MOST_NEIGHBOURS]
    if len(flat) < FEWEST or not bool(flat.isfinite().all()) or not bool(values.isfinite().all()):
        return 0.0
    products, squares = 0.0, [0.0, 0.0]
    for first in (0, 1):
        here, there = slice(first, None, 2), slice(1 - first, None, 2)
        a, b = flat[here], flat[there]
        mean = values[here].mean(0)
        kernel = a @ a.T + RIDGE * a.shape[1] * torch.eye(len(a), dtype=a.dtype, device=a.device)
        said = b @ a.T @ torch.linalg.solve(kernel, values[here] - mean)
        true = values[there] - mean
        products += float((said * true).sum())
        squares = [squares[0] + float(said.pow(2).sum()), squares[1] + float(true.pow(2).sum())]
    size = (squares[0] * squares[1]) ** 0.5
    return products / size if size > 0 else 0.0


def told_by_neighbours(x: Tensor, labels: Tensor) -> tuple[float, float]:
    """Share of labels, (n,), that nearest neighbours in x, (n, ...), share; and how far others are.

    The second number is the mean distance, as numbers, between each label and that of the nearest
    point of another label, in units of that of points drawn by chance: about 1 where numbers stand
    for classes, near 0 for a quantity. (0, 0) for too few points.
    """
    flat = _standardised(x[:MOST_NEIGHBOURS].double().flatten(1))
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


def explained_in_pictures(x: Tensor, y: Tensor) -> dict[int, float]:
    """What near places of other pictures explain of targets that are pictures, too.

    A place is told by the numbers around it, 3 by 3, and by its picture's means.

    Args:
        x: Pictures, (n, C, H, W).
        y: Of their targets, (n, H, W) or (n, K, H, W).

    Returns:
        The share of the variance that is explained if picture k has target k - s, by s: of 0 it
        belongs to the data as they are, of others to pairs that have nothing to do with one
        another. Empty for too few pictures, where targets are no pictures of that size, and where
        they hardly vary: of rare spots a few places say what there is to say.
    """
    n = min(len(x), MOST_NEIGHBOURS // 4)
    if n < FEWEST or x.ndim != 4 or y.shape[0] != len(x) or y.shape[-2:] != x.shape[-2:]:
        return {}
    x, values = x[:n].double(), _at_places(y[:n])
    if values is None or not bool(torch.isfinite(x).all()) or not bool(values.isfinite().all()):
        return {}
    around = _around(x)
    draw = torch.Generator().manual_seed(0)
    each = min(MOST_NEIGHBOURS // n, around.shape[1])
    at = torch.stack([torch.randperm(around.shape[1], generator=draw)[:each] for _ in range(n)])
    at = at.to(x.device)
    flat = torch.gather(around, 1, at[..., None].expand(-1, -1, around.shape[2])).flatten(0, 1)
    flat = _standardised(flat)
    picture = torch.arange(n, device=x.device).repeat_interleave(each)
    far = torch.cdist(flat, flat).masked_fill(picture[:, None] == picture, float("inf"))
    near, where = far.argmin(1), at.flatten()
    apart = (values[picture, where] - values.flatten(0, 1).mean(0)).pow(2).sum(1)
    varied = len(apart) * float(apart.mean()) ** 2 / max(float(apart.pow(2).mean()), 1e-300)
    if varied < FEWEST_VARIED:
        return {}
    found: dict[int, float] = {}
    half = min(n, PAIRINGS) // 2
    for by in range(-half + 1, half):
        own = values[(picture - by) % n, where]
        spread = float((own - own.mean(0)).pow(2).sum())
        missed = float((own - own[near]).pow(2).sum()) / 2
        found[by] = 1 - missed / spread if spread > 0 else 0.0
    return found


def told_at_places(x: Tensor, y: Tensor) -> float:
    """`told_by_lines` of places, each with its own target, of what is around them.

    Args:
        x: Sequences, (n, T, d), or pictures, (n, C, H, W).
        y: A target for each place, (n, T, ...) or (n, H, W) or (n, K, H, W).

    Returns:
        0 where targets are none of places.
    """
    if x.ndim == 3 and y.ndim >= 2 and x.shape[:2] == y.shape[:2]:
        flat, values = x.flatten(0, 1), columns_of(y.flatten(0, 1))
    elif x.ndim == 4 and y.ndim >= 3 and x.shape[-2:] == y.shape[-2:]:
        own = _at_places(y)
        if own is None:
            return 0.0
        flat, values = _around(x.double()).flatten(0, 1), own.flatten(0, 1)
    else:
        return 0.0
    order = torch.randperm(len(flat), generator=torch.Generator().manual_seed(0))[:MOST_NEIGHBOURS]
    return told_by_lines(flat[order.to(x.device)], values[order.to(x.device)])


def _around(x: Tensor) -> Tensor:
    """What tells places of pictures, (n, C, H, W): 3 by 3 numbers and the means of the whole.

    Returns:
        (n, H W, 10 C).
    """
    around = torch.nn.functional.unfold(x, 3, padding=1).transpose(1, 2)
    whole = x.mean((2, 3))[:, None].expand(-1, around.shape[1], -1)
    return torch.cat([around, whole], 2)


def _at_places(y: Tensor) -> Tensor | None:
    """Targets as columns of numbers at each place, (n, places, K); None if they are none."""
    if y.ndim == 3 and not y.is_floating_point():
        _, labels = torch.unique(y, return_inverse=True)
        return torch.nn.functional.one_hot(labels.flatten(1)).double()
    if y.ndim not in (3, 4):
        return None
    return (y[:, None] if y.ndim == 3 else y).double().flatten(2).transpose(1, 2)


def smooth_in_pictures(y: Tensor) -> float:
    """What places beside one another explain of targets that are pictures, (n, ..., H, W).

    As a share of their variance: 0 for noise.
    """
    values = columns_of(y.flatten()).reshape(*y.shape, -1)
    spread = float((values - values.flatten(0, -2).mean(0)).pow(2).mean())
    missed = float((values[..., 1:, :] - values[..., :-1, :]).pow(2).mean()) / 2
    return 1 - missed / spread if spread > 0 else 0.0


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


def _standardised(rows: Tensor) -> Tensor:
    """Rows, (n, d), whose every column has the mean 0 and the standard deviation 1, or is 0."""
    return (rows - rows.mean(0)) / rows.std(0).clamp_min(1e-12)


def columns_of(targets: Any) -> Tensor:
    """Targets as columns of numbers, (n, K)."""
    if not targets.is_floating_point() and targets.ndim == 1:
        _, labels = torch.unique(targets, return_inverse=True)
        return torch.nn.functional.one_hot(labels).double()
    return targets.double().reshape(len(targets), -1)
