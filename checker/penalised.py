"""Minima of piecewise linear networks with weight decay (9.10, Theorems 28 and 29)."""

from __future__ import annotations

import math
from collections.abc import Collection
from fractions import Fraction

from checker.arrays import Balls
from checker.faces import Pattern, two_slopes
from checker.kinked import minimum_on_face
from checker.minima import Case, Found
from checker.network import Problem
from checker.numbers import Interval, Undecided, require
from checker.reading import (
    Json,
    as_int,
    as_list,
    as_object,
    as_table,
    rational,
    read_row,
)
from checker.symmetric import require_independent

Unit = tuple[int, int]


def penalised(case: Case, proof: Json) -> Found:
    """Section 9.10."""
    pb, bits, here = case.problem, case.bits, case.program.point
    as_object(proof, "rule", "centre", "radius", "free", "multipliers", "preconditioner",
              optional=["zero", "symmetries"])  # fmt: skip
    two_slopes(pb)
    centre = read_row(proof["centre"], len(here))
    zero = {read_unit(item, pb): as_object(item, "layer", "unit", "trees")
            for item in as_list(proof.get("zero", []))}  # fmt: skip
    where, costs = pb.places, pb.penalties or [Fraction(0)] * 2 * len(pb.layers)
    resting = set[int]()
    for level, j in zero:
        *weights, bias = where[level][j]
        paid = [*weights, *(row[j] for row in where[level + 1])]
        require(min(costs[2 * level], costs[2 * level + 2]) > 0, "a unit at zero pays nothing")
        if costs[2 * level + 1]:
            require(costs[2 * level + 1] > 0, "a penalty is negative")
            paid.append(bias)
        else:
            require(costs[2 * level + 3] == 0 and centre[bias] != 0, "a unit's bias is not kept")
        require(not any(centre[p] for p in paid), "a unit is not at zero")
        resting |= {*paid, bias}
    face = minimum_on_face(case, proof, centre, zero.keys())
    pattern, place, lag, curved = face.pattern, face.place, face.lag, face.box.over
    require(not resting & set(face.free), "a parameter of a unit at zero is free")
    fixed = [p for p in range(len(here)) if p not in resting | set(face.free)]
    moves = [read_symmetry(item, pb, pattern, zero, costs, place.intervals())
             for item in as_list(proof.get("symmetries", []))]  # fmt: skip
    require(len(moves) == len(fixed), "there are not as many symmetries as parameters fixed")
    if fixed:
        require_independent([as_balls([move[p] for p in fixed]) for move in moves])
    merged = False
    for (level, j), item in zero.items():
        back = curved.bars[lag.layers[level + 1]]
        if back is None:
            raise Undecided("nothing is known of the layer above a unit at zero")
        width, ds = pb.widths[level + 2], back.intervals()
        columns = [ds[k::width] for k in range(width) if (level + 1, k) not in zero]
        states = [[Interval.of(v, bits) for v in row] for row in pb.xs]
        if level:
            states = rows_of(curved.values[lag.states[level - 1]], pb.widths[level])
        alike = {s: signs_of(pb, pattern, zero, level, place.intervals(), s) for s in (1, -1)}
        merged |= require_rest(pb, costs[2 * level : 2 * level + 3], pattern.slopes[level][0][j],
                               states, columns, as_list(item["trees"]), alike)  # fmt: skip
    flat = len(fixed) + sum(not costs[2 * level + 1] for level, _ in zero)
    return Found("no" if flat or merged else "yes", flat=None if merged else flat, loss=face.loss,
                 radius=face.radius)  # fmt: skip


Alike = dict[int, dict[int, int]]


def signs_of(
    pb: Problem, pattern: Pattern, zero: Collection[Unit], level: int, values: list[Interval],
    sign: int,
) -> Alike:  # fmt: skip
    """The signs of z, where not held, of live units whose outgoing weight has this sign.

    For a layer below one with a single unit, and above none with units at zero.
    """
    if pb.widths[level + 2] > 1 or any(below == level - 1 for below, _ in zero):
        return {}
    found, (above, _) = Alike(), two_slopes(pb)
    for j in range(pb.widths[level + 1]):
        weight = values[pb.places[level + 1][0][j]]
        if (level, j) not in zero and (weight.lo if sign > 0 else -weight.hi) > 0:
            held = {i for m, k, points in pattern.pairs if (m, k) == (level, j) for i in points}
            own = [(i, row[j]) for i, row in enumerate(pattern.slopes[level]) if i not in held]
            found[j] = {i: 1 if slope == above else -1 for i, slope in own}
    return found


def read_unit(x: object, pb: Problem) -> Unit:
    """Reads a hidden unit, a different one each time."""
    fields = as_table(x, "a unit at zero")
    level, j = as_int(fields.get("layer")), as_int(fields.get("unit"))
    require(0 <= level < len(pb.widths) - 2 and 0 <= j < pb.widths[level + 1], "no such unit")
    return level, j


def rows_of(array: Balls, width: int) -> list[list[Interval]]:
    """An array (n, width) as rows."""
    entries = array.intervals()
    return [entries[i : i + width] for i in range(0, len(entries), width)]


def as_balls(entries: list[Interval]) -> Balls:
    """Intervals as an array."""
    middles = [(v.lo + v.hi) >> 1 for v in entries]
    radii = [max(v.hi - m, m - v.lo) for v, m in zip(entries, middles, strict=True)]
    return Balls(middles, radii, entries[0].bits)


def read_symmetry(
    x: object, pb: Problem, pattern: Pattern, zero: Collection[Unit], costs: list[Fraction],
    values: list[Interval],
) -> list[Interval]:  # fmt: skip
    """Reads a turn or a shift: its field over the box."""
    fields = as_table(x, "a symmetry")
    where, depth, bits = pb.places, len(pb.widths) - 2, values[0].bits
    found = [Interval(0, 0, bits)] * len(values)
    level = as_int(fields.get("layer"))
    require(0 <= level <= depth, "there is no such layer")
    held = [{i for m, unit, points in pattern.pairs if (m, unit) == (level, j) for i in points}
            for j in range(pb.widths[level + 1])]  # fmt: skip
    if "turn" in fields:
        as_object(fields, "layer", "turn")
        j, k = (as_int(v) for v in as_list(fields["turn"], 2))
        units = range(pb.widths[level + 1])
        require(level < depth and j != k and j in units and k in units, "no such units")
        require(not {(level, j), (level, k)} & set(zero), "a unit at zero is turned")
        same = held[j] == held[k] and all(row[j] == row[k] for row in pattern.slopes[level])
        require(same, "units with different patterns are turned")
        above = ((row[j], row[k]) for row in where[level + 1])
        for p, q in (*zip(where[level][j], where[level][k], strict=True), *above):
            found[p], found[q] = values[q], -values[p]
        return found
    as_object(fields, "layer", "shift")
    shift = {int(j): rational(v) for j, v in as_table(fields["shift"], "a shift").items()}
    require(set(shift) <= set(range(pb.widths[level + 1])), "no such units")
    require(not costs[2 * level + 1], "a bias that is shifted costs something")
    if level == depth:
        require(pb.loss == "cross_entropy", "outputs are shifted")
        require(len(shift) == pb.widths[-1] and len(set(shift.values())) == 1, "a shift is uneven")
        for k, amount in shift.items():
            found[where[level][k][-1]] = Interval.of(amount, bits)
        return found
    require(not costs[2 * level + 3], "a bias that is shifted costs something")
    single = pb.widths[level + 2] == 1
    require(single or len(shift) == 1, "several units are shifted")
    require(not any(held[j] or (level, j) in zero for j in shift), "a held unit is shifted")
    sums = {sum((v * row[j] for j, v in shift.items()), Fraction(0))
            for row in pattern.slopes[level]}  # fmt: skip
    require(len(sums) == 1, "a shift changes outputs")
    for j, amount in shift.items():
        moved = Interval.of(amount, bits)
        if single:
            weight = values[where[level + 1][0][j]]
            moved = -(moved / -weight) if weight.hi < 0 else moved / weight
        found[where[level][j][-1]] = moved
        for row in where[level + 1]:
            change = moved * values[row[j]] * pattern.slopes[level][0][j]
            found[row[-1]] = found[row[-1]] - change
    return found


def require_rest(
    pb: Problem, costs: list[Fraction], slope: Fraction, states: list[list[Interval]],
    columns: list[list[Interval]], trees: list[object], alike: dict[int, Alike],
) -> bool:  # fmt: skip
    """A unit at zero stays: the sum of m_k^2 is below 4 l_v. Whether it is merged somewhere.

    Args:
        pb: The problem.
        costs: l_w, l_b and l_v.
        slope: Of the unit at its bias, where that is not 0.
        states: The inputs of its layer, with radii.
        columns: D_ik for each unit k above that is not at zero.
        trees: Two for each of these, none where the bias costs nothing.
        alike: The units that it may be merged with, by the sign of its outgoing weight.
    """
    merged = set[int]()
    bits, total = states[0][0].bits, Interval(0, 0, states[0][0].bits)
    require(len(trees) == (2 * len(columns) if costs[1] else 0), "there are not enough trees")
    for n, column in enumerate(columns):
        if not costs[1]:
            sums = [sum((d * a for d, a in zip(column, c, strict=True)), Interval(0, 0, bits))
                    for c in zip(*states, strict=True)]  # fmt: skip
            total += sum((s.square() for s in sums), Interval(0, 0, bits)) / costs[0] * slope**2
            continue
        m = 0
        for tree, sign in zip(trees[2 * n : 2 * n + 2], (1, -1), strict=True):
            column_of = [d * sign for d in column]
            given = (two_slopes(pb), costs, states, column_of, alike[sign], merged)
            m = max(m, gain_bound(tree, {}, *given))
        total += Interval(m, m, bits).square()
    if total.upper >= 4 * costs[2]:
        raise Undecided("a unit at zero is not shown to stay")
    return len(merged) > 0


def gain_bound(
    tree: object, signs: dict[int, int], slopes: tuple[Fraction, Fraction], costs: list[Fraction],
    states: list[list[Interval]], column: list[Interval], alike: Alike, merged: set[int],
) -> int:  # fmt: skip
    """Bounds -Q(u) / |u| on the cone of these signs, over 2^bits."""
    fields, bits = as_table(tree, "a tree"), column[0].bits
    if "split" in fields:
        as_object(fields, "split", "plus", "minus")
        i = as_int(fields["split"])
        require(0 <= i < len(column) and i not in signs, "a split names no new point")
        sides = ((fields["plus"], 1), (fields["minus"], -1))
        given = (slopes, costs, states, column, alike, merged)
        return max(gain_bound(side, {**signs, i: sign}, *given) for side, sign in sides)
    if "like" in fields:
        as_object(fields, "like")
        j = as_int(fields["like"])
        require(j in alike, "there is no such unit to merge with")
        require(all(signs.get(i) == s for i, s in alike[j].items()), "the patterns differ")
        merged.add(j)
        return 0
    as_object(fields, optional=["tau", "mu"])
    tau, mu = (read_multipliers(fields.get(name, {})) for name in ("tau", "mu"))
    require(all(abs(t) <= 1 for t in tau.values()) and not set(tau) & set(signs), "tau is wrong")
    require(all(m >= 0 for m in mu.values()) and set(mu) <= set(signs), "mu is wrong")
    middle, bend = (slopes[0] + slopes[1]) / 2, (slopes[0] - slopes[1]) / 2
    left, crude = [Interval(0, 0, bits)] * (len(states[0]) + 1), 0
    for i, (state, d) in enumerate(zip(states, column, strict=True)):
        inputs, factor, curved = [*state, Interval.of(1, bits)], d * middle, d * bend
        if i in signs:
            factor = factor + curved * signs[i] - signs[i] * mu.get(i, Fraction(0))
        elif curved.lo >= 0:
            factor = factor + curved * tau.get(i, Fraction(0))
        else:
            crude += (abs(curved) * Interval(0, dual_norm(inputs, costs), bits)).hi
        left = [part + factor * x for part, x in zip(left, inputs, strict=True)]
    return dual_norm(left, costs) + crude


def dual_norm(linear: list[Interval], costs: list[Fraction]) -> int:
    """An upper bound for the dual norm of a linear function of weights and bias, over 2^bits."""
    *weights, bias = (part.square() for part in linear)
    total = sum(weights, Interval(0, 0, bias.bits)) / costs[0] + bias / costs[1]
    return math.isqrt(total.hi << total.bits) + 1


def read_multipliers(x: object) -> dict[int, Fraction]:
    """Reads numbers by data point."""
    return {int(i): rational(v) for i, v in as_table(x, "a list of multipliers").items()}
