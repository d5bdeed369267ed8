# pyright: basic
"""Logarithms, roots and divisions at 0, where a value or a derivative is infinite.

One such number makes the loss or a gradient NaN, and with the next step all weights. Whether it is
the cause is asked by an experiment: `KeptFromZero` moves such arguments a little, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from spurious.diagnose.kinds import Kind
from spurious.diagnose.measure.lines import line_of_the_user

NEAR: Final = 1e-8
"""Arguments nearer to 0 than this are moved by as much; in single precision the usual epsilon."""

ROUNDED: Final = 1e-4
"""Below 0 by at most this share of the largest argument, a number is 0 but for rounding."""


@dataclass(frozen=True)
class Edge:
    """A place where numbers were at the edge of what a function takes.

    Attributes:
        kind: What it is called.
        operation: Name of the function.
        line: File and number of the line that called it, and its text; or "".
        entries: How many numbers were at the edge, of how many.
    """

    kind: Kind
    operation: str
    line: str
    entries: tuple[int, int]


class Mending(TorchFunctionMode):
    """Computes something else where numbers are at the edge of what a function takes.

    Args:
        places: The first place where that is done is put there, if it is empty.
    """

    def __init__(self, places: list[Edge]) -> None:
        super().__init__()
        self.places = places

    def note(self, kind: Kind, operation: str, at_edge: Tensor) -> None:
        """Puts the line that is being run, and which numbers are at the edge, into the places."""
        entries = (int(at_edge.sum()), at_edge.numel())
        self.places.append(Edge(kind, operation, line_of_the_user(), entries))


class KeptFromZero(Mending):
    """Moves arguments of logarithms, roots and divisions that are 0 away from it."""

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: Any = None):
        kwargs = kwargs or {}
        at = _ARGUMENTS.get(func)
        if func in _POWERS and not _is_root(args, kwargs):
            at = None
        if at is None or kwargs.get("out") is not None:
            return func(*args, **kwargs)
        place, kind = at
        given = args[place] if len(args) > place else kwargs.get(_NAMES[place])
        if not isinstance(given, Tensor) or not given.is_floating_point():
            return func(*args, **kwargs)
        moved = _moved(given, signed=kind is Kind.DIVISION_BY_ZERO)
        if moved is None:
            return func(*args, **kwargs)
        if not self.places:
            self.note(kind, _name(func), moved.detach() != given.detach())
        if len(args) > place:
            args = (*args[:place], moved, *args[place + 1 :])
        else:
            kwargs = kwargs | {_NAMES[place]: moved}
        return func(*args, **kwargs)


_LOGARITHMS: Final = (
    torch.log, torch.log2, torch.log10, Tensor.log, Tensor.log2, Tensor.log10,
)  # fmt: skip
_ROOTS: Final = (torch.sqrt, Tensor.sqrt, torch.rsqrt, Tensor.rsqrt)
_POWERS: Final = (torch.pow, Tensor.pow, Tensor.__pow__)
DIVISIONS: Final = (
    torch.div, torch.divide, torch.true_divide,
    Tensor.div, Tensor.divide, Tensor.true_divide, Tensor.__truediv__,
)  # fmt: skip
_RECIPROCALS: Final = (
    torch.reciprocal, Tensor.reciprocal, Tensor.__rtruediv__, Tensor.__rdiv__,
)  # fmt: skip

_ARGUMENTS: Final[Mapping[Any, tuple[int, Kind]]] = (
    dict.fromkeys(_LOGARITHMS, (0, Kind.LOG_OF_ZERO))
    | dict.fromkeys((*_ROOTS, *_POWERS), (0, Kind.ROOT_AT_ZERO))
    | dict.fromkeys(DIVISIONS, (1, Kind.DIVISION_BY_ZERO))
    | dict.fromkeys(_RECIPROCALS, (0, Kind.DIVISION_BY_ZERO))
)
"""Which argument must not be 0, and what it is called if it is."""

_NAMES: Final = ("input", "other")


def _is_root(args: tuple, kwargs: dict[str, Any]) -> bool:
    """Whether a power has an infinite value or derivative at 0."""
    power = args[1] if len(args) > 1 else kwargs.get("exponent")
    return isinstance(power, float | int) and power < 1 and power != 0


def _moved(given: Tensor, signed: bool) -> Tensor | None:
    """The tensor without numbers at 0; None if there are none."""
    z = given.detach()
    if not z.numel():
        return None
    if signed:
        at = z.abs() < NEAR
        away = torch.where(z < 0, -NEAR, NEAR).to(z)
        return torch.where(at, given + away, given) if bool(at.any()) else None
    at = (z < NEAR) & (z >= -ROUNDED * z.abs().max())
    return torch.where(at, given.clamp_min(0) + NEAR, given) if bool(at.any()) else None


def _name(func: Any) -> str:
    name = getattr(func, "__name__", str(func)).strip("_")
    return {"truediv": "division", "rtruediv": "division", "div": "division"}.get(name, name)
