"""One batch can be learnt by heart: the cheapest test that a training program works."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from spurious.diagnose.overfit import Overfit
from spurious.errors import InputError
from spurious.late import require

if TYPE_CHECKING:
    from torch import nn


def can_overfit(
    model: nn.Module,
    batch: Any,
    loss: Callable[..., Any] | None = None,
    *,
    steps: int = 300,
    step_size: float = 1e-2,
    share: float = 0.1,
) -> Overfit:
    """Trains a copy of a model on one batch by Adam, and says whether it learns it by heart.

    >>> from spurious.diagnose import can_overfit  # doctest: +SKIP
    >>> assert can_overfit(model, (x, y), torch.nn.CrossEntropyLoss())  # doctest: +SKIP

    Beside the loss it is checked that every trained parameter moves, and that no point's output
    depends on the other points of the batch (batch normalisation in training apart).

    Args:
        model: Left as it is.
        batch: As for `diagnose`: `(inputs, targets)`, or a mapping of the model's arguments.
        loss: As for `diagnose`.
        steps: Steps of Adam, at most; it ends when the goal is reached.
        step_size: Of Adam.
        share: The loss must fall below this share of that of the best constant (or of its start,
            where no constant can be fitted).

    Raises:
        InputError: torch is not installed, numbers out of range, or the model, the batch or the
            loss cannot be used.
    """
    require()
    if steps < 1 or step_size <= 0 or not 0 < share < 1:
        raise InputError(
            f"steps, step_size, share: found {steps}, {step_size}, {share}, expected positive "
            "numbers, and a share below 1"
        )
    from spurious.diagnose.measure.overfitting import overfit

    return overfit(model, batch, loss, steps, step_size, share)
