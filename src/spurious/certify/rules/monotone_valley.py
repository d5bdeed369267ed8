"""Rule `monotone_valley`: along a ray of a program the loss may fall for ever.

Theorem 33 (`docs/mathematics.md`). Parameters move along a straight line on which every number that
the loss is made of is affine, or strictly monotone: then so is the loss, and its limit is known.
Proposed are rays of the last layer, in whatever architecture: those parameters in which the
arguments of the loss's own functions are affine, along a direction in which all of these help (a
linear program).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import prod

import numpy as np
import numpy.typing as npt

from spurious.certify.arithmetics import FloatProgram, Floats
from spurious.certify.enclosures import enclosure
from spurious.certify.paths import loss_path
from spurious.certify.subject import Rule, Subject
from spurious.certify.valleys import valley
from spurious.exact import balls
from spurious.exact.rationals import nearest_float
from spurious.problem import FlatPoint
from spurious.program import Map, MatMul, Mul, Param, Program
from spurious.program.curvature import forward_tangents
from spurious.proof import MonotoneValley, Proof, Undecided

DIGITS = 6
"""Significant digits of a direction."""

LEAST = 1e-7
"""Directions that help some argument less than this, next to the others, are not tried."""

SIZE_LIMIT = 1_000_000
"""Arguments times parameters; larger linear programs are not tried."""


def _prove(subject: Subject) -> Proof | Undecided:
    last = _last_layer(subject.program)
    if last is None:
        return Undecided("no parameters move the arguments of the loss's functions straight")
    direction = _direction(subject, *last)
    if direction is None:
        return Undecided("no ray of the last layer was found along which all of the loss falls")
    with balls.precision(balls.PRECISIONS[1]):
        path = loss_path(subject.program, subject.values, direction)
        if path.way != -1:
            return Undecided("a part of the loss may rise along the ray of the last layer")
        if not path.limit.is_finite():
            return Undecided("along the ray of the last layer no limit of the loss is known")
        limit = enclosure(path.limit)
    blocks = [n for n, place in subject.program.parameters.items() if any(direction[place])]
    return valley(MonotoneValley(direction), limit, f"along a ray of {', '.join(blocks)}")


def _last_layer(program: Program) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """The arguments of functions that come last of those that some block moves straight.

    Returns:
        The operations that are these arguments, and the blocks in which they are affine together;
        None if every block moves a product of itself.
    """
    alone = {block: _arguments(program, [block]) for block in program.blocks}
    last = max((reached for reached in alone.values() if reached), default=None)
    if last is None:
        return None
    chosen: list[int] = []
    for block in (block for block, reached in alone.items() if reached == last):
        if _arguments(program, [*chosen, block]) == last:
            chosen.append(block)
    return last, tuple(chosen)


def _arguments(program: Program, blocks: Sequence[int]) -> tuple[int, ...] | None:
    """The arguments of functions that these blocks move first; None if they move a product."""
    moved = set(blocks)
    found: set[int] = set()
    for k, operation in enumerate(program.operations):
        moving = [i for i in program.operands[k] if i in moved]
        if not moving:
            continue
        match operation:
            case Map():
                found.update(moving)
            case Mul() | MatMul() if len(moving) > 1:
                return None
            case _:  # linear in what moves
                moved.add(k)
    return tuple(sorted(found))


def _direction(
    subject: Subject, arguments: Sequence[int], blocks: Sequence[int]
) -> FlatPoint | None:
    """The direction, shape (P,), that helps the argument that it helps least the most."""
    program = subject.program
    places = list(program.parameters.values())
    own = [program.blocks.index(block) for block in blocks]
    spans = [range(places[b].start, places[b].stop) for b in own]
    columns = np.array([k for span in spans for k in span], dtype=np.intp)
    rows = _helped(subject, arguments, blocks, columns)
    if rows is None or not rows.size:
        return None
    best = _separator(rows)
    if best is None:
        return None
    direction = [Fraction(0)] * len(subject.values)
    for column, value in zip(columns.tolist(), best.tolist(), strict=True):
        direction[column] = balls.rounded_float(value, DIGITS)
    return tuple(direction)


def _helped(
    subject: Subject,
    arguments: Sequence[int],
    blocks: Sequence[int],
    columns: npt.NDArray[np.intp],
) -> Floats | None:
    """How fast each argument moves to where the loss is smaller, by the parameters in `columns`.

    Forward from these blocks alone: what lies before them does not move, and may be large.
    """
    program = subject.program
    if len(columns) * sum(prod(program.shapes[k]) for k in arguments) > SIZE_LIMIT:
        return None
    point = np.array([nearest_float(v) for v in subject.values])
    run = FloatProgram(program).evaluator.run(point, order=1)
    unit = np.eye(len(point))[columns]
    seeds = {
        block: run.evaluator.block(unit, operation)
        for block in blocks
        if isinstance(operation := program.operations[block], Param)
    }
    moved = forward_tangents(run, seeds)
    rows: list[Floats] = []
    for k in arguments:
        slope, speed = run.adjoints[k], moved[k]
        if slope is not None and speed is not None:
            jacobian = np.asarray(speed, dtype=np.float64).reshape(len(columns), -1).T
            signs = -np.sign(np.asarray(slope, dtype=np.float64)).ravel()
            rows.append((signs[:, None] * jacobian)[(signs != 0) & jacobian.any(axis=1)])
    found = np.concatenate(rows) if rows else np.empty((0, len(columns)))
    return found / np.abs(found).max(axis=1, keepdims=True) if np.isfinite(found).all() else None


def _separator(rows: Floats) -> Floats | None:
    """A direction d, shape (m,), entries at most 1, with the largest least entry of rows d."""
    from scipy.optimize import linprog  # heavy, so imported where used

    size = rows.shape[1]
    found = linprog(
        np.append(np.zeros(size), -1.0),
        A_ub=np.column_stack([-rows, np.ones(len(rows))]),
        b_ub=np.zeros(len(rows)),
        bounds=[(-1, 1)] * size + [(0, None)],
    )
    return found.x[:-1] if found.x is not None and found.x[-1] > LEAST else None


RULE = Rule(lambda s: not s.layered, _prove)
