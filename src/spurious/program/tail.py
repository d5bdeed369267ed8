"""The end of a program: its loss as a function of some of its results."""

from __future__ import annotations

from collections.abc import Sequence

from spurious.program.build import renumbered
from spurious.program.operations import Add, Join, Mul, Operation, Param, Sum, Take, operands
from spurious.program.program import Program


def squared_results(program: Program) -> tuple[int, ...] | None:
    """The operations whose results are squared, up to constants, where the loss adds up squares.

    Returns:
        Their indices, ascending; None if the loss is anything else.
    """
    found: set[int] = set()
    waiting = [len(program.operations) - 1]
    while waiting:
        position = waiting.pop()
        operation = program.operations[position]
        moving = [i for i in operands(operation) if program.reach[i]]
        if isinstance(operation, Mul) and operation.left == operation.right:
            found.add(_without_constants(program, operation.left))
        elif isinstance(operation, Add | Sum | Take | Join) or (
            isinstance(operation, Mul) and len(moving) == 1
        ):
            waiting += moving
        else:
            return None
    return tuple(sorted(found))


def _without_constants(program: Program, position: int) -> int:
    """What is left of a result when constants are no longer added to it, or multiplied with it."""
    operation = program.operations[position]
    while isinstance(operation, Add | Mul):
        moving = [i for i in operands(operation) if program.reach[i]]
        if len(moving) != 1:
            break
        position = moving[0]
        operation = program.operations[position]
    return position


def tail(program: Program, results: Sequence[int]) -> Program:
    """The loss as a function of some results, which become its blocks of parameters.

    Args:
        program: The program.
        results: Indices of operations, ascending; no others may lead from parameters to the loss.

    Returns:
        A program with blocks named `"0"`, `"1"`, ..., one for each result.
    """
    needed = {len(program.operations) - 1, *results}
    for position in range(len(program.operations) - 1, -1, -1):
        if position in needed and position not in results:
            needed |= set(operands(program.operations[position]))
    kept = sorted(needed)
    place = {old: new for new, old in enumerate(kept)}
    blocks = {k: Param(str(n), program.shapes[k]) for n, k in enumerate(results)}
    written: list[Operation] = [
        blocks.get(k) or renumbered(program.operations[k], place) for k in kept
    ]
    return Program(tuple(written))
