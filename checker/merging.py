"""A valley along which units merge (6.6, Theorem 26)."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from checker.bounds import normal_density
from checker.ending import loss_of_outputs
from checker.functions import between, enclosure
from checker.minima import Case, Found
from checker.numbers import Interval, Invalid, Undecided, require
from checker.reading import Json, Layers, as_int, as_list, as_object, rational, read_layers

MAX_PARTS, MAX_POWERS, NARROWEST = 500, 200, Fraction(1, 2**20)
HALF, SIXTH, TENTH = Fraction(1, 2), Fraction(1, 6), Fraction(1, 10)

Curve = dict[int, Fraction]  # a Laurent polynomial of r: coefficients by powers
Units = list[list[list[Curve]]]  # for each layer and unit its incoming weights, then the bias
Merger = tuple[int, int, int, Fraction]  # layer, units j and k, s
Outputs = Callable[[Interval], tuple[list[Interval], list[Interval]]]  # f and f' over an interval


def curve_sum(*parts: tuple[Curve, Fraction | int, int]) -> Curve:
    """The sum of (curve, factor, n), each the curve times factor r^n."""
    found = Curve()
    for curve, factor, shift in parts:
        for k, c in curve.items():
            found[k + shift] = found.get(k + shift, Fraction(0)) + c * factor
    require(len(found) <= MAX_POWERS, "a curve has too many powers")
    return {k: c for k, c in found.items() if c}


def sum_of_products(us: list[Curve], vs: list[Curve]) -> Curve:
    """The inner product of two vectors of curves."""
    return curve_sum(*((v, c, k) for u, v in zip(us, vs, strict=True) for k, c in u.items()))


def along(curve: Curve, r: Interval) -> tuple[Interval, Interval]:
    """Ranges of a curve without negative powers, and of its derivative."""
    value, slope = Interval(0, 0, r.bits), Interval(0, 0, r.bits)
    for k in range(max(curve, default=-1), -1, -1):
        slope = slope * r + value
        value = value * r + curve.get(k, Fraction(0))
    return value, slope


def require_positive_along(function: Callable[[Interval], Interval], bits: int, what: str) -> None:
    """A function of r is positive on the parts of a partition of [0, 1]."""
    waiting = [(Fraction(0), Fraction(1))]
    for _ in range(MAX_PARTS):
        low, high = waiting.pop()
        part = Interval(Interval.of(low, bits).lo, Interval.of(high, bits).hi, bits)
        value, middle = function(part), (low + high) / 2
        if value.lo <= 0:
            require(value.hi > 0, what)
            if high - low < NARROWEST:
                raise Undecided(what)
            waiting += [(low, middle), (middle, high)]
        if not waiting:
            return
    raise Invalid(what)


def read_mergers(case: Case, x: object) -> list[Merger]:
    """Reads pairs of units that no other pair names."""
    pb, found, used = case.problem, list[Merger](), set[tuple[int, int]]()
    for item in as_list(x):
        parts = as_object(item, "layer", "units", "factor")
        m, s = as_int(parts["layer"]), rational(parts["factor"])
        j, k = (as_int(unit) for unit in as_list(parts["units"], 2))
        require(0 <= m < len(pb.widths) - 2, "a pair is in no hidden layer")
        require(all(0 <= unit < pb.widths[m + 1] for unit in (j, k)), "there is no such unit")
        require(j != k and not used & {(m, j), (m, k)}, "a unit is in two pairs")
        used |= {(m, j), (m, k)}
        known = s > 0 if pb.slopes else s == 1 or (s == -1 and pb.activation == "tanh")
        require(known, "the factor is no symmetry")
        found.append((m, j, k, s))
    require(len(found) > 0, "there are no pairs")
    return found


def units_of(layers: Layers) -> list[list[list[Fraction]]]:
    """For each layer and unit its incoming weights, then the bias."""
    return [[[*row, b] for row, b in zip(weight, bias, strict=True)] for weight, bias in layers]


def read_curve(case: Case, pairs: list[Merger], x: object) -> Units:
    """The coordinates along the curve: those given, and what is missing at r = 1."""
    given = [units_of(read_layers(c, case.problem.widths, rational)) for c in as_list(x)]
    at, n = units_of(case.problem.layers), len(given)
    require(n > 0, "the curve has no limit")
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
        return {**dict(enumerate(known)), n: at[m][i][p] - sum(known)}

    return [[[curve(m, i, p) for p in range(len(row))] for i, row in enumerate(rows)]
            for m, rows in enumerate(at)]  # fmt: skip


def broken(case: Case, pairs: list[Merger], units: Units) -> Outputs:
    """Case a: the outputs as polynomials, after the signs of all pre-activations."""
    pb, f, one, last = case.problem, list[Curve](), {0: Fraction(1)}, len(units) - 1
    for m, j, k, s in pairs:
        rows = list(zip(units[m][j], units[m][k], strict=True))
        units[m][j] = [curve_sum((w, 1, 0), (u, HALF, 1)) for u, w in rows]
        units[m][k] = [curve_sum((w, 1 / s, 0), (u, -HALF / s, 1)) for u, w in rows]
        for row in units[m + 1]:
            c, t = row[j], row[k]
            row[j] = curve_sum((t, 1, -1), (c, HALF, 0))
            row[k] = curve_sum((t, -s, -1), (c, s * HALF, 0))

    def slope(z: Curve) -> Fraction:
        """That on the side of z, which is 0 all along the curve or nowhere."""
        above, below = pb.slopes or (Fraction(1), Fraction(1))
        if not z:
            return below
        low, side = min(z), 1 if z[min(z)] > 0 else -1
        rest = curve_sum((z, side, -low))
        text = "a pre-activation changes its sign along the curve"
        require_positive_along(lambda r: along(rest, r)[0], case.bits, text)
        return above if side > 0 else below

    for x in pb.xs:
        state: list[Curve] = [*({0: v} for v in x), one]
        for m, rows in enumerate(units):
            z = [sum_of_products(row, state) for row in rows]
            state = [*(curve_sum((v, 1 if m == last else slope(v), 0)) for v in z), one]
        f += state[:-1]
    require(all(min(v, default=0) >= 0 for v in f), "an output has no limit")

    def over(r: Interval) -> tuple[list[Interval], list[Interval]]:
        found = [along(v, r) for v in f]
        return [value for value, _ in found], [slope for _, slope in found]

    return over


def higher(name: str, z: Interval, first: Interval, second: Interval) -> list[Interval]:
    """The third, fourth and fifth derivative over z."""
    if name == "gelu":
        density, y = between(lambda x: normal_density(-x, z.bits), -abs(z)), z.square()
        return [z * (y - 4) * density, (y * (7 - y) - 4) * density,
                z * (y * (y - 11) + 18) * density]  # fmt: skip
    if name == "tanh":
        third = 2 * first * (2 - 3 * first)
        fifth = 4 * third - 12 * (second.square() + first * third)
        return [third, 4 * second * (1 - 3 * first), fifth]
    require(name == "sigmoid", "the rule does not know this activation")
    third = first * (1 - 6 * first)
    return [third, second * (1 - 12 * first), third - 12 * (second.square() + first * third)]


def bent(case: Case, pairs: list[Merger], units: Units) -> Outputs:
    """Case b: enclosures of the outputs; a unit without a partner is one with u = T = 0."""
    pb, name, (hidden, top), zero = case.problem, case.problem.activation, units, Curve()
    taken = {unit for _, j, k, _ in pairs for unit in (j, k)}
    nothing = [zero] * (pb.widths[0] + 1)
    inputs: list[list[Curve]] = [[*({0: v} for v in x), {0: Fraction(1)}] for x in pb.xs]
    groups = [(hidden[k], hidden[j], [(row[j], row[k]) for row in top]) for _, j, k, _ in pairs]
    groups += [(hidden[k], nothing, [(row[k], zero) for row in top])
               for k in range(pb.widths[1]) if k not in taken]  # fmt: skip
    lines = [[(sum_of_products(w, x), sum_of_products(u, x)) for w, u, _ in groups] for x in inputs]

    def over(r: Interval) -> tuple[list[Interval], list[Interval]]:
        root = Interval(0, math.isqrt(r.hi << r.bits) + 1, r.bits)
        values, moves = list[Interval](), list[Interval]()
        weights = [[(along(c, r), along(t, r)) for c, t in out] for _, _, out in groups]
        for row in lines:
            f, df = map(list, zip(*(along(unit[-1], r) for unit in top), strict=True))
            for (z, y), out in zip(row, weights, strict=True):
                (a, da), (b, db) = along(z, r), along(y, r)
                q, dq = r * b.square() * HALF * HALF, (b.square() * HALF + r * b * db) * HALF
                far = abs(root * b * HALF).hi
                wide = a + Interval(-far, far, r.bits)
                value, first, second = enclosure(name, None, a)
                _, around, turn = enclosure(name, None, wide)
                if first is None or around is None:
                    raise Undecided("a slope is not enclosed")
                third, fourth, fifth = higher(name, wide, around, turn)
                bend = second + q * fourth * SIXTH
                steep = higher(name, a, first, second)[0] + q * fifth * TENTH
                rise = (first + q * third * HALF) * da + bend * dq * HALF
                value, first = value + q * turn * HALF, first + q * third * SIXTH
                turn = b * (bend * da + steep * dq * SIXTH) + db * first
                for n, ((c, dc), (t, dt)) in enumerate(out):
                    f[n] = f[n] + c * value + t * b * first
                    df[n] = df[n] + dc * value + c * rise + dt * b * first + t * turn
            values, moves = values + f, moves + df
        return values, moves

    return over


def merging_valley(case: Case, proof: Json) -> Found:
    """Section 6.6, Theorem 26: along the curve the loss falls for ever."""
    pb, bits = case.problem, case.bits
    as_object(proof, "rule", "pairs", "curve")
    require(pb.kinked or (pb.slopes is None and len(pb.widths) == 3), "the rule needs [d,h,K]")
    pairs = read_mergers(case, proof["pairs"])
    units = read_curve(case, pairs, proof["curve"])
    outputs, loss_at = (broken if pb.kinked else bent)(case, pairs, units), loss_of_outputs(case)

    def rise(r: Interval) -> Interval:
        f, moves = outputs(r)
        return sum((g * v for g, v in zip(loss_at(f)[1], moves, strict=True)), Interval(0, 0, bits))

    require_positive_along(rise, bits, "the loss is not shown to fall along the whole curve")
    return Found(limit=loss_at(outputs(Interval(0, 0, bits))[0])[0])
