# pyright: basic
"""Whether the points of a batch look at one another."""

from __future__ import annotations

import enum
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from spurious.diagnose.measure.batches import Sample
from spurious.diagnose.measure.objective import output_tensor
from spurious.diagnose.measure.preserve import examined

MOVED: Final = 1e-4
"""Change of other points' outputs, in units of the outputs' size, that is more than rounding."""


class Mixing(enum.Enum):
    """What a point's output depends on besides its own input."""

    NONE = "nothing"
    POINTS = "the other points of its batch, in whatever order: they may be nodes of one graph"
    PLACES = "the places in the batch"


def mixing(model: nn.Module, sample: Sample) -> Mixing:
    """What outputs depend on: the other points of the batch, or the place in it.

    The first point is changed, and the points change places.
    """
    batch = sample.batches[0]
    x = batch.args[0] if len(batch.args) == 1 and not batch.kwargs else None
    if (
        not isinstance(x, Tensor)
        or batch.size < 3
        or any(isinstance(m, _NormBase) for m in model.modules())
    ):
        return Mixing.NONE
    other = x.clone()
    if x.is_floating_point():
        other[0] = x[0] + x.std().clamp_min(1e-3) * torch.sign(x[0] - x[1] + 0.5)
    else:
        other[0] = x[1]
    try:
        with examined(model), torch.no_grad():
            made = [output_tensor(model(v)) for v in (x, other, x, x.roll(1, 0))]
    except Exception:
        return Mixing.NONE
    found = [f.detach() for f in made if f is not None]
    if len(found) < len(made) or len(found[0]) != batch.size:
        return Mixing.NONE
    once, again, same, rolled = found
    if not torch.equal(once, same) or _wants_all(model, x):
        return Mixing.NONE  # it draws random numbers, or the points are the nodes of one graph
    apart = float((once[1:] - again[1:]).abs().max())
    moved = float((once - rolled.roll(-1, 0)).abs().max())
    least = MOVED * max(float(once.abs().max()), 1e-30)
    if moved > least:
        return Mixing.PLACES
    return Mixing.POINTS if apart > least else Mixing.NONE


def _wants_all(model: nn.Module, x: Tensor) -> bool:
    """Whether the model refuses a batch without its last point."""
    try:
        with examined(model), torch.no_grad():
            model(x[:-1])
    except Exception:
        return True
    return False
