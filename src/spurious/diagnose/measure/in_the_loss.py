# pyright: basic
"""What a loss does with the outputs, seen in its calls: shapes that meet, a softmax of one term."""

from __future__ import annotations

from dataclasses import dataclass
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

SOFTMAXES: Final = frozenset({"softmax", "log_softmax"})
"""Functions with an axis along which they choose."""

OF_SIGNS: Final = {
    "cosine_embedding_loss": 2,
    "hinge_embedding_loss": 1,
    "soft_margin_loss": 1,
}
"""torch's losses whose targets must be 1 and -1 (so their documentation), and where targets stand
among the arguments. In a loss of ranks 0 is a tie."""

FEWEST: Final = 3
"""Points that a batch needs: of fewer, shapes may be alike by chance."""


@dataclass(frozen=True)
class InTheLoss:
    """Lines of the loss; "" where nothing of the kind is done.

    Attributes:
        all_pairs: It combines (n,) with (n, 1), of which one comes from the outputs, to (n, n).
        one_for_all: It compares one output of each point, (n, 1), with the point's k targets.
        softmax_of_one: It takes a softmax of outputs over an axis of length 1.
        softmax_of_points: It takes one of numbers of the outputs' shape over the points.
        cut_derivative: It takes a derivative without `create_graph`: no gradient passes through.
        unsigned: It calls a function of `OF_SIGNS` with targets 0 and 1; its name comes first.
    """

    all_pairs: str = ""
    one_for_all: str = ""
    softmax_of_one: str = ""
    softmax_of_points: str = ""
    cut_derivative: str = ""
    unsigned: tuple[str, str] = ("", "")


def is_cut(func: Any, kwargs: Any) -> bool:
    """Whether a call is `torch.autograd.grad` without `create_graph`."""
    return func is torch.autograd.grad and not (kwargs or {}).get("create_graph")


class WithGraphs(TorchFunctionMode):
    """Takes every derivative so that gradients pass through it."""

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: Any = None):
        more = {"create_graph": True} if is_cut(func, kwargs) else {}
        return func(*args, **((kwargs or {}) | more))


class _Noting(TorchFunctionMode):
    """Notes the first line of each kind."""

    def __init__(self, outputs: Tensor, points: int) -> None:
        super().__init__()
        self.outputs, self.points = outputs, points
        self.all_pairs = self.one_for_all = self.softmax_of_one = self.softmax_of_points = ""
        self.cut_derivative = ""
        self.unsigned = ("", "")

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: Any = None):
        out = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "").strip("_")
        if name in SOFTMAXES or func is nn.functional.cross_entropy:
            self._choice(name, args, kwargs or {})
        elif is_cut(func, kwargs) and not self.cut_derivative:
            self.cut_derivative = line_of_the_user()
        elif name in OF_SIGNS:
            self._signs(name, args, kwargs or {})
        elif name in COMBINE and isinstance(out, Tensor):
            self._meeting([value for value in args if isinstance(value, Tensor)], tuple(out.shape))
        return out

    def _choice(self, name: str, args: tuple, kwargs: dict[str, Any]) -> None:
        z = args[0] if args else kwargs.get("input")
        if self.softmax_of_one or not isinstance(z, Tensor) or not z.requires_grad or z.ndim < 2:
            return
        axis = 1
        if name in SOFTMAXES:
            axis = args[1] if len(args) > 1 else kwargs.get("dim")
        if isinstance(axis, int) and z.shape[axis] == 1 and len(z) > 1:
            self.softmax_of_one = line_of_the_user()
        own = z.shape == self.outputs.shape and len(z) == self.points  # the first axis is theirs
        own = own and 1 < z.shape[1] != len(z)  # no table of all pairs
        over_points = isinstance(axis, int) and axis % z.ndim == 0 and z.ndim == 2
        if own and over_points:
            self.softmax_of_points = line_of_the_user()

    def _signs(self, name: str, args: tuple, kwargs: dict[str, Any]) -> None:
        at = OF_SIGNS[name]
        y = args[at] if len(args) > at else kwargs.get("target")
        if not isinstance(y, Tensor) or y.requires_grad or not y.numel():
            return
        if bool(((y == 0) | (y == 1)).all()) and bool((y == 0).any()):
            self.unsigned = (name, line_of_the_user())

    def _meeting(self, pair: list[Tensor], shape: tuple[int, ...]) -> None:
        if len(pair) != 2 or pair[0].requires_grad == pair[1].requires_grad:
            return
        n, shapes = self.points, {tuple(value.shape) for value in pair}
        varied = all(bool((value != value.flatten()[0]).any()) for value in pair)
        if not self.all_pairs and shapes == {(n,), (n, 1)} and shape == (n, n) and varied:
            self.all_pairs = line_of_the_user()
        outputs, others = sorted(pair, key=lambda value: not value.requires_grad)
        one = tuple(outputs.shape) == (n, 1) and others.ndim == 2 and len(others) == n
        if not self.one_for_all and one and bool((others != others[:, :1]).any()):
            self.one_for_all = line_of_the_user()


def in_the_loss(model: nn.Module, batch: Batch, loss: Any) -> InTheLoss:
    """Calls the loss once on the first batch."""
    if batch.size < FEWEST:
        return InTheLoss()
    try:
        with examined(model), torch.enable_grad():
            made = model(*batch.args, **batch.kwargs)
            outputs = output_tensor(made)
            if outputs is None or not outputs.ndim:
                return InTheLoss()
            with _Noting(outputs, batch.size) as seen:
                loss(made, batch.targets)
    except Exception:
        return InTheLoss()
    return InTheLoss(
        seen.all_pairs,
        seen.one_for_all,
        seen.softmax_of_one,
        seen.softmax_of_points,
        seen.cut_derivative,
        seen.unsigned,
    )
