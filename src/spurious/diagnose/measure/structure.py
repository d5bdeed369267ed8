# pyright: basic
"""What a model computes between its layers: softmaxes, norms, layers in a row, the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import Any, Final

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from spurious.diagnose.measure.inside import Attention

SOFTMAXES: Final[dict[Any, bool]] = {
    F.softmax: False,
    torch.softmax: False,
    Tensor.softmax: False,
    F.log_softmax: True,
    torch.log_softmax: True,
    Tensor.log_softmax: True,
}
"""Functions, and whether they give logarithms."""

ENDS: Final[dict[Any, str]] = {
    F.logsigmoid: "logsigmoid",
    torch.clamp: "clamp",
    Tensor.clamp: "clamp",
    torch.clip: "clamp",
    Tensor.clip: "clamp",
    torch.exp: "exp",
    Tensor.exp: "exp",
    torch.square: "square",
    Tensor.square: "square",
    torch.sin: "sin",
    Tensor.sin: "sin",
}
"""Functions with a bounded range that are no activations of hidden units."""

SIMPLEX: Final = 1e-4
"""Rows whose sum is 1 to within this, and that are not negative, are probabilities: other
functions of random weights do not come so close on every point."""


@dataclass(frozen=True)
class Softmax:
    """One softmax.

    Attributes:
        where: Name of the module that calls it.
        size: Numbers that share one sum.
        over_points: Whether the sum runs over the first axis, as long as a batch.
        of_rows: Whether there is one other axis, so that the first one is that of the points.
        is_log: Whether its logarithm is taken.
    """

    where: str
    size: int
    over_points: bool
    of_rows: bool
    is_log: bool


@dataclass
class StructureSeen:
    """What was seen in forward passes.

    Attributes:
        softmaxes: By the name of the module.
        empty_norms: Modules that normalise a single number, which gives a constant.
        paired_norms: Modules that normalise two numbers, which leaves the sign of their difference.
        chained: Pairs of affine layers with nothing in between that bends.
        simplex_fed: Whether the inputs of an affine layer were probabilities, batch after batch.
        ends: Names of the functions behind the last layer, in their order, of those known.
        recurrent_steps: Steps in time of recurrent layers, of one batch.
        gates: Share of values of a recurrent layer's gate that pass on less than a hundredth.
        through_time: The signal that reaches a recurrent layer's first step over the largest one.
        batch_as_time: Modules without `batch_first` that were given (batch, steps, features).
        attentions: What queries look at, of fused attention.
        one_step: Whether a recurrent module got one step without a state from before, each time.
    """

    softmaxes: dict[str, Softmax] = field(default_factory=dict[str, Softmax])
    empty_norms: set[str] = field(default_factory=set[str])
    paired_norms: set[str] = field(default_factory=set[str])
    chained: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    simplex_fed: dict[str, bool] = field(default_factory=dict[str, bool])
    ends: tuple[str, ...] = ()
    recurrent_steps: int = 0
    gates: dict[str, float] = field(default_factory=dict[str, float])
    through_time: dict[str, float] = field(default_factory=dict[str, float])
    attentions: dict[str, Attention] = field(default_factory=dict[str, Attention])
    batch_as_time: set[str] = field(default_factory=set[str])
    one_step: dict[str, bool] = field(default_factory=dict[str, bool])

    @property
    def last(self) -> str:
        """Name of the function that gave the model's output, or "" if it is none of those known."""
        return self.ends[-1] if self.ends else ""

    def note_simplex(self, name: str, inputs: Tensor) -> None:
        """Notes whether inputs, (..., d), are probabilities; equal rows may be so by chance."""
        if self.simplex_fed.get(name, True):
            fed = inputs.ndim > 1 and on_simplex(inputs)
            self.simplex_fed[name] = fed and bool((inputs != inputs[:1]).any())


def implicit_axis(values: Tensor) -> int:
    """The axis that torch takes for a softmax that was told none."""
    return 0 if values.ndim in (0, 1, 3) else 1


def on_simplex(values: Tensor, axis: int = -1) -> bool:
    """Whether all rows along an axis are not negative and have the sum 1."""
    values = values.detach()
    if values.ndim == 0 or values.shape[axis] < 2 or not values.is_floating_point():
        return False
    sums = values.sum(axis)
    return bool(((sums - 1).abs() <= SIMPLEX).all()) and bool((values >= 0).all())


def norm_entries(function: Any, names: dict[str, Any]) -> int:
    """How many numbers a normalisation takes the mean of; 0 if that is not known."""
    z = names.get("input")
    if not isinstance(z, Tensor):
        return 0
    if function in (F.layer_norm, F.rms_norm):
        return prod(names.get("normalized_shape", (0,)))
    if function is F.group_norm and z.ndim >= 2:
        return z[0].numel() // int(names.get("num_groups", 1))
    if function is F.instance_norm and z.ndim >= 3:
        return z[0, 0].numel()
    return 0
