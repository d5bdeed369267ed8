# pyright: basic
"""What a watch sees of the loop itself: stale gradients, extra steps, detached losses."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_post_hook

from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.kinds import Kind
from spurious.diagnose.loop_words import CHANGE, LOOP
from spurious.diagnose.watch.looking import fingerprint_of

LOOKS: Final = 3
"""Looks in a row that must agree: gradients that are added up on purpose are clean now and then."""

MATRICES: Final = 4
"""Parameters whose gradients are compared, the largest."""

TWICE: Final = 2
"""Looks in a row that must agree on a gradient that was kept."""

MOST_FOLLOWED: Final = 12
"""Steps that are looked at since the one before had an older gradient in its own."""

ASIDE: Final = 0.05
"""An older gradient that is so much of this backward pass's, or has so much of its length across
that, can be told from it."""

EQUAL: Final = 1e-3
"""Gradients that differ by less than this share are equal but for rounding."""

STANDING: Final = 100
"""Steps over which no weight has moved: nobody adds up the gradients of so many batches."""


class LoopWatch:
    """Compares, in the steps looked at, what arrives with what is there.

    Args:
        model: What is trained.
        batches: How many batches an epoch has, or None if that is not known.
    """

    def __init__(self, model: nn.Module, batches: int | None) -> None:
        trained = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
        self.watched = sorted(trained, key=lambda pair: -pair[1].numel())[:MATRICES]
        self.own = {id(p) for _, p in trained}
        self.batches = batches
        self.kept = 0  # looks in a row that show a gradient kept past a step
        self.follows = False  # whether the next step must be looked at, too
        self._followed = 0
        self._looked_at = -2  # number of a step
        self._left: dict[str, Tensor] = {}
        self._used_before: frozenset[int] = frozenset()
        self.steps: deque[int] = deque(maxlen=LOOKS)
        self.prints: deque[float] = deque(maxlen=LOOKS)
        self.cleared: deque[bool] = deque(maxlen=LOOKS)
        self.still: tuple[tuple[float, ...], list[int]] = ((), [])
        self._handles: list[Any] = []
        self._hooked: list[Tensor] = []  # what had no hooks
        self.flipped: deque[bool] = deque(maxlen=LOOKS)
        self.silent: deque[bool] = deque(maxlen=LOOKS)
        self._arrived: dict[str, Tensor] = {}
        self._before: dict[str, Tensor] = {}
        self._passes = 0
        self._used: Counter[int] = Counter()  # steps of each parameter in this look
        self._held: set[int] = set()  # what optimisers that stepped hold, and so clear

    def start(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """A forward pass that is looked at begins."""
        self.stop()
        self._arrived, self._used, self._passes = {}, Counter(), 1
        self._before = {n: p.grad.detach().clone() for n, p in self.watched if p.grad is not None}
        first = next((v for v in (*args, *kwargs.values()) if isinstance(v, Tensor)), None)
        compared = self.batches is not None and self.batches > 1
        if compared and first is not None and first.numel() and bool((first != first[:1]).any()):
            flat = first.detach().reshape(-1).double()
            place = torch.arange(1, len(flat) + 1, device=flat.device, dtype=flat.dtype)
            self.prints.append(float((flat * place.sin()).sum()))
        for name, p in self.watched:
            if p.requires_grad:
                if p._backward_hooks is None:
                    self._hooked.append(p)
                self._handles.append(p.register_hook(lambda g, name=name: self._add(name, g)))
        self._handles.append(register_optimizer_step_post_hook(self._stepped))

    def passed_again(self) -> None:
        """Another forward pass within the step that is looked at."""
        self._passes += 1

    def stop(self) -> None:
        """Takes the hooks away."""
        for handle in self._handles:
            handle.remove()
        self._handles = []
        for p in self._hooked:  # a dictionary of hooks is called in each backward pass, also empty
            if p._backward_hooks is not None and not p._backward_hooks:
                p._backward_hooks = None
        self._hooked = []

    def finish(self, loss: Any, step: int) -> Iterator[Finding]:
        """The step of this number is over; judges it and those before."""
        self.stop()
        sums = fingerprint_of(p for _, p in self.watched)
        same, seen = self.still
        self.still = (sums, [*seen, step] if sums == same and not self._steps else [step])
        self.steps.append(self._steps if self._passes == 1 else 1)  # each pass may have its own
        there = {
            name: p.grad
            for name, p in self.watched
            if p.grad is not None
            and name in self._arrived
            and (not self._held or id(p) in self._held)
        }
        if there:
            came = self._arrived
            other = {n: g for n, g in there.items() if not torch.equal(g.detach(), came[n])}
            turned = len(other) == len(there)
            self.flipped.append(turned and all(_is_turned(g, came[n]) for n, g in other.items()))
        self._follow(there, step)
        nothing = not self._arrived and all(p.grad is None for _, p in self.watched)
        self.silent.append(nothing and sums == same and bool(self.watched))
        yield from self._detached(loss)
        yield from self._of_another(loss)
        yield from self._judged()

    def _follow(self, there: dict[str, Any], step: int) -> None:
        """Compares with the step before, if that was looked at, or asks to see the next one, too.

        Gradients may be added up over several batches on purpose: kept past a step of their
        optimiser, and added to the next ones, they are not.
        """
        used = {name: p for name, p in self.watched if name in there and id(p) in self._used}
        kept = self._holds_older(used, there)
        if self._looked_at == step - 1:
            same = [n for n, p in used.items() if id(p) in self._used_before and n in self._left]
            as_left = all(
                n in self._before and torch.equal(self._before[n], self._left[n]) for n in same
            )
            self.kept = self.kept + 1 if as_left and self._holds_older(same, there) else 0
        elif self.kept < TWICE:
            self.kept = 0
        self.follows = kept and self.kept < TWICE and self._followed < MOST_FOLLOWED
        self._followed += self.follows
        self._looked_at, self._used_before = step, frozenset(self._used)
        self._left = {name: g.detach().clone() for name, g in there.items()}

    def _holds_older(self, names: Collection[str], there: dict[str, Any]) -> bool:
        """Whether these gradients hold what was there before this look; not if there are none."""
        return _is_kept(
            [self._before.get(name) for name in names],
            [self._arrived[name] for name in names],
            [there[name].detach() for name in names],
        )

    def _add(self, name: str, gradient: Tensor) -> None:
        known = self._arrived.get(name)
        new = gradient.detach()
        self._arrived[name] = new.clone() if known is None else known + new

    def _stepped(self, optimiser: Any, *_: Any) -> None:
        held = {id(p) for group in optimiser.param_groups for p in group["params"]}
        if not held & self.own:
            return
        self._used.update(held & self.own)
        self._held |= held
        left = [p.grad for name, p in self.watched if id(p) in held and name in self._arrived]
        nothing = bool(left) and all(g is None or not bool(g.any()) for g in left)
        self.cleared.append(nothing and any(bool(g.any()) for g in self._arrived.values()))

    @property
    def _steps(self) -> int:
        """How often the parameter that was stepped most was stepped in this look."""
        return max(self._used.values(), default=0)

    def _detached(self, loss: Any) -> Iterator[Finding]:
        cut = isinstance(loss, Tensor) and not loss.requires_grad
        if not cut or self._arrived or not self.watched:
            return
        if any(p.grad is not None for _, p in self.watched):
            return
        yield Finding(
            Kind.DETACHED_LOSS,
            Severity.CRITICAL,
            None,
            {"loss_requires_grad": False},
            "Compute the loss from tensors that autograd follows: no gradient reached the model in "
            "this step. Something between its outputs and the loss is detached, made into a plain "
            "number or a new tensor, or run under no_grad.",
            (),
        )

    def _of_another(self, loss: Any) -> Iterator[Finding]:
        follows = isinstance(loss, Tensor) and loss.requires_grad
        if not follows or len(self.silent) < LOOKS or not all(self.silent):
            return
        yield Finding(
            Kind.DETACHED_LOSS,
            Severity.CRITICAL,
            None,
            {"looks": LOOKS, "loss_requires_grad": True},
            f"{CHANGE[Kind.DETACHED_LOSS]}: at each of the last "
            f"{LOOKS} steps looked at no gradient reached the model and no weight moved, though "
            "the loss can be followed to it. Is it another loss, or another copy of the model, "
            "that goes backward?",
            LOOP,
        )

    def _judged(self) -> Iterator[Finding]:
        if self.kept:
            yield Finding(
                Kind.MISSING_ZERO_GRAD,
                Severity.WARNING,
                None,
                {"looks": self.kept},
                f"{CHANGE[Kind.MISSING_ZERO_GRAD]}: of steps that followed one another each had "
                "the gradient of the one before, and its own added to it.",
                LOOP,
            )
        if len(self.flipped) == LOOKS and all(self.flipped):
            yield Finding(
                Kind.GRADIENT_SIGN_FLIPPED,
                Severity.WARNING,
                None,
                {"looks": LOOKS},
                f"{CHANGE[Kind.GRADIENT_SIGN_FLIPPED]}: at each of the last "
                f"{LOOKS} steps looked at the parameters held the opposite of what the backward "
                "pass gave, so each step makes this loss larger.",
                LOOP,
            )
        if len(self.cleared) == LOOKS and all(self.cleared):
            yield Finding(
                Kind.OPTIMISER_NEVER_STEPS,
                Severity.WARNING,
                None,
                {"looks": LOOKS, "gradients_cleared": True},
                "Call optimiser.zero_grad() before loss.backward(), not between that and "
                "optimiser.step(): at each of the last steps looked at the gradients had been "
                "cleared before the optimiser saw them, so nothing is learnt.",
                LOOP,
            )
        if self._stands_still():
            yield Finding(
                Kind.OPTIMISER_NEVER_STEPS,
                Severity.WARNING,
                None,
                {"looks": len(self.still[1]), "steps": self.still[1][-1] - self.still[1][0]},
                f"{CHANGE[Kind.OPTIMISER_NEVER_STEPS]}: gradients arrive, but no "
                f"optimiser of these weights stepped at any of {len(self.still[1])} steps looked "
                "at, and the weights are the same. A scheduler's step() moves none.",
                LOOP,
            )
        if len(self.steps) == LOOKS and min(self.steps) >= 2:
            yield Finding(
                Kind.TWO_STEPS_A_BATCH,
                Severity.WARNING,
                None,
                {"optimiser_steps": list(self.steps)},
                f"{CHANGE[Kind.TWO_STEPS_A_BATCH]}: it was called {min(self.steps)} times.",
                LOOP,
            )
        if len(self.prints) == LOOKS and len(set(self.prints)) == 1:
            yield Finding(
                Kind.SAME_BATCH,
                Severity.WARNING,
                None,
                {"looks": LOOKS, "batches": self.batches},
                f"{CHANGE[Kind.SAME_BATCH]}: the last {LOOKS} steps looked at had the same "
                f"inputs, of {self.batches} batches that there are.",
                LOOP,
            )

    def _stands_still(self) -> bool:
        """Whether gradients arrived, and no step was made and no weight moved in between."""
        looks = self.still[1]
        return len(looks) >= LOOKS and looks[-1] - looks[0] >= STANDING and bool(self._arrived)


def _is_turned(gradient: Tensor, arrived: Tensor) -> bool:
    """Whether a gradient is the opposite of what this step's backward pass gave."""
    g, a = gradient.detach().double().reshape(-1), arrived.double().reshape(-1)
    size = float(g.norm() * a.norm())
    return 0 < size < math.inf and float(g @ a) < (EQUAL - 1) * size


def _is_kept(
    before: Sequence[Tensor | None], arrived: Sequence[Tensor], now: Sequence[Tensor]
) -> bool:
    """Whether gradients are what was there before and what arrived, added up.

    Maybe clipped since, or divided by a factor: then the older one must point elsewhere.
    """
    if not now or any(g is None for g in before):
        return False
    old, came, there = (
        torch.cat([g.double().flatten() for g in part if g is not None])
        for part in (before, arrived, now)
    )
    size, total = float(there.norm()), old + came
    far, length = float(old.norm()), float(came.norm())
    if not 0 < size < math.inf or not ASIDE * length < far < math.inf:
        return False
    if float((there - total).norm()) <= EQUAL * size:
        return True
    most = float(there.abs().max())
    cut = float((there - total.clamp(-most, most)).norm()) <= EQUAL * size
    along = float((there / size - total / total.norm().clamp_min(1e-300)).norm()) <= EQUAL
    aside = old - came * (old @ came) / max(length**2, 1e-300)
    return (cut or along) and float(aside.norm()) > ASIDE * far
