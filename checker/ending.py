"""The loss as a function of a dense network's outputs, and where a unit is at its limits."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from checker.derivatives import evaluated, gradient_of
from checker.minima import Case
from checker.numbers import Interval, dot, interval
from checker.programs import Program, Step


def loss_of_outputs(case: Case) -> Callable[[list[Interval]], tuple[Interval, list[Interval]]]:
    """Encloses the loss and its derivative by the outputs, point by point.

    What the program does before the outputs is cut off, and they become its parameters.
    """
    program, last = case.program, case.program.layers[-1][1]
    none, size = Step((), (), False, (Fraction(0),)), len(case.values[last].entries)
    start = Step((), program.steps[last].shape, True, block=range(size))
    rest = Program([*[none] * last, start, *program.steps[last + 1 :]], [])

    def loss_at(f: list[Interval]) -> tuple[Interval, list[Interval]]:
        values = evaluated(rest.steps, case.values[last].made(f))
        (slopes,) = gradient_of(rest, values)
        loss = interval(values[-1].entries[0], case.bits)
        return loss, [interval(g, case.bits) for g in slopes.entries]

    return loss_at


def at_limits(
    case: Case, unit: int, limits: dict[int, Fraction]
) -> tuple[Interval, list[Interval]]:
    """The loss where a unit of the one hidden layer has other values at some data points.

    Returns:
        The loss, and for each point its derivative by the outputs along the unit's weights above.
    """
    pb, bits, (outgoing, offset) = case.problem, case.bits, case.problem.layers[1]
    width, states = pb.widths[1], list(case.values[case.program.layers[1][0]].entries)
    for i, value in limits.items():
        states[i * width + unit] = value
    outputs = [
        interval(dot(row, states[i : i + width]) + b, bits)
        for i in range(0, len(states), width)
        for row, b in zip(outgoing, offset, strict=True)
    ]
    loss, g = loss_of_outputs(case)(outputs)
    turn = [row[unit] for row in outgoing]
    along = [interval(dot(turn, g[k : k + len(turn)]), bits) for k in range(0, len(g), len(turn))]
    return loss, along
