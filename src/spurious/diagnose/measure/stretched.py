# pyright: basic
"""Rows and columns of one number a point that a loss combines to all pairs of points."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from spurious.diagnose.measure.batches import Batch
from spurious.diagnose.measure.lines import line_of_the_user
from spurious.diagnose.measure.objective import output_tensor
from spurious.diagnose.measure.preserve import examined

COMBINE: Final = frozenset({"add", "sub", "rsub", "mul", "div", "truediv", "min", "max", "minimum",
                            "maximum", "where"})  # fmt: skip
"""Functions of two tensors, entry by entry."""

FEWEST: Final = 3
"""Points that a batch needs: of fewer, shapes may be alike by chance."""


class _Stretching(TorchFunctionMode):
    """Notes where (n,) meets (n, 1), of which one comes from the outputs and one does not.

    Attributes:
        line: Where that was first.
    """

    def __init__(self, points: int) -> None:
        super().__init__()
        self.points, self.line = points, ""

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: Any = None):
        out = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "").strip("_")
        pair = [value for value in args if isinstance(value, Tensor)]
        if self.line or name not in COMBINE or len(pair) != 2 or not isinstance(out, Tensor):
            return out
        n, one_from_outputs = self.points, pair[0].requires_grad != pair[1].requires_grad
        all_pairs = {tuple(value.shape) for value in pair} == {(n,), (n, 1)}
        if not all_pairs or not one_from_outputs or tuple(out.shape) != (n, n):
            return out
        if all(bool((value != value.flatten()[0]).any()) for value in pair):
            self.line = line_of_the_user()
        return out


def stretched_in_the_loss(model: nn.Module, batch: Batch, loss: Any) -> str:
    """The line of the loss that does so, or ""."""
    if batch.size < FEWEST:
        return ""
    try:
        with examined(model), torch.enable_grad():
            made = model(*batch.args, **batch.kwargs)
            if output_tensor(made) is None:
                return ""
            with _Stretching(batch.size) as noting:
                loss(made, batch.targets)
    except Exception:
        return ""
    return noting.line
