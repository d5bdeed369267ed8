"""Programs (9.1): one routine each for value, tangent, adjoint and Hessian."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from checker.arrays import Balls
from checker.programs import A, Linear, Map, MatrixProduct, Product, Program, Step


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


def by_blocks(steps: list[Step], direction: A) -> dict[int, A]:
    """A flat direction as `tangent` takes it."""
    return {k: direction.pick(step.block) for k, step in enumerate(steps) if step.block}


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
        self.home = {i: k for k, step in enumerate(self.steps) for i in step.block}
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

    def toward(self, i: int) -> dict[int, Balls]:
        """The direction of a parameter, as `tangent` takes it."""
        k = self.home[i]
        block = self.steps[k].block
        return {k: self.values[0].unit(i - block.start, len(block))}

    def hessian(self, chosen: Sequence[int] | None = None) -> list[Balls]:
        """The rows for the parameters chosen, in increasing order; for all of them.

        A Hessian is symmetric: of each column the part from the diagonal on is computed.
        """
        places = range(len(self.home)) if chosen is None else chosen
        columns = [self.column(self.toward(i), self.home[i]).pick(places) for i in places]
        pairs = [[(columns[min(i, j)], max(i, j)) for j in range(len(places))]
                 for i in range(len(places))]  # fmt: skip
        return [Balls([c.m[j] for c, j in row], [c.r[j] for c, j in row], columns[0].bits)
                for row in pairs]  # fmt: skip


@dataclass(frozen=True)
class Box:
    """All points within the radius of the centre in the free parameters; the others are fixed.

    Attributes:
        program: The loss.
        centre: Flat.
        radius: Positive.
        free: Numbers of parameters, increasing.
        bits: The precision.
    """

    program: Program
    centre: list[Fraction]
    radius: Fraction
    free: Sequence[int]
    bits: int

    @cached_property
    def place(self) -> Balls:
        """The box."""
        fixed = set(range(len(self.centre))) - set(self.free)
        return Balls.around(self.centre, self.radius, self.bits, fixed)

    @cached_property
    def over(self) -> Curved:
        """The program over the box."""
        return Curved(self.program, self.place)

    @cached_property
    def at(self) -> Curved:
        """The program at the centre."""
        return Curved(self.program, Balls.around(self.centre, Fraction(0), self.bits))

    def gradient(self) -> Balls:
        """At the centre, in the free parameters."""
        return self.at.gradient().pick(self.free)

    def hessian(self) -> list[Balls]:
        """Over the box, in the free parameters: rows."""
        return self.over.hessian(self.free)
