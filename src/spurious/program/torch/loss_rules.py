# pyright: basic
"""Reading ATen's losses."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from fractions import Fraction
from typing import Any, Final

import numpy as np
import torch

from spurious.errors import InputError
from spurious.program.build import Builder, Handle
from spurious.program.functions import ABS, EXP, LOG, RELU, SOFTPLUS
from spurious.program.layers import log_softmax
from spurious.program.losses import minus_log_of_label
from spurious.program.torch.arithmetic_rules import Rule
from spurious.program.torch.values import Value, as_handle


class Reduction(IntEnum):
    """ATen's numbers for what is done with the losses of the data."""

    NONE = 0
    MEAN = 1
    SUM = 2


def _reduced(losses: Handle, reduction: int, divisor: Handle | Fraction | None = None) -> Handle:
    if reduction == Reduction.NONE:
        return losses
    total = losses.sum() if losses.shape else losses
    if reduction == Reduction.SUM:
        return total
    if isinstance(divisor, Handle):
        return total / divisor
    return total * (1 / (divisor or Fraction(losses.size)))


def _pair(b: Builder, x: Any, target: Any) -> tuple[Handle, Handle]:
    return as_handle(b, x), as_handle(b, target)


def _mse(b: Builder, x: Any, target: Any, reduction: int = 1, **_: Any) -> Value:
    z, y = _pair(b, x, target)
    return _reduced((z - y) ** 2, reduction)


def _l1(b: Builder, x: Any, target: Any, reduction: int = 1, **_: Any) -> Value:
    z, y = _pair(b, x, target)
    return _reduced((z - y).map(ABS), reduction)


def _huber(
    b: Builder, x: Any, target: Any, reduction: int = 1, delta: float = 1.0, **_: Any
) -> Value:
    """With c the error brought between -delta and delta: c^2 / 2 + delta |error - c|."""
    z, y = _pair(b, x, target)
    error, width = z - y, Fraction(delta)
    above, below = (error - width).map(RELU), (-error - width).map(RELU)
    inner = error - above + below
    return _reduced(inner * inner * Fraction(1, 2) + (above + below) * width, reduction)


def _smooth_l1(
    b: Builder, x: Any, target: Any, reduction: int = 1, beta: float = 1.0, **_: Any
) -> Value:
    if beta == 0:
        return _l1(b, x, target, reduction)
    return as_handle(b, _huber(b, x, target, reduction, beta)) * (1 / Fraction(beta))


def _soft_margin(b: Builder, x: Any, target: Any, reduction: int = 1, **_: Any) -> Value:
    z, y = _pair(b, x, target)
    return _reduced((-(z * y)).map(SOFTPLUS), reduction)


def _bce(
    b: Builder, x: Any, target: Any, weight: Any = None, reduction: int = 1, **_: Any
) -> Value:
    """-y log p - (1 - y) log(1 - p); PyTorch's logarithms stop at -100."""
    p, y = _pair(b, x, target)
    losses = -(y * p.map(LOG) + (1 - y) * (1 - p).map(LOG))
    return _reduced(losses if weight is None else losses * as_handle(b, weight), reduction)


def _bce_with_logits(
    b: Builder, x: Any, target: Any, weight: Any = None, pos_weight: Any = None,
    reduction: int = 1, **_: Any,
) -> Value:  # fmt: skip
    """Each label's own logarithm: where y is 0 or 1 the other is multiplied by 0."""
    z, y = _pair(b, x, target)
    own = y if pos_weight is None else y * as_handle(b, pos_weight)
    losses = (-z).map(SOFTPLUS) * own + z.map(SOFTPLUS) * (1 - y)
    return _reduced(losses if weight is None else losses * as_handle(b, weight), reduction)


def _kl(
    b: Builder, x: Any, target: Any, reduction: int = 1, log_target: bool = False, **_: Any
) -> Value:
    z, y = _pair(b, x, target)
    if log_target:
        return _reduced(y.map(EXP) * (y - z), reduction)
    if y.known is None or (y.known <= 0).any():
        raise InputError("kl_div with targets that are not known to be positive")
    return _reduced(y * (y.map(LOG) - z), reduction)


# classes


def _rows(z: Handle) -> Handle:
    """Classes on the last axis: shape (N, C, *space) to (N * space, C); (C,) to (1, C)."""
    if len(z.shape) == 1:
        return z.reshape(1, -1)
    places = np.moveaxis(z.positions, 1, -1)
    return z.take(places.reshape(-1, z.shape[1]))


def _labels(target: Any) -> np.ndarray:
    if not isinstance(target, torch.Tensor):
        raise InputError("labels that depend on parameters")
    return target.numpy().ravel()


def _weights(weight: Any, count: int) -> np.ndarray:
    if weight is None:
        return np.full(count, Fraction(1), dtype=object)
    if not isinstance(weight, torch.Tensor):
        raise InputError("weights of classes that depend on parameters")
    return np.array([Fraction(w) for w in weight.double().tolist()], dtype=object)


def _by_label(
    losses: Handle, own: np.ndarray, keep: np.ndarray, shape: Any, reduction: int
) -> Handle:
    """Losses of the data that are kept, weighted by their labels' weights."""
    if reduction == Reduction.NONE:
        full = np.full(len(keep), -1)
        full[keep] = np.arange(int(keep.sum()))
        whole = losses.builder.join([losses, losses.builder.const([0])])
        return whole.take(np.where(full < 0, losses.size, full).reshape(shape))
    total = Fraction(sum(own))
    if reduction == Reduction.MEAN and total == 0:
        raise InputError("a mean over labels that are all ignored")
    return _reduced(losses, reduction, total)


def _cross_entropy(
    b: Builder, x: Any, target: Any, weight: Any = None, reduction: int = 1,
    ignore_index: int = -100, label_smoothing: float = 0.0, **_: Any,
) -> Value:  # fmt: skip
    rows = _rows(as_handle(b, x))
    classes = rows.shape[1]
    if not isinstance(target, torch.Tensor) or target.is_floating_point():
        return _soft_cross_entropy(b, rows, target, weight, reduction, label_smoothing)
    labels, weights = _labels(target), _weights(weight, classes)
    keep = labels != ignore_index
    rows = rows.take(rows.positions[keep])
    labels = labels[keep]
    own = weights[labels]
    smooth = Fraction(label_smoothing)
    losses = minus_log_of_label(rows, labels)
    found = losses * b.const(own) * (1 - smooth)
    if smooth:
        ahead = rows.take(rows.positions[np.arange(len(labels)), labels]).reshape(-1, 1) - rows
        every = losses.reshape(-1, 1) + ahead  # minus the logarithm of each class's softmax
        found = found + (every * b.const(weights)).sum(1) * (smooth / classes)
    return _by_label(found, own, keep, target.shape, reduction)


def _soft_cross_entropy(
    b: Builder, rows: Handle, target: Any, weight: Any, reduction: int, label_smoothing: float
) -> Value:
    """Targets are probabilities."""
    smooth = Fraction(label_smoothing)
    shape = as_handle(b, target).shape
    y = _rows(as_handle(b, target)) * (1 - smooth) + smooth / rows.shape[1]
    losses = -(y * log_softmax(rows, 1) * b.const(_weights(weight, rows.shape[1]))).sum(1)
    if reduction == Reduction.NONE:
        return losses.reshape(*shape[:1], *shape[2:]) if len(shape) > 1 else losses.reshape()
    return _reduced(losses, reduction)


def _nll(
    b: Builder, x: Any, target: Any, weight: Any = None, reduction: int = 1,
    ignore_index: int = -100, **_: Any,
) -> Value:  # fmt: skip
    rows, labels = _rows(as_handle(b, x)), _labels(target)
    keep = labels != ignore_index
    labels = labels[keep]
    own = _weights(weight, rows.shape[1])[labels]
    chosen = rows.take(rows.positions[keep][np.arange(len(labels)), labels])
    return _by_label(-(chosen * b.const(own)), own, keep, target.shape, reduction)


LOSS_RULES: Final[Mapping[str, Rule]] = {
    "mse_loss": _mse,
    "l1_loss": _l1,
    "huber_loss": _huber,
    "smooth_l1_loss": _smooth_l1,
    "soft_margin_loss": _soft_margin,
    "binary_cross_entropy": _bce,
    "binary_cross_entropy_with_logits": _bce_with_logits,
    "kl_div": _kl,
    "cross_entropy_loss": _cross_entropy,
    "nll_loss": _nll,
    "nll_loss_nd": _nll,
    "nll_loss2d": _nll,
}
"""By ATen's names."""
