"""A program with some of its parameters fixed."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import prod

import numpy as np

from spurious.program.build import renumbered
from spurious.program.operations import Const, Join, Operation, Param, Take
from spurious.program.program import Program

FREE = "free"
"""The one block of parameters of a restricted program."""


def restricted(program: Program, point: Sequence[Fraction], free: Sequence[int]) -> Program:
    """The program as a function of some parameters, the others fixed at a point.

    Args:
        program: Of P parameters.
        point: Shape (P,).
        free: Flat indices of those that stay parameters, ascending, at least 1.

    Returns:
        A program with one block, shape (F,).
    """
    chosen = set(free)
    fixed = [p for p in range(len(point)) if p not in chosen]
    operations: list[Operation] = [Param(FREE, (len(free),))]
    if fixed:
        operations.append(Const(np.array([point[p] for p in fixed], dtype=object)))
        operations.append(Join((0, 1)))
    whole, order = len(operations) - 1, np.argsort(np.array([*free, *fixed], dtype=np.intp))
    place: dict[int, int] = {}
    start = 0
    for k, operation in enumerate(program.operations):
        place[k] = len(operations)
        if isinstance(operation, Param):
            stop = start + prod(operation.shape)
            operations.append(Take(whole, order[start:stop].reshape(operation.shape)))
            start = stop
        else:
            operations.append(renumbered(operation, place))
    outputs = None if program.outputs is None else place[program.outputs]
    return Program(tuple(operations), outputs)
