"""Programs (9.1): one routine each for value, tangent, adjoint and Hessian."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Generic

from checker.arrays import A, Balls, Entry, collected
from checker.numbers import Invalid, require
from checker.programs import Linear, Map, MatrixProduct, Product, Program, Step, moving
from checker.reading import distance


def evaluated(steps: Sequence[Step], point: A) -> list[A]:
    """The values of all steps at a point."""
    values: list[A] = []
    for step in steps:
        args, value = [values[i] for i in step.of], None
        if isinstance(step, Linear | Product | MatrixProduct):
            value = step.push(args)
        elif isinstance(step, Map):
            value = args[0].mapped(step.function, step.order)
        elif step.block:
            value = point.pick(step.block)
        values.append(point.like(step.values) if value is None else value)
    return values


def tangent(
    steps: Sequence[Step], values: Sequence[A], direction: A, wanted: Collection[int] | None = None
) -> list[A | None]:
    """The (one-sided) derivatives of steps along a flat direction; None is zero.

    `values` are those of all steps. If some steps are `wanted`, others need not be right.
    """
    dots: list[A | None] = []
    for k, step in enumerate(steps):
        args, moves, dot = [values[i] for i in step.of], [dots[i] for i in step.of], None
        if step.block:
            part = direction.pick(step.block)
            dot = part if any(map(any, part.lists)) else None
        elif all(d is None for d in moves) or (wanted is not None and k not in wanted):
            pass
        elif isinstance(step, Linear):
            dot = step.push(moves)
        elif isinstance(step, Map) and moves[0] is not None:
            slope: A = args[0].mapped(step.function, step.order + 1, moves[0])
            dot = slope.times(moves[0])
        elif isinstance(step, Product | MatrixProduct):
            sides = step.push([moves[0], args[1]]), step.push([args[0], moves[1]])
            dot = collected([(side, None, None) for side in sides], step.size)
        dots.append(dot)
    return dots


def with_gradient(steps: Sequence[Step]) -> tuple[list[Step], dict[int, int]]:
    """The program, and after it steps for the derivatives of its last step, a scalar, by others.

    Also gives, for each step that moves and that the last one depends on, the number of the step
    that holds the derivative by it, in the same shape.
    """
    moves, bars = moving(steps), {len(steps) - 1: len(steps)}
    out = [*steps, Step((), (), (Fraction(1),))]

    def added(step: Step) -> int:
        out.append(step)
        return len(out) - 1

    for k in range(len(steps) - 1, -1, -1):
        step = steps[k]
        if k not in bars:
            continue
        for place, i in enumerate(step.of):
            if moves[i]:
                part = pulled(step, place, bars[k], steps[i].shape, added)
                if i in bars:
                    whole = (None, None)
                    part = added(Linear((bars[i], part), steps[i].shape, links=(whole,) * 2))
                bars[i] = part
    return out, bars


def pulled(
    step: Step, place: int, bar: int, shape: tuple[int, ...], added: Callable[[Step], int]
) -> int:
    """Adds steps for what a step's adjoint `bar` adds to that of an operand; the last of them."""
    if isinstance(step, Linear):
        source, target = step.links[place]
        if source is None and target is None:
            return bar
        return added(Linear((bar,), shape, links=((target, source),)))
    if isinstance(step, MatrixProduct):
        (a, b), (n, k, _), (m, _, _) = step.of, step.left, step.right
        if place == 0:  # C B^T
            blocks = tuple((c, j, i) for i, j, c in step.blocks)
            return added(MatrixProduct((bar, b), shape, left=(n, m, True),
                                       right=(k, m, True), blocks=blocks))  # fmt: skip
        blocks = tuple((i, c, j) for i, j, c in step.blocks)  # A^T C
        return added(MatrixProduct((a, bar), shape, left=(k, n, False),
                                   right=(m, n, False), blocks=blocks))  # fmt: skip
    if isinstance(step, Map):
        slope = added(Map(step.of, shape, function=step.function, order=step.order + 1))
        return added(Product((bar, slope), shape))
    if not isinstance(step, Product):
        raise Invalid("a step without operands")
    own, index = (step.left, step.right) if place == 0 else (step.right, step.left)
    part = added(Product((bar, step.of[1 - place]), step.shape, right=index))
    return part if own is None else added(Linear((part,), shape, links=((None, own),)))


class Curved(Generic[A]):
    """A program at a point or over a box, with its gradient.

    The derivatives of the gradient's steps along a direction make a column of the Hessian.
    """

    def __init__(self, program: Program, point: A) -> None:
        self.steps, self.bars = with_gradient(program.steps)
        self.values = evaluated(self.steps, point)
        self.loss = self.values[len(program.steps) - 1]
        self.blocks = [k for k, step in enumerate(self.steps) if step.block]
        self.size = sum(self.steps[k].size for k in self.blocks)

    def bar(self, k: int) -> A:
        """The derivative of the loss by step k, which it depends on."""
        require(k in self.bars, "the loss does not depend on what it has to")
        return self.values[self.bars[k]]

    def flat(self, found: Sequence[A | None]) -> A:
        """The gradient, or its derivatives, from all steps; zeros where there is None."""
        zero = self.loss.like([Fraction(0)])
        parts = ((found[self.bars[k]], None, self.steps[k].block)
                 for k in self.blocks if k in self.bars)  # fmt: skip
        return collected(parts, self.size) or zero.pick([0] * self.size)

    def gradient(self) -> A:
        """The gradient, flat; also by parameters that do not matter."""
        return self.flat(self.values)

    def needed(self, since: int) -> set[int]:
        """The steps that the gradient by blocks from step `since` on depends on."""
        found = {self.bars[k] for k in self.blocks if k >= since and k in self.bars}
        for k in range(len(self.steps) - 1, -1, -1):
            found |= set(self.steps[k].of) if k in found else set()
        return found

    def axis(self, i: int) -> A:
        """The direction of a parameter."""
        return self.loss.like(Fraction(i == j) for j in range(self.size))

    def hessian(self, chosen: Sequence[int]) -> list[A]:
        """The rows for the parameters chosen, in increasing order.

        A Hessian is symmetric: of each column the part from its block on is computed.
        """
        columns, size = list[tuple[Sequence[Entry], ...]](), range(len(chosen))
        for k in self.blocks:
            wanted, block = self.needed(k), self.steps[k].block
            moved = (tangent(self.steps, self.values, self.axis(i), wanted)
                     for i in chosen if i in block)  # fmt: skip
            columns += [self.flat(dots).pick(chosen).lists for dots in moved]
        return [
            self.loss.made(*([columns[min(i, j)][n][max(i, j)] for j in size]
                             for n in range(len(self.loss.lists))))
            for i in size
        ]  # fmt: skip


@dataclass(frozen=True)
class Box:
    """All points within the radius of the centre in the free parameters; the others are fixed."""

    program: Program
    centre: list[Fraction]  # flat
    radius: Fraction  # positive
    free: Sequence[int]  # numbers of parameters, increasing
    bits: int

    @cached_property
    def place(self) -> Balls:
        """The box."""
        fixed = set(range(len(self.centre))) - set(self.free)
        return Balls.around(self.centre, self.radius, self.bits, fixed)

    @cached_property
    def over(self) -> Curved[Balls]:
        """The program over the box."""
        return Curved(self.program, self.place)

    @cached_property
    def at(self) -> Curved[Balls]:
        """The program at the centre."""
        return Curved(self.program, Balls.around(self.centre, Fraction(0), self.bits))

    def reach(self) -> Fraction:
        """No parameter in the box differs more from that of the problem's point."""
        return distance(self.centre, self.program.point) + self.radius
