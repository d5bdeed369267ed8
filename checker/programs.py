"""Programs (9.1): reading them, and one routine each for value, tangent, adjoint and Hessian."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TypeVar, cast

from checker.arrays import Array, Balls, Function, Index
from checker.functions import FUNCTIONS, PIECEWISE, Slopes
from checker.numbers import require
from checker.reading import (
    Json,
    as_int,
    as_list,
    as_object,
    as_text,
    problem_number,
    read_row,
)

MAX_OPERATIONS = 100_000
MAX_ENTRIES = 2_000_000
MAX_AXES = 64
MAX_TOTAL = 20_000_000  # entries of all arrays of a program together
MAX_HESSIAN = 2000  # parameters of a program whose Hessian is enclosed
MAX_PRODUCTS = 1_000_000_000  # multiplications in all its matrix products together

A = TypeVar("A", bound=Array)
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Step:
    """An operation. This one is a constant, or a block of parameters if `of` is empty and it moves.

    Attributes:
        of: The steps that it operates on.
        shape: Of the result.
        moves: Whether the result depends on a parameter.
        values: The entries of a constant.
        block: Where a block of parameters lies in the flat vector.
    """

    of: tuple[int, ...]
    shape: Shape
    moves: bool
    values: tuple[Fraction, ...] = ()
    block: range = range(0)


@dataclass(frozen=True)
class Linear(Step):
    """add, sum, take, join: picks of the operands, or scattered operands, added up."""

    indices: tuple[Index, ...] = ()
    picks: bool = True

    def push(self, args: Sequence[A | None]) -> A | None:
        """The result; None stands for zeros."""
        total, size = None, math.prod(self.shape)
        if not self.picks and len(args) > 1:  # join: the parts are disjoint
            known = next((a for a in args if a is not None), None)
            if known is None:
                return None
            sizes = [len(index or ()) for index in self.indices]
            zeros = [known.like([Fraction(0)] * n) for n in sizes]
            return known.joined([z if a is None else a for a, z in zip(args, zeros, strict=True)])
        for a, index in zip(args, self.indices, strict=True):
            if a is not None:
                part = a.pick(index) if self.picks else a.scatter(index, size)
                total = part if total is None else total.plus(part)
        return total

    def pull(self, bar: A, args: Sequence[A | None], sizes: Sequence[int]) -> list[A | None]:
        """What the adjoint of the result adds to those of the operands."""
        del args
        return [
            bar.scatter(index, size) if self.picks else bar.pick(index)
            for index, size in zip(self.indices, sizes, strict=True)
        ]


@dataclass(frozen=True)
class Product(Step):
    """mul: products of picked entries."""

    left: Index = None
    right: Index = None

    def push(self, a: A, b: A) -> A:
        """The result."""
        return a.pick(self.left).times(b.pick(self.right))

    def pull(self, bar: A, args: Sequence[A | None], sizes: Sequence[int]) -> list[A | None]:
        """The adjoint times the other operand, for each."""
        a, b = args
        return [
            None if b is None else bar.times(b.pick(self.right)).scatter(self.left, sizes[0]),
            None if a is None else bar.times(a.pick(self.left)).scatter(self.right, sizes[1]),
        ]


@dataclass(frozen=True)
class MatrixProduct(Step):
    """matmul of (n, k) and (k, m) blocks; `blocks` lists those of a, of b and of the result."""

    n: int = 0
    k: int = 0
    m: int = 0
    blocks: tuple[tuple[int, int, int], ...] = ()

    def push(self, a: A, b: A) -> A:
        """C = A B."""
        n, k, m = self.n, self.k, self.m
        return gathered(
            a, [(c, a.outer(i, (n, k, True), b, j, (m, k, False))) for i, j, c in self.blocks]
        )

    def pull(self, bar: A, args: Sequence[A | None], sizes: Sequence[int]) -> list[A | None]:
        """C B^T and A^T C, for the adjoint C."""
        del sizes
        (a, b), n, k, m = args, self.n, self.k, self.m
        one = other = None
        if b is not None:
            parts = [(i, bar.outer(c, (n, m, True), b, j, (k, m, True))) for i, j, c in self.blocks]
            one = gathered(bar, parts)
        if a is not None:
            parts = [
                (j, a.outer(i, (k, n, False), bar, c, (m, n, False))) for i, j, c in self.blocks
            ]
            other = gathered(bar, parts)
        return [one, other]


@dataclass(frozen=True)
class Map(Step):
    """map: a function at every entry."""

    function: Function = ("relu", None)


def gathered(like: A, parts: list[tuple[int, A]]) -> A:
    """Blocks in order, those with the same number added."""
    out: dict[int, A] = {}
    for block, part in parts:
        out[block] = out[block].plus(part) if block in out else part
    return like.joined([out[block] for block in sorted(out)])


@dataclass(frozen=True)
class Program:
    """A loss: a spurious-problem/2 object, or a dense spurious-problem/1 (`checker.dense`).

    Attributes:
        steps: The operations; the last is the loss.
        point: The flat vector of parameters.
        outputs: Of a dense problem the step that holds the outputs, shape (n, K).
        layers: Of a dense problem, for each layer, the steps of its input a (n, in) and of its
            pre-activation z (n, out).
    """

    steps: list[Step]
    point: list[Fraction]
    outputs: int | None = None
    layers: tuple[tuple[int, int], ...] = ()


# ---- reading ------------------------------------------------------------------------------------


def read_shape(x: object) -> Shape:
    """Reads a shape within the limits."""
    shape = tuple(as_int(n) for n in as_list(x))
    require(len(shape) <= MAX_AXES and all(n >= 1 for n in shape), "a shape is out of bounds")
    require(math.prod(shape) <= MAX_ENTRIES, "an array has too many entries")
    return shape


def broadcast(one: Shape, other: Shape) -> Shape:
    """The shape that two arrays are repeated to, as in NumPy."""
    size = max(len(one), len(other))
    pairs = list(zip(padded(one, size), padded(other, size), strict=True))
    require(all(a == b or 1 in (a, b) for a, b in pairs), "shapes do not fit")
    shape = tuple(max(a, b) for a, b in pairs)
    require(math.prod(shape) <= MAX_ENTRIES, "an array has too many entries")
    return shape


def padded(shape: Shape, size: int) -> Shape:
    """The shape with axes of size 1 before it."""
    return (1,) * (size - len(shape)) + shape


def repeats(shape: Shape, out: Shape) -> Index:
    """For each entry of an array of shape `out` the entry of the operand that is repeated there."""
    if math.prod(shape) == math.prod(out):
        return None
    index = [0]
    for n, size in zip(padded(shape, len(out)), out, strict=True):
        index = [i * n + (j if n > 1 else 0) for i in index for j in range(size)]
    return index


def read_step(fields: Json, done: list[Step]) -> Step:
    """Reads an operation other than `param`; the operands are among those done."""
    op = as_text(fields.get("op"))
    require(op in OPERATIONS, "unknown op")
    if op == "const":
        as_object(fields, "op", "shape", "values")
        shape = read_shape(fields["shape"])
        values = read_row(fields["values"], math.prod(shape), problem_number)
        return Step((), shape, False, tuple(values))
    read, keys = OPERATIONS[op]
    as_object(fields, "op", "of", *keys, optional=["slope"] if op == "map" else [])
    of = tuple(as_int(i) for i in as_list(fields["of"]))
    require(all(0 <= i < len(done) for i in of), "an operand is no earlier operation")
    count = 2 if op in ("add", "mul", "matmul") else len(of) if op == "join" else 1
    require(len(of) == count >= 1, f"{op} has a wrong number of operands")
    return read(fields, of, [done[i].shape for i in of], any(done[i].moves for i in of))


def read_add(fields: Json, of: Shape, shapes: list[Shape], moves: bool) -> Step:
    """The sum of two arrays."""
    del fields
    shape = broadcast(*shapes)
    return Linear(of, shape, moves, indices=tuple(repeats(s, shape) for s in shapes))


def read_mul(fields: Json, of: Shape, shapes: list[Shape], moves: bool) -> Step:
    """The product of two arrays, entry by entry."""
    del fields
    shape = broadcast(*shapes)
    left, right = (repeats(s, shape) for s in shapes)
    return Product(of, shape, moves, left=left, right=right)


def read_matmul(fields: Json, of: Shape, shapes: list[Shape], moves: bool) -> Step:
    """The matrix product."""
    del fields
    a, b = shapes
    require(min(len(a), len(b)) >= 2 and a[-1] == b[-2], "the shapes of a matmul do not fit")
    batch = broadcast(a[:-2], b[:-2])
    (n, k), m, size = a[-2:], b[-1], math.prod(batch)
    require(size * n * m <= MAX_ENTRIES, "an array has too many entries")
    (one, other) = (repeats(s[:-2], batch) or range(size) for s in shapes)
    blocks = tuple(zip(one, other, range(size), strict=True))
    return MatrixProduct(of, (*batch, n, m), moves, n=n, k=k, m=m, blocks=blocks)


def read_map(fields: Json, of: Shape, shapes: list[Shape], moves: bool) -> Step:
    """A function at every entry."""
    name = as_text(fields["function"])
    require(name in FUNCTIONS, "unknown function")
    require(("slope" in fields) == (name == "leaky_relu"), "slope is for leaky_relu alone")
    slopes: Slopes | None = None
    if name == "leaky_relu":
        slopes = (Fraction(1), problem_number(fields["slope"]))
    elif name in PIECEWISE:
        slopes = (Fraction(PIECEWISE[name][0]), Fraction(PIECEWISE[name][1]))
    return Map(of, shapes[0], moves, function=(name, slopes))


def read_sum(fields: Json, of: Shape, shapes: list[Shape], moves: bool) -> Step:
    """The sum over axes."""
    (shape,) = shapes
    axes = [as_int(a) for a in as_list(fields["axes"])]
    require(all(a < b for a, b in pairwise(axes)), "axes are not increasing")
    require(all(0 <= a < len(shape) for a in axes), "there is no such axis")
    index = [0]
    for axis, size in enumerate(shape):
        index = [i if axis in axes else i * size + j for i in index for j in range(size)]
    rest = tuple(n for axis, n in enumerate(shape) if axis not in axes)
    return Linear(of, rest, moves, indices=(index,), picks=False)


def read_take(fields: Json, of: Shape, shapes: list[Shape], moves: bool) -> Step:
    """Entries by number."""
    shape, size = read_shape(fields["shape"]), math.prod(shapes[0])
    index = [as_int(i) for i in as_list(fields["index"], math.prod(shape))]
    require(all(0 <= i < size for i in index), "an index of take is out of range")
    return Linear(of, shape, moves, indices=(index,))


def read_join(fields: Json, of: Shape, shapes: list[Shape], moves: bool) -> Step:
    """The operands one after the other."""
    del fields
    sizes = [math.prod(s) for s in shapes]
    require(sum(sizes) <= MAX_ENTRIES, "an array has too many entries")
    indices, start = list[Index](), 0
    for size in sizes:
        indices.append(range(start, start + size))
        start += size
    return Linear(of, (start,), moves, indices=tuple(indices), picks=False)


Reader = Callable[[Json, Shape, list[Shape], bool], Step]
OPERATIONS: dict[str, tuple[Reader, tuple[str, ...]]] = {
    "add": (read_add, ()), "mul": (read_mul, ()), "matmul": (read_matmul, ()),
    "map": (read_map, ("function",)), "sum": (read_sum, ("axes",)),
    "take": (read_take, ("shape", "index")), "join": (read_join, ()), "const": (read_join, ()),
}  # fmt: skip


class Writer:
    """Operations one after the other, within the limits of section 9.1.

    Attributes:
        steps: What was written so far.
        names: The blocks of parameters and their sizes.
    """

    def __init__(self) -> None:
        self.steps, self.names = list[Step](), dict[str, int]()
        self.parameters = self.total = self.products = 0

    def append(self, step: Step) -> int:
        """Adds a step; returns its number."""
        self.total += math.prod(step.shape)
        if isinstance(step, MatrixProduct):
            self.products += math.prod(step.shape) * step.k
        require(
            self.total <= MAX_TOTAL and self.products <= MAX_PRODUCTS, "the program is too large"
        )
        require(len(self.steps) < MAX_OPERATIONS, "the number of operations is out of bounds")
        self.steps.append(step)
        return len(self.steps) - 1

    def param(self, name: str, shape: Shape) -> int:
        """A block of parameters."""
        require(name not in self.names, "two blocks of parameters have one name")
        start, size = self.parameters, math.prod(shape)
        self.names[name], self.parameters = size, start + size
        return self.append(Step((), shape, True, block=range(start, start + size)))

    def const(self, shape: Shape, values: Sequence[Fraction]) -> int:
        """Exact numbers."""
        require(math.prod(shape) <= MAX_ENTRIES, "an array has too many entries")
        return self.append(Step((), shape, False, tuple(values)))

    def op(self, name: str, *of: int, **fields: object) -> int:
        """Any other operation."""
        return self.append(read_step({"op": name, "of": [*of], **fields}, self.steps))

    def read(self, operation: Json) -> int:
        """An operation of a file."""
        if operation.get("op") == "param":
            as_object(operation, "op", "name", "shape")
            return self.param(as_text(operation["name"]), read_shape(operation["shape"]))
        return self.append(read_step(operation, self.steps))


def read_program(x: object) -> Program:
    """Reads and validates a spurious-problem/2 object (9.1); every size is bounded."""
    fields = as_object(x, "format", "program", "point", optional=["witness"])
    require(fields["format"] == "spurious-problem/2", "the problem has an unknown format")
    operations = as_list(fields["program"])
    require(1 <= len(operations) <= MAX_OPERATIONS, "the number of operations is out of bounds")
    writer = Writer()
    for item in operations:
        require(isinstance(item, dict), "an operation is not an object")
        writer.read(cast("Json", item))
    require(writer.steps[-1].shape == (), "the last operation is no scalar")
    require(len(writer.names) > 0, "there are no parameters")
    points = list[list[Fraction]]()
    for key in ("point", "witness"):
        if key == "point" or key in fields:
            blocks = as_object(fields[key], *writer.names)
            rows = (read_row(blocks[n], size, problem_number) for n, size in writer.names.items())
            points.append([v for row in rows for v in row])
    return Program(writer.steps, points[0])


# ---- value and derivatives ----------------------------------------------------------------------


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


def adjoint(
    steps: list[Step],
    values: list[A],
    bars: list[A | None],
    sources: Callable[[int], list[A | None]] = lambda _: [],
) -> list[A | None]:
    """The derivatives of the loss by all steps, backwards.

    Args:
        steps: The program.
        values: Of all steps.
        bars: Where to start: those of the loss are 1 there, the rest None.
        sources: What else a step adds to the adjoints of its operands.
    """
    for k in range(len(steps) - 1, -1, -1):
        step, bar = steps[k], bars[k]
        if not step.moves or not step.of:
            continue
        parts = sources(k)
        if bar is not None:
            parts = [*parts, *pulled(steps, step, bar, values)]
        for i, part in zip(step.of * 2, parts, strict=False):
            if part is not None:
                old = bars[i]
                bars[i] = part if old is None else old.plus(part)
    return bars


def pulled(steps: list[Step], step: Step, bar: A, values: Sequence[A | None]) -> list[A | None]:
    """What a step adds to the adjoints of its operands; None where no parameter moves them."""
    if isinstance(step, Map):
        z = values[step.of[0]]
        return [None if z is None else bar.times(z.slope(step.function, None))]
    if not isinstance(step, Linear | Product | MatrixProduct):
        return []
    # for what does not move, the other operand is not needed
    args = [values[i] for i in step.of]
    if isinstance(step, Product | MatrixProduct):
        args = [a if steps[j].moves else None for a, j in zip(args, step.of[::-1], strict=True)]
    parts = step.pull(bar, args, [math.prod(steps[i].shape) for i in step.of])
    return [p if steps[i].moves else None for p, i in zip(parts, step.of, strict=True)]


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

    def column(self, seeds: dict[int, Balls]) -> Balls:
        """The Hessian times a direction, flat."""
        dots = tangent(self.steps, self.values, seeds)

        def sources(k: int) -> list[Balls | None]:
            step, bar = self.steps[k], self.bars[k]
            if bar is None:
                return []
            if k in self.bends:
                dot = dots[step.of[0]]
                return [None if dot is None else self.bends[k].times(dot)]
            if isinstance(step, Product | MatrixProduct):
                return pulled(self.steps, step, bar, dots)
            return []

        start: list[Balls | None] = [None] * len(self.steps)
        parts = blocks_of(self.steps, adjoint(self.steps, self.values, start, sources),
                          self.values[0])  # fmt: skip
        return parts[0].joined(parts)

    def hessian(self, chosen: Collection[int] | None = None) -> list[Balls]:
        """The columns for the parameters chosen; for all of them, which are then limited."""
        size = sum(len(step.block) for step in self.steps)
        require(chosen is not None or size <= MAX_HESSIAN,
                "there are too many parameters for a Hessian")  # fmt: skip
        columns: list[Balls] = []
        for k, step in enumerate(self.steps):
            for i in step.block:
                if chosen is None or i in chosen:
                    seed = self.values[0].like([Fraction(i == j) for j in step.block])
                    columns.append(self.column({k: seed}))
        return columns
