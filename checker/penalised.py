"""Minima of piecewise linear networks with weight decay (9.10, Theorems 28, 29 and 38)."""

from __future__ import annotations

import math
from collections.abc import Collection
from fractions import Fraction

from checker.arrays import Balls
from checker.cases import Case, Found, leaves
from checker.faces import Face, Pattern, minimum_on_face
from checker.matrices import require_independent
from checker.network import Problem
from checker.numbers import Interval, inner, require, require_shown
from checker.reading import (
    Json,
    as_int,
    as_list,
    as_object,
    as_table,
    rational,
    read_keys,
    read_row,
)

Unit = tuple[int, int]  # hidden layer, number


def penalised(case: Case, proof: Json) -> Found:
    """Section 9.10."""
    pb = case.problem
    require(pb.kinked and pb.depth > 0, "the rule needs hidden units with kinks")
    centre = read_row(proof["centre"], len(pb.point))
    zero, resting = read_zero(pb, centre, as_list(proof.get("zero", [])))
    pairs = (as_list(item, 2) for item in as_list(proof.get("off", [])))
    off = [(pb.unit(0, j)[1], as_int(i)) for j, i in pairs]
    require(all(0 <= i < len(pb.xs) for _, i in off), "there is no such data point")
    face = minimum_on_face(case, proof, centre, zero.keys(), off)
    require_right_angles(pb, face, off, bool(zero))
    require(not resting & set(face.free), "a parameter of a unit at zero is free")
    fixed = sorted(set(range(len(centre))) - resting - set(face.free))
    fields = [read_symmetry(item, pb, face.pattern, zero, face.place.intervals())
              for item in as_list(proof.get("symmetries", []))]  # fmt: skip
    require(len(fields) == len(fixed), "there are not as many symmetries as parameters fixed")
    if fixed:
        require_independent([Balls.enclosing([v[p] for p in fixed]) for v in fields])
    merged = [require_rest(pb, face, zero, unit, trees) for unit, trees in zero.items()]
    flat = len(fixed) + sum(not pb.penalties[2 * level + 1] for level, _ in zero)
    return Found("no" if flat or any(merged) else "yes", flat=None if any(merged) else flat,
                 loss=face.loss, radius=face.radius)  # fmt: skip


def require_right_angles(pb: Problem, face: Face, off: list[Unit], zero: bool) -> None:
    """Theorem 38: all that a unit sees is at right angles to where it counts as off."""
    if not off:
        return
    (into, own), points = pb.penalties[:2], range(len(pb.xs))
    fits = pb.depth == 1 and pb.sides == (1, 0) and pb.loss != "hinge" and not zero
    require(fits, "right angles need one hidden layer of relus, and no units at zero")
    require(min(into, own) > 0, "weights or biases cost nothing")
    for j, i in off:
        alike = [k for k in points if pb.groups[k] == pb.groups[i]]
        require(all((j, k) in off for k in alike), "a pair is off without all that are alike")
        held = face.pattern.held(0, j)
        seen = [k for k in points if face.pattern.slopes[0][k][j] or k in held]
        angles = (inner(pb.xs[k], pb.xs[i]) / into + 1 / own for k in seen)
        require(not any(angles), "a unit sees a point that is not at right angles")
        stays = face.effect(pb.widths[1], (0, j, alike)).lo > 0
        require_shown(stays, "a pair that is off may gain")


def read_zero(
    pb: Problem, centre: list[Fraction], items: list[object]
) -> tuple[dict[Unit, list[object]], set[int]]:
    """Reads the units at zero, with their trees; also gives all their parameters."""
    zero, resting = dict[Unit, list[object]](), set[int]()
    for item in items:
        fields = as_object(item, "layer", "unit", "trees")
        level, j = pb.unit(fields["layer"], fields["unit"])
        zero[level, j] = as_list(fields["trees"])
        *weights, bias = pb.places[level][j]
        paid = [*weights, *(row[j] for row in pb.places[level + 1])]
        into, own, out, above = pb.penalties[2 * level : 2 * level + 4]
        require(min(into, out) > 0 <= own, "a unit at zero pays nothing")
        require(own > 0 or (above == 0 and centre[bias] != 0), "a unit's bias is not kept")
        zeros = [*paid, bias] if own else paid
        require(not any(centre[p] for p in zeros), "a unit is not at zero")
        resting |= {*paid, bias}
    return zero, resting


def read_symmetry(
    x: object, pb: Problem, pattern: Pattern, zero: Collection[Unit], values: list[Interval]
) -> list[Interval]:
    """Reads a turn or a shift: its field over the box, in which parameters have these values."""
    fields, where, depth, bits = as_table(x, "a symmetry"), pb.places, pb.depth, values[0].bits
    found = [Interval(0, 0, bits)] * len(values)
    if "turn" in fields:
        as_object(fields, "layer", "turn")
        (level, j), (_, k) = (pb.unit(fields["layer"], n) for n in as_list(fields["turn"], 2))
        require(j != k and not {(level, j), (level, k)} & set(zero), "units are not to be turned")
        same = all(row[j] == row[k] for row in pattern.slopes[level])
        same = same and pattern.held(level, j) == pattern.held(level, k)
        require(same, "units with different patterns are turned")
        above = ((row[j], row[k]) for row in where[level + 1])
        for p, q in (*zip(where[level][j], where[level][k], strict=True), *above):
            found[p], found[q] = values[q], -values[p]
        return found
    as_object(fields, "layer", "shift")
    level, shift = as_int(fields["layer"]), read_keys(fields["shift"], "a shift", rational)
    known = 0 <= level <= depth and all(j < pb.widths[level + 1] for j in shift)
    require(known, "there are no such units")
    free = not any(pb.penalties[2 * level + 1 : 2 * level + 4 : 2])
    require(free, "a bias that is shifted costs something")
    if level == depth:
        even = len(shift) == pb.widths[-1] and len(set(shift.values())) == 1
        require(pb.loss == "cross_entropy" and even, "outputs are shifted")
        for k, amount in shift.items():
            found[where[level][k][-1]] = Interval.of(amount, bits)
        return found
    single = pb.widths[level + 2] == 1
    require(single or len(shift) == 1, "several units are shifted")
    rigid = any(pattern.held(level, j) or (level, j) in zero for j in shift)
    require(not rigid, "a held unit is shifted")
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
    pb: Problem, face: Face, zero: Collection[Unit], unit: Unit, trees: list[object]
) -> bool:
    """A unit at zero stays: the sum of m_k^2 is below 4 l_v. Whether it is merged somewhere."""
    (level, j), curved, merged = unit, face.box.over, False
    into, own, out, _ = pb.penalties[2 * level : 2 * level + 4]
    back, bits = curved.bar(face.box.program.layers[level + 1][1]), curved.values[0].bits
    width, ds, nothing = pb.widths[level + 2], back.intervals(), Interval(0, 0, back.bits)
    columns = [ds[k::width] for k in range(width) if (level + 1, k) not in zero]
    states = [[Interval.of(v, bits) for v in row] for row in pb.inputs]
    if level:
        below = curved.values[face.states[level - 1]].rows(pb.widths[level])
        states = [[*row.intervals(), Interval.of(1, bits)] for row in below]
    require(len(trees) == (2 * len(columns) if own else 0), "there are not enough trees")
    gains = nothing
    for n, column in enumerate(columns):
        if own:
            m = 0
            for tree, side in zip(trees[2 * n : 2 * n + 2], (1, -1), strict=True):
                turned, like = [d * side for d in column], alike(pb, face, zero, level, side)
                for node, signs in leaves(tree, range(len(column))):
                    if "like" in node:
                        taker = like.get(as_int(as_object(node, "like")["like"]))
                        same = taker is not None and taker.items() <= signs.items()
                        require(same, "no unit of this pattern may take it in")
                        merged = True
                    else:
                        m = max(m, leaf_bound(node, signs, pb, states, turned, (into, own)))
            gains = gains + Interval(m, m, bits).square()
        else:
            weights = [
                sum((d * a for d, a in zip(column, c, strict=True)), nothing)
                for c in list(zip(*states, strict=True))[:-1]
            ]
            slope = face.pattern.slopes[level][0][j]
            gains = gains + sum((s.square() for s in weights), nothing) / into * slope**2
    require_shown(gains.upper < 4 * out, "a unit at zero is not shown to stay")
    return merged


def alike(
    pb: Problem, face: Face, zero: Collection[Unit], level: int, side: int
) -> dict[int, dict[int, int]]:
    """The signs of z, where not held, of live units whose outgoing weight has this sign.

    For a layer below one with a single unit, and above none with units at zero.
    """
    if pb.widths[level + 2] > 1 or any(below == level - 1 for below, _ in zero):
        return {}
    found, values, above = dict[int, dict[int, int]](), face.place.intervals(), pb.sides[0]
    for j in range(pb.widths[level + 1]):
        weight = values[pb.places[level + 1][0][j]] * side
        if (level, j) not in zero and weight.lo > 0:
            held, slopes = face.pattern.held(level, j), face.pattern.slopes[level]
            found[j] = {i: 1 if row[j] == above else -1
                        for i, row in enumerate(slopes) if i not in held}  # fmt: skip
    return found


def leaf_bound(
    node: Json, signs: dict[int, int], pb: Problem, states: list[list[Interval]],
    column: list[Interval], costs: tuple[Fraction, Fraction],
) -> int:  # fmt: skip
    """Bounds -Q(u) / |u| on the cone of these signs, over 2^bits."""
    as_object(node, optional=["tau", "mu"])
    tau, mu = (read_keys(node.get(k, {}), k, rational) for k in ("tau", "mu"))
    require(all(abs(t) <= 1 for t in tau.values()) and not set(tau) & set(signs), "tau is wrong")
    require(all(m >= 0 for m in mu.values()) and set(mu) <= set(signs), "mu is wrong")
    (p, q), bits = pb.sides, column[0].bits
    left, crude = [Interval(0, 0, bits)] * len(states[0]), 0
    for i, (state, d) in enumerate(zip(states, column, strict=True)):
        factor, curved = d * ((p + q) / 2), d * ((p - q) / 2)
        if i in signs:
            factor = factor + curved * signs[i] - signs[i] * mu.get(i, Fraction(0))
        elif curved.lo >= 0:
            factor = factor + curved * tau.get(i, Fraction(0))
        else:
            crude += (abs(curved) * Interval(0, dual_norm(state, costs), bits)).hi
        left = [part + factor * x for part, x in zip(left, state, strict=True)]
    return dual_norm(left, costs) + crude


def dual_norm(linear: list[Interval], costs: tuple[Fraction, Fraction]) -> int:
    """An upper bound for the dual norm of a linear function of weights and bias, over 2^bits."""
    *weights, bias = (part.square() for part in linear)
    squared = sum(weights, Interval(0, 0, bias.bits)) / costs[0] + bias / costs[1]
    return math.isqrt(squared.hi << squared.bits) + 1
