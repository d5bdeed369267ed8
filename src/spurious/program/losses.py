"""Losses of outputs and targets, one for each data point, that front ends share."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from spurious.program.build import Handle
from spurious.program.exact_array import ExactArray
from spurious.program.functions import EXP, LOG, RELU, SOFTPLUS

__all__ = ["LOSSES", "minus_log_of_label"]


def squared(outputs: Handle, y: ExactArray) -> Handle:
    """Sum over k of (f_k - y_k)^2, shape (n,)."""
    error = outputs - y
    return (error * error).sum(1)


def logistic(outputs: Handle, y: ExactArray) -> Handle:
    """Sum over k of log(1 + exp(-y_k f_k)), shape (n,)."""
    return (outputs * -outputs.builder.const(y)).map(SOFTPLUS).sum(1)


def hinge(outputs: Handle, y: ExactArray) -> Handle:
    """Sum over k of max(1 - y_k f_k, 0), shape (n,)."""
    return (1 - outputs * y).map(RELU).sum(1)


def cross_entropy(outputs: Handle, y: ExactArray) -> Handle:
    """Log of the sum over k of exp(f_k - f_label), shape (n,); y has shape (n, 1)."""
    return minus_log_of_label(outputs, y[:, 0].astype(np.intp))


def minus_log_of_label(scores: Handle, labels: npt.NDArray[np.intp]) -> Handle:
    """Minus the logarithm of each label's softmax: only differences of scores are looked at.

    Args:
        scores: Shape (n, K), K at least 2.
        labels: From 0 to K - 1, shape (n,).

    Returns:
        Shape (n,).
    """
    count, classes = scores.shape
    others = np.array([[k for k in range(classes) if k != label] for label in labels])
    others = others.reshape(count, classes - 1).astype(np.intp)
    starts = np.arange(count)[:, None] * classes
    ahead = scores.take(starts + others) - scores.take(starts + labels[:, None])
    if classes == 2:
        return ahead.map(SOFTPLUS).sum(1)
    return (ahead.map(EXP).sum(1) + 1).map(LOG)


LOSSES: Mapping[str, Callable[[Handle, ExactArray], Handle]] = {
    "squared": squared,
    "logistic": logistic,
    "hinge": hinge,
    "cross_entropy": cross_entropy,
}
"""Each loss as a function of the outputs, shape (n, K), and the targets; it has shape (n,)."""
