"""Refutations: derivatives, and rays along which the loss falls for ever (6, 9.5, 9.11)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from checker.arrays import Balls
from checker.cases import Case, Found, evaluate
from checker.dense import GATES, dense_program
from checker.derivatives import Curved, tangent
from checker.functions import BENT, Function, exp, value_and_slope
from checker.minima import unit_terms
from checker.numbers import (
    Interval,
    Invalid,
    Number,
    Undecided,
    dot,
    hull,
    inner,
    interval,
    log_one_plus_exp,
    require,
    require_shown,
    sign,
    total,
)
from checker.programs import Map, Program, Step, summands
from checker.reading import Json, as_int, as_object, read_layers, read_row

RISING = {"exp": (0, None), "sigmoid": (0, 1), "tanh": (-1, 1), "erf": (-1, 1), "softsign": (-1, 1),
          "softplus": (0, None), "elu": (-1, None), "normal": (0, 1), "log": (None, None),
          "sqrt": (0, None)}  # fmt: skip
STEEPNESS = {"tanh": 2, "sigmoid": 1}  # l: the derivative is l^2 e^(-l|z|) / (1 + e^(-l|z|))^2


@dataclass(frozen=True)
class Course:
    """A number a(t) for t >= 0."""

    start: Number  # a(0)
    rate: Number | None  # a(t) = start + t rate, if it is affine
    way: int | None  # 1: strictly increasing, -1: strictly decreasing, 0: fixed; None: not known
    limit: Number | None  # for t to infinity; None: infinite, on the side of the way, if known
    bits: int
    parts: Mapping[int, Number] | None = None  # a(t) = c + the sum of these times `tails`

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
    limit, parts = (start, dict[int, Number]()) if way == 0 else (None, None)
    return Course(start, rate, way, limit, bits, parts)


def known_sum(parts: Iterable[Number | None]) -> Number | None:
    """The sum, if all are known."""
    known = list(parts)
    return None if None in known else total(x for x in known if x is not None)


def scaled(path: Course, factor: Number) -> Course | None:
    """The product by a fixed number."""
    side, bits = sign_of(factor, path.bits), path.bits
    if side == 0:
        return affine(Fraction(0), Fraction(0), bits)
    if path.rate is not None:
        return affine(path.start * factor, path.rate * factor, bits)
    if path.way is None or side is None:
        return None
    parts = None if path.parts is None else {e: x * factor for e, x in path.parts.items()}
    limit = None if path.limit is None else path.limit * factor
    return Course(path.start * factor, None, path.way * side, limit, bits, parts)


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
    start, rate = total(p.start for p in known), known_sum(p.rate for p in known)
    if rate is not None:
        return affine(start, rate, bits)
    ways = {p.way for p in known} - {0}
    if None in ways or len(ways) > 1:
        return None
    parts, limit = dict[int, Number](), known_sum(p.limit for p in known)
    for e, x in ((e, x) for p in known for e, x in (p.parts or {}).items()):
        parts[e] = parts.get(e, Fraction(0)) + x
    tailed = all(p.parts is not None for p in known)
    return Course(start, None, ways.pop() if ways else 0, limit, bits, parts if tailed else None)


def mapped(path: Course | None, function: Function) -> Course | None:
    """A function of it: on one side of a kink, or one that strictly increases or decreases.

    `Undecided` if it may be undefined for some t.
    """
    (name, slopes), positive = function, function[0] in ("log", "sqrt", "reciprocal")
    if path is None or path.way is None:
        if positive:
            raise Undecided("a function may be undefined along the ray")
        return None
    bits, way = path.bits, path.way
    if way == 0:
        start = value_and_slope(function, path.start, bits)[0]
        return affine(start, Fraction(0), bits)
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
        limit: Number | None = value_and_slope(function, end, bits)[0]
    else:
        edge = high if way > 0 else low
        limit = None if edge is None else Fraction(edge)
    start = value_and_slope(function, path.start, bits)[0]
    return Course(start, None, -way if turned else way, limit, bits)


def log_sum(ds: list[Course | None], bits: int) -> Course | None:
    """log(1 + the sum of all exp(d)), which rises with each d."""
    known = [d for d in ds if d is not None]
    ways = {d.way for d in known} - {0}
    if len(known) < len(ds) or None in ways or len(ways) > 1:
        return None
    way = ways.pop() if ways else 0
    ends = [interval(d.limit, bits) for d in known if d.limit is not None]
    limit: Number | None = log_one_plus_exp(*ends) if ends else Fraction(0)
    start = log_one_plus_exp(*(interval(d.start, bits) for d in known))
    return Course(start, None, way, None if way == 1 and len(ends) < len(ds) else limit, bits)


def tails(name: str, paths: list[Course | None], bits: int) -> dict[int, Number]:
    """Theorem 25: slopes of a saturating function of numbers z + t k, fixed or leaving 0.

    They are derivatives over that of the function at the first with the least |k|; of what moves.
    """
    pairs = [(p.start, p.rate) for p in paths if p is not None]
    zs = [(z, k) for z, k in pairs if isinstance(z, Fraction) and isinstance(k, Fraction)]
    moving = [i for i, (_, k) in enumerate(zs) if k]
    if len(zs) < len(paths) or not moving or any(zs[i][0] * zs[i][1] <= 0 for i in moving):
        return {}
    steep, first = STEEPNESS.get(name), min(moving, key=lambda i: abs(zs[i][1]))
    if steep is None and any(k not in (0, z) for z, k in zs):
        return {}
    least = abs(zs[first][0])

    def decay(z: Fraction) -> Interval:
        gap = (z * z - least * least) / 2 if steep is None else steep * (abs(z) - least)
        return exp(Interval.of(-gap, bits))[0]

    top = Interval.of(1, bits) if steep is None else (1 + decay(2 * least)).square()
    none = Interval(0, 0, bits)
    return {i: zs[i][1] if i == first else hull(none, decay(zs[i][0]) * top) * zs[i][1]
            for i in moving}  # fmt: skip


def courses(
    case: Case, direction: list[Fraction]
) -> tuple[list[list[Course | None] | None], dict[int, Number]]:
    """All numbers along the ray from the problem's point, and slopes of the first of `tails`.

    None stands for a step that does not move. `Undecided` if a function may be undefined for some
    t, or a rate or limit grows too long.
    """
    program, bits, slopes = case.program, case.bits, dict[int, Number]()
    paths = list[list[Course | None] | None]()
    for k, step in enumerate(program.steps):
        own = case.values[k].entries
        row: list[Course | None] | None = None
        if step.block:
            rates = direction[step.block.start : step.block.stop]
            if any(rates):
                row = [affine(x, r, bits) for x, r in zip(own, rates, strict=True)]
        elif any(paths[i] is not None for i in step.of):
            args = [
                paths[i] or [affine(x, Fraction(0), bits) for x in case.values[i].entries]
                for i in step.of
            ]
            if program.joint is not None and k == program.joint[1]:
                ds = paths[program.joint[0]] or []
                width = len(ds) // len(own)
                row = [log_sum(ds[i : i + width], bits) for i in range(0, len(ds), width)]
            elif isinstance(step, Map):
                row, name = [mapped(path, step.function) for path in args[0]], step.function[0]
                if program.layers and not slopes and name in (*STEEPNESS, "normal"):
                    slopes = tails(name, args[0], bits)
                    row = [replace(p, parts={e: Fraction(1)}) if p and e in slopes else p
                           for e, p in enumerate(row)]  # fmt: skip
            else:
                row = [
                    added([t[0] if len(t) == 1 else product(*t) for t in terms], bits)
                    for terms in summands(step, args)
                ]
        if row is not None:  # they grow on their own, so none may be too long either
            known = (x for p in row if p
                     for x in (p.start, p.rate, p.limit, *(p.parts or {}).values())
                     if x is not None)  # fmt: skip
            case.values[k].made(list(known))
        paths.append(row)
    return paths, slopes


LossAt = Callable[[list[Interval]], tuple[Interval, list[Interval]]]


def loss_of_outputs(case: Case) -> LossAt:
    """Encloses the loss and its derivative by the outputs, point by point.

    What the program does before the outputs is cut off, and they become its parameters.
    """
    program, last = case.program, case.program.layers[-1][1]
    require(not any(case.problem.penalties), "the loss is not one of the outputs alone")
    none, outputs = Step((), (), (Fraction(0),)), program.steps[last]
    start = Step((), outputs.shape, block=range(outputs.size))
    rest = Program([*[none] * last, start, *program.steps[last + 1 :]], [])

    def loss_at(f: list[Interval]) -> tuple[Interval, list[Interval]]:
        found = Curved(rest, case.values[last].made(f))
        return found.loss.intervals()[0], found.gradient().intervals()

    return loss_at


def falling(case: Case, direction: list[Fraction]) -> Found:
    """Theorem 33: along the ray the loss strictly decreases, to a limit."""
    rows, slopes = courses(case, direction)
    (path,) = rows[-1] or [None]
    if path is not None and path.way is not None:
        if path.way != -1 or path.limit is None:
            raise Invalid("the loss does not fall to a limit")
        return Found(limit=interval(path.limit, case.bits))
    outputs = rows[case.program.outputs or 0] if case.program.layers else None
    known = [p for p in outputs or [] if p is not None and p.parts is not None]
    if not known or len(known) < len(outputs or []):
        raise Undecided("the loss is not shown to fall for ever")
    return falling_outputs(case, known, slopes)


def falling_outputs(case: Case, outputs: list[Course], slopes: dict[int, Number]) -> Found:
    """Section 9.11, outputs that move alike: rule 5 of Theorem 33, with slopes by Theorem 25."""
    pb, width, loss_at = case.problem, case.problem.widths[-1], loss_of_outputs(case)
    convex = pb.loss in ("squared", "logistic", "cross_entropy") and min(pb.weights) >= 0
    limits = [interval(p.limit, case.bits) for p in outputs if p.limit is not None]
    require(len(limits) == len(outputs), "an output has no finite limit")
    places = list(limits)
    points = [range(i, i + width) for i in range(0, len(outputs), width)]
    moving = [{e for k in own for e in outputs[k].parts or ()} for own in points]
    for own, numbers in zip(points, moving, strict=True):
        if not convex or len(numbers) > 1:
            for k in own:
                places[k] = hull(interval(outputs[k].start, case.bits), limits[k])
    g = loss_at(places)[1]
    rise = total(
        slopes[e] * total(g[k] * (outputs[k].parts or {}).get(e, 0) for k in own)
        for own, numbers in zip(points, moving, strict=True)
        for e in sorted(numbers)
    )
    require_shown(interval(rise, case.bits).hi < 0, "the loss is not shown to fall for ever")
    return Found(limit=loss_at(limits)[0])


def monotone_valley(case: Case, proof: Json) -> Found:
    """Section 9.11: a ray; with gates one of the network in which z S(m z) stands for act(z)."""
    direction = case.read_point(proof["direction"])
    if "gates" in proof:
        pb = case.problem
        known = pb.depth > 0 and pb.activation in GATES and not any(pb.penalties)
        require(known, f"the rule needs {' or '.join(GATES)} without a penalty")
        gates = read_row(proof["gates"], sum(pb.widths[1:-1]))
        require(all(g >= 0 for g in gates), "a gate closes")
        case, direction = replace(case, program=dense_program(pb, gated=True)), gates + direction
    return falling(case, direction)


def valley_to_infinity(case: Case, proof: Json) -> Found:
    """Section 6.4, Theorem 8: a ray of the last layer, with a log loss."""
    pb = case.problem
    fields = as_object(proof["direction"], "weight", "bias")
    last = read_layers({"layers": [fields]}, pb.widths[-2:])
    return falling(case, [Fraction(0)] * (len(pb.point) - len(last)) + last)


def descent_direction(case: Case, proof: Json) -> Found:
    """Sections 6.1 and 9.5: the one-sided derivative along the direction is negative."""
    direction = case.values[-1].like(case.read_point(proof["direction"]))
    slope = tangent(case.program.steps, case.values, direction)[-1]
    falls = slope is not None and sign(slope.entries[0], case.bits) < 0
    require(falls, "the loss does not fall along the direction")
    return Found()


def negative_curvature(case: Case, proof: Json) -> Found:
    """Sections 6.3 and 9.5, Theorem 7: the second derivative along the direction is negative."""
    program = case.program
    direction = Balls.around(case.read_point(proof["direction"]), Fraction(0), case.bits)
    at = Curved(program, direction.like(program.point))
    for step in program.steps:
        if isinstance(step, Map):
            name, slopes = step.function
            kinked = slopes is not None and slopes[0] != slopes[1]
            smooth = not (kinked or name in BENT) or at.values[step.of[0]].nonzero()
            require_shown(smooth, "an argument may be at a kink or a jump")
    column = at.flat(tangent(at.steps, at.values, direction))
    bent = total(column.times(direction).intervals())
    require(sign(bent, case.bits) < 0, "the second derivative is not negative")
    return Found()


def zero_output_weight(case: Case, proof: Json) -> Found:
    """Section 6.2, Theorem 1: a unit without output weights, and psi(u) is not zero."""
    pb = case.problem
    pb.require_shallow()
    require(pb.slopes is not None, "the rule needs a homogeneous activation")
    (_, j), k = pb.unit(0, proof["unit"]), as_int(proof["output"])
    require(0 <= k < pb.widths[2], "there is no such output")
    u = read_row(proof["direction"], pb.widths[0] + 1)
    ex = evaluate(case, pb.point)
    require(not any(row[j] for row in ex.units[1]), "the unit has output weights")
    lin, bends = unit_terms(ex, j)
    bent = dot((c[k] for c in bends.values()), (abs(inner(u, pb.inputs[r])) for r in bends))
    require(sign(dot(u, lin[k]) + bent, case.bits) != 0, "psi is zero")
    return Found()
