"""The loss as a function of the outputs of a dense network."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from checker.derivatives import evaluated, gradient_of
from checker.minima import Case
from checker.numbers import Interval, interval
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
