# pyright: basic
"""Reshapes whose result has the sizes of a transposed tensor, and what that tensor is.

A reshape keeps the order of the entries. From (n, C, H, W) to (n, H W, C), say, it deals the
channels out to the places; a permutation of the axes was meant.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from math import prod
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from spurious.diagnose.measure.batches import Batch
from spurious.diagnose.measure.preserve import examined

RESHAPES: Final = (Tensor.reshape, Tensor.view, torch.reshape)

MOST_AXES: Final = 4
"""Axes whose orders are tried."""

Shape = tuple[int, ...]


class Transposing(TorchFunctionMode):
    """Permutes the axes where a reshape has the sizes of that; notes the shapes.

    Attributes:
        seen: Shapes before and after, of each such reshape.
    """

    def __init__(self, notes_only: bool = False) -> None:
        super().__init__()
        self.notes_only, self.seen = notes_only, list[tuple[Shape, Shape]]()

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: Any = None):
        out = func(*args, **(kwargs or {}))
        if func not in RESHAPES or not isinstance(args[0], Tensor):
            return out
        plan = plan_of(tuple(args[0].shape), tuple(out.shape))
        if plan is None:
            return out
        self.seen.append((tuple(args[0].shape), tuple(out.shape)))
        split, order = plan
        if self.notes_only:
            return out
        return args[0].reshape(split).permute(order).reshape(out.shape)


def reshapes_like_transposes(
    model: nn.Module, batch: Batch, loss: Callable[[Any, Any], Tensor]
) -> tuple[tuple[Shape, Shape], ...]:
    """Shapes before and after of such reshapes, in the model or in the loss."""
    noting = Transposing(notes_only=True)
    try:
        with examined(model), torch.enable_grad(), noting:
            loss(model(*batch.args, **batch.kwargs), batch.targets)
    except Exception:
        return ()
    return tuple(dict.fromkeys(noting.seen))


def plan_of(before: Shape, after: Shape) -> tuple[Shape, Shape] | None:
    """How the axes are split and permuted so that merging some of them gives the other shape.

    None if the shapes are as of a reshape that merges neighbours or splits axes.
    """
    lead = 0
    while lead < min(len(before), len(after)) and before[lead] == after[lead]:
        lead += 1
    tail = 0
    most = min(len(before), len(after)) - lead
    while tail < most and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    inner, wanted = before[lead : len(before) - tail], after[lead : len(after) - tail]
    if min(len(inner), len(wanted)) < 2 or min(*inner, *wanted) < 2 or len(inner) > MOST_AXES:
        return None
    if prod(inner) != prod(wanted):
        return None
    split = inner
    if len(wanted) == len(inner) + 1:  # heads: the last axis is split, and a part moves forward
        part = next((w for w in wanted if inner[-1] % w == 0 and w not in inner[:-1]), 0)
        if not part or inner[-1] == part:
            return None
        split = (*inner[:-1], part, inner[-1] // part)
    order = _order(split, wanted)
    if order is None:
        return None
    whole = (*before[:lead], *split, *before[len(before) - tail :])
    axes = (
        *range(lead),
        *(lead + k for k in order),
        *range(lead + len(split), lead + len(split) + tail),
    )
    return whole, axes


def _order(split: Shape, wanted: Shape) -> Shape | None:
    """An order of the axes, not their own, in which neighbours merge to the wanted sizes."""
    if _merges(split, wanted):
        return None
    return next(
        (p for p in permutations(range(len(split))) if _merges([split[k] for k in p], wanted)),
        None,
    )


def _merges(sizes: Any, wanted: Shape) -> bool:
    """Whether neighbours merge to the wanted sizes."""
    left, product = list(wanted), 1
    for size in sizes:
        product *= size
        if left and product == left[0]:
            left.pop(0)
            product = 1
    return not left and product == 1
