"""Arrays for programs (section 9): flat lists in C order, of exact numbers or of balls."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Collection, Iterable, Sequence
from fractions import Fraction
from typing import Protocol, Self, TypeVar, cast

from checker.functions import Function, enclosure, value_and_slope
from checker.numbers import Interval, Number, Undecided, dot, interval, require_shown, sign

Index = Sequence[int] | None  # None: every entry, in order
Vectors = tuple[int, int, bool]  # of a matrix: how many, their length, whether they are its rows
Layout = tuple[int, int, int, bool]  # the same after the number of the block that the matrix is
Vector = tuple[list[int], list[int], list[int], list[int]]  # m, |m|, r and |m| + r of a vector

MAX_MAGNITUDE = 10_000  # bits before the point; a Fraction may have ten times as many in all

Entry = Number | int
ADD = cast("Callable[[Entry, Entry], Entry]", operator.add)


def cuts(layout: Layout) -> list[slice]:
    """Where the vectors of a matrix lie: rows or columns of a block of that size."""
    block, count, length, rows = layout
    start, stop = block * count * length, (block + 1) * count * length
    if rows:
        return [slice(i, i + length) for i in range(start, stop, length)]
    return [slice(start + j, stop, count) for j in range(count)]


class Array(Protocol):
    """One or two lists of equal length, which are never changed; what the kinds have in common.

    The operations of 9.1 and their derivatives are picks and sums (`collected`), products by entry
    (`times`) and of matrices (`outer`), and functions with their derivatives (`mapped`).
    """

    lists: tuple[Sequence[Entry], ...]
    bits: int

    def made(self, *lists: Sequence[Entry]) -> Self:
        """An array of this kind and precision."""
        ...

    def pick(self, index: Index) -> Self:
        """The entries with these numbers."""
        if index is None:
            return self
        return self.made(*([part[i] for i in index] for part in self.lists))

    def rows(self, width: int) -> list[Self]:
        """The rows of a matrix of this width."""
        return [self.pick(range(i, i + width)) for i in range(0, len(self.lists[0]), width)]


class Numbers(Array):
    """Exact numbers as long as everything below is exact, intervals otherwise.

    `limit` says how long a number may grow, in bits (see `MAX_MAGNITUDE`); None for no limit, where
    nothing is repeated and the length of the file is one.
    """

    def __init__(
        self, entries: Iterable[Number], bits: int, limit: int | None = MAX_MAGNITUDE
    ) -> None:
        self.entries, self.bits, self.limit = list(entries), bits, limit
        self.lists = (self.entries,)
        self.jets = dict[Function, list[tuple[Number, Number | None]]]()
        if limit is not None and any(length(x, bits) > limit for x in self.entries):
            raise Undecided("a number grows too long")

    def made(self, *lists: Sequence[Entry]) -> Numbers:
        """See `Array`."""
        return Numbers(cast("Sequence[Number]", lists[0]), self.bits, self.limit)

    def like(self, values: Iterable[Fraction]) -> Numbers:
        """Exact numbers as an array of this kind."""
        return Numbers(values, self.bits, self.limit)

    def intervals(self) -> list[Interval]:
        """The entries as intervals."""
        return [interval(x, self.bits) for x in self.entries]

    def times(self, other: Numbers, left: Index = None, right: Index = None) -> Numbers:
        """The product, entry by entry, of what is picked. Zeros stay exact."""
        pairs = zip(self.pick(left).entries, other.pick(right).entries, strict=True)
        return self.made([a * b if a and b else Fraction(0) for a, b in pairs])

    def outer(self, layout: Layout, other: Numbers, other_layout: Layout) -> Numbers:
        """All inner products of vectors in a block of this array with those in one of another."""
        xs = [self.entries[cut] for cut in cuts(layout)]
        ys = [other.entries[cut] for cut in cuts(other_layout)]
        if all(isinstance(v, Fraction) for row in (*xs, *ys) for v in row):
            rows, columns = [whole(x) for x in xs], [whole(y) for y in ys]
            return self.made([
                Fraction(sum(map(operator.mul, u, v)), d * e) for u, d in rows for v, e in columns
            ])  # fmt: skip
        return self.made([dot(x, y) for x in xs for y in ys])

    def mapped(self, function: Function, order: int = 0, side: Numbers | None = None) -> Numbers:
        """A function at every entry, or its first derivative: at a kink that to the given side."""
        if function not in self.jets:
            self.jets[function] = [value_and_slope(function, z, self.bits) for z in self.entries]
        out, slopes = list[Number](), function[1]
        for k, (z, jet) in enumerate(zip(self.entries, self.jets[function], strict=True)):
            found, flat = jet[order], z.lo == z.hi == 0 if isinstance(z, Interval) else not z
            if order and flat and slopes is not None and slopes[0] != slopes[1]:
                if side is None:
                    raise Undecided("a derivative is taken at a kink")
                found = (slopes[1], Fraction(0), slopes[0])[sign(side.entries[k], self.bits) + 1]
            if found is None:
                raise Undecided("an argument is not bounded away from a kink")
            out.append(found)
        return self.made(out)


def length(x: Number, bits: int) -> int:
    """How long a number is: bits before the point, or a tenth of those of a Fraction in all."""
    if isinstance(x, Fraction):
        return (x.numerator.bit_length() + x.denominator.bit_length()) // 10
    ends = interval(x, bits)
    return max(ends.lo.bit_length(), ends.hi.bit_length()) - bits


def whole(x: Sequence[Number]) -> tuple[list[int], int]:
    """A vector of fractions as integers over a common denominator."""
    row = [v for v in x if isinstance(v, Fraction)]
    common = math.lcm(*(v.denominator for v in row))
    return [v.numerator * (common // v.denominator) for v in row], common


class Balls(Array):
    """Intervals [m - r, m + r] over 2^bits, as two lists of integers.

    Products are those of the middles, rounded down (an error below 1), with the radius
    |m| s + r (|n| + s), also rounded down, plus 2; of exact numbers that need no rounding, 0. An
    inner product is then three of integers. What is exactly zero stays so. Functions are evaluated
    once.
    """

    def __init__(self, m: list[int], r: list[int], bits: int) -> None:
        self.m, self.r, self.bits, self.lists = m, r, bits, (m, r)
        self.jets = dict[Function, list[tuple[Interval | None, ...]]]()
        self.maps = dict[tuple[Function, int], Balls]()
        self.views = dict[Layout, list[Vector | None]]()
        largest = max(max(m), -min(m), max(r))
        require_shown(largest.bit_length() <= bits + MAX_MAGNITUDE, "a number grows too large")

    @staticmethod
    def around(
        values: Iterable[Fraction], radius: Fraction, bits: int, fixed: Collection[int] = ()
    ) -> Balls:
        """The box of all points within the radius in every entry, and equal in the fixed ones."""
        wide = -(-(radius.numerator << bits) // radius.denominator)
        split = [divmod(x.numerator << bits, x.denominator) for x in values]
        radii = [wide * (i not in fixed) + (rest > 0) for i, (_, rest) in enumerate(split)]
        return Balls([a for a, _ in split], radii, bits)

    @staticmethod
    def enclosing(found: Sequence[Interval]) -> Balls:
        """Intervals, at least one, as an array."""
        m = [z.lo + z.hi >> 1 for z in found]
        return Balls(m, [z.hi - a for z, a in zip(found, m, strict=True)], found[0].bits)

    def made(self, *lists: Sequence[Entry]) -> Balls:
        """See `Array`."""
        m, r = cast("tuple[list[int], list[int]]", lists)
        return Balls(m, r, self.bits)

    def like(self, values: Iterable[Fraction]) -> Balls:
        """Exact numbers as an array of this kind, rounded if need be."""
        return Balls.around(values, Fraction(0), self.bits)

    def intervals(self) -> list[Interval]:
        """The entries as intervals."""
        return [Interval(a - s, a + s, self.bits) for a, s in zip(self.m, self.r, strict=True)]

    def times(self, other: Balls, left: Index = None, right: Index = None) -> Balls:
        """The product, entry by entry, of what is picked; see the class."""
        x, y, p, rest = self.pick(left), other.pick(right), self.bits, (1 << self.bits) - 1
        m = list(map(operator.mul, x.m, y.m))
        pairs = zip(x.m, x.r, y.m, y.r, m, strict=True)
        wide = ((abs(a) * t + s * (abs(b) + t), c) for a, s, b, t, c in pairs)
        r = [(u >> p) + 2 if u or c & rest else 0 for u, c in wide]
        return Balls([c >> p for c in m], r, p)

    def vectors(self, layout: Layout) -> list[Vector | None]:
        """The vectors of a matrix; None is zero. Kept, for the columns of the Hessian."""
        if layout not in self.views:
            self.views[layout] = [as_vector(self.m[cut], self.r[cut]) for cut in cuts(layout)]
        return self.views[layout]

    def outer(self, layout: Layout, other: Balls, other_layout: Layout) -> Balls:
        """See `Numbers` and the class."""
        p, times, m, r = self.bits, operator.mul, list[int](), list[int]()
        rest, ys = (1 << p) - 1, other.vectors(other_layout)
        for x in self.vectors(layout):
            for y in ys:
                if x is None or y is None:
                    m.append(0)
                    r.append(0)
                    continue
                middle = sum(map(times, x[0], y[0]))
                m.append(middle >> p)
                wide = sum(map(times, x[1], y[2])) if y[2] else 0
                wide += sum(map(times, x[2], y[3])) if x[2] else 0
                r.append((wide >> p) + 2 if wide or middle & rest else 0)
        return Balls(m, r, p)

    def nonzero(self) -> bool:
        """Whether no entry can be 0."""
        return all(abs(a) > s for a, s in zip(self.m, self.r, strict=True))

    def mapped(self, function: Function, order: int = 0, side: Balls | None = None) -> Balls:
        """A function at every entry, or a derivative; there is no side at a kink."""
        del side
        if function not in self.jets:
            jets = (enclosure(*function, z) for z in self.intervals())
            self.jets[function] = list(zip(*jets, strict=True))
        if (function, order) not in self.maps:
            known = [z for z in self.jets[function][order] if z is not None]
            defined = len(known) == len(self.m)
            require_shown(defined, "an argument is not bounded away from a kink")
            self.maps[function, order] = Balls.enclosing(known)
        return self.maps[function, order]


def as_vector(m: list[int], r: list[int]) -> Vector | None:
    """A row or column ready for inner products; no radii at all are an empty list."""
    a = list(map(abs, m))
    if any(r):
        return m, a, r, list(map(operator.add, a, r))
    return (m, a, [], a) if any(m) else None


A = TypeVar("A", Numbers, Balls)


def collected(parts: Iterable[tuple[A | None, Index, Index]], size: int) -> A | None:
    """So many zeros, with the entries `source` of each part added to the entries `target`.

    None stands for zeros.
    """
    known = [(a.pick(source), target) for a, source, target in parts if a is not None]
    if not known or (len(known) == 1 and known[0][1] is None):
        return known[0][0] if known else None
    first, sums = known[0][0], list[list[Entry]]()
    for n, zero in enumerate(first.like([Fraction(0)]).lists):
        out = list(zero) * size
        for part, target in known:
            if target is None:
                out = list(map(ADD, out, part.lists[n]))
                continue
            for i, x in zip(target, part.lists[n], strict=True):
                out[i] = out[i] + x
        sums.append(out)
    return first.made(*sums)
