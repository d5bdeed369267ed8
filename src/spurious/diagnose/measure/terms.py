# pyright: basic
"""A loss of several terms: which of its summands depend on the targets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from spurious.diagnose.measure.objective import each_tensor

ADDS: Final = frozenset({"add", "__add__", "__radd__", "add_", "__iadd__"})
SUBTRACTS: Final = frozenset({"sub", "__sub__", "sub_", "__isub__"})
SUBTRACTS_FROM: Final = frozenset({"rsub", "__rsub__"})
SCALES: Final = frozenset({"mul", "__mul__", "__rmul__", "mul_", "__imul__"})
DIVIDES: Final = frozenset({"div", "__div__", "__truediv__", "true_divide", "div_", "__itruediv__"})
REDUCES: Final = frozenset({"mean", "sum", "reshape", "squeeze"})
"""Names of functions that are linear in their first argument."""

CHANGED: Final = 1e-6
"""A term that changes by more than this share of itself with other targets depends on them."""

Terms = list[tuple[Tensor, float]]


@dataclass(frozen=True)
class Parts:
    """A loss's two parts, scalar tensors.

    Attributes:
        data: What depends on the targets.
        rest: What does not.
    """

    data: Tensor
    rest: Tensor


class _Sums(TorchFunctionMode):
    """Notes how tensors are added up, scaled and reduced."""

    def __init__(self) -> None:
        super().__init__()
        self.made: dict[int, Terms] = {}
        self.kept: list[Tensor] = []  # so that no other tensor gets the number of one of these

    def terms(self, value: Any) -> Terms:
        """The summands of a tensor, each with its factor."""
        return self.made.get(id(value), [(value, 1.0)])

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: Any = None):
        out = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        found = self._split(name, args, kwargs or {}) if isinstance(out, Tensor) else None
        if found is not None:
            self.made[id(out)] = found
            self.kept.append(out)
        return out

    def _split(self, name: str, args: tuple, kwargs: dict) -> Terms | None:
        first, second = (*args, None, None)[:2]
        if name in ADDS and not kwargs:
            return self._sum((first, 1.0), (second, 1.0))
        if name in SUBTRACTS and not kwargs:
            return self._sum((first, 1.0), (second, -1.0))
        if name in SUBTRACTS_FROM and not kwargs:
            return self._sum((first, -1.0), (second, 1.0))
        if name in SCALES or name in DIVIDES:
            value, factor = (second, first) if _number(first) is not None else (first, second)
            size = _number(factor)
            if size is None or not isinstance(value, Tensor) or (name in DIVIDES and size == 0):
                return None
            size = 1 / size if name in DIVIDES else size
            return [(term, size * own) for term, own in self.terms(value)]
        if name in ("neg", "__neg__"):
            return [(term, -own) for term, own in self.terms(first)]
        if name in REDUCES and isinstance(first, Tensor) and id(first) in self.made:
            shape = first.shape
            terms = self.made[id(first)]
            if any(term.shape != shape for term, _ in terms):
                return None
            with torch._C.DisableTorchFunction():
                return [(getattr(term, name)(*args[1:], **kwargs), own) for term, own in terms]
        return None

    def _sum(self, *signed: tuple[Any, float]) -> Terms | None:
        terms: Terms = []
        for value, sign in signed:
            if isinstance(value, Tensor):
                terms += [(term, sign * own) for term, own in self.terms(value)]
            elif not isinstance(value, (int, float)):
                return None  # constants have no gradient: they are left out
        return terms


def _number(value: Any) -> float | None:
    """A factor that is no term: a number, or a scalar without a gradient."""
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, Tensor) and value.numel() == 1 and not value.requires_grad:
        return float(value)
    return None


def summands(loss: Callable[[Any, Any], Tensor], outputs: Any, targets: Any) -> list[Tensor]:
    """The scalar terms whose sum a loss is, up to constants; one if it is none."""
    with _Sums() as sums:
        value = loss(outputs, targets)
    terms = [(t, own) for t, own in sums.terms(value) if t.requires_grad]
    if any(term.numel() != 1 for term, _ in terms):
        return [value.reshape(())]
    return [term.reshape(()) * own for term, own in terms]


def data_terms(
    loss: Callable[[Any, Any], Tensor], outputs: Any, targets: Any
) -> tuple[bool, ...] | None:
    """Which terms depend on the targets; None unless some do and others do not.

    Args:
        loss: Of outputs and targets.
        outputs: Of one batch, with a graph.
        targets: Its targets, (n, ...).
    """
    if not isinstance(targets, Tensor) or not targets.ndim or len(targets) < 2:
        return None
    try:
        now = summands(loss, outputs, targets)
        others = [summands(loss, outputs, targets[k].expand_as(targets).clone()) for k in (0, -1)]
    except Exception:
        return None
    if len(now) < 2 or any(len(other) != len(now) for other in others):
        return None
    values = torch.stack([term.detach() for term in now])
    apart = torch.stack(
        [(torch.stack([t.detach() for t in other]) - values).abs() for other in others]
    ).amax(0)
    depends = tuple(bool(moved) for moved in apart > CHANGED * values.abs())
    return depends if any(depends) and not all(depends) else None


def parts_of(
    loss: Callable[[Any, Any], Tensor], outputs: Any, targets: Any, depends: tuple[bool, ...]
) -> Parts:
    """The two parts of a loss whose terms are known.

    Raises:
        RuntimeError: It has another number of terms here.
    """
    found = summands(loss, outputs, targets)
    if len(found) != len(depends):
        raise RuntimeError("the loss has another number of terms")
    data = [term for term, own in zip(found, depends, strict=True) if own]
    rest = [term for term, own in zip(found, depends, strict=True) if not own]
    return Parts(torch.stack(data).sum(), torch.stack(rest).sum())


@dataclass(frozen=True)
class TermsSeen:
    """What the terms of a loss are worth on one batch.

    Attributes:
        depends: Which of the terms with a gradient depend on the targets; None unless some do and
            others do not.
        told: Share of the part that depends on the targets that the outputs save, compared with the
            targets in another order: 0 if they say nothing about which point is which.
        data: That part.
        rest: The other part.
        cut: How many terms change with the outputs and have no gradient.
        each: Where all terms depend on the targets, `told` of each of them.
        of_weights: Whether the other part depends on parameters and not by way of the outputs.
    """

    depends: tuple[bool, ...] | None
    told: float
    data: float
    rest: float
    cut: int
    of_weights: bool = False
    each: tuple[float, ...] = ()


def terms_seen(outputs: Any, loss: Callable[[Any, Any], Tensor], targets: Any) -> TermsSeen:
    """Looks at the terms of a loss of one batch's outputs, which have a graph."""
    cut = _cut(loss, outputs, targets)
    depends = data_terms(loss, outputs, targets)
    if depends is None:
        return TermsSeen(None, 0.0, 0.0, 0.0, cut, each=told_of_each(loss, outputs, targets))
    own = parts_of(loss, outputs, targets, depends)
    data, other = float(own.data.detach()), told_of(loss, outputs, targets, depends)
    apart = parts_of(loss, each_tensor(outputs, _apart), targets, depends).rest
    return TermsSeen(depends, other, data, float(own.rest.detach()), cut, _has_leaves(apart))


def _apart(output: Tensor) -> Tensor:
    """An output that remembers nothing, but whose terms keep a gradient."""
    return output.detach() + torch.zeros((), requires_grad=output.is_floating_point())


def _has_leaves(value: Tensor) -> bool:
    """Whether a scalar depends on parameters, as far as autograd sees."""
    todo, seen = [value.grad_fn] if value.grad_fn is not None else [], set[Any]()
    while todo:
        node = todo.pop()
        if isinstance(getattr(node, "variable", None), nn.Parameter):
            return True
        below = {f for f, _ in node.next_functions if f is not None} - seen
        seen |= below
        todo.extend(below)
    return False


def told_of(
    loss: Callable[[Any, Any], Tensor], outputs: Any, targets: Any, depends: tuple[bool, ...]
) -> float:
    """`TermsSeen.told` of one batch."""
    own = float(parts_of(loss, outputs, targets, depends).data.detach())
    moved = float(parts_of(loss, outputs, targets.roll(1, 0), depends).data.detach())
    return 1 - own / moved if moved > 0 else 0.0


def told_of_each(
    loss: Callable[[Any, Any], Tensor], outputs: Any, targets: Any
) -> tuple[float, ...]:
    """`TermsSeen.each` of one batch: () unless there are two terms or more, all positive."""
    try:
        own = [float(t.detach()) for t in summands(loss, outputs, targets)]
        moved = [float(t.detach()) for t in summands(loss, outputs, targets.roll(1, 0))]
    except Exception:
        return ()
    if len(own) < 2 or len(own) != len(moved) or min(*own, *moved) <= 0:
        return ()
    return tuple(1 - a / b for a, b in zip(own, moved, strict=True))


def _cut(loss: Callable[[Any, Any], Tensor], outputs: Any, targets: Any) -> int:
    """How many terms change with the outputs though autograd sees no way from these to them."""
    try:
        with _Sums() as sums:
            value = loss(outputs, targets)
        now = sums.terms(value)
        with _Sums() as sums:
            value = loss(each_tensor(outputs, _moved), targets)
        other = sums.terms(value)
    except Exception:
        return 0
    if len(now) < 2 or len(now) != len(other):
        return 0
    return sum(
        not term.requires_grad and float((term - again).detach().abs().max()) > 0
        for (term, _), (again, _) in zip(now, other, strict=True)
        if term.shape == again.shape
    )


def _moved(output: Tensor) -> Tensor:
    """An output that is a little larger, its entries further from one another."""
    if not output.is_floating_point():
        return output
    draw = torch.rand(output.shape, generator=torch.Generator().manual_seed(0))
    return output + 0.1 * draw.to(output)
