"""A valley along which units merge (6.5, Theorem 26)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

from checker.cases import Case, Found
from checker.functions import bell, enclosure
from checker.numbers import (
    Interval,
    Invalid,
    Undecided,
    collection,
    dot,
    interval,
    require,
    require_shown,
)
from checker.reading import Json, as_list, as_object, rational, read_layers
from checker.valleys import STEEPNESS, loss_of_outputs

MAX_PARTS, MAX_POWERS, NARROWEST = 500, 200, Fraction(1, 2**20)
HALF, SIXTH, TENTH = Fraction(1, 2), Fraction(1, 6), Fraction(1, 10)

Curve = dict[int, Fraction]  # a Laurent polynomial of r: coefficients by powers
Curves = list[list[list[Curve]]]  # for each layer and unit its incoming weights, then the bias
Merger = tuple[int, int, int, Fraction]  # layer, units j and k, s
Moving = tuple[Interval, Interval]  # a value over an interval of r, and its derivative by r


def curve_sum(*parts: tuple[Curve, Fraction | int, int]) -> Curve:
    """The sum of (curve, factor, n), each the curve times factor r^n."""
    found = collection((k + n, c * factor) for curve, factor, n in parts for k, c in curve.items())
    require(len(found) <= MAX_POWERS, "a curve has too many powers")
    return found


def curve_dot(us: Sequence[Curve], vs: Sequence[Curve]) -> Curve:
    """The inner product of two vectors of curves."""
    return curve_sum(*((v, c, k) for u, v in zip(us, vs, strict=True) for k, c in u.items()))


def along(curve: Curve, r: Interval) -> Moving:
    """A curve without negative powers."""
    value, slope = Interval(0, 0, r.bits), Interval(0, 0, r.bits)
    for k in range(max(curve, default=-1), -1, -1):
        slope = slope * r + value
        value = value * r + curve.get(k, Fraction(0))
    return value, slope


def moving_dot(us: Sequence[Moving], vs: Sequence[Moving]) -> Moving:
    """The inner product."""
    pairs, zero = list(zip(us, vs, strict=True)), Interval(0, 0, us[0][0].bits)
    slope = sum((dx * y + x * dy for (x, dx), (y, dy) in pairs), zero)
    return sum((x * y for (x, _), (y, _) in pairs), zero), slope


def require_positive_along(function: Callable[[Interval], Interval], bits: int, what: str) -> None:
    """A function of r is positive on the parts of a partition of [0, 1]."""
    waiting = [(Fraction(0), Fraction(1))]
    for _ in range(MAX_PARTS):
        low, high = waiting.pop()
        part = Interval(Interval.of(low, bits).lo, Interval.of(high, bits).hi, bits)
        value, middle = function(part), (low + high) / 2
        if value.lo <= 0:
            require(value.hi > 0, what)
            require_shown(high - low >= NARROWEST, what)
            waiting += [(low, middle), (middle, high)]
        if not waiting:
            return
    raise Invalid(what)


def read_mergers(case: Case, x: object) -> list[Merger]:
    """Reads pairs of units that no other pair names."""
    pb, found, used = case.problem, list[Merger](), list[tuple[int, int]]()
    for item in as_list(x):
        parts = as_object(item, "layer", "units", "factor")
        (m, j), (_, k) = (pb.unit(parts["layer"], unit) for unit in as_list(parts["units"], 2))
        used += [(m, j), (m, k)]
        s = rational(parts["factor"])
        known = s > 0 if pb.slopes else s == 1 or (s == -1 and pb.activation == "tanh")
        require(known, "the factor is no symmetry")
        found.append((m, j, k, s))
    require(len(found) > 0, "there are no pairs")
    require(len(set(used)) == len(used), "a unit is in two pairs")
    return found


def read_curve(case: Case, pairs: list[Merger], x: object) -> Curves:
    """The coordinates along the curve: those given, and what is missing at r = 1."""
    pb = case.problem
    given, at = [pb.units(read_layers(c, pb.widths)) for c in as_list(x)], pb.units(pb.point)
    require(len(given) > 0, "the curve has no limit")
    for m, j, k, s in pairs:
        rows = list(zip(at[m][j], at[m][k], strict=True))
        at[m][j], at[m][k] = [a - b * s for a, b in rows], [(a + b * s) / 2 for a, b in rows]
        for row in at[m + 1]:
            row[j], row[k] = row[j] + row[k] / s, (row[j] - row[k] / s) / 2
    turned = {(m, j) for m, j, _, _ in pairs}  # T/tau meets tau/2 in the row of such a unit
    moves = any(row[k] for m, _, k, _ in pairs for i, row in enumerate(given[0][m + 1])
                if (m + 1, i) not in turned)  # fmt: skip
    require(moves, "no outgoing weight grows without end")

    def curve(m: int, i: int, p: int) -> Curve:
        known = [c[m][i][p] for c in given]
        return dict(enumerate([*known, at[m][i][p] - sum(known)]))

    return [[[curve(m, i, p) for p in range(len(row))] for i, row in enumerate(rows)]
            for m, rows in enumerate(at)]  # fmt: skip


def broken(case: Case, pairs: list[Merger], units: Curves) -> Callable[[Interval], list[Moving]]:
    """Case a: the outputs as polynomials, after the signs of all pre-activations."""
    pb, f, one = case.problem, list[Curve](), {0: Fraction(1)}
    for m, j, k, s in pairs:
        rows = list(zip(units[m][j], units[m][k], strict=True))
        units[m][j] = [curve_sum((w, 1, 0), (u, HALF, 1)) for u, w in rows]
        units[m][k] = [curve_sum((w, 1 / s, 0), (u, -HALF / s, 1)) for u, w in rows]
        for row in units[m + 1]:
            c, t = row[j], row[k]
            row[j] = curve_sum((t, 1, -1), (c, HALF, 0))
            row[k] = curve_sum((t, -s, -1), (c, s * HALF, 0))

    def activated(z: Curve) -> Curve:
        """Z times the slope on its side: it is 0 all along the curve or nowhere."""
        if not z:
            return z
        low, side = min(z), 1 if z[min(z)] > 0 else -1
        rest = curve_sum((z, side, -low))
        text = "a pre-activation changes its sign along the curve"
        require_positive_along(lambda r: along(rest, r)[0], case.bits, text)
        return curve_sum((z, pb.sides[0 if side > 0 else 1], 0))

    for x in pb.inputs:
        state: list[Curve] = [{0: v} for v in x]
        for m, rows in enumerate(units):
            z = [curve_dot(row, state) for row in rows]
            state = [*(z if m == pb.depth else map(activated, z)), one]
        f += state[:-1]
    require(all(min(v, default=0) >= 0 for v in f), "an output has no limit")
    return lambda r: [along(v, r) for v in f]


def higher(name: str, z: Interval, first: Interval, second: Interval) -> list[Interval]:
    """The third, fourth and fifth derivative over z."""
    if name == "gelu":
        density, y = bell(z), z.square()
        return [z * (y - 4) * density, (y * (7 - y) - 4) * density,
                z * (y * (y - 11) + 18) * density]  # fmt: skip
    require(name in STEEPNESS, "the rule does not know this activation")
    c = STEEPNESS[name] ** 2
    third = first * (c - 6 * first)
    fifth = c * third - 12 * (second.square() + first * third)
    return [third, second * (c - 12 * first), fifth]


def bent(case: Case, pairs: list[Merger], units: Curves) -> Callable[[Interval], list[Moving]]:
    """Case b: enclosures of the outputs; a unit without a partner is one with u = T = 0."""
    pb, name, (hidden, top) = case.problem, case.problem.activation, units
    taken = {unit for _, j, k, _ in pairs for unit in (j, k)}
    alone = [k for k in range(pb.widths[1]) if k not in taken]
    inputs: list[list[Curve]] = [[{0: v} for v in x] for x in pb.inputs]
    nothing: list[Curve] = [{}] * len(inputs[0])
    # w, u, and for each output C and T
    groups = [(hidden[k], hidden[j], [(row[j], row[k]) for row in top]) for _, j, k, _ in pairs]
    groups += [(hidden[k], nothing, [(row[k], Curve()) for row in top]) for k in alone]
    rows = [[unit[-1], *(c for _, _, out in groups for c in out[k])] for k, unit in enumerate(top)]
    lines = [[(curve_dot(w, x), curve_dot(u, x)) for w, u, _ in groups] for x in inputs]

    def mean_and_slope(z: Moving, y: Moving, r: Interval) -> tuple[Moving, Moving]:
        """a(z, q) and m(z, q)."""
        (z0, dz), (y0, dy) = z, y
        q, dq = r * y0.square() * HALF * HALF, (y0.square() * HALF + r * y0 * dy) * HALF
        root = Interval(0, math.isqrt(r.hi << r.bits) + 1, r.bits)
        far = abs(root * y0 * HALF).hi
        wide = z0 + Interval(-far, far, r.bits)
        value, first, second = enclosure(name, None, z0)
        _, around, turn = enclosure(name, None, wide)
        if first is None or around is None:
            raise Undecided("a slope is not enclosed")
        third, fourth, fifth = higher(name, wide, around, turn)
        m_z = second + q * fourth * SIXTH
        m_q = (higher(name, z0, first, second)[0] + q * fifth * TENTH) * SIXTH
        a_z = first + q * third * HALF
        mean = value + q * turn * HALF, a_z * dz + m_z * dq * HALF
        return mean, (first + q * third * SIXTH, m_z * dz + m_q * dq)

    def over(r: Interval) -> list[Moving]:
        found, one = list[Moving](), (Interval.of(1, r.bits), Interval(0, 0, r.bits))
        weights = [[along(curve, r) for curve in row] for row in rows]
        for line in lines:
            state = [one]
            for z, y in line:
                turned = along(y, r)
                mean, slope = mean_and_slope(along(z, r), turned, r)
                state += [mean, moving_dot([turned], [slope])]
            found += [moving_dot(row, state) for row in weights]
        return found

    return over


def merging_valley(case: Case, proof: Json) -> Found:
    """Section 6.5, Theorem 26: along the curve the loss falls for ever."""
    pb, bits = case.problem, case.bits
    require(pb.kinked or (pb.slopes is None and pb.depth == 1), "the rule needs [d,h,K]")
    pairs = read_mergers(case, proof["pairs"])
    units = read_curve(case, pairs, proof["curve"])
    outputs, loss_at = (broken if pb.kinked else bent)(case, pairs, units), loss_of_outputs(case)

    def along_curve(r: Interval) -> Interval:
        f = outputs(r)
        rise = dot(loss_at([value for value, _ in f])[1], (slope for _, slope in f))
        return interval(rise, r.bits)

    require_positive_along(along_curve, bits, "the loss is not shown to fall along the whole curve")
    return Found(limit=loss_at([value for value, _ in outputs(Interval(0, 0, bits))])[0])
