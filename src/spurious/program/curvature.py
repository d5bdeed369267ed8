"""Second derivatives of a program's loss, forward over reverse, many directions at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Final

import numpy as np
import numpy.typing as npt

from spurious.program.arithmetic import Array
from spurious.program.evaluate import Run, accumulate
from spurious.program.operations import Const, Map, MatMul, Mul, Param, Take
from spurious.program.rules import Factors

CHUNK: Final = 64
"""How many directions are carried at once: enough for large products, not too much memory."""


def hessian_products(run: Run[Array], directions: Array) -> Array:
    """The Hessian of the loss times some directions.

    Args:
        run: The program at a point, with order 2.
        directions: Shape (m, P).

    Returns:
        Shape (m, P).
    """
    evaluator, program = run.evaluator, run.evaluator.program
    seeds = {
        k: evaluator.block(directions, operation)
        for k, operation in enumerate(program.operations)
        if isinstance(operation, Param)
    }
    found = _second_adjoints(run, forward_tangents(run, seeds), (1 << len(program.blocks)) - 1)
    return run.flat(found, directions.shape[:-1])


def hessian(run: Run[Array], free: Sequence[int] | None = None) -> Array:
    """The Hessian of the loss.

    One block of parameters at a time: its rows, from its own columns on. Operations that the block
    does not reach have no tangent, and the rest follows from the symmetry.

    Args:
        run: The program at a point, with order 2.
        free: The parameters to differentiate by, ascending; all by default.

    Returns:
        Shape (F, F), F the number of free parameters.
    """
    arithmetic, program = run.evaluator.arithmetic, run.evaluator.program
    chosen = range(program.parameter_count) if free is None else free
    places = [
        np.array([p - place.start for p in chosen if place.start <= p < place.stop], dtype=np.intp)
        for place in program.parameters.values()
    ]
    kept = [number for number, own in enumerate(places) if len(own)]
    upper = {
        (b, c): part
        for b in kept
        for c, part in _block_rows(run, b, [c for c in kept if c >= b], places).items()
    }
    columns: list[Array] = []
    for b in kept:
        row = [upper[b, c] if b <= c else arithmetic.transpose(upper[c, b]) for c in kept]
        columns.append(arithmetic.transpose(arithmetic.join(row)))
    return arithmetic.transpose(arithmetic.join(columns))


def _block_rows(
    run: Run[Array], b: int, wanted: Sequence[int], places: Sequence[npt.NDArray[np.intp]]
) -> dict[int, Array]:
    """The rows of one block, in the columns of some blocks.

    Args:
        run: The program at a point.
        b: The number of the block of the rows.
        wanted: The numbers of the blocks of the columns.
        places: The free parameters of each block, as positions within it.

    Returns:
        For each wanted block c, shape (len(places[b]), len(places[c])).
    """
    arithmetic, program = run.evaluator.arithmetic, run.evaluator.program
    mask = sum(1 << c for c in wanted)
    shape = program.shapes[program.blocks[b]]
    parts: dict[int, list[Array]] = {c: [] for c in wanted}
    for start in range(0, len(places[b]), CHUNK):
        own = places[b][start : start + CHUNK]
        unit = np.zeros((len(own), prod(shape)))
        unit[np.arange(len(own)), own] = 1
        seed = arithmetic.constant(Const(unit.reshape(len(own), *shape)))
        found = _second_adjoints(run, forward_tangents(run, {program.blocks[b]: seed}), mask)
        for c in wanted:
            size = prod(program.shapes[program.blocks[c]])
            part = found[program.blocks[c]]
            if part is None:
                part = arithmetic.zeros((len(own), size))
            flat = arithmetic.reshape(part, (len(own), size))
            taken = flat if len(places[c]) == size else arithmetic.gather(flat, Take(0, places[c]))
            parts[c].append(arithmetic.transpose(taken))
    return {c: arithmetic.transpose(arithmetic.join(part)) for c, part in parts.items()}


def forward_tangents(run: Run[Array], seeds: Mapping[int, Array]) -> list[Array | None]:
    """The derivative of every operation's result along some directions, None for zero."""
    found: list[Array | None] = []
    program = run.evaluator.program
    for k, operation in enumerate(program.operations):
        inputs = [found[i] for i in program.operands[k]]
        if isinstance(operation, Param):
            found.append(seeds.get(k))
        elif inputs and program.reach[k]:
            found.append(run.evaluator.rules[k].tangent(inputs, run.factors(k)))
        else:
            found.append(None)
    return found


def _second_adjoints(
    run: Run[Array], tangents: Sequence[Array | None], wanted: int
) -> Sequence[Array | None]:
    """The derivative of the adjoints along the directions of the tangents.

    Args:
        run: The program at a point.
        tangents: From `forward_tangents`.
        wanted: The blocks of parameters whose adjoints are asked for, as a bit mask.
    """
    if run.order < 2:
        raise ValueError("run the program with order=2 to differentiate it twice")
    program, arithmetic = run.evaluator.program, run.evaluator.arithmetic
    found: list[Array | None] = [None] * len(tangents)
    for k in range(len(tangents) - 1, -1, -1):
        if not program.reach[k] & wanted:
            continue
        rules = run.evaluator.rules[k]
        above, moving = run.adjoints[k], found[k]
        factors = run.factors(k)
        turning = _factor_tangents(run, k, tangents)
        for place, i in enumerate(program.operands[k]):
            if not program.reach[i] & wanted:
                continue
            if moving is not None:
                part = rules.adjoint(moving, factors, place)
                found[i] = accumulate(arithmetic, found[i], part)
            if above is not None and turning:
                part = rules.adjoint(above, turning, place)
                found[i] = accumulate(arithmetic, found[i], part)
    return found


def _factor_tangents(
    run: Run[Array], position: int, tangents: Sequence[Array | None]
) -> Factors[Array]:
    """The derivatives of an operation's factors; nothing for linear operations."""
    match run.evaluator.program.operations[position]:
        case Mul(left, right) | MatMul(left, right):
            return tangents[left], tangents[right]
        case Map(argument=argument):
            second, moved = run.seconds[position], tangents[argument]
            if second is None or moved is None:
                return ()
            return (run.evaluator.arithmetic.multiply(second, moved),)
        case _:
            return ()
