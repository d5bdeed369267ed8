"""A program at a point: values, first derivatives (reverse mode), signs at kinks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Generic

import numpy as np

from spurious.program.arithmetic import Arithmetic, Array, Signs
from spurious.program.function_kinds import PiecewiseLinear
from spurious.program.operations import Const, Map, MatMul, Mul, Param
from spurious.program.program import Program
from spurious.program.rules import Factors, Rules


@dataclass(frozen=True, eq=False)
class Evaluator(Generic[Array]):
    """A program made ready for one arithmetic; make it with `evaluator`.

    Attributes:
        program: The program.
        arithmetic: The arithmetic.
        rules: The rules of each operation.
        fixed: The values of the operations that depend on no parameter, None for the others. Balls
            have the precision that was in force when the evaluator was made.
    """

    program: Program
    arithmetic: Arithmetic[Array]
    rules: tuple[Rules[Array], ...]
    fixed: tuple[Array | None, ...]

    def run(self, point: Array, order: int = 1) -> Run[Array]:
        """Evaluates every operation.

        Args:
            point: The parameters, shape (P,), or (..., P) for a batch in arithmetics of floats.
            order: 0 for values, 1 for gradients too, 2 for second derivatives too.

        Raises:
            ProgramError: A function has no value or no derivative of that order at the point.
        """
        values: list[Array] = []
        firsts: list[Array | None] = []
        seconds: list[Array | None] = []
        for k, operation in enumerate(self.program.operations):
            first = second = None
            found = self.fixed[k]
            if found is None and isinstance(operation, Param):
                found = self.block(point, operation)
            elif found is None and isinstance(operation, Map):
                jet = self.arithmetic.jet(operation.function, values[operation.argument], order)
                found, first = jet[0], jet[1] if order > 0 else None
                if order > 1 and not isinstance(operation.function, PiecewiseLinear):
                    second = jet[2]
            elif found is None:
                found = self.rules[k].value([values[i] for i in self.program.operands[k]])
            values.append(found)
            firsts.append(first)
            seconds.append(second)
        return Run(self, tuple(values), tuple(firsts), tuple(seconds), order)

    def block(self, flat: Array, param: Param) -> Array:
        """One block of a flat vector of parameters, in its shape; keeps a batch in front."""
        place = self.program.parameters[param.name]
        part = self.arithmetic.split(flat, place.start, place.stop)
        return self.arithmetic.reshape(part, (*flat.shape[:-1], *param.shape))


@dataclass(frozen=True, eq=False)
class Run(Generic[Array]):
    """A program evaluated at a point.

    Attributes:
        evaluator: What evaluated it.
        values: The result of each operation.
        firsts: f' at each `Map`, None elsewhere.
        seconds: f'' at each `Map` of a function that is not piecewise linear, None elsewhere.
        order: How many derivatives can be asked for.
    """

    evaluator: Evaluator[Array]
    values: tuple[Array, ...]
    firsts: tuple[Array | None, ...]
    seconds: tuple[Array | None, ...]
    order: int

    @property
    def loss(self) -> Array:
        """The loss, shape ()."""
        return self.values[-1]

    @property
    def outputs(self) -> Array | None:
        """The network's outputs, if the program says where they are."""
        place = self.evaluator.program.outputs
        return None if place is None else self.values[place]

    def factors(self, position: int) -> Factors[Array]:
        """What an operation multiplies by: see `rules.py`."""
        match self.evaluator.program.operations[position]:
            case Mul(left, right) | MatMul(left, right):
                return self.values[left], self.values[right]
            case Map():
                return (self.firsts[position],)
            case _:
                return ()

    @cached_property
    def adjoints(self) -> tuple[Array | None, ...]:
        """The derivative of the loss with respect to each operation's result, None for zero."""
        one = self.evaluator.arithmetic.constant(Const(np.ones(())))
        return self.reverse(len(self.values) - 1, one)

    @cached_property
    def gradient(self) -> Array:
        """The gradient of the loss, shape (..., P)."""
        return self.flat(self.adjoints)

    def jacobian(self, position: int) -> Array:
        """The derivative of an operation's result with respect to the parameters.

        Returns:
            Shape (size of the result, P), the result in flat order.
        """
        shape = self.evaluator.program.shapes[position]
        size = prod(shape)
        seed = self.evaluator.arithmetic.constant(Const(np.eye(size).reshape(size, *shape)))
        return self.flat(self.reverse(position, seed), (size,))

    def reverse(self, position: int, seed: Array) -> tuple[Array | None, ...]:
        """Adjoints of all operations up to a position, from an adjoint there."""
        if self.order < 1:
            raise ValueError("run the program with order=1 to differentiate it")
        program, arithmetic = self.evaluator.program, self.evaluator.arithmetic
        found: list[Array | None] = [None] * len(self.values)
        found[position] = seed
        for k in range(position, -1, -1):
            above = found[k]
            if above is None or not program.reach[k]:
                continue
            rules, factors = self.evaluator.rules[k], self.factors(k)
            for place, i in enumerate(program.operands[k]):
                if program.reach[i]:
                    part = rules.adjoint(above, factors, place)
                    found[i] = accumulate(arithmetic, found[i], part)
        return tuple(found)

    def flat(self, adjoints: Sequence[Array | None], lead: tuple[int, ...] = ()) -> Array:
        """The adjoints of the blocks of parameters, one after the other, shape (..., P)."""
        program, arithmetic = self.evaluator.program, self.evaluator.arithmetic
        parts: list[Array] = []
        for block in program.blocks:
            shape, part = program.shapes[block], adjoints[block]
            if part is None:
                part = arithmetic.zeros((*lead, *shape))
            own = part.shape[: len(part.shape) - len(shape)]
            parts.append(arithmetic.reshape(part, (*own, prod(shape))))
        lead = max((part.shape[:-1] for part in parts), key=len)
        return arithmetic.join([arithmetic.broadcast(p, (*lead, p.shape[-1])) for p in parts])

    def kink_signs(self) -> Mapping[int, Signs]:
        """The signs of the arguments of every function with a kink, by the operation's index."""
        program = self.evaluator.program
        return {
            k: self.evaluator.arithmetic.signs(self.values[program.operands[k][0]])
            for k in program.kinked
        }


def accumulate(
    arithmetic: Arithmetic[Array], total: Array | None, part: Array | None
) -> Array | None:
    """A sum where None stands for zero."""
    if total is None or part is None:
        return part if total is None else total
    return arithmetic.add(total, part)


def evaluator(program: Program, arithmetic: Arithmetic[Array]) -> Evaluator[Array]:
    """Makes a program ready for an arithmetic: what depends on no parameter is evaluated now.

    Raises:
        ProgramError: A function of constants has no value.
    """
    rules = tuple(
        Rules(arithmetic, op, shape, tuple(program.shapes[i] for i in read))
        for op, shape, read in zip(
            program.operations, program.shapes, program.operands, strict=True
        )
    )
    fixed: list[Array | None] = []
    for k, operation in enumerate(program.operations):
        known = [fixed[i] for i in program.operands[k]]
        inputs = [array for array in known if array is not None]
        if program.reach[k]:
            fixed.append(None)
        elif isinstance(operation, Map):
            fixed.append(arithmetic.jet(operation.function, inputs[0], 0)[0])
        else:
            fixed.append(rules[k].value(inputs))
    return Evaluator(program, arithmetic, rules, tuple(fixed))
