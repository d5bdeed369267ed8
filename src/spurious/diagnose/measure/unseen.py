# pyright: basic
"""What of the inputs a model's code lets through, whatever its weights are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from spurious.diagnose.measure.batches import Sample
from spurious.diagnose.measure.fresh import outputs_of, with_random_weights
from spurious.diagnose.measure.sequences import explained_by, words_told_apart

SEEDS: Final = (0, 1)
"""Two draws of all weights: one may shut all units of a layer."""

MORE_SEEDS: Final = range(2, 24)
"""Further draws where those show nothing: of two relus in a row a draw often lets nothing pass."""

MOVED: Final = 1e-6
"""Change of outputs, in units of their size, that is more than rounding."""

LARGE: Final = 20.0
"""Inputs beyond this shut tanh and sigmoids whatever they say."""

MOST_PLACES: Final = 64
"""Columns, or steps of a sequence, that are tried one by one."""

PADDED: Final = 0.05
"""A twentieth of the sequences is padded: a word at the end alone is no accident."""


@dataclass(frozen=True)
class Unseen:
    """What does not move the outputs.

    Attributes:
        everything: Whether no input moves them.
        padding: The word that fills up shorter sequences; of these the words are then unseen, and
            the lengths may be seen. None without such a word.
        places: Columns, or steps of sequences, that do not move the outputs.
        told: Share of the targets that a linear map of all places explains, on points that it was
            not fitted to, beyond what one of the other places does.
    """

    everything: bool
    padding: int | None
    places: tuple[int, ...]
    told: float


def unseen_by(model: nn.Module, sample: Sample) -> Unseen | None:
    """What the outputs do not depend on; None if all moves them, or it cannot be tried."""
    x, y, batch = sample.inputs, sample.targets, sample.batches[0]
    if x is None or not isinstance(y, Tensor) or not y.ndim or batch.size < 4:
        return None
    first = batch.args[0]
    if first.ndim < 2:
        return None  # one number or word is all there is
    varied = (first != first[:1]).flatten(1).any(0).reshape(first.shape[1:])
    if not bool(varied.any()) or bool((y == y[:1]).all()):
        return None
    if x.is_floating_point() and float(x.abs().max()) > LARGE:
        return None  # functions may be at their flat ends, which is said of the scale
    try:
        clones = [with_random_weights(model, seed) for seed in SEEDS]
        known = [outputs_of(clone, first) for clone in clones]
        pairs = [(c, f) for c, f in zip(clones, known, strict=True) if f is not None]
        if len(pairs) < len(SEEDS) or any(_moves(c, f, first) for c, f in pairs):
            return None  # no tensor, or random numbers in evaluation mode
        padding = _padding(x)
        other = first.roll(1, 0) if first.is_floating_point() else _other_words(first, padding)
        seen = any(_moves(clone, f, other) for clone, f in pairs)
        if not seen and not _moved_by_other_weights(model, first, other):
            return Unseen(True, padding, (), 0.0)
        places = tuple(
            place
            for place in (_places(pairs, first, varied) if seen else ())
            if not _moved_by_other_weights(model, first, _exchanged(first, place))
        )
    except Exception:
        return None
    columns = x[:, :, None] if x.is_floating_point() and x.ndim == 2 else x
    columns = columns if columns.ndim == 3 else words_told_apart(columns)
    if not places or columns is None or y.ndim > 2:
        return None
    rest = [k for k in range(columns.shape[1]) if k not in places]
    known = max(explained_by(columns[:, rest], y), 0.0) if rest else 0.0
    return Unseen(False, padding, places, explained_by(columns, y) - known)


def _moved_by_other_weights(model: nn.Module, x: Tensor, other: Tensor) -> bool:
    """Whether other inputs give other outputs under any further draw of the weights."""
    for seed in MORE_SEEDS:
        clone = with_random_weights(model, seed)
        before = outputs_of(clone, x)
        if before is None or _moves(clone, before, other):
            return True
    return False


def _exchanged(x: Tensor, place: int) -> Tensor:
    """Inputs whose points have exchanged this column or step."""
    other = x.clone()
    other[:, place] = x.roll(1, 0)[:, place]
    return other


def _moves(model: nn.Module, before: Tensor, x: Tensor) -> bool:
    after = outputs_of(model, x)
    if after is None or after.shape != before.shape:
        return True
    return not float((after - before).abs().max()) <= MOVED * float(before.abs().max())


def _places(pairs: list[tuple[nn.Module, Tensor]], x: Tensor, varied: Tensor) -> tuple[int, ...]:
    """Columns or steps that change between points and move no output."""
    if x.ndim not in (2, 3) or x.shape[1] > MOST_PLACES:
        return ()
    return tuple(
        place
        for place in range(x.shape[1])
        if bool(varied[place].any())
        and not any(_moves(c, f, _exchanged(x, place)) for c, f in pairs)
    )


def _padding(x: Tensor) -> int | None:
    """The word that stands at the end (or the beginning) of shorter sequences, and only there."""
    if x.is_floating_point() or x.ndim != 2 or x.shape[1] < 2:
        return None
    for word in torch.unique(x[:, [0, -1]]).tolist():
        here = (x == word).int()
        count = here.sum(1)
        for way in (here, here.flip(1)):
            leads = way.cumprod(1).sum(1)
            if bool((leads == count).all()) and float((count > 0).double().mean()) >= PADDED:
                return int(word)
    return None


def _other_words(x: Tensor, padding: int | None) -> Tensor:
    """Sequences of the same lengths, of words that stand elsewhere, in any sequence."""
    other, words = x.clone(), torch.ones_like(x, dtype=torch.bool)
    words = words if padding is None else x != padding
    order = torch.randperm(int(words.sum()), generator=torch.Generator().manual_seed(0))
    other[words] = x[words][order.to(x.device)]
    return other
