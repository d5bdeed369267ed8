"""The loss of a dense problem as a program."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from spurious.problem.dataset import Dataset
from spurious.problem.dense_loss import DenseLoss
from spurious.problem.loss import Loss
from spurious.problem.network import Network
from spurious.problem.problem import Problem
from spurious.program.dense import dense_program
from spurious.program.program import Program


def program_of(problem: Problem | DenseLoss) -> Program:
    """The loss as a program of the parameters in flat order; the same object for equal problems.

    `spurious.program.dense_layers` says where the program holds each layer's values.

    Args:
        problem: The problem; its points are ignored.
    """
    if isinstance(problem, DenseLoss):
        return problem.program()
    return _program(problem.network, problem.loss, problem.data)


@lru_cache(maxsize=64)
def _program(network: Network, loss: Loss, data: Dataset) -> Program:
    x, y = (np.array(rows, dtype=object) for rows in (data.x, data.y))
    return dense_program(network.widths, network.activation, loss.value, x, y, slope=network.slope)
