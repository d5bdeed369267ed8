# pyright: basic
"""Small models and data in a form that `certify` takes: folded losses, equal points merged."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, Final

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

FOLDS: Final[dict[tuple[type[nn.Module], type[nn.Module]], type[nn.Module]]] = {
    (nn.Sigmoid, nn.BCELoss): nn.BCEWithLogitsLoss,
    (nn.LogSoftmax, nn.NLLLoss): nn.CrossEntropyLoss,
}
"""The last module and the loss, and the loss of logits that both are together."""

UNREDUCED: Final = (
    nn.MSELoss,
    nn.L1Loss,
    nn.SmoothL1Loss,
    nn.HuberLoss,
    nn.BCELoss,
    nn.BCEWithLogitsLoss,
    nn.SoftMarginLoss,
    nn.CrossEntropyLoss,
    nn.NLLLoss,
)
"""Losses that are means over points, of which each point's part can be had."""

FUNCTIONS: Final[dict[Any, type[nn.Module]]] = {
    F.mse_loss: nn.MSELoss,
    F.l1_loss: nn.L1Loss,
    F.smooth_l1_loss: nn.SmoothL1Loss,
    F.huber_loss: nn.HuberLoss,
    F.binary_cross_entropy: nn.BCELoss,
    F.binary_cross_entropy_with_logits: nn.BCEWithLogitsLoss,
    F.soft_margin_loss: nn.SoftMarginLoss,
    F.cross_entropy: nn.CrossEntropyLoss,
    F.nll_loss: nn.NLLLoss,
}


@dataclass(frozen=True)
class Merged:
    """Different points, with how often each occurs.

    Attributes:
        x: Inputs, (m, ...).
        y: Targets, (m, ...).
        counts: (m,).
    """

    x: Tensor
    y: Tensor
    counts: Tensor

    @property
    def is_even(self) -> bool:
        """Whether all points occur equally often, so that a mean needs no weights."""
        return bool((self.counts == self.counts[0]).all())


def folded(model: nn.Module, loss: Any) -> tuple[nn.Module, Any]:
    """A chain and a loss, with a last sigmoid or log-softmax drawn into the loss.

    The loss of logits is the same function of the weights: log(sigmoid(z)) and log(1 -
    sigmoid(z)) are -softplus(-z) and -softplus(z). (`BCELoss` stops logarithms at -100, which
    differs for probabilities below 4e-44 alone.) Other models are returned as they are.
    """
    kind: Any = FUNCTIONS.get(loss, type(loss))
    parts = list(model.children()) if type(model) is nn.Sequential else []
    made = FOLDS.get((type(parts[-1]), kind)) if parts else None
    plain = getattr(loss, "weight", None) is None and getattr(loss, "reduction", "mean") != "none"
    if made is None or not plain or (isinstance(parts[-1], nn.LogSoftmax) and parts[-1].dim == 0):
        return model, loss
    return nn.Sequential(*parts[:-1]), made(reduction=getattr(loss, "reduction", "mean"))


def merged(x: Tensor, y: Tensor) -> Merged:
    """Merges equal points, in the order in which they come first."""
    rows = torch.cat([x.double().flatten(1), y.double().reshape(len(y), -1)], 1)
    _, group, counts = torch.unique(rows, dim=0, return_inverse=True, return_counts=True)
    first = torch.full((len(counts),), len(rows), device=rows.device)
    first.scatter_reduce_(0, group, torch.arange(len(rows), device=rows.device), "amin")
    order = first.argsort()
    first = first[order]
    return Merged(x[first], y[first], counts[order])


def weighted_loss(loss: Any, counts: Tensor) -> Any | None:
    """The mean over all points of a loss, from the different ones; None if it is not known how."""
    kind: Any = FUNCTIONS.get(loss, type(loss))
    if kind not in UNREDUCED:
        return None
    single: Any = copy.copy(loss) if isinstance(loss, nn.Module) else kind()
    plain = getattr(single, "weight", None) is None
    if not plain or getattr(single, "reduction", "mean") != "mean":
        return None
    single.reduction = "none"
    shares = counts.double() / counts.sum()

    def mean(outputs: Tensor, targets: Tensor) -> Tensor:
        parts = single(outputs, targets)
        each = parts.reshape(len(parts), -1).mean(1)
        return (each * shares.to(each.dtype)).sum()

    return mean


def is_known(loss: Any) -> bool:
    """Whether it is one of torch's own losses of outputs and targets, by its type."""
    return FUNCTIONS.get(loss, type(loss)) in UNREDUCED
