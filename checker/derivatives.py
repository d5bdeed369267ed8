"""Programs (9.1): one routine each for value, tangent, adjoint and Hessian."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from fractions import Fraction

from checker.arrays import Balls
from checker.numbers import require
from checker.programs import A, Linear, Map, MatrixProduct, Product, Program, Step

MAX_HESSIAN = 2000  # parameters of a program whose Hessian is enclosed


def evaluated(steps: list[Step], point: A) -> list[A]:
    """The values of all steps at a point."""
    values: list[A] = []
    for step in steps:
        args = [values[i] for i in step.of]
        value: A | None = None
        if isinstance(step, Linear):
            value = step.push(args)
        elif isinstance(step, Product | MatrixProduct):
            value = step.push(args[0], args[1])
        elif isinstance(step, Map):
            value = args[0].mapped(step.function)
        elif step.moves:
            value = point.pick(step.block)
        values.append(point.like(list(step.values)) if value is None else value)
    return values


def tangent(steps: list[Step], values: list[A], seeds: dict[int, A]) -> list[A | None]:
    """The (one-sided) derivatives of all steps along a direction; None is zero.

    Args:
        steps: The program.
        values: Of all steps.
        seeds: The direction, for each block of parameters that moves by the number of its step.
    """
    dots: list[A | None] = []
    for k, step in enumerate(steps):
        args, moves = [values[i] for i in step.of], [dots[i] for i in step.of]
        dot: A | None = seeds.get(k)
        if not any(d is not None for d in moves):
            pass
        elif isinstance(step, Linear):
            dot = step.push(moves)
        elif isinstance(step, Map) and moves[0] is not None:
            dot = moves[0].times(args[0].slope(step.function, moves[0]))
        elif isinstance(step, Product | MatrixProduct):
            one = None if moves[0] is None else step.push(moves[0], args[1])
            other = None if moves[1] is None else step.push(args[0], moves[1])
            dot = one.plus(other) if one is not None and other is not None else one or other
        dots.append(dot)
    return dots


def moved_since(steps: list[Step], since: int) -> list[bool]:
    """Whether each step depends on a block of parameters from step `since` on."""
    found: list[bool] = []
    for k, step in enumerate(steps):
        found.append(any(found[i] for i in step.of) or (k >= since and len(step.block) > 0))
    return found


def adjoint(
    steps: list[Step],
    values: list[A],
    bars: list[A | None],
    sources: Callable[[int], list[A | None]] = lambda _: [],
    since: int = 0,
) -> list[A | None]:
    """The derivatives of the loss by the steps, backwards; only by those that blocks move.

    Args:
        steps: The program.
        values: Of all steps.
        bars: Where to start: those of the loss are 1 there, the rest None.
        sources: What else a step adds to the adjoints of its operands.
        since: The step of a block. Blocks before it do not count.
    """
    moved = moved_since(steps, since)
    for k in range(len(steps) - 1, since, -1):
        step, bar = steps[k], bars[k]
        if not moved[k] or not step.of:
            continue
        parts = sources(k)
        if bar is not None:
            parts = [*parts, *pulled(steps, step, bar, values, moved)]
        for i, part in zip(step.of * 2, parts, strict=False):
            if part is not None:
                old = bars[i]
                bars[i] = part if old is None else old.plus(part)
    return bars


def pulled(
    steps: list[Step], step: Step, bar: A, values: Sequence[A | None], moved: list[bool]
) -> list[A | None]:
    """What a step adds to the adjoints of its operands; None for those that are not moved."""
    if isinstance(step, Map):
        z = values[step.of[0]]
        return [None if z is None else bar.times(z.slope(step.function, None))]
    if not isinstance(step, Linear | Product | MatrixProduct):
        return []
    # for what does not move, the other operand is not needed
    args = [values[i] for i in step.of]
    if isinstance(step, Product | MatrixProduct):
        args = [a if moved[j] else None for a, j in zip(args, step.of[::-1], strict=True)]
    parts = step.pull(bar, args, [math.prod(steps[i].shape) for i in step.of])
    return [p if moved[i] else None for p, i in zip(parts, step.of, strict=True)]


def gradient_of(program: Program, values: list[A]) -> list[A]:
    """The gradient, for each block of parameters in order; also of blocks that do not matter."""
    steps = program.steps
    bars = adjoint(steps, values, unit_bars(values))
    return blocks_of(steps, bars, values[0])


def unit_bars(values: list[A]) -> list[A | None]:
    """1 for the loss, None for the rest."""
    return [*([None] * (len(values) - 1)), values[-1].like([Fraction(1)])]


def blocks_of(steps: list[Step], bars: Sequence[A | None], like: A) -> list[A]:
    """The entries for the blocks of parameters, zeros where there is None."""
    found: list[A] = []
    for step, bar in zip(steps, bars, strict=True):
        if step.block:
            found.append(like.like([Fraction(0)] * len(step.block)) if bar is None else bar)
    return found


class Curved:
    """A program over a box of parameters, ready for columns of its Hessian: forward over reverse.

    With dots the derivatives of all values along a direction, those of the adjoints flow back like
    the adjoints, and each product adds the adjoint times the dot of the other operand, each
    function its second derivative times adjoint times dot.
    """

    def __init__(self, program: Program, point: Balls) -> None:
        self.steps = program.steps
        self.values = evaluated(self.steps, point)
        self.bars = adjoint(self.steps, self.values, unit_bars(self.values))
        self.bends: dict[int, Balls] = {}
        for k, (step, bar) in enumerate(zip(self.steps, self.bars, strict=True)):
            if isinstance(step, Map) and step.moves and bar is not None:
                z = self.values[step.of[0]]
                self.bends[k] = bar.times(z.bend(step.function))

    def gradient(self) -> Balls:
        """The gradient, flat."""
        parts = blocks_of(self.steps, self.bars, self.values[0])
        return parts[0].joined(parts)

    def column(self, seeds: dict[int, Balls], since: int = 0) -> Balls:
        """The Hessian times a direction, flat; entries of blocks before step `since` are 0."""
        dots, moved = tangent(self.steps, self.values, seeds), moved_since(self.steps, since)

        def sources(k: int) -> list[Balls | None]:
            step, bar = self.steps[k], self.bars[k]
            if bar is None:
                return []
            if k in self.bends:
                dot = dots[step.of[0]]
                return [None if dot is None else self.bends[k].times(dot)]
            if isinstance(step, Product | MatrixProduct):
                return pulled(self.steps, step, bar, dots, moved)
            return []

        start: list[Balls | None] = [None] * len(self.steps)
        bars = adjoint(self.steps, self.values, start, sources, since)
        parts = blocks_of(self.steps, bars, self.values[0])
        return parts[0].joined(parts)

    def hessian(self, chosen: Collection[int] | None = None) -> list[Balls]:
        """The rows for the parameters chosen; for all of them, which are then limited.

        A Hessian is symmetric: of each column the part from the diagonal on is computed.
        """
        size = sum(len(step.block) for step in self.steps)
        require(chosen is not None or size <= MAX_HESSIAN,
                "there are too many parameters for a Hessian")  # fmt: skip
        places = [*range(size)] if chosen is None else sorted(chosen)
        columns: list[Balls] = []
        for k, step in enumerate(self.steps):
            for i in places if step.block else []:
                if i in step.block:
                    seed = self.values[0].unit(i - step.block.start, len(step.block))
                    columns.append(self.column({k: seed}, k).pick(places))
        pairs = [[(columns[min(i, j)], max(i, j)) for j in range(len(places))]
                 for i in range(len(places))]  # fmt: skip
        return [Balls([c.m[j] for c, j in row], [c.r[j] for c, j in row], columns[0].bits)
                for row in pairs]  # fmt: skip
