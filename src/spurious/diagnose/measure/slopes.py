# pyright: basic
"""Autograd's gradient beside differences of outputs: what is cut, though values pass through."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from spurious.diagnose.measure.batches import Batch, Sample
from spurious.diagnose.measure.fresh import with_random_weights
from spurious.diagnose.measure.objective import output_tensor
from spurious.diagnose.measure.preserve import examined

STEP: Final = 1e-6
"""Length of a step, in units of a parameter's size: differences in double precision then have some
eight digits."""

MOST: Final = 12
"""Parameters that are moved, the largest."""

BENT: Final = 1e-6
"""Deviation at midpoints, in double precision, of a function that is affine but for rounding."""

INVERSES: Final[dict[str, Callable[[Tensor], Tensor]]] = {
    "sigmoid": torch.logit,
    "tanh": torch.atanh,
    "softmax": lambda f: f.log() - f.log().mean(1, keepdim=True),
    "log_softmax": lambda f: f - f.mean(1, keepdim=True),
}
"""What undoes a last function, but for what is the same in all outputs."""

ROUNDING: Final = frozenset({"round", "sign", "sgn", "floor", "ceil", "trunc", "heaviside"})
"""Functions that jump."""

WORTH: Final = 1e-3
"""A parameter counts that moves the outputs by a thousandth of what the first one does."""


def asks_nothing_of(
    model: nn.Module, sample: Sample, loss: Callable[[Any, Any], Tensor], columns: Sequence[int]
) -> bool:
    """Whether weights that move all of some columns of the outputs have the gradient 0.

    Not where no weight moves one of them (a mask that is handed on), nor where all that do are
    trained by other outputs (of the same layers for another input, say).

    Args:
        model: Left as it is.
        sample: The points.
        loss: Of the outputs of all points, and targets.
        columns: Numbers along the outputs' axis 1.
    """
    weights = [p for p in model.parameters() if p.requires_grad]
    try:
        with examined(model), torch.enable_grad(), torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)
            made = [output_tensor(model(*b.args, **b.kwargs)) for b in sample.batches]
            f = torch.cat([one for one in made if one is not None])
            value = loss(f, sample.targets)
            asked = torch.autograd.grad(value, weights, retain_graph=True, allow_unused=True)
            for k in columns[:MOST]:
                moves = torch.autograd.grad(
                    f[:, k].sum(), weights, retain_graph=True, allow_unused=True
                )
                if not any(_is_silent(*pair) for pair in zip(moves, asked, strict=True)):
                    return False
    except Exception:
        return False
    return True


def _is_silent(moves: Tensor | None, asked: Tensor | None) -> bool:
    """Whether of the rows of weights that move something most have the gradient 0.

    A few may have it by chance: units that are on for none of the points that are asked about.
    """
    if moves is None or not bool(moves.any()):
        return False
    if asked is None:
        return True
    own, slope = (g.reshape(len(g), -1) if g.ndim else g.reshape(1, 1) for g in (moves, asked))
    rows = (own != 0).any(1)
    return 2 * int((rows & (slope == 0).all(1)).sum()) > int(rows.sum())


def missed_by_autograd(model: nn.Module, sample: Sample) -> dict[str, float]:
    """Share of the outputs' change that autograd does not see, by the parameter that is moved.

    Of one combination of the outputs, not of the loss: what a loss detaches (targets that the model
    gave itself, say) may be meant so. The weights are drawn at random: those that training left may
    shut all ways. Each parameter is moved along a direction drawn by chance.
    What has a gradient and does not move the outputs (straight-through estimators) is left out; so
    is everything where the outputs are not a function of the parameters in double precision, where
    a function brings its own gradient (`torch.autograd.Function`; reversal, say), or where numbers
    are rounded, past which a gradient is led on purpose.
    """
    batch = sample.batches[0]
    try:
        clone = with_random_weights(model, 0).double()
        return _missed(clone, batch.in_precision(torch.float64))
    except Exception:
        return {}


def has_own_gradients(model: nn.Module, batch: Batch) -> bool:
    """Whether a function in the model (a reversal of gradients, say) brings its own gradient."""
    try:
        with examined(model), torch.enable_grad():
            made = model(*batch.args, **batch.kwargs)
    except Exception:
        return False
    parts = tuple(made.values()) if isinstance(made, Mapping) else made
    several = parts if isinstance(parts, (tuple, list)) else (output_tensor(made),)
    return any(isinstance(part, Tensor) and _brings_its_own(part) for part in several)


def is_affine_inside(model: nn.Module, x: Tensor, last: str) -> bool:
    """Whether outputs are an affine function of the inputs, (n, ...), behind a last function.

    Of a copy with weights drawn at random, whose last function is undone.
    """
    undo = INVERSES.get(last)
    if undo is None or len(x) < 4 or not x.is_floating_point():
        return False
    half = len(x) // 2
    one, other = x[:half].double(), x[half : 2 * half].double()
    try:
        clone = with_random_weights(model, 0).double()
        with examined(clone), torch.no_grad():
            made = [output_tensor(clone(z)) for z in (one, other, (one + other) / 2)]
    except Exception:
        return False
    first, second, middle = (undo(f) if f is not None else None for f in made)
    if first is None or second is None or middle is None:
        return False
    apart = float((first - second).pow(2).mean().sqrt()) / 2
    return apart > 0 and float((middle - (first + second) / 2).pow(2).mean().sqrt()) < BENT * apart


def is_slopeless(model: nn.Module, batch: Batch) -> bool:
    """Whether outputs change with the weights and have the gradient 0 whatever the weights are.

    So it is behind steps, signs and rounding. Of copies with weights drawn at random.
    """
    try:
        with torch.enable_grad():
            made: list[Tensor] = []
            for seed in range(2):
                clone = with_random_weights(model, seed)
                trained = [p for p in clone.parameters() if p.requires_grad]
                with examined(clone):
                    out = output_tensor(clone(*batch.args, **batch.kwargs))
                if out is None or not out.requires_grad or bool((out == out[:1]).all()):
                    return False
                slopes = torch.autograd.grad(out, trained, torch.randn_like(out), allow_unused=True)
                if any(slope is not None and bool(slope.any()) for slope in slopes):
                    return False
                made.append(out.detach())
    except Exception:
        return False
    return not torch.equal(made[0], made[1])


def _brings_its_own(value: Tensor) -> bool:
    """Whether a function in the graph brings its own gradient."""
    seen, pending = set[Any](), [value.grad_fn]
    while pending:
        node = pending.pop()
        if node is None or node in seen:
            continue
        if isinstance(node, torch.autograd.function.BackwardCFunction):
            return True
        seen.add(node)
        pending += [below for below, _ in node.next_functions]
    return False


class _Rounding(TorchFunctionMode):
    """Notes whether anything is rounded."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = False

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.seen = self.seen or getattr(func, "__name__", "").rstrip("_") in ROUNDING
        return func(*args, **(kwargs or {}))


def _missed(model: nn.Module, batch: Batch) -> dict[str, float]:
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    named = sorted(named, key=lambda pair: -pair[1].numel())[:MOST]
    draw = torch.Generator().manual_seed(0)

    resting = {  # rows that get no gradient by design
        id(m.weight): m.padding_idx
        for m in model.modules()
        if isinstance(m, nn.Embedding) and m.padding_idx is not None
    }

    def value() -> Tensor:
        out = output_tensor(model(*batch.args, **batch.kwargs))
        assert out is not None
        weights = torch.randn(out.shape, generator=torch.Generator().manual_seed(1))
        return (out * weights.to(out)).sum()

    changes: dict[str, tuple[float, float]] = {}
    with examined(model), torch.enable_grad():
        with _Rounding() as rounds:
            now = value()
        if rounds.seen:
            return {}
        if float(now.detach()) != float(value().detach()) or not now.requires_grad:
            return {}
        if _brings_its_own(now):
            return {}
        slopes = torch.autograd.grad(now, [p for _, p in named], allow_unused=True)
        for (name, p), slope in zip(named, slopes, strict=True):
            way = torch.randn(p.shape, generator=draw, dtype=torch.float64).to(p)
            if id(p) in resting:
                way[resting[id(p)]] = 0.0
            size = STEP * (float(p.detach().pow(2).mean().sqrt()) or 1.0)
            along = 0.0 if slope is None else float((slope * way).sum())
            kept, ends = p.detach().clone(), list[float]()
            for sign in (1, -1):
                with torch.no_grad():
                    p.copy_(kept + sign * size * way)
                ends.append(float(value().detach()))
            with torch.no_grad():
                p.copy_(kept)
            changes[name] = (ends[0] - ends[1], 2 * size * along)
    least = WORTH * max((abs(by) for by, _ in changes.values()), default=0.0)
    rounding = 1e-12 * abs(float(now.detach()))
    return {
        name: abs(by - seen) / abs(by)
        for name, (by, seen) in changes.items()
        if abs(by) > max(least, 1e3 * rounding)
    }
