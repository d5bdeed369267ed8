"""The loss of a dense problem as a program."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from spurious.problem.dense_loss import DenseLoss
from spurious.problem.problem import Problem
from spurious.program.program import Program


def program_of(problem: Problem | DenseLoss) -> Program:
    """The loss as a program of the parameters in flat order; the same object for equal problems.

    `spurious.program.dense_layers` says where the program holds each layer's values.

    Args:
        problem: The problem; its points are ignored.
    """
    if isinstance(problem, Problem):
        return _program(DenseLoss(problem.network, problem.loss.value, problem.data))
    named = isinstance(problem.penalty.l2, Mapping)  # which has no hash
    return problem.program() if named else _program(problem)


@lru_cache(maxsize=64)
def _program(loss: DenseLoss) -> Program:
    return loss.program()
