"""What runs leave behind, and the data that they see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spurious.errors import SpuriousError
from spurious.problem import Dataset, Loss

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]


class Cancelled(SpuriousError):  # noqa: N818  (like KeyboardInterrupt, it is no error)
    """The caller asked to stop before the work was done."""


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """Where runs ended, and what they passed; one row for each network.

    Attributes:
        index: Index of the network, shape (N,).
        parameters: Where it ended, shape (N, P), in the recipe's precision.
        loss: The loss there.
        correct: How many data points are right there.
        gradient_norm: Euclidean norm of the gradient there.
        parameter_norm: Euclidean norm of the parameters.
        solved_at: The number of updates after which it was first solved, or -1.
        updates: The number of updates it made; a diverged network stops some time after its
            parameters became infinite or not a number.
        diverged: Whether it did.
        times: The numbers of updates of the snapshots, shape (S,).
        snapshots: Shape (N, S, 3): loss, gradient norm and parameter norm at these times; a run
            that has ended stays as it was.
    """

    index: npt.NDArray[np.int64]
    parameters: Array
    loss: Floats
    correct: npt.NDArray[np.int64]
    gradient_norm: Floats
    parameter_norm: Floats
    solved_at: npt.NDArray[np.int64]
    updates: npt.NDArray[np.int64]
    diverged: npt.NDArray[np.bool_]
    times: npt.NDArray[np.int64]
    snapshots: Floats


def float_data(data: Dataset, loss: str, outputs: int) -> tuple[Floats, Floats]:
    """Inputs (n, d) and targets (n, K) in float64; labels become rows of 0 and 1."""
    x = np.array([[float(value) for value in row] for row in data.x])
    if loss == Loss.CROSS_ENTROPY:
        return x, np.eye(outputs)[[int(row[0]) for row in data.y]]
    return x, np.array([[float(value) for value in row] for row in data.y])
