"""Arrays for programs (section 9): flat lists in C order, of exact numbers or of balls."""

from __future__ import annotations

import math
import operator
from collections.abc import Collection, Sequence
from fractions import Fraction
from typing import Protocol, Self

from checker.functions import Jet, Slopes, enclosure, exact
from checker.numbers import Interval, Number, Undecided, dot, interval, sign

Index = Sequence[int] | None  # None: every entry, in order
Function = tuple[str, Slopes | None]

MAX_MAGNITUDE = 10_000  # bits before the point; a Fraction may have ten times as many in all


Layout = tuple[int, int, bool]  # vectors of a matrix: their number, their length, rows or columns


class Array(Protocol):
    """What the operations of section 9.1 and their derivatives need; nothing changes in place."""

    bits: int

    def like(self, values: Sequence[Fraction]) -> Self:
        """Exact numbers as an array of this kind."""
        ...

    def pick(self, index: Index) -> Self:
        """The entries with these numbers."""
        ...

    def scatter(self, index: Index, size: int) -> Self:
        """Adds entry k to entry index[k] of zeros: the transpose of `pick`."""
        ...

    def plus(self, other: Self) -> Self:
        """The sum, entry by entry."""
        ...

    def times(self, other: Self) -> Self:
        """The product, entry by entry."""
        ...

    def outer(self, block: int, layout: Layout, other: Self, of: int, other_layout: Layout) -> Self:
        """All inner products of vectors in a block of this array with those in one of another."""
        ...

    def joined(self, parts: list[Self]) -> Self:
        """The parts one after the other."""
        ...

    def mapped(self, function: Function) -> Self:
        """A function at every entry."""
        ...

    def slope(self, function: Function, side: Self | None) -> Self:
        """Its derivative; at a kink the one on the side to which `side` points, if it is given."""
        ...


def slices(block: int, count: int, length: int, rows: bool) -> list[slice]:
    """Where the vectors of a matrix lie, the rows or columns of a block of that size."""
    start, stop = block * count * length, (block + 1) * count * length
    if rows:
        return [slice(i, i + length) for i in range(start, stop, length)]
    return [slice(start + j, stop, count) for j in range(count)]


class Numbers:
    """Exact numbers as long as everything below is exact, intervals otherwise.

    Attributes:
        limit: How long a number may grow, in bits (see `MAX_MAGNITUDE`); None for no limit, where
            nothing is repeated and the length of the file is one.
    """

    __slots__ = ("bits", "entries", "jets", "limit")

    def __init__(
        self, entries: Sequence[Number], bits: int, limit: int | None = MAX_MAGNITUDE
    ) -> None:
        self.entries, self.bits, self.limit = list(entries), bits, limit
        self.jets: dict[Function, list[tuple[Number, Number | None]]] = {}
        if limit is not None and any(length(x, bits) > limit for x in self.entries):
            raise Undecided("a number grows too long")

    def made(self, entries: Sequence[Number]) -> Numbers:
        """An array of this precision."""
        return Numbers(entries, self.bits, self.limit)

    def like(self, values: Sequence[Fraction]) -> Numbers:
        """Exact."""
        return self.made(values)

    def pick(self, index: Index) -> Numbers:
        """See `Array`."""
        return self if index is None else self.made([self.entries[i] for i in index])

    def scatter(self, index: Index, size: int) -> Numbers:
        """See `Array`."""
        if index is None:
            return self
        out: list[Number] = [Fraction(0)] * size
        for i, x in zip(index, self.entries, strict=True):
            out[i] = out[i] + x
        return self.made(out)

    def plus(self, other: Numbers) -> Numbers:
        """See `Array`."""
        return self.made([a + b for a, b in zip(self.entries, other.entries, strict=True)])

    def times(self, other: Numbers) -> Numbers:
        """Zeros stay exact."""
        pairs = zip(self.entries, other.entries, strict=True)
        return self.made([a * b if a and b else Fraction(0) for a, b in pairs])

    def vectors(self, block: int, count: int, length: int, rows: bool) -> list[list[Number]]:
        """See `slices`."""
        return [self.entries[cut] for cut in slices(block, count, length, rows)]

    def outer(
        self, block: int, layout: Layout, other: Numbers, of: int, other_layout: Layout
    ) -> Numbers:
        """See `Array`."""
        xs, ys = self.vectors(block, *layout), other.vectors(of, *other_layout)
        if all(isinstance(v, Fraction) for row in (*xs, *ys) for v in row):
            rows, columns = [whole(x) for x in xs], [whole(y) for y in ys]
            return self.made([
                Fraction(sum(map(operator.mul, u, v)), d * e) for u, d in rows for v, e in columns
            ])  # fmt: skip
        return self.made([dot(x, y) for x in xs for y in ys])

    def joined(self, parts: list[Numbers]) -> Numbers:
        """See `Array`."""
        return self.made([x for part in parts for x in part.entries])

    def jet(self, function: Function) -> list[tuple[Number, Number | None]]:
        """Value and slope of a function at every entry, exact where that is possible; kept."""
        if function not in self.jets:
            found = self.jets[function] = []
            for z in self.entries:
                pair = exact(*function, z) if isinstance(z, Fraction) else None
                found.append(pair or enclosure(*function, interval(z, self.bits))[:2])
        return self.jets[function]

    def mapped(self, function: Function) -> Numbers:
        """Exact where that is possible."""
        return self.made([value for value, _ in self.jet(function)])

    def slope(self, function: Function, side: Numbers | None) -> Numbers:
        """Exact where that is possible; at a kink as `side` says."""
        out, slopes = list[Number](), function[1]
        for k, (z, (_, first)) in enumerate(zip(self.entries, self.jet(function), strict=True)):
            flat = z.lo == z.hi == 0 if isinstance(z, Interval) else not z
            if flat and slopes is not None and slopes[0] != slopes[1]:
                if side is None:
                    raise Undecided("a derivative is taken at a kink")
                first = (slopes[1], Fraction(0), slopes[0])[sign(side.entries[k], self.bits) + 1]
            if first is None:
                raise Undecided("an argument is not bounded away from a kink")
            out.append(first)
        return self.made(out)


def length(x: Number, bits: int) -> int:
    """How long a number is: bits before the point, or a tenth of those of a Fraction in all."""
    if isinstance(x, Fraction):
        return (x.numerator.bit_length() + x.denominator.bit_length()) // 10
    ends = x if isinstance(x, Interval) else x.enclose(bits)
    return max(ends.lo.bit_length(), ends.hi.bit_length()) - bits


def whole(x: Sequence[Number]) -> tuple[list[int], int]:
    """A vector of fractions as integers over a common denominator."""
    row = [v for v in x if isinstance(v, Fraction)]
    common = math.lcm(*(v.denominator for v in row))
    return [v.numerator * (common // v.denominator) for v in row], common


Ball = tuple[list[int], list[int], list[int], list[int]]  # m, |m|, r and |m| + r of a vector


class Balls:
    """Intervals [m - r, m + r] over 2^bits, as two lists of integers.

    Products are those of the middles, rounded down (an error below 1), with the radius
    |m| s + r (|n| + s), also rounded down, plus 2; of exact numbers that need no rounding, 0. An
    inner product is then three of integers.
    What is exactly zero stays so; a vector of zeros is None. Functions are evaluated once.
    """

    __slots__ = ("bits", "jets", "m", "r", "slopes", "views")

    def __init__(self, m: list[int], r: list[int], bits: int) -> None:
        self.m, self.r, self.bits = m, r, bits
        self.jets: dict[Function, list[Jet]] = {}
        self.slopes: dict[Function, Balls] = {}
        self.views: dict[tuple[int, int, int, bool], list[Ball | None]] = {}
        largest = max(max(m), -min(m), max(r))
        if largest.bit_length() > bits + MAX_MAGNITUDE:
            raise Undecided("a number grows too large")

    @staticmethod
    def around(
        values: Sequence[Fraction], radius: Fraction, bits: int, fixed: Collection[int] = ()
    ) -> Balls:
        """The box of all points within the radius in every entry, and equal in the fixed ones."""
        wide = -(-(radius.numerator << bits) // radius.denominator)
        split = [divmod(x.numerator << bits, x.denominator) for x in values]
        radii = [(0 if i in fixed else wide) + (rest > 0) for i, (_, rest) in enumerate(split)]
        return Balls([a for a, _ in split], radii, bits)

    def like(self, values: Sequence[Fraction]) -> Balls:
        """Points, rounded if need be."""
        return Balls.around(values, Fraction(0), self.bits)

    def pick(self, index: Index) -> Balls:
        """See `Array`."""
        if index is None:
            return self
        return Balls([self.m[i] for i in index], [self.r[i] for i in index], self.bits)

    def scatter(self, index: Index, size: int) -> Balls:
        """See `Array`."""
        if index is None:
            return self
        m, r = [0] * size, [0] * size
        for i, a, s in zip(index, self.m, self.r, strict=True):
            m[i] += a
            r[i] += s
        return Balls(m, r, self.bits)

    def plus(self, other: Balls) -> Balls:
        """See `Array`."""
        m, r = map(operator.add, self.m, other.m), map(operator.add, self.r, other.r)
        return Balls(list(m), list(r), self.bits)

    def times(self, other: Balls) -> Balls:
        """See the class."""
        p, rest = self.bits, (1 << self.bits) - 1
        m = list(map(operator.mul, self.m, other.m))
        pairs = zip(self.m, self.r, other.m, other.r, m, strict=True)
        wide = ((abs(a) * t + s * (abs(b) + t), c) for a, s, b, t, c in pairs)
        r = [(u >> p) + 2 if u or c & rest else 0 for u, c in wide]
        return Balls([c >> p for c in m], r, p)

    def vectors(self, block: int, count: int, length: int, rows: bool) -> list[Ball | None]:
        """Kept: those of values are used for each column of the Hessian."""
        key = block, count, length, rows
        if key not in self.views:
            cuts = slices(block, count, length, rows)
            self.views[key] = [as_vector(self.m[cut], self.r[cut]) for cut in cuts]
        return self.views[key]

    def outer(
        self, block: int, layout: Layout, other: Balls, of: int, other_layout: Layout
    ) -> Balls:
        """See the class."""
        xs, ys = self.vectors(block, *layout), other.vectors(of, *other_layout)
        p, rest = self.bits, (1 << self.bits) - 1
        times, m, r = operator.mul, list[int](), list[int]()
        for x in xs:
            if x is None:
                m += [0] * len(ys)
                r += [0] * len(ys)
                continue
            xm, xa, xr, _ = x
            for y in ys:
                if y is None:
                    m.append(0)
                    r.append(0)
                    continue
                ym, _, yr, yg = y
                middle = sum(map(times, xm, ym))
                m.append(middle >> p)
                wide = sum(map(times, xa, yr)) if yr else 0
                wide += sum(map(times, xr, yg)) if xr else 0
                r.append((wide >> p) + 2 if wide or middle & rest else 0)
        return Balls(m, r, p)

    def joined(self, parts: list[Balls]) -> Balls:
        """See `Array`."""
        if len(parts) == 1:
            return parts[0]
        m, r = [a for part in parts for a in part.m], [s for part in parts for s in part.r]
        return Balls(m, r, self.bits)

    def intervals(self) -> list[Interval]:
        """The entries as intervals."""
        return [Interval(a - s, a + s, self.bits) for a, s in zip(self.m, self.r, strict=True)]

    def unit(self, place: int, size: int) -> Balls:
        """1 at one place, 0 at the others."""
        m = [0] * size
        m[place] = 1 << self.bits
        return Balls(m, [0] * size, self.bits)

    def nonzero(self) -> bool:
        """Whether no entry can be 0."""
        return all(abs(a) > s for a, s in zip(self.m, self.r, strict=True))

    def made(self, found: list[Interval]) -> Balls:
        """Intervals as an array of this precision."""
        m = [z.lo + z.hi >> 1 for z in found]
        return Balls(m, [z.hi - a for z, a in zip(found, m, strict=True)], self.bits)

    def jet(self, function: Function) -> list[Jet]:
        """Value and derivatives of a function at every entry, kept."""
        if function not in self.jets:
            self.jets[function] = [enclosure(*function, z) for z in self.intervals()]
        return self.jets[function]

    def mapped(self, function: Function) -> Balls:
        """Evaluated once."""
        return self.made([value for value, _, _ in self.jet(function)])

    def slope(self, function: Function, side: Balls | None) -> Balls:
        """There is no side: a kink raises `Undecided`."""
        del side  # at no kink
        if function not in self.slopes:
            firsts = [first for _, first, _ in self.jet(function) if first is not None]
            if len(firsts) < len(self.m):
                raise Undecided("an argument is not bounded away from a kink")
            self.slopes[function] = self.made(firsts)
        return self.slopes[function]

    def bend(self, function: Function) -> Balls:
        """The second derivative of a function at every entry."""
        return self.made([second for _, _, second in self.jet(function)])


def as_vector(m: list[int], r: list[int]) -> Ball | None:
    """A row or column ready for inner products; no radii at all are an empty list."""
    if not any(r):
        if not any(m):
            return None
        a = list(map(abs, m))
        return m, a, [], a
    a = list(map(abs, m))
    return m, a, r, list(map(operator.add, a, r))
