# pyright: basic
"""Second derivatives by the inputs that a model or its loss takes, and that are 0 everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from spurious.diagnose.measure.batches import Batch
from spurious.diagnose.measure.preserve import examined


class _Derivatives(TorchFunctionMode):
    """Follows calls of `torch.autograd.grad`.

    Attributes:
        twice: Of each call that differentiates what an earlier one gave: whether it gives 0 alone.
    """

    def __init__(self) -> None:
        super().__init__()
        self.slopes, self.twice = set[Any](), list[bool]()

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: Any = None):
        out = func(*args, **(kwargs or {}))
        if func is torch.autograd.grad:
            given = args[0] if args else (kwargs or {})["outputs"]
            given = (given,) if isinstance(given, Tensor) else tuple(given)
            if any(self._follows(value) for value in given):
                self.twice.append(not any(g is not None and bool(g.any()) for g in out))
            self.slopes |= {g.grad_fn for g in out if g is not None and g.grad_fn is not None}
        return out

    def _follows(self, value: Tensor) -> bool:
        """Whether a value is computed from what an earlier call gave."""
        pending, seen = [value.grad_fn], set[Any]()
        while pending:
            node = pending.pop()
            if node is None or node in seen:
                continue
            if node in self.slopes:
                return True
            seen.add(node)
            pending += [below for below, _ in node.next_functions]
        return False


def second_derivatives_vanish(
    model: nn.Module, batch: Batch, loss: Callable[[Any, Any], Tensor]
) -> bool:
    """Whether the model or its loss takes second derivatives by the inputs, and all are exactly 0.

    So it is where units are piecewise linear (relu): then nothing in the loss bends with them.
    """
    noting = _Derivatives()
    try:
        with examined(model), torch.enable_grad(), noting:
            loss(model(*batch.args, **batch.kwargs), batch.targets)
    except Exception:
        return False
    return bool(noting.twice) and all(noting.twice)
