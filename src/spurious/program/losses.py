"""Losses of outputs and targets, one for each data point, that front ends share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from spurious.errors import InputError
from spurious.program.build import Handle
from spurious.program.exact_array import ExactArray, exact_array
from spurious.program.functions import EXP, LOG, RELU, SOFTPLUS

REDUCTIONS = ("sum", "mean")
"""What is done with the losses of the data points."""


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


def _check_targets(loss: str, y: ExactArray, shape: tuple[int, ...]) -> None:
    """Checks targets for outputs of a shape (n, K).

    Raises:
        InputError: There is no such loss, or the targets are none for it.
    """
    if loss not in LOSSES:
        raise InputError(f"loss: found {loss!r}, expected one of {', '.join(LOSSES)}")
    count, classes = shape
    expected = (count, 1) if loss == "cross_entropy" else shape
    if y.shape != expected:
        raise InputError(
            f"y: found the shape {y.shape}, expected {expected} for outputs {shape} and the "
            f"loss {loss}"
        )
    if loss == "squared":
        return
    if loss == "cross_entropy" and classes < 2:
        raise InputError("loss: found cross_entropy of one output, expected at least 2 outputs")
    allowed = range(classes) if loss == "cross_entropy" else (-1, 1)
    wrong = next((value for value in y.ravel().tolist() if value not in allowed), None)
    if wrong is not None:
        wanted = f"class numbers from 0 to {classes - 1}" if loss == "cross_entropy" else "-1 or 1"
        raise InputError(f"y: found {float(wrong):g}, expected {wanted} for the loss {loss}")


def reduced_loss(loss: str, outputs: Handle, y: object, reduction: str) -> Handle:
    """The sum or mean of a loss over the data.

    Args:
        loss: One of `LOSSES`.
        outputs: Shape (n, K).
        y: Targets, shape (n, K), or (n,) where one number a data point is needed.
        reduction: sum or mean.

    Raises:
        InputError: A name is not known, or the targets do not fit.
    """
    if reduction not in REDUCTIONS:
        raise InputError(f"reduction: found {reduction!r}, expected sum or mean")
    targets = exact_array(y)
    targets = targets.reshape(-1, 1) if targets.ndim == 1 else targets
    _check_targets(loss, targets, outputs.shape)
    total = LOSSES[loss](outputs, targets).sum()
    return total * Fraction(1, outputs.shape[0]) if reduction == "mean" else total
