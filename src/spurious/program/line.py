"""Derivatives of the loss along a half line, on the side of the line at kinks.

Piecewise smooth maps have one-sided Taylor expansions along a line, and these obey the chain rule
(A. Griewank, "On stable piecewise linearization and generalized algorithmic differentiation",
2013): where an argument is exactly 0, the first of its derivatives that is not 0 says on which side
of the kink the line goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic

import numpy as np

from spurious.program.arithmetic import Arithmetic, Array, Signs
from spurious.program.evaluate import Evaluator, accumulate
from spurious.program.function_kinds import Function
from spurious.program.operations import Map, MatMul, Mul, Param, operands
from spurious.program.shapes import Shape


@dataclass(frozen=True, eq=False, slots=True)
class Line(Generic[Array]):
    """An array along x + t v for small t >= 0: value + t first + t^2 / 2 second.

    Attributes:
        value: At t = 0.
        first: The one-sided first derivative, None for zero.
        second: The one-sided second derivative, None for zero or where it was not asked for.
    """

    value: Array
    first: Array | None
    second: Array | None


def along(
    evaluator: Evaluator[Array], point: Array, direction: Array, order: int = 2, result: int = -1
) -> Line[Array]:
    """The loss along a half line, or another result.

    Args:
        evaluator: The program in an arithmetic.
        point: The start x, shape (P,).
        direction: The direction v, shape (P,).
        order: 1 or 2; with 1 the second derivative is left out.
        result: The index of the operation asked about; the last one is the loss.

    Raises:
        KinkError: It is not certain on which side of a kink an argument is, or goes.
        ProgramError: A function has no value or derivative.
    """
    found: list[Line[Array]] = []
    for k, operation in enumerate(evaluator.program.operations):
        fixed = evaluator.fixed[k]
        inputs = [found[i] for i in operands(operation)]
        if fixed is not None:
            line = Line(fixed, None, None)
        elif isinstance(operation, Param):
            start, move = (evaluator.block(flat, operation) for flat in (point, direction))
            line = Line(start, move, None)
        elif isinstance(operation, Map):
            line = _mapped(evaluator, k, operation.function, inputs[0], order)
        else:
            line = _composed(evaluator, k, inputs, order)
        found.append(line)
    return found[result]


def _composed(
    evaluator: Evaluator[Array], k: int, inputs: Sequence[Line[Array]], order: int
) -> Line[Array]:
    rules = evaluator.rules[k]
    values = [line.value for line in inputs]
    firsts = [line.first for line in inputs]
    seconds = [line.second for line in inputs]
    first = rules.tangent(firsts, values)
    second = None
    if order > 1:
        second = rules.tangent(seconds, values)
        if isinstance(evaluator.program.operations[k], Mul | MatMul):
            cross = rules.tangent(firsts, firsts)
            second = accumulate(evaluator.arithmetic, second, cross)
    return Line(rules.value(values), first, second)


def _mapped(
    evaluator: Evaluator[Array], k: int, function: Function, line: Line[Array], order: int
) -> Line[Array]:
    arithmetic, rules = evaluator.arithmetic, evaluator.rules[k]
    sides = _sides(arithmetic, line, evaluator.program.shapes[k])
    value, *derivatives = arithmetic.jet(function, line.value, order, sides)
    first = rules.tangent((line.first,), derivatives[:1])
    second = None
    if order > 1:
        second = rules.tangent((line.second,), derivatives[:1])
        if line.first is not None:
            bend = arithmetic.multiply(derivatives[1], line.first)
            second = accumulate(arithmetic, second, rules.tangent((line.first,), (bend,)))
    return Line(value, first, second)


def _sides(arithmetic: Arithmetic[Array], line: Line[Array], shape: Shape) -> Signs:
    """The sign of the first derivative that is not exactly 0, entry by entry."""
    found = np.zeros(shape, dtype=np.int8)
    for part in (line.first, line.second):
        if part is not None:
            found = np.where(found == 0, arithmetic.signs(part), found)
    return found
