"""A valley along a ray on which the numbers of a program move one way (9.11)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from checker.cases import Case, Found
from checker.functions import Function, enclosure, exact
from checker.numbers import Invalid, Number, Undecided, interval, sign, total
from checker.programs import Map, summands
from checker.reading import Json, as_object

RISING = {"exp": (0, None), "sigmoid": (0, 1), "tanh": (-1, 1), "erf": (-1, 1), "softsign": (-1, 1),
          "softplus": (0, None), "elu": (-1, None), "log": (None, None),
          "sqrt": (0, None)}  # fmt: skip


@dataclass(frozen=True)
class Course:
    """A number a(t) for t >= 0.

    Attributes:
        start: a(0).
        rate: a(t) = start + t rate, if it is affine.
        way: 1: strictly increasing, -1: strictly decreasing, 0: fixed; None: not known.
        limit: For t to infinity; None: infinite, on the side of the way.
        bits: The precision.
    """

    start: Number
    rate: Number | None
    way: int | None
    limit: Number | None
    bits: int

    def side(self) -> int:
        """1 if a(t) >= 0 for all t, -1 if a(t) <= 0, 0 if neither is known. The way is known."""
        ends = [interval(x, self.bits) for x in (self.start, self.limit) if x is not None]
        if all(e.lo >= 0 for e in ends) and (self.limit is not None or self.way == 1):
            return 1
        return -all(e.hi <= 0 for e in ends) if self.limit is not None or self.way == -1 else 0


def sign_of(x: Number, bits: int) -> int | None:
    """The sign, if it is known at this precision."""
    try:
        return sign(x, bits)
    except Undecided:
        return None


def affine(start: Number, rate: Number, bits: int) -> Course:
    """Start + t rate."""
    way = sign_of(rate, bits)
    return Course(start, rate, way, None if way else start, bits)


def scaled(path: Course, factor: Number) -> Course | None:
    """The product by a fixed number."""
    side, bits = sign_of(factor, path.bits), path.bits
    if side == 0:
        return affine(Fraction(0), Fraction(0), bits)
    if path.rate is not None:
        return affine(path.start * factor, path.rate * factor, bits)
    if path.way is None or side is None:
        return None
    limit = None if path.limit is None else path.limit * factor
    return Course(path.start * factor, None, path.way * side, limit, bits)


def product(a: Course | None, b: Course | None) -> Course | None:
    """By a fixed number; or of two that move away from 0, or towards it, together."""
    for one, other in ((a, b), (b, a)):
        if other is not None and other.way == 0:
            if one is not None:
                return scaled(one, other.start)
            zero = sign_of(other.start, other.bits) == 0
            return affine(Fraction(0), Fraction(0), other.bits) if zero else None
    if a is None or b is None or a.way is None or b.way is None:
        return None
    sides = a.side(), b.side()
    if 0 in sides or a.way * sides[0] != b.way * sides[1]:
        return None
    # An infinite limit is one of numbers that move away from 0: then the other's is not 0.
    limit = None if a.limit is None or b.limit is None else a.limit * b.limit
    return Course(a.start * b.start, None, a.way * sides[1], limit, a.bits)


def added(paths: list[Course | None], bits: int) -> Course | None:
    """The sum: of affine ones, or of such as move the same way."""
    known = [p for p in paths if p is not None]
    if len(known) < len(paths):
        return None
    start = total(p.start for p in known)
    rates = [p.rate for p in known if p.rate is not None]
    if len(rates) == len(known):
        return affine(start, total(rates), bits)
    ways = {p.way for p in known} - {0}
    if None in ways or len(ways) > 1:
        return None
    limits = [p.limit for p in known if p.limit is not None]
    limit = total(limits) if len(limits) == len(known) else None
    return Course(start, None, ways.pop() if ways else 0, limit, bits)


def value(function: Function, z: Number, bits: int) -> Number:
    """A function at a number."""
    found = exact(*function, z) if isinstance(z, Fraction) else None
    return enclosure(*function, interval(z, bits))[0] if found is None else found[0]


def mapped(path: Course | None, function: Function) -> Course | None:
    """A function of it: on one side of a kink, or one that strictly increases or decreases.

    Raises:
        Undecided: The function may be undefined for some t.
    """
    (name, slopes), positive = function, function[0] in ("log", "sqrt", "reciprocal")
    if path is None or path.way is None:
        if positive:
            raise Undecided("a function may be undefined along the ray")
        return None
    bits, way = path.bits, path.way
    if way == 0:
        return affine(value(function, path.start, bits), Fraction(0), bits)
    if slopes is not None:
        side = path.side()
        return scaled(path, slopes[0 if side > 0 else 1]) if side else None
    turned = name == "reciprocal"
    if not turned and name not in RISING:
        return None
    low, high = (None, 0) if turned else RISING[name]
    end = path.limit
    if positive:
        ends = [interval(x, bits) for x in (path.start, end) if x is not None]
        if ends[0].lo <= 0 or ends[-1].lo < 0 or (end is None and way < 0):
            raise Undecided("a function may be undefined along the ray")
        if end is not None and ends[-1].lo == 0:
            if ends[-1].hi > 0:
                return None
            end = None  # the limit is that at the lower end of the domain
    if end is not None:
        limit: Number | None = value(function, end, bits)
    else:
        edge = high if way > 0 else low
        limit = None if edge is None else Fraction(edge)
    return Course(value(function, path.start, bits), None, -way if turned else way, limit, bits)


def loss_path(case: Case, direction: list[Fraction]) -> Course | None:
    """The loss along the ray from the problem's point."""
    steps, bits = case.program.steps, case.bits
    paths = list[list[Course | None] | None]()  # None for what does not move
    for k, step in enumerate(steps):
        own = case.values[k].entries
        row: list[Course | None] | None = None
        if step.block:
            rates = direction[step.block.start : step.block.stop]
            if any(rates):
                row = [affine(x, r, bits) for x, r in zip(own, rates, strict=True)]
        elif any(paths[i] is not None for i in step.of):
            fixed = Fraction(0)
            args = [
                paths[i] or [affine(x, fixed, bits) for x in case.values[i].entries]
                for i in step.of
            ]
            if isinstance(step, Map):
                row = [mapped(path, step.function) for path in args[0]]
            else:
                row = [
                    added([t[0] if len(t) == 1 else product(*t) for t in terms], bits)
                    for terms in summands(step, args)
                ]
        paths.append(row)
    return paths[-1][0] if paths[-1] is not None else None


def monotone_valley(case: Case, proof: Json) -> Found:
    """Section 9.11, Theorem 31: along the ray the loss strictly decreases, to a limit."""
    as_object(proof, "rule", "direction")
    path = loss_path(case, case.read_point(proof["direction"]))
    if path is None or path.way is None:
        raise Undecided("the loss is not shown to fall along the whole ray")
    if path.way != -1 or path.limit is None:
        raise Invalid("the loss does not fall to a limit")
    return Found(limit=interval(path.limit, case.bits))
