"""A valley along which units merge (6.6, Theorem 26)."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import cache

from checker.bounds import normal_density
from checker.ending import loss_of_outputs
from checker.functions import between, enclosure
from checker.minima import Case, Found
from checker.numbers import Interval, Undecided, require
from checker.reading import Json, Layers, as_int, as_list, as_object, rational, read_layers

MERGING = ("tanh", "sigmoid", "gelu", "softplus")
MAX_PARTS = 2000  # of [0, 1], and of a pre-activation's sign
MAX_POWERS = 200
HALF, SIXTH = Fraction(1, 2), Fraction(1, 6)

Curve = dict[int, Fraction]  # a Laurent polynomial of r: coefficients by powers
Units = list[list[list[Curve]]]  # for each layer and unit its incoming weights, then the bias
Merger = tuple[int, int, int, Fraction]  # layer, units j and k, s
Outputs = Callable[[Interval], tuple[list[Interval], list[Interval]]]


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


def slope_of(curve: Curve) -> Curve:
    """The derivative."""
    return {k - 1: k * c for k, c in curve.items() if k}


def along(curve: Curve, r: Interval) -> Interval:
    """The range over r within [0, 1]; there are no negative powers."""
    found = Interval(0, 0, r.bits)
    for k in range(max(curve, default=-1), -1, -1):
        found = found * r + curve.get(k, Fraction(0))
    return found


def sign_of(curve: Curve) -> int:
    """The sign on (0, 1), 0 of the zero curve: by the coefficients of Bernstein's polynomials."""
    if not curve:
        return 0
    low, n = min(curve), max(curve) - min(curve)
    bend = [sum((curve.get(low + k, Fraction(0)) * math.comb(i, k) / math.comb(n, k)
                 for k in range(i + 1)), Fraction(0)) for i in range(n + 1)]  # fmt: skip
    found, waiting = 1 if bend[0] > 0 else -1, [bend]
    for _ in range(MAX_PARTS):
        row = waiting.pop()
        if not all(b * found > 0 for b in row):
            left, right = [row[0]], [row[-1]]
            while len(row) > 1:
                row = [(a + b) / 2 for a, b in zip(row, row[1:], strict=False)]
                left, right = [*left, row[0]], [row[-1], *right]
            waiting += [left, right]
        if not waiting:
            return found
    raise Undecided("a pre-activation may change its sign along the curve")


def read_pairs(case: Case, x: object) -> list[Merger]:
    """Reads pairs of units that no other pair names."""
    pb, pairs, used = case.problem, list[Merger](), set[tuple[int, int]]()
    for item in as_list(x):
        parts = as_object(item, "layer", "units", "factor")
        m, s = as_int(parts["layer"]), rational(parts["factor"])
        j, k = (as_int(unit) for unit in as_list(parts["units"], 2))
        require(0 <= m < len(pb.widths) - 2, "a pair is in no hidden layer")
        require(all(0 <= unit < pb.widths[m + 1] for unit in (j, k)), "there is no such unit")
        require(j != k and not used & {(m, j), (m, k)}, "a unit is in two pairs")
        used |= {(m, j), (m, k)}
        odd = pb.activation == "tanh" and s == -1
        require(s == 1 or odd or (pb.slopes is not None and s > 0), "the factor is no symmetry")
        pairs.append((m, j, k, s))
    require(len(pairs) > 0, "there are no pairs")
    return pairs


def units_of(layers: Layers) -> list[list[list[Fraction]]]:
    """For each layer and unit its incoming weights, then the bias."""
    return [[[*row, b] for row, b in zip(weight, bias, strict=True)] for weight, bias in layers]


def read_curve(case: Case, pairs: list[Merger], x: object) -> Units:
    """The coordinates along the curve: those given, and what is missing at r = 1."""
    widths, at = case.problem.widths, units_of(case.problem.layers)
    for m, j, k, s in pairs:
        rows = list(zip(at[m][j], at[m][k], strict=True))
        at[m][j], at[m][k] = [a - b * s for a, b in rows], [(a + b * s) / 2 for a, b in rows]
        for row in at[m + 1]:
            row[j], row[k] = row[j] + row[k] / s, (row[j] - row[k] / s) / 2
    given = [units_of(read_layers(c, widths, rational)) for c in as_list(x)]
    require(len(given) > 0, "the curve has no limit")
    moves = any(row[k] for m, _, k, _ in pairs for row in given[0][m + 1])
    require(moves, "no outgoing weight grows without end")
    return [[[curve_sum(*(({n: c[m][i][p]}, 1, 0) for n, c in enumerate(given)),
                    *(({len(given): v}, f, 0) for v, f in
                      [(value, 1), *((c[m][i][p], -1) for c in given)]))
              for p, value in enumerate(row)] for i, row in enumerate(rows)]
            for m, rows in enumerate(at)]  # fmt: skip


def broken(case: Case, pairs: list[Merger], units: Units) -> Outputs:
    """Case a: the outputs as polynomials, after the signs of all pre-activations."""
    pb, f = case.problem, list[Curve]()
    (above, below), last = pb.slopes or (Fraction(1), Fraction(1)), len(units) - 1
    for m, j, k, s in pairs:
        rows = list(zip(units[m][j], units[m][k], strict=True))
        units[m][j] = [curve_sum((w, 1, 0), (u, HALF, 1)) for u, w in rows]
        units[m][k] = [curve_sum((w, 1 / s, 0), (u, -HALF / s, 1)) for u, w in rows]
        for row in units[m + 1]:
            c, t = row[j], row[k]
            row[j], row[k] = curve_sum((t, 1, -1), (c, HALF, 0)), curve_sum((t, -s, -1), (c, s * HALF, 0))
    for x in pb.xs:
        state = [*({0: v} for v in x), {0: Fraction(1)}]
        for m, rows in enumerate(units):
            z = [sum_of_products(row, state) for row in rows]
            slopes = [Fraction(1) if m == last else above if sign_of(v) > 0 else below for v in z]
            state = [*(curve_sum((v, s, 0)) for v, s in zip(z, slopes, strict=True)), {0: Fraction(1)}]
        f += state[:-1]
    require(all(min(v, default=0) >= 0 for v in f), "an output has no limit")
    moves = [slope_of(v) for v in f]
    return lambda r: ([along(v, r) for v in f], [along(v, r) for v in moves])


def higher(name: str, z: Interval, first: Interval, second: Interval) -> list[Interval]:
    """The third, fourth and fifth derivative over z."""
    if name == "gelu":
        density, y = between(lambda x: normal_density(-x, z.bits), -abs(z)), z.square()
        return [z * (y - 4) * density, (y * (7 - y) - 4) * density,
                z * (y * (y - 11) + 18) * density]  # fmt: skip
    if name == "softplus":
        third = second * (1 - 2 * first)
        return [third, second * (1 - 6 * second), third * (1 - 12 * second)]
    if name == "sigmoid":
        third = first * (1 - 6 * first)
        return [third, second * (1 - 12 * first), third - 12 * (second.square() + first * third)]
    third = 2 * first * (2 - 3 * first)
    fifth = 4 * third - 12 * (second.square() + first * third)
    return [third, 4 * second * (1 - 3 * first), fifth]


def bent(case: Case, pairs: list[Merger], units: Units) -> Outputs:
    """Case b: enclosures of the outputs; a unit without a partner is one with u = T = 0."""
    pb, (hidden, top) = case.problem, units
    partner = {k: j for _, j, k, _ in pairs}
    alone = [k for k in range(pb.widths[1]) if k not in {*partner, *partner.values()}]
    groups, zero = [*partner.items(), *((k, -1) for k in alone)], Curve()

    @cache
    def lines(i: int, k: int, j: int) -> tuple[Curve, Curve]:
        state = [*({0: v} for v in pb.xs[i]), {0: Fraction(1)}]
        return sum_of_products(hidden[k], state), sum_of_products(hidden[j], state) if j + 1 else {}

    def over(r: Interval) -> tuple[list[Interval], list[Interval]]:
        root, values, moves = Interval(0, math.isqrt(r.hi << r.bits) + 1, r.bits), [], []
        for i in range(len(pb.xs)):
            f, df = [along(row[-1], r) for row in top], [along(slope_of(row[-1]), r) for row in top]
            for k, j in groups:
                z, y = lines(i, k, j)
                (a, da), (b, db) = ((along(v, r), along(slope_of(v), r)) for v in (z, y))
                dq, h = (b.square() + r * b * db * 2) * Fraction(1, 4), root * b * HALF
                far, q = max(-h.lo, h.hi), r * b.square() * Fraction(1, 4)
                wide = a + Interval(-far, far, r.bits)
                value, first, second = enclosure(pb.activation, None, a)
                _, around, turn = enclosure(pb.activation, None, wide)
                assert first is not None and around is not None
                third, fourth, fifth = higher(pb.activation, wide, around, turn)
                bend = second + q * fourth * SIXTH
                rise = (first + q * third * HALF) * da + bend * dq * HALF
                steep = higher(pb.activation, a, first, second)[0] + q * fifth * Fraction(1, 10)
                value, first = value + q * turn * HALF, first + q * third * SIXTH
                turn = b * (bend * da + steep * dq * SIXTH) + db * first
                for n, row in enumerate(top):
                    c, t = (row[j], row[k]) if j + 1 else (row[k], zero)
                    f[n] = f[n] + along(c, r) * value + along(t, r) * b * first
                    df[n] = df[n] + along(slope_of(c), r) * value + along(c, r) * rise
                    df[n] = df[n] + along(slope_of(t), r) * b * first + along(t, r) * turn
            values, moves = values + f, moves + df
        return values, moves

    return over


def merging_units(case: Case, proof: Json) -> Found:
    """Section 6.6, Theorem 26: along the curve the loss falls for ever."""
    pb, bits = case.problem, case.bits
    as_object(proof, "rule", "pairs", "curve")
    shallow = len(pb.widths) == 3 and pb.activation in MERGING
    require(pb.kinked or shallow, "the rule does not know this network")
    pairs = read_pairs(case, proof["pairs"])
    units = read_curve(case, pairs, proof["curve"])
    outputs = (broken if pb.kinked else bent)(case, pairs, units)
    loss_at = loss_of_outputs(case)
    waiting = [(Fraction(0), Fraction(1))]
    for _ in range(MAX_PARTS):
        low, high = waiting.pop()
        ends = Interval.of(low, bits), Interval.of(high, bits)
        f, moves = outputs(Interval(ends[0].lo, ends[1].hi, bits))
        slopes = loss_at(f)[1]
        rise = sum((g * v for g, v in zip(slopes, moves, strict=True)), Interval(0, 0, bits))
        if rise.lo <= 0:
            require(rise.hi > 0, "the loss rises somewhere along the curve")
            middle = (low + high) / 2
            waiting += [(low, middle), (middle, high)]
        if not waiting:
            return Found(limit=loss_at(outputs(Interval(0, 0, bits))[0])[0])
    raise Undecided("the loss is not shown to fall along the whole curve")
