"""A program with some of its parameters fixed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import prod

import numpy as np

from spurious.program.build import renumbered
from spurious.program.operations import Const, Join, Operation, Param, Take
from spurious.program.program import Program


def restricted(program: Program, point: Sequence[Fraction], free: Sequence[int]) -> Program:
    """The program as a function of some parameters, the others fixed at a point.

    Args:
        program: Of P parameters.
        point: Shape (P,).
        free: Flat indices of those that stay parameters, ascending, at least 1.

    Returns:
        A program of F parameters in the same order: each block is left with its free entries, as a
        vector where some are fixed; blocks without any are gone.
    """
    operations: list[Operation] = []
    place: dict[int, int] = {}
    chosen, start = set(free), 0
    for k, operation in enumerate(program.operations):
        if isinstance(operation, Param):
            stop = start + prod(operation.shape)
            own = [p - start for p in range(start, stop) if p in chosen]
            operations += _block(operation, point[start:stop], own, len(operations))
            start = stop
        else:
            operations.append(renumbered(operation, place))
        place[k] = len(operations) - 1
    outputs = None if program.outputs is None else place[program.outputs]
    return Program(tuple(operations), outputs)


def _block(
    block: Param, values: Sequence[Fraction], free: Sequence[int], place: int
) -> Iterator[Operation]:
    """A block whose entries are free or fixed; the last operation has its shape.

    Args:
        block: The block.
        values: Its entries in flat order, for those that are fixed.
        free: The others, ascending.
        place: The index of the first operation.
    """
    fixed = [p for p in range(len(values)) if p not in set(free)]
    if not fixed:
        yield block
        return
    known = np.array([values[p] for p in fixed], dtype=object)
    if not free:
        yield Const(known.reshape(block.shape))
        return
    yield Param(block.name, (len(free),))
    yield Const(known)
    yield Join((place, place + 1))
    yield Take(place + 2, np.argsort(np.array([*free, *fixed])).reshape(block.shape))
