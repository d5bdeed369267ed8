# pyright: basic
"""What a loss costs that compares points with one another: all pairs, all triplets of a batch.

Such a loss is fine in the batches of its loop, and takes gigabytes of all points at once. How it
grows is seen from a batch and half of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from spurious.diagnose.measure.batches import Sample
from spurious.diagnose.measure.objective import Objective, output_tensor
from spurious.diagnose.measure.preserve import examined

MOST_ENTRIES: Final = 2.0**24
"""Entries of one result, 64 MiB: the loss of more points than that is not asked."""

DEAR: Final = 2.0**18
"""Entries of one result that a step of a copy may have: it takes milliseconds."""

FASTER: Final = 1.5
"""Results that grow by this power of the number of points compare points; else they are as large as
the model's own."""

TORN: Final = 10.0
"""Times the loss of parts of the points that of them all, where they are torn apart."""

FEWEST: Final = 8
"""Points of a batch at least."""

Loss = Callable[..., Any]


class _Largest(TorchFunctionMode):
    """Notes the number of entries of the largest result."""

    def __init__(self) -> None:
        super().__init__()
        self.entries = 1

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: Any = None):
        out = func(*args, **(kwargs or {}))
        if isinstance(out, Tensor):
            self.entries = max(self.entries, out.numel())
        return out


def in_fitting_batches(
    model: nn.Module, loss: Loss | None, sample: Sample
) -> tuple[Loss | None, Sample]:
    """The loss and the points in batches that suit it: neither too dear nor torn apart.

    Args:
        model: Its mode may be changed: call inside `untouched`.
        loss: As for `diagnose`.
        sample: The points; those of a loader keep its batches.
    """
    loss, sample = affordable(model, loss, sample)
    return loss, _undivided(model, loss, sample)


def affordable(model: nn.Module, loss: Loss | None, sample: Sample) -> tuple[Loss | None, Sample]:
    """The loss, which refuses more points than there is memory for, and the points in batches.

    Both as they are given where the loss does not compare points.

    Args:
        model: Left as it is.
        loss: As for `diagnose`.
        sample: The points; those of a loader keep its batches.
    """
    batch = sample.batches[0]
    if loss is None or batch.size < 2 * FEWEST or not isinstance(batch.targets, Tensor):
        return loss, sample
    try:
        with torch.no_grad(), examined(model):
            outputs = model(*batch.args, **batch.kwargs)
        f, half = output_tensor(outputs), batch.size // 2
        if f is not outputs or f is None or len(f) != batch.size:
            return loss, sample
        large = _largest(loss, f, batch.targets)
        if large * (sample.size / batch.size) ** 2 < DEAR:
            return loss, sample
        power = math.log2(large / _largest(loss, f[:half], batch.targets[:half]))
    except Exception:  # whatever is wrong is said when the model is measured
        return loss, sample
    if power < FASTER:
        return loss, sample

    def most(entries: float) -> int:
        return int(batch.size * (entries / large) ** (1 / power))

    few = max(most(DEAR), FEWEST)
    if few < batch.size:
        sample = sample.in_batches_of(few)
    return limited(loss, most(MOST_ENTRIES)), sample


def _undivided(model: nn.Module, loss: Loss | None, sample: Sample) -> Sample:
    """The points in one batch, where a loss of parts of them is far larger than that of them all.

    So it is where it takes differences of neighbours on a grid, say. Losses that compare the points
    of a batch are rather smaller for fewer of them. Points that came in batches stay as they are.
    """
    if loss is None or not sample.chosen or not sample.complete or len(sample.batches) < 2:
        return sample
    whole = sample.at_once()
    if len(whole.batches) > 1:
        return sample
    try:
        parts, one = (Objective(model, loss, way).value_as_shown() for way in (sample, whole))
    except Exception:  # it wants so many points, or less memory
        return sample
    return whole if 0 < TORN * abs(one) < parts else sample


def limited(loss: Loss, most: int) -> Loss:
    """The loss of at most so many points; it raises a `RuntimeError` for more."""

    def of_few(outputs: Any, targets: Any) -> Any:
        if isinstance(outputs, Tensor) and outputs.ndim and len(outputs) > most:
            raise RuntimeError(f"the loss of {len(outputs)} points at once takes too much memory")
        return loss(outputs, targets)

    return of_few


def _largest(loss: Loss, outputs: Tensor, targets: Tensor) -> int:
    with torch.no_grad(), _Largest() as seen:
        loss(outputs, targets)
    return seen.entries
