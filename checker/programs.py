"""Programs (9.1): their operations, and reading them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from checker.arrays import A, Index, Vectors, collected, cuts
from checker.functions import FUNCTIONS, Function, slopes_of
from checker.network import Problem
from checker.numbers import require
from checker.reading import (
    Json,
    T,
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

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Step:
    """An operation. This one is a constant, or a block of parameters.

    Sums and products have `push`, from operands to the result. None stands for zeros.
    """

    of: tuple[int, ...]  # the steps that it operates on
    shape: Shape
    values: tuple[Fraction, ...] = ()  # the entries of a constant
    block: range = range(0)  # where a block of parameters, not empty, lies in the flat vector

    @cached_property
    def size(self) -> int:
        """The number of entries."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Linear(Step):
    """add, sum, take, join: of each operand entries are picked, and added to those of the result.

    `links` has their numbers, for each operand.
    """

    links: tuple[tuple[Index, Index], ...] = ()

    def push(self, args: Sequence[A | None]) -> A | None:
        """The result."""
        return collected([(a, *link) for a, link in zip(args, self.links, strict=True)], self.size)


@dataclass(frozen=True)
class Product(Step):
    """mul: products of picked entries."""

    left: Index = None
    right: Index = None

    def push(self, args: Sequence[A | None]) -> A | None:
        """The result."""
        a, b = args
        return None if a is None or b is None else a.times(b, self.left, self.right)


@dataclass(frozen=True)
class MatrixProduct(Step):
    """matmul, block by block: inner products of vectors of a and vectors of b."""

    left: Vectors = (0, 0, True)
    right: Vectors = (0, 0, True)
    blocks: tuple[tuple[int, int, int], ...] = ()  # of a, of b, and that of the result added to

    def push(self, args: Sequence[A | None]) -> A | None:
        """The result."""
        a, b = args
        if a is None or b is None:
            return None
        size = self.left[0] * self.right[0]
        parts = [(a.outer((i, *self.left), b, (j, *self.right)), None,
                  range(c * size, (c + 1) * size) if size < self.size else None)
                 for i, j, c in self.blocks]  # fmt: skip
        return collected(parts, self.size)


@dataclass(frozen=True)
class Map(Step):
    """map: a function at every entry, or its derivative of some order."""

    function: Function = ("relu", None)
    order: int = 0


def all_of(index: Index, size: int) -> Sequence[int]:
    """The numbers of entries."""
    return range(size) if index is None else index


def summands(step: Step, args: Sequence[Sequence[T]]) -> Iterator[list[tuple[T, ...]]]:
    """Each entry of the result as a sum of products of entries of the operands; one for a map."""
    if isinstance(step, Linear):
        found: list[list[tuple[T, ...]]] = [[] for _ in range(step.size)]
        for arg, (source, target) in zip(args, step.links, strict=True):
            entries = [arg[i] for i in all_of(source, len(arg))]
            for k, entry in zip(all_of(target, len(entries)), entries, strict=True):
                found[k].append((entry,))
        yield from found
    elif isinstance(step, Product):
        left, right = (all_of(index, step.size) for index in (step.left, step.right))
        yield from ([(args[0][i], args[1][j])] for i, j in zip(left, right, strict=True))
    elif isinstance(step, MatrixProduct):
        for i, j, _ in step.blocks:
            rows = [args[0][cut] for cut in cuts((i, *step.left))]
            columns = [args[1][cut] for cut in cuts((j, *step.right))]
            yield from (list(zip(r, c, strict=True)) for r in rows for c in columns)
    elif isinstance(step, Map):
        yield from ([(z,)] for z in args[0])


def moving(steps: Sequence[Step]) -> list[bool]:
    """For each step whether it depends on a parameter."""
    found: list[bool] = []
    for step in steps:
        found.append(len(step.block) > 0 or any(found[i] for i in step.of))
    return found


@dataclass(frozen=True)
class Program:
    """A loss: a spurious-problem/2 object, or a dense spurious-problem/1 (`checker.dense`)."""

    steps: list[Step]  # the last is the loss
    point: list[Fraction]  # flat
    dense: Problem | None = None  # that it was written from, if it was
    layers: tuple[tuple[int, int], ...] = ()  # of a dense one: the steps of each a (n, in) and z
    joint: tuple[int, int] | None = None  # of cross entropy: what `losses` is given, and gives

    @property
    def outputs(self) -> int | None:
        """Of a dense problem the step that holds the outputs, shape (n, K)."""
        return self.layers[-1][1] if self.layers else None


# ---- reading ------------------------------------------------------------------------------------


class Limits(NamedTuple):
    """How large a program may be."""

    entries: int  # of one array
    total: int  # entries of all arrays together
    products: int  # multiplications in all matrix products together


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
    """Operations one after the other (section 9.1), within limits; each returns its number."""

    def __init__(self, limits: Limits = OF_PROGRAMS) -> None:
        self.steps = list[Step]()  # what was written so far
        self.names = dict[str, int]()  # of the blocks of parameters, with their sizes
        self.limits, self.parameters, self.total, self.products = limits, 0, 0, 0

    def require_size(self, *shape: int) -> None:
        """The number of entries of an array that is about to be made is within the limit."""
        require(math.prod(shape) <= self.limits.entries, "an array has too many entries")

    def append(self, step: Step) -> int:
        """Adds a step."""
        self.total += step.size
        if isinstance(step, MatrixProduct):
            self.products += step.size * step.left[1]
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
        return self.append(Step((), shape, block=range(start, start + size)))

    def const(self, shape: Shape, values: Sequence[Fraction]) -> int:
        """Exact numbers."""
        self.require_size(*shape)
        return self.append(Step((), shape, tuple(values)))

    def linear(self, of: Sequence[int], shape: Shape, links: Sequence[tuple[Index, Index]]) -> int:
        """Picks of the operands, added up at places of the result."""
        return self.append(Linear(tuple(of), shape, links=tuple(links)))

    def broadcast(self, one: Shape, other: Shape) -> tuple[Shape, Index, Index]:
        """The shape that two arrays are repeated to, as in NumPy, and the entries repeated."""
        size = max(len(one), len(other))
        pairs = list(zip(padded(one, size), padded(other, size), strict=True))
        require(all(a == b or 1 in (a, b) for a, b in pairs), "shapes do not fit")
        shape = tuple(max(a, b) for a, b in pairs)
        self.require_size(*shape)
        return shape, repeats(one, shape), repeats(other, shape)

    def add(self, a: int, b: int) -> int:
        """The sum of two arrays."""
        shape, left, right = self.broadcast(self.steps[a].shape, self.steps[b].shape)
        return self.linear((a, b), shape, [(left, None), (right, None)])

    def mul(self, a: int, b: int) -> int:
        """The product of two arrays, entry by entry."""
        shape, left, right = self.broadcast(self.steps[a].shape, self.steps[b].shape)
        return self.append(Product((a, b), shape, left=left, right=right))

    def matmul(self, a: int, b: int) -> int:
        """The matrix product."""
        one, other = self.steps[a].shape, self.steps[b].shape
        fits = min(len(one), len(other)) >= 2 and one[-1] == other[-2]
        require(fits, "the shapes of a matmul do not fit")
        batch, first, second = self.broadcast(one[:-2], other[:-2])
        (n, k), m, size = one[-2:], other[-1], math.prod(batch)
        self.require_size(size, n, m)
        blocks = zip(all_of(first, size), all_of(second, size), range(size), strict=True)
        return self.append(MatrixProduct((a, b), (*batch, n, m), left=(n, k, True),
                                         right=(m, k, False), blocks=tuple(blocks)))  # fmt: skip

    def map(self, a: int, function: str, slope: Fraction | None = None) -> int:
        """A function at every entry."""
        require(function in FUNCTIONS, "unknown function")
        known = function, slopes_of(function, slope)
        return self.append(Map((a,), self.steps[a].shape, function=known))

    def sum(self, a: int, axes: Sequence[int]) -> int:
        """The sum over axes."""
        shape, index = self.steps[a].shape, [0]
        require(all(a < b for a, b in pairwise(axes)), "axes are not increasing")
        require(all(0 <= a < len(shape) for a in axes), "there is no such axis")
        for axis, size in enumerate(shape):
            index = [i if axis in axes else i * size + j for i in index for j in range(size)]
        rest = tuple(n for axis, n in enumerate(shape) if axis not in axes)
        return self.linear([a], rest, [(None, index)])

    def take(self, a: int, shape: Sequence[int], index: Sequence[int]) -> int:
        """Entries by number."""
        size = self.steps[a].size
        require(all(0 <= i < size for i in index), "an index of take is out of range")
        return self.linear([a], tuple(shape), [(index, None)])

    def join(self, *of: int) -> int:
        """The operands one after the other."""
        require(len(of) >= 1, "join has no operands")
        links, start = list[tuple[Index, Index]](), 0
        for i in of:
            links.append((None, range(start, start + self.steps[i].size)))
            start += self.steps[i].size
        self.require_size(start)
        return self.linear(of, (start,), links)

    def read(self, fields: Json) -> int:
        """An operation of a file."""
        op = as_text(fields.get("op"))
        require(op in KEYS, "unknown op")
        as_object(fields, "op", *KEYS[op], optional=["slope"] if op == "map" else [])
        shape = tuple(as_int(n) for n in as_list(fields.get("shape", [])))
        require(len(shape) <= MAX_AXES and all(n >= 1 for n in shape), "a shape is out of bounds")
        self.require_size(*shape)
        if op == "param":
            return self.param(as_text(fields["name"]), shape)
        if op == "const":
            return self.const(shape, read_row(fields["values"], math.prod(shape), problem_number))
        of = [as_int(i) for i in as_list(fields["of"], OPERANDS.get(op, 1))]
        require(all(0 <= i < len(self.steps) for i in of), "an operand is no earlier operation")
        if op == "map":
            slope = problem_number(fields["slope"]) if "slope" in fields else None
            return self.map(of[0], as_text(fields["function"]), slope)
        if op == "sum":
            return self.sum(of[0], [as_int(a) for a in as_list(fields["axes"])])
        if op == "take":
            index = [as_int(i) for i in as_list(fields["index"], math.prod(shape))]
            return self.take(of[0], shape, index)
        return {"add": self.add, "mul": self.mul, "matmul": self.matmul, "join": self.join}[op](*of)


KEYS: dict[str, tuple[str, ...]] = {
    "param": ("name", "shape"), "const": ("shape", "values"), "add": ("of",), "mul": ("of",),
    "matmul": ("of",), "map": ("of", "function"), "sum": ("of", "axes"),
    "take": ("of", "shape", "index"), "join": ("of",),
}  # fmt: skip
OPERANDS = {"add": 2, "mul": 2, "matmul": 2, "join": None}  # how many; of the others one


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
