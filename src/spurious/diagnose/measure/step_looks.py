# pyright: basic
"""One call of somebody's own step, beside the gradient that the loss gives at the same weights."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from scipy.optimize import nnls
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.dropout import _DropoutNd
from torch.overrides import TorchFunctionMode

from spurious.diagnose.measure.batches import Batch
from spurious.diagnose.measure.optimiser import climbs
from spurious.diagnose.measure.origin import ROUNDED, Columns
from spurious.diagnose.measure.preserve import copied, set_training

AGAINST: Final = -0.9
"""Cosine with descent of a move by hand that climbs."""

DRAWN: Final = 2.0
"""Times as far as two passes with other random numbers: no further is the same."""

HALF: Final = 0.5
"""Random numbers that make up half of a gradient say nothing about its sign."""

Vector = Tensor


class Difference(enum.Enum):
    """What a step does that no textbook's does. The first explain those behind them."""

    NO_STEP = "no step is made"
    CLEARED = "gradients are cleared before the step"
    NOTHING_ARRIVES = "no gradient reaches what the optimiser holds"
    TURNED = "gradients are turned"
    KEPT = "gradients of earlier calls are kept"
    PAIRS = "targets of other points"
    TWO_STEPS = "several steps for one backward pass"
    SHORTENED = "gradients are clipped"
    EVALUATION = "evaluation mode"
    OTHER_INPUTS = "inputs are changed"
    OTHER_GRADIENT = "another gradient"
    BESIDE = "weights are changed beside the optimiser"


@dataclass
class Call:
    """What was seen of one call.

    Attributes:
        inputs: Of the forward passes, the first tensor of each.
        targets: Tensors with the batch's targets in another order.
        evaluates: Whether the model was in evaluation mode where that matters.
        gradients: At each step of the optimiser, as descended, of each parameter that it holds.
        closure: Whether the optimiser computes gradients itself, in its step.
        backward: How many backward passes reached what the optimiser holds.
        after: Weights behind the last step, by name.
    """

    inputs: list[Tensor] = field(default_factory=list[Tensor])
    targets: list[Tensor] = field(default_factory=list[Tensor])
    evaluates: bool = False
    gradients: list[dict[str, Tensor]] = field(default_factory=list[dict[str, Tensor]])
    closure: bool = False
    backward: int = 0
    after: dict[str, Tensor] = field(default_factory=dict[str, Tensor])


class _Targets(TorchFunctionMode):
    """Notes arguments of torch's functions that are the targets in another order."""

    def __init__(self, targets: Any, found: list[Tensor]) -> None:
        self.targets, self.found = targets, found

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Calls the function."""
        y = self.targets
        alike = [one for one in args if isinstance(one, Tensor) and _is_like(one, y)]
        self.found += [one.clone() for one in alike if not torch.equal(one, y)]
        return func(*args, **(kwargs or {}))


class Looker:
    """Looks at calls on a copy, one after another.

    Args:
        model: The copy that is moved.
        rule: Its optimiser.
        loss_of: Of outputs and targets, a scalar tensor.
    """

    def __init__(
        self, model: nn.Module, rule: torch.optim.Optimizer, loss_of: Callable[..., Tensor]
    ) -> None:
        self.model, self.rule, self.loss_of = model, rule, loss_of
        self.twin = copied(model)
        held = {id(p) for group in rule.param_groups for p in group["params"]}
        named = model.named_parameters()
        self.held = {n: p for n, p in named if id(p) in held and p.requires_grad}
        self.climbing = {id(p) for g in rule.param_groups if climbs(g) for p in g["params"]}
        self.begun: list[Tensor] = []  # weights and buffers before the call
        self.added: Tensor | None = None  # textbook's gradients since the last step
        self.shortest = 1.0
        self.beside: set[str] = set()
        self.moves = 0  # calls that moved weights, by the optimiser or by hand

    @contextmanager
    def _watched(self, call: Call, batch: Batch) -> Iterator[None]:
        matters = [m for m in self.model.modules() if isinstance(m, (_NormBase, _DropoutNd))]

        def forward(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            call.evaluates |= any(not m.training for m in matters)
            first = next((v for v in (*args, *kwargs.values()) if isinstance(v, Tensor)), None)
            if first is not None:
                call.inputs.append(first.detach().clone())

        def arrives(_: Any) -> None:
            call.backward += 1

        def before(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            call.closure |= len(args) > 1 or kwargs.get("closure") is not None
            call.gradients.append(self._gradients())

        def after(*_: Any) -> None:
            call.after = self._weights()

        last = next(reversed(self.held.values()), None)
        handles = [
            self.model.register_forward_pre_hook(forward, with_kwargs=True),
            self.rule.register_step_pre_hook(before),
            self.rule.register_step_post_hook(after),
        ]
        if last is not None:
            handles.append(last.register_post_accumulate_grad_hook(arrives))
        try:
            with _Targets(batch.targets, call.targets):
                yield
        finally:
            for handle in handles:
                handle.remove()

    def _gradients(self) -> dict[str, Tensor]:
        """What is there, as it is descended: an optimiser that climbs turns it."""
        return {
            n: (-p.grad if id(p) in self.climbing else p.grad).detach().clone()
            for n, p in self.held.items()
            if p.grad is not None
        }

    def _weights(self) -> dict[str, Tensor]:
        return {n: p.detach().clone() for n, p in self.model.named_parameters()}

    def look(self, batch: Batch, call_step: Callable[[], None]) -> set[Difference]:
        """Makes a call; what it does otherwise."""
        if not self.held:
            call_step()
            return set()
        state, start, kept = torch.get_rng_state(), self._weights(), self._flat(self._gradients())
        self.begun = [tensor.detach().clone() for tensor in _tensors(self.model)]
        usual = self._textbook(batch, state)
        noise = float((self._textbook(batch, None) - usual).norm())
        torch.set_rng_state(state)
        call = Call()
        with self._watched(call, batch):
            call_step()
        there = self._flat(call.gradients[0]) if call.gradients else usual
        if not bool(torch.cat([usual, kept, there]).isfinite().all()):
            return set()  # weights are lost, and nothing can be compared
        end = self._weights()
        expected = call.after or start
        moved = {n for n, p in end.items() if not torch.equal(p, expected[n])}
        self.added = usual if self.added is None else self.added + usual
        found: set[Difference] = set()
        if not call.gradients:
            if moved & set(self.held):  # a step by hand
                way = self._flat({n: end[n] - start[n] for n in self.held})
                if _cosine(way, -self.added) < AGAINST:
                    found.add(Difference.TURNED)
                self.added, self.moves = None, self.moves + 1
            return found
        self.moves += 1
        if moved:
            self.beside |= moved
            found.add(Difference.BESIDE)
        if not call.closure:
            if len(call.gradients) > 1 and call.backward < len(call.gradients):
                found.add(Difference.TWO_STEPS)
            found |= self._explained(call, batch, kept, usual, noise, state)
        self.added = None
        return found

    def _explained(
        self,
        call: Call,
        batch: Batch,
        kept: Vector,
        usual: Vector,
        noise: float,
        state: Tensor,
    ) -> set[Difference]:
        """What makes the gradient at the first step of a call out of the textbook's."""
        there = self._flat(call.gradients[0])
        wanted = self.added if self.added is not None else usual
        size, usual_size = float(there.norm()), float(wanted.norm())
        if size == 0 or usual_size == 0:
            if size == usual_size:
                return set()
            arrived = call.backward > 0
            return {Difference.CLEARED if arrived else Difference.NOTHING_ARRIVES}
        near = max(ROUNDED * size, DRAWN * noise * size / usual_size)
        if near > HALF * size:
            return set()  # what is drawn by chance hides what the step does
        between = wanted is not usual  # calls without a step, whose gradients may be added up
        if not between and kept.norm() > near and float((there - kept - usual).norm()) <= near:
            return {Difference.KEPT}
        factor = float(there @ wanted) / usual_size**2
        if float((there - factor * wanted).norm()) <= near:
            return self._scaled(factor)
        most = float(there.abs().max())
        if float((there - wanted.clamp(-most, most)).norm()) <= near:
            return self._scaled(size / usual_size)
        if self._is_penalised(there, wanted, near):
            return set()
        if call.evaluates and _parallel(there, self._textbook(batch, state, trains=False), near):
            return {Difference.EVALUATION}
        for other, pairs in self._other_batches(call, batch):
            if _parallel(there, self._textbook(other, state), near):
                return {Difference.PAIRS if pairs else Difference.OTHER_INPUTS}
        return {Difference.OTHER_GRADIENT}

    def _scaled(self, factor: float) -> set[Difference]:
        self.shortest = min(self.shortest, abs(factor))
        if factor < 0:
            return {Difference.TURNED}
        return {Difference.SHORTENED} if factor < 1 - ROUNDED else set()

    def _is_penalised(self, there: Vector, wanted: Vector, near: float) -> bool:
        """Whether a penalty on weights explains what is there beside the textbook's gradient."""
        named = dict(self.twin.named_parameters())
        columns = Columns([named[n] for n in self.held])
        if columns.rows < columns.size:  # longer ones are not added up here
            return False
        cone = torch.stack([wanted.double(), *columns.penalties()], 1)
        try:
            return float(nnls(cone.numpy(), there.double().numpy())[1]) <= near
        except RuntimeError:  # no end of its iterations
            return False

    def _other_batches(self, call: Call, batch: Batch) -> Iterator[tuple[Batch, bool]]:
        """The batch with the inputs that the model was given, or targets that were looked at.

        And whether inputs then stand beside targets of other points.
        """
        if len(batch.args) != 1 or batch.kwargs:
            return
        x, y = batch.args[0], batch.targets
        seen = call.inputs[0] if call.inputs else x
        if isinstance(x, Tensor) and seen.shape == x.shape and not torch.equal(seen, x):
            yield Batch((seen,), {}, y, batch.size), _same_rows(seen, x)
        for other in call.targets:
            yield Batch((x,), {}, other, batch.size), True

    def _textbook(self, batch: Batch, state: Tensor | None, trains: bool = True) -> Vector:
        """The gradient that the loss gave before the call, with these random numbers."""
        with torch.no_grad():
            for mine, theirs in zip(_tensors(self.twin), self.begun, strict=True):
                mine.copy_(theirs)
        set_training(self.twin)
        if not trains:
            self.twin.eval()
        if state is not None:
            torch.set_rng_state(state)
        named = dict(self.twin.named_parameters())
        held = [named[n] for n in self.held]
        with torch.enable_grad():
            value = self.loss_of(self.twin(*batch.args, **batch.kwargs), batch.targets)
            slopes = torch.autograd.grad(value, held, allow_unused=True)
        return self._flat({n: g for n, g in zip(self.held, slopes, strict=True) if g is not None})

    def _flat(self, parts: dict[str, Tensor]) -> Vector:
        """One vector of all that the optimiser holds."""
        return torch.cat(
            [
                parts[n].detach().double().cpu().reshape(-1)
                if n in parts
                else torch.zeros(p.numel(), dtype=torch.float64)
                for n, p in self.held.items()
            ]
        )


def _tensors(model: nn.Module) -> list[Tensor]:
    return [*model.parameters(), *model.buffers()]


def _cosine(one: Vector, other: Vector) -> float:
    size = float(one.norm() * other.norm())
    return float(one @ other) / size if size > 0 else 0.0


def _parallel(there: Vector, other: Vector, near: float) -> bool:
    """Whether a vector is a positive multiple of another."""
    square = float(other @ other)
    factor = float(there @ other) / square if square > 0 else 0.0
    return factor > 0 and float((there - factor * other).norm()) <= near


def _is_like(one: Tensor, targets: Any) -> bool:
    """Whether a tensor holds what the targets hold, in any order."""
    if not isinstance(targets, Tensor) or not targets.ndim or one.requires_grad:
        return False
    alike = one.shape == targets.shape and one.dtype == targets.dtype
    return alike and _same_rows(one, targets)


def _same_rows(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors hold the same points in another order."""
    a, b = one.reshape(len(one), -1), other.reshape(len(other), -1)
    counted = [t.unique(dim=0, return_counts=True) for t in (a, b)]
    return all(torch.equal(p, q) for p, q in zip(*counted, strict=True))
