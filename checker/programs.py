"""Programs (9.1): their operations, and reading them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TypeVar

from checker.arrays import Array, Function, Index
from checker.functions import FUNCTIONS, PIECEWISE, Slopes
from checker.network import Problem
from checker.numbers import require
from checker.reading import (
    Json,
    as_int,
    as_list,
    as_object,
    as_table,
    as_text,
    problem_number,
    read_row,
)

MAX_OPERATIONS = 100_000
MAX_AXES = 64

A = TypeVar("A", bound=Array)
T = TypeVar("T")
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


def summands(step: Step, args: Sequence[Sequence[T]]) -> Iterator[list[tuple[T, ...]]]:
    """Each entry of the result as a sum of products of entries of the operands; one for a map."""
    if isinstance(step, Linear):
        found: list[list[tuple[T, ...]]] = [[] for _ in range(math.prod(step.shape))]
        for arg, index in zip(args, step.indices, strict=True):
            places = range(len(found) if step.picks else len(arg)) if index is None else index
            for k, i in enumerate(places):
                found[k if step.picks else i].append((arg[i if step.picks else k],))
        yield from found
    elif isinstance(step, Product):
        left, right = (range(math.prod(step.shape)) if i is None else i
                       for i in (step.left, step.right))  # fmt: skip
        yield from ([(args[0][i], args[1][j])] for i, j in zip(left, right, strict=True))
    elif isinstance(step, MatrixProduct):
        (a, b), n, k, m = args, step.n, step.k, step.m
        for i, j, _ in step.blocks:
            rows = [a[(i * n + r) * k : (i * n + r + 1) * k] for r in range(n)]
            columns = [b[j * k * m + c : (j + 1) * k * m : m] for c in range(m)]
            yield from (list(zip(r, c, strict=True)) for r in rows for c in columns)
    elif isinstance(step, Map):
        yield from ([(z,)] for z in args[0])


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
        dense: The dense problem that it was written from, if it was.
        outputs: Of a dense problem the step that holds the outputs, shape (n, K).
        layers: Of a dense problem, for each layer, the steps of its input a (n, in) and of its
            pre-activation z (n, out).
    """

    steps: list[Step]
    point: list[Fraction]
    dense: Problem | None = None
    outputs: int | None = None
    layers: tuple[tuple[int, int], ...] = ()


# ---- reading ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Limits:
    """How large a program may be.

    Attributes:
        entries: Of one array.
        total: Entries of all arrays together.
        products: Multiplications in all matrix products together.
    """

    entries: int
    total: int
    products: int


OF_PROGRAMS = Limits(2_000_000, 20_000_000, 1_000_000_000)
OF_DENSE = Limits(100_000_000, 1_000_000_000, 100_000_000_000)  # the file's size bounds them more


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


class Writer:
    """Operations one after the other (section 9.1), within limits; each returns its number.

    Attributes:
        steps: What was written so far.
        names: The blocks of parameters and their sizes.
    """

    def __init__(self, limits: Limits = OF_PROGRAMS) -> None:
        self.steps, self.names, self.limits = list[Step](), dict[str, int](), limits
        self.parameters = self.total = self.products = 0

    def require_size(self, *shape: int) -> None:
        """The number of entries of an array that is about to be made is within the limit."""
        require(math.prod(shape) <= self.limits.entries, "an array has too many entries")

    def append(self, step: Step) -> int:
        """Adds a step."""
        self.total += math.prod(step.shape)
        if isinstance(step, MatrixProduct):
            self.products += math.prod(step.shape) * step.k
        few = self.total <= self.limits.total and self.products <= self.limits.products
        require(few, "the program is too large")
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
        self.require_size(*shape)
        return self.append(Step((), shape, False, tuple(values)))

    def shapes(self, *of: int) -> list[Shape]:
        """The shapes of operands."""
        return [self.steps[i].shape for i in of]

    def moves(self, *of: int) -> bool:
        """Whether any of them depends on a parameter."""
        return any(self.steps[i].moves for i in of)

    def broadcast(self, one: Shape, other: Shape) -> Shape:
        """The shape that two arrays are repeated to, as in NumPy."""
        size = max(len(one), len(other))
        pairs = list(zip(padded(one, size), padded(other, size), strict=True))
        require(all(a == b or 1 in (a, b) for a, b in pairs), "shapes do not fit")
        shape = tuple(max(a, b) for a, b in pairs)
        self.require_size(*shape)
        return shape

    def add(self, a: int, b: int) -> int:
        """The sum of two arrays."""
        shape = self.broadcast(*self.shapes(a, b))
        indices = tuple(repeats(s, shape) for s in self.shapes(a, b))
        return self.append(Linear((a, b), shape, self.moves(a, b), indices=indices))

    def mul(self, a: int, b: int) -> int:
        """The product of two arrays, entry by entry."""
        shape = self.broadcast(*self.shapes(a, b))
        left, right = (repeats(s, shape) for s in self.shapes(a, b))
        return self.append(Product((a, b), shape, self.moves(a, b), left=left, right=right))

    def matmul(self, a: int, b: int) -> int:
        """The matrix product."""
        one, other = self.shapes(a, b)
        fits = min(len(one), len(other)) >= 2 and one[-1] == other[-2]
        require(fits, "the shapes of a matmul do not fit")
        batch = self.broadcast(one[:-2], other[:-2])
        (n, k), m, size = one[-2:], other[-1], math.prod(batch)
        self.require_size(size, n, m)
        first, second = (repeats(s[:-2], batch) or range(size) for s in (one, other))
        blocks = tuple(zip(first, second, range(size), strict=True))
        shape, moves = (*batch, n, m), self.moves(a, b)
        return self.append(MatrixProduct((a, b), shape, moves, n=n, k=k, m=m, blocks=blocks))

    def map(self, a: int, function: str, slope: Fraction | None = None) -> int:
        """A function at every entry."""
        require(function in FUNCTIONS, "unknown function")
        require((slope is not None) == (function == "leaky_relu"), "slope is for leaky_relu alone")
        slopes: Slopes | None = None
        if slope is not None:
            slopes = (Fraction(1), slope)
        elif function in PIECEWISE:
            slopes = (Fraction(PIECEWISE[function][0]), Fraction(PIECEWISE[function][1]))
        (shape,) = self.shapes(a)
        return self.append(Map((a,), shape, self.moves(a), function=(function, slopes)))

    def sum(self, a: int, axes: Sequence[int]) -> int:
        """The sum over axes."""
        (shape,), index = self.shapes(a), [0]
        require(all(a < b for a, b in pairwise(axes)), "axes are not increasing")
        require(all(0 <= a < len(shape) for a in axes), "there is no such axis")
        for axis, size in enumerate(shape):
            index = [i if axis in axes else i * size + j for i in index for j in range(size)]
        rest = tuple(n for axis, n in enumerate(shape) if axis not in axes)
        return self.append(Linear((a,), rest, self.moves(a), indices=(index,), picks=False))

    def take(self, a: int, shape: Sequence[int], index: Sequence[int]) -> int:
        """Entries by number."""
        size = math.prod(self.steps[a].shape)
        require(all(0 <= i < size for i in index), "an index of take is out of range")
        return self.append(Linear((a,), tuple(shape), self.moves(a), indices=(index,)))

    def join(self, *of: int) -> int:
        """The operands one after the other."""
        require(len(of) >= 1, "join has no operands")
        indices, start = list[Index](), 0
        for shape in self.shapes(*of):
            indices.append(range(start, start + math.prod(shape)))
            start += math.prod(shape)
        self.require_size(start)
        return self.append(
            Linear(of, (start,), self.moves(*of), indices=tuple(indices), picks=False)
        )

    def read(self, fields: Json) -> int:
        """An operation of a file."""
        op = as_text(fields.get("op"))
        require(op in KEYS, "unknown op")
        as_object(fields, "op", *KEYS[op], optional=["slope"] if op == "map" else [])
        if op == "param":
            return self.param(as_text(fields["name"]), self.read_shape(fields["shape"]))
        if op == "const":
            shape = self.read_shape(fields["shape"])
            return self.const(shape, read_row(fields["values"], math.prod(shape), problem_number))
        of = [as_int(i) for i in as_list(fields["of"])]
        require(all(0 <= i < len(self.steps) for i in of), "an operand is no earlier operation")
        if op == "join":
            return self.join(*of)
        if op in ("add", "mul", "matmul"):
            require(len(of) == 2, f"{op} has a wrong number of operands")
            return {"add": self.add, "mul": self.mul, "matmul": self.matmul}[op](*of)
        require(len(of) == 1, f"{op} has a wrong number of operands")
        if op == "map":
            slope = problem_number(fields["slope"]) if "slope" in fields else None
            return self.map(of[0], as_text(fields["function"]), slope)
        if op == "sum":
            return self.sum(of[0], [as_int(a) for a in as_list(fields["axes"])])
        shape = self.read_shape(fields["shape"])
        return self.take(
            of[0], shape, [as_int(i) for i in as_list(fields["index"], math.prod(shape))]
        )

    def read_shape(self, x: object) -> Shape:
        """Reads a shape within the limits."""
        shape = tuple(as_int(n) for n in as_list(x))
        require(len(shape) <= MAX_AXES and all(n >= 1 for n in shape), "a shape is out of bounds")
        self.require_size(*shape)
        return shape


KEYS: dict[str, tuple[str, ...]] = {
    "param": ("name", "shape"), "const": ("shape", "values"), "add": ("of",), "mul": ("of",),
    "matmul": ("of",), "map": ("of", "function"), "sum": ("of", "axes"),
    "take": ("of", "shape", "index"), "join": ("of",),
}  # fmt: skip


def read_program(x: object) -> Program:
    """Reads and validates a spurious-problem/2 object (9.1); every size is bounded."""
    fields = as_object(x, "format", "program", "point", optional=["witness"])
    require(fields["format"] == "spurious-problem/2", "the problem has an unknown format")
    operations = as_list(fields["program"])
    require(1 <= len(operations) <= MAX_OPERATIONS, "the number of operations is out of bounds")
    writer = Writer()
    for item in operations:
        writer.read(as_table(item, "an operation"))
    require(writer.steps[-1].shape == (), "the last operation is no scalar")
    require(len(writer.names) > 0, "there are no parameters")
    points = list[list[Fraction]]()
    for key in ("point", "witness"):
        if key == "point" or key in fields:
            blocks = as_object(fields[key], *writer.names)
            rows = (read_row(blocks[n], size, problem_number) for n, size in writer.names.items())
            points.append([v for row in rows for v in row])
    return Program(writer.steps, points[0])
