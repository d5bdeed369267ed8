# pyright: basic
"""What a model makes of the places of a sequence: their order, and how much each of them counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

from spurious.diagnose.measure.batches import Batch, Sample
from spurious.diagnose.measure.fresh import started_afresh, with_random_weights
from spurious.diagnose.measure.neighbours import columns_of
from spurious.diagnose.measure.objective import output_tensor
from spurious.diagnose.measure.preserve import examined
from spurious.errors import InputError

MOVED: Final = 1e-4
"""Change of outputs, in units of their size, that is more than rounding."""

FEWEST_POINTS: Final = 64
"""Fewer points say nothing about what a step in time is worth."""

RIDGE: Final = 1e-3
"""Penalty of the linear probe, in units of the features' variance."""

UNSEEN: Final = 1e-2
"""A step whose signal is less than a hundredth of the largest one's moves the outputs hardly."""

POINTS_PER_NUMBER: Final = 8
"""Points for each number that the probe of several steps takes."""

MOST_PADDED: Final = 0.5
"""Sequences are padded if half of them are."""

TINY: Final = 1e-30
"""Instead of a slope of 0."""

MOST_WORDS: Final = 512
"""Words that the probe tells apart."""

MOST_STEPS: Final = 512
"""Longer sequences are not probed."""


@dataclass(frozen=True)
class TimeSteps:
    """What each step of sequences is worth.

    Attributes:
        signals: |df/dx_t| |x_t| of the outputs by the inputs (or embeddings) at each step, (T,), in
            units of the largest; the larger one of the model's and of a copy's that starts afresh.
        explained: Share of the targets that a linear map of the inputs at each step explains, on
            points that it was not fitted to, (T,).
        unseen: The same of several steps together, of those that hardly move the outputs.
    """

    signals: tuple[float, ...]
    explained: tuple[float, ...]
    unseen: float


@dataclass(frozen=True)
class Padding:
    """What sequences end in that have been made as long as the longest.

    Attributes:
        share: Share of all steps that are so.
        reached: |df/dx| at the last step before, in units of that at the very last, of the median
            sequence; the larger one of the model's and of a copy's that starts afresh.
    """

    share: float
    reached: float


def padding_of(model: nn.Module, sample: Sample) -> Padding | None:
    """The padding behind the sequences; None if most have none, or the model gives no slopes.

    It is the entry (a word, or numbers) that most sequences end in.
    """
    x = _sequences(sample.batches[0])
    if x is None or x.shape[1] < 2:
        return None
    rows = x[:, -1].reshape(len(x), -1)
    ends, counts = torch.unique(rows, dim=0, return_counts=True)
    end = ends[counts.argmax()].reshape(x.shape[2:])
    same = (x == end).reshape(*x.shape[:2], -1).all(2)
    behind = same.flip(1).long().cumprod(1).sum(1)  # steps at the end of each
    padded = (behind > 0) & (behind < x.shape[1])
    if float(padded.double().mean()) < MOST_PADDED:
        return None
    which = torch.nonzero(padded).flatten()
    last = x.shape[1] - behind[padded] - 1

    def reached(network: nn.Module) -> float:
        found = _slopes(network, x)
        if found is None:
            return 1.0
        sizes = found[0].norm(dim=2)
        before, at_end = sizes[which, last], sizes[which, -1]
        return float((before / at_end.clamp_min(TINY)).median()) if bool(at_end.any()) else 1.0

    ratio = reached(model)
    try:
        clone = started_afresh(model)
        ratio = ratio if clone is None else max(ratio, reached(clone))
    except InputError:  # it cannot be copied
        pass
    return Padding(float(behind.sum()) / same.numel(), ratio)


def is_order_blind(model: nn.Module, batch: Batch) -> bool:
    """Whether the outputs stay the same when the places of all sequences are exchanged alike.

    Those of the model, and of a copy with random weights for inputs of size 1: what is large may
    drown positions.
    """
    x = _sequences(batch)
    if x is None or x.shape[1] < 2 or bool((x == x[:, :1]).all()):
        return False
    order = torch.randperm(x.shape[1], generator=torch.Generator().manual_seed(0))
    if bool((order == torch.arange(len(order))).all()):
        order = order.flip(0)
    size = float(x.std()) if x.is_floating_point() else 0.0
    unit = x / size if size > 0 else x
    try:
        return _is_blind(model, x, order) and _is_blind(with_random_weights(model, 0), unit, order)
    except Exception:
        return False


def reads_answers(model: nn.Module, batch: Batch) -> bool:
    """Whether targets are the words of the inputs, and no output is moved by words behind its own.

    Then each place has read its answer, and not those behind it; what stands before it has been
    read, too, which is of no use. Words are (n, T) whole numbers.
    """
    x, y = _sequences(batch), batch.targets
    if x is None or x.is_floating_point() or not isinstance(y, Tensor) or x.shape != y.shape:
        return False
    half = x.shape[1] // 2
    if half < 2 or not bool((x == y).all()) or bool((x == x[:1]).all()):
        return False
    late, early = x.clone(), x.clone()
    late[:, half:], early[:, :half] = x.roll(1, 0)[:, half:], x.roll(1, 0)[:, :half]
    try:
        with examined(model), torch.no_grad():
            made = [output_tensor(model(v)) for v in (x, late, early)]
    except Exception:
        return False
    known = [f for f in made if f is not None and f.ndim == 3]
    if len(known) < len(made):
        return False

    def moves(axis: int, other: Tensor, first: int) -> bool:
        pair = (f.narrow(axis, first, half) for f in (known[0], other))
        return not torch.equal(*pair)

    axes = [axis for axis in (1, 2) if known[0].shape[axis] == x.shape[1]]
    return any(not moves(axis, known[1], 0) and moves(axis, known[2], half) for axis in axes)


def _is_blind(model: nn.Module, x: Tensor, order: Tensor) -> bool:
    with examined(model), torch.no_grad():
        once, again = (output_tensor(model(v)) for v in (x, x[:, order.to(x.device)]))
    if once is None or again is None or once.shape != again.shape:
        return False
    if not once.is_floating_point() or bool((once == once[:1]).all()):
        return False  # an output that is the same for all says nothing about order
    apart = float((once - again).abs().max())
    return apart <= MOVED * float(once.abs().max())


def time_steps(model: nn.Module, sample: Sample) -> TimeSteps | None:
    """Signals and probes of the steps; None if the inputs are no sequences."""
    batch, y = sample.batches[0], sample.targets
    x = _sequences(batch)
    if x is None or not isinstance(y, Tensor) or sample.size < FEWEST_POINTS:
        return None
    if not 2 <= x.shape[1] <= MOST_STEPS or y.ndim > 2 or (y.ndim == 2 and y.shape[1] > 64):
        return None
    signals = _shares(model, x)
    if signals is None:
        return None
    whole = sample.inputs
    columns = None if whole is None else whole if whole.ndim == 3 else words_told_apart(whole)
    if columns is None:
        return None
    explained = [explained_by(columns[:, t], y) for t in range(columns.shape[1])]
    hidden = sorted(unseen_steps(signals), key=lambda t: -explained[t])
    few = hidden[: max(len(columns) // (POINTS_PER_NUMBER * columns.shape[2]), 1)]
    together = explained_by(columns[:, few], y) if few else 0.0
    return TimeSteps(tuple(signals), tuple(explained), together)


def unseen_steps(signals: Sequence[float]) -> list[int]:
    """The steps that hardly move the outputs."""
    least = UNSEEN * max(signals)
    return [t for t, signal in enumerate(signals) if signal < least]


def _sequences(batch: Batch) -> Tensor | None:
    """Inputs that are sequences: (n, T, d) of numbers or (n, T) of words."""
    if len(batch.args) != 1 or batch.kwargs or not isinstance(batch.args[0], Tensor):
        return None
    x = batch.args[0]
    numbers, words = x.is_floating_point() and x.ndim == 3, not x.is_floating_point()
    return x if numbers or (words and x.ndim == 2) else None


def words_told_apart(x: Tensor) -> Tensor | None:
    """Words (n, T) as rows with a single 1, (n, T, K); None if there are too many of them."""
    _, which = torch.unique(x, return_inverse=True)
    count = int(which.max()) + 1
    return nn.functional.one_hot(which, count).float() if count <= MOST_WORDS else None


def _shares(model: nn.Module, x: Tensor) -> list[float] | None:
    """Signals in units of the largest, whatever the weights are: of the model or of a start."""
    own, other = _signals(model, x), None
    try:
        clone = started_afresh(model)
        other = None if clone is None else _signals(clone, x)
    except InputError:  # it cannot be copied
        pass
    known = [signals for signals in (own, other) if signals is not None and max(signals) > 0]
    if own is None or not known:
        return own
    shares = ([s / max(one) for s in one] for one in known)
    return [max(values) for values in zip(*shares, strict=True)]


def _signals(model: nn.Module, x: Tensor) -> list[float] | None:
    """|df/dx_t| |x_t| at each step, of one combination of the outputs."""
    found = _slopes(model, x)
    if found is None:
        return None
    slope, values = found
    sizes = slope.norm(dim=(0, 2)) * values.norm(dim=(0, 2))
    return [float(size) for size in sizes]


def _slopes(model: nn.Module, x: Tensor) -> tuple[Tensor, Tensor] | None:
    """df/dx of one combination of the outputs, and x or its embeddings, (n, T, d)."""
    caught: list[Tensor] = []
    handles = []

    def keep(_: Any, args: tuple, out: Any) -> None:
        if args and args[0] is x and isinstance(out, Tensor) and out.ndim == 3:
            caught.append(out)

    try:
        with examined(model), torch.enable_grad():
            if x.is_floating_point():
                x = x.clone().requires_grad_()
                caught.append(x)
            else:
                embeddings = [m for m in model.modules() if isinstance(m, nn.Embedding)]
                handles = [m.register_forward_hook(keep) for m in embeddings]
            out = output_tensor(model(x))
            if out is None or not caught or not out.requires_grad:
                return None
            draw = torch.randn(out.shape[1:], generator=torch.Generator().manual_seed(0))
            (slope,) = torch.autograd.grad((out * draw.to(out)).sum(), caught[:1])
    except Exception:
        return None
    finally:
        for handle in handles:
            handle.remove()
    return slope, caught[0].detach()


def explained_by(features: Tensor, targets: Tensor) -> float:
    """Share of the targets that a linear map fitted to every other point explains of the rest."""
    x, y = features.detach().double().flatten(1), columns_of(targets)
    x = torch.cat([x - x.mean(0), torch.ones_like(x[:, :1])], 1)
    here, there = slice(0, None, 2), slice(1, None, 2)
    penalty = RIDGE * x[here].pow(2).sum(0).mean().clamp_min(1e-12)
    square = x[here].T @ x[here] + penalty * torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
    fit = torch.linalg.solve(square, x[here].T @ y[here])
    spread = (y[there] - y[there].mean(0)).pow(2).sum()
    missed = (y[there] - x[there] @ fit).pow(2).sum()
    return float(1 - missed / spread) if float(spread) > 0 else 0.0
