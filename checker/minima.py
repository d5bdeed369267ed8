"""What the rules share, and rules for minima by exact numbers (section 5)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import cast

from checker.arrays import MAX_MAGNITUDE, Numbers
from checker.bounds import log_bounds
from checker.network import Problem, loss_slopes
from checker.numbers import Interval, Number, atom, dot, inner, interval, require, sign
from checker.programs import Program, evaluated
from checker.reading import (
    Json,
    Layers,
    as_int,
    as_list,
    as_object,
    distance,
    flatten,
    positive,
    rational,
    read_layers,
    soft,
)


@dataclass(frozen=True)
class Claimed:
    """What a rule is given: program, verdict, claimed eigenvalue bound, precision."""

    program: Program
    verdict: str
    eigenvalue: object
    bits: int

    @cached_property
    def values(self) -> list[Numbers]:
        """The values of all steps at the problem's point, exact as long as they are rational."""
        return values_at(self.program, self.program.point, self.bits)

    def loss_at(self, point: list[Fraction]) -> Number:
        """The loss at a point, exact if everything below is rational."""
        here = point == self.program.point
        values = self.values if here else values_at(self.program, point, self.bits)
        return values[-1].entries[0]


@dataclass(frozen=True)
class Case(Claimed):
    """The same of a certificate of format 1: the program is that of the problem's loss."""

    problem: Problem


@dataclass
class Found:
    """What a rule establishes.

    Attributes:
        loss: The loss of the point or minimum, exact or enclosed; None: of the problem's point.
        radius: With `local_minimum_nearby`, the smallest radius that may be claimed.
        place: The exact point that the verdict is about, if there is one.
        limit: The limit of the loss along a valley.
        index: The number of negative eigenvalues of the Hessian at a saddle.
    """

    strict: str = "unknown"
    rescaled: str = "unknown"
    flat: int | None = None
    eigenvalue: Fraction | None = None
    loss: Number | None = None
    radius: Fraction | None = None
    place: Layers | None = None
    limit: Number | None = None
    index: int | None = None


@dataclass(frozen=True)
class Exact:
    """A network evaluated exactly at all data.

    Attributes:
        pb: The problem.
        layers: The point.
        pre: z of each layer and data point; the last are the outputs.
        g: For each data point the derivative of the loss by the outputs (section 4).
        loss: The loss, exact or enclosed.
        inputs: x~ = (x, 1).
    """

    pb: Problem
    layers: Layers
    pre: list[list[list[Fraction]]]
    g: list[list[Number]]
    loss: Number
    inputs: list[list[Fraction]]

    def slope(self, i: int, j: int) -> Fraction:
        """Slope of unit j of the first layer at data point i; p on the kink (section 5.1)."""
        p, q = self.pb.slopes or (Fraction(1), Fraction(1))
        return p if self.pre[0][i][j] >= 0 else q


def evaluate(case: Case, layers: Layers) -> Exact:
    """Evaluates exactly; raises `Invalid` where a pre-activation is not rational."""
    pb, pre, here = case.problem, list[list[list[Fraction]]](), layers is case.problem.layers
    values = case.values if here else values_at(case.program, flatten(layers), case.bits)
    for (_, z), width in zip(case.program.layers, pb.widths[1:], strict=True):
        row = [v for v in values[z].entries if isinstance(v, Fraction)]
        require(len(row) == len(pb.xs) * width, "a value of the activation is not rational")
        pre.append([row[i : i + width] for i in range(0, len(row), width)])
    g = [loss_slopes(pb, i, f) for i, f in enumerate(pre[-1])]
    inputs = [[*x, Fraction(1)] for x in pb.xs]
    return Exact(pb, layers, pre, g, values[-1].entries[0], inputs)


def values_at(program: Program, point: Sequence[Fraction], bits: int) -> list[Numbers]:
    """The values of all steps at a point, exact as long as they are rational."""
    limit = None if program.layers else MAX_MAGNITUDE
    return evaluated(program.steps, Numbers(point, bits, limit))


def add_up(rows: Iterable[Sequence[Number]], length: int) -> list[Number]:
    """The sum of vectors."""
    total: list[Number] = [Fraction(0)] * length
    for row in rows:
        total = [a + b for a, b in zip(total, row, strict=True)]
    return total


def require_zero(values: Iterable[Number], what: str) -> None:
    """Every value is recognised as exactly zero (section 1)."""
    require(not any(values), f"{what} is not zero")


def exact_place(case: Case, proof: Json, *keys: str) -> tuple[Exact, Found]:
    """The point at which 5.1 and 5.2 are applied (section 5)."""
    pb, layers, found = case.problem, case.problem.layers, Found()
    require(pb.slopes is not None, "the rule needs a homogeneous activation")
    if case.verdict == "local_minimum_nearby":
        as_object(proof, "rule", "point", *keys)
        layers = read_layers(proof["point"], pb.widths, rational)
        found.radius = distance(flatten(layers), case.program.point)
    else:
        as_object(proof, "rule", *keys)
    ex = evaluate(case, layers)
    found.place, found.loss = layers, ex.loss
    return ex, found


def moment(ex: Exact, points: Iterable[int], k: int) -> list[Number]:
    """The sum over the points of g_ik x~_i."""
    members = list(points)
    rows = [[ex.g[i][k] * v for v in ex.inputs[i]] for i in members]
    return add_up(rows, len(ex.inputs[0]))


def rank(matrix: list[list[Fraction]]) -> int:
    """The rank of a rational matrix, by elimination among integers: rows may be scaled."""
    rows: list[list[int]] = []
    for row in matrix:
        scale = math.lcm(*(v.denominator for v in row))
        rows.append([v.numerator * (scale // v.denominator) for v in row])
    found = 0
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((r for r in range(found, len(rows)) if rows[r][column]), None)
        if pivot is None:
            continue
        rows[found], rows[pivot] = rows[pivot], rows[found]
        top, *below = rows[found:]
        for r, row in enumerate(below, found + 1):
            if row[column]:
                row = [top[column] * a - row[column] * b for a, b in zip(row, top, strict=True)]
                common = math.gcd(*row) or 1
                rows[r] = [a // common for a in row]
        found += 1
    return found


def one_sided_derivatives(case: Case, proof: Json) -> Found:
    """Section 5.1, Theorem 1: sum g = 0, and phi >= 0 for every unit and every test vector."""
    pb = case.problem
    require(len(pb.widths) == 3, "the rule needs exactly one hidden layer")
    outputs = pb.widths[2]
    ex, found = exact_place(case, proof, "units", *(["epsilon"] if outputs > 1 else []))
    require_zero(add_up(ex.g, outputs), "the sum of g")
    units = as_list(proof["units"], pb.widths[1])
    for j, item in enumerate(units):
        lin, bends = unit_terms(ex, j)
        v = [row[j] for row in ex.layers[1][0]]
        if not any(v):
            as_list(item, 0)
            require_zero((a for row in lin for a in row), "lin of a unit without output weights")
            require_zero((c for r in bends.values() for c in r), "C of a unit without outputs")
            continue
        if outputs == 1:
            tests = [[Fraction(1 if v[0] > 0 else -1)]]
        else:
            epsilon = positive(proof["epsilon"])
            steps = [(k, s * epsilon) for k in range(outputs) for s in (1, -1)]
            tests = [[a + e * (m == k) for m, a in enumerate(v)] for k, e in steps]
        for test, tree in zip(tests, as_list(item, len(tests)), strict=True):
            slope = [dot(test, column) for column in zip(*lin, strict=True)]
            bend = {r: dot(test, c) for r, c in bends.items()}
            Tree(ex.inputs, bend, case.bits).check(tree, slope, {})
    shallow_flatness(ex, found)
    return found


def unit_terms(
    ex: Exact, j: int, held: Iterable[int] | None = None
) -> tuple[list[list[Number]], dict[int, list[Number]]]:
    """lin_jk (by k) and C_rk (by r, then k) of section 5.1; `held` says what is on the kink."""
    p, q = ex.pb.slopes or (Fraction(1), Fraction(1))
    groups, outputs = ex.pb.groups, range(len(ex.g[0]))
    lin: list[list[Number]] = [[Fraction(0)] * len(ex.inputs[0]) for _ in outputs]
    bends: dict[int, list[Number]] = {}
    for i, x in enumerate(ex.inputs):
        z = ex.pre[0][i][j]
        on_kink = ex.pb.kinked and (z == 0 if held is None else groups[i] in held)
        slope = (p + q) / 2 if on_kink else ex.slope(i, j)
        for k in outputs:
            lin[k] = [a + ex.g[i][k] * (slope * b) for a, b in zip(lin[k], x, strict=True)]
        if on_kink:
            more = [a * ((p - q) / 2) for a in ex.g[i]]
            old = bends.get(groups[i])
            bends[groups[i]] = more if old is None else add_up([old, more], len(more))
    return lin, bends


@dataclass
class Tree:
    """A tree of section 5.1: l.u + sum of c_r |u.x~_r| >= 0 on the cone of its node."""

    inputs: list[list[Fraction]]
    bend: dict[int, Number]
    bits: int

    def group(self, key: str) -> int:
        """Reads the name of a group on the kink."""
        r = int(key) if re.fullmatch(r"0|[1-9][0-9]{0,9}", key) else -1
        require(r in self.bend, f"{key[:20]!a} is no group on the kink")
        return r

    def check(self, tree: object, slope: list[Number], signs: dict[int, int]) -> None:
        """Checks the node; `signs` holds sigma of the groups split above it."""
        require(isinstance(tree, dict), "a tree is not an object")
        node = cast("Json", tree)
        if "split" in node:
            as_object(node, "split", "plus", "minus")
            r = self.group(str(as_int(node["split"])))
            require(r not in signs, "a group is split twice")
            require(sign(self.bend[r], self.bits) < 0, "a group with c >= 0 is split")
            self.check(node["plus"], slope, {**signs, r: 1})
            self.check(node["minus"], slope, {**signs, r: -1})
        else:
            self.leaf(node, slope, signs)

    def leaf(self, node: Json, slope: list[Number], signs: dict[int, int]) -> None:
        """The identity at a leaf. Only groups with c < 0 may be dominated, only c >= 0 have tau."""
        as_object(node, optional=["dominated", "tau", "mu"])

        def table(key: str) -> dict[int, object]:
            value = node.get(key, {})
            require(isinstance(value, dict), f"{key} is not an object")
            return {self.group(r): v for r, v in cast("Json", value).items()}

        def ray(s: int) -> list[Number]:
            require(s in signs, "a multiplier names a group that was not split")
            return [signs[s] * a for a in self.inputs[s]]

        dominated, size = table("dominated"), len(slope)
        must = {r for r in self.bend if r not in signs and sign(self.bend[r], self.bits) < 0}
        require(must == set(dominated), "dominated must hold the groups with c < 0 not split")
        total = add_up([slope, *([self.bend[s] * a for a in ray(s)] for s in signs)], size)
        for r, value in dominated.items():
            require(isinstance(value, dict), "dominated does not hold objects")
            m = {self.group(s): rational(v) for s, v in cast("Json", value).items()}
            combined = add_up(([f * a for a in ray(s)] for s, f in m.items()), size)
            require(combined == self.inputs[r], "a dominated input is not the combination given")
            bound = add_up(([abs(f) * a for a in ray(s)] for s, f in m.items()), size)
            total = [a + self.bend[r] * b for a, b in zip(total, bound, strict=True)]
        for r, value in table("tau").items():
            tau, c = soft(value), self.bend[r]
            require(sign(c, self.bits) >= 0, "tau names a group with c < 0")
            require(sign(c - tau, self.bits) >= 0 <= sign(c + tau, self.bits), "|tau| exceeds c")
            total = [a + tau * b for a, b in zip(total, self.inputs[r], strict=True)]
        for s, value in table("mu").items():
            mu = soft(value)
            require(sign(mu, self.bits) >= 0, "mu is negative")
            total = [a - mu * b for a, b in zip(total, ray(s), strict=True)]
        require_zero(total, "the difference of the two sides at a leaf")


def shallow_flatness(ex: Exact, found: Found) -> None:
    """Flatness of section 5.1, Corollary 1."""
    pb, found.strict = ex.pb, "no"
    v = ex.layers[1][0][0]
    if pb.widths[2] > 1 or pb.loss == "cross_entropy":
        return
    if not all(v):
        found.rescaled = "no"
        return
    width, units = pb.widths[0] + 1, range(pb.widths[1])
    rows: list[list[Fraction]] = []
    smooth: list[list[Fraction]] = []
    bent: list[list[Fraction]] = []
    for i, (z, x) in enumerate(zip(ex.pre[0], ex.inputs, strict=True)):
        factors = [ex.slope(i, j) if v[j] > 0 else -ex.slope(i, j) for j in units]
        rows.append([f * a for f in factors for a in x] + [Fraction(1)])
        kinks = [j for j in units if pb.kinked and z[j] == 0]
        if not kinks:
            smooth.append(rows[-1])
        bent += [[a * (m == j) for m in units for a in x] + [Fraction(0)] for j in kinks]
    size = len(units) * width + 1
    upper, lower = size - rank(smooth), size - rank(rows + bent)
    found.rescaled = "yes" if upper == 0 else "no" if lower > 0 else "unknown"
    found.flat = upper + len(units) if upper == lower else None


def point_class(ex: Exact, i: int) -> tuple[object, ...]:
    """The class of a data point in section 5.2: ("dead", n), ("signs", ...) or ("loose",).

    Only hidden layers count: the outputs are no units, and they never die.
    """
    hidden = [layer[i] for layer in ex.pre[:-1]]
    dead = [n for n, z in enumerate(hidden) if all(v < 0 for v in z)]
    if ex.pb.hidden and ex.pb.activation == "relu" and dead:
        return ("dead", dead[-1])
    if not ex.pb.kinked:
        return ("signs",)
    if any(v == 0 for z in hidden for v in z):
        return ("loose",)
    return ("signs", *(v > 0 for z in hidden for v in z))


def pointwise_optimum(case: Case, proof: Json) -> Found:
    """Section 5.8, Theorem 3: nothing at all does better, so the point is a minimum."""
    as_object(proof, "rule")
    require_pointwise(evaluate(case, case.problem.layers))
    return Found(place=case.problem.layers)


def require_pointwise(ex: Exact) -> None:
    """Over every group of equal inputs the g sum to zero, for every output."""
    groups = ex.pb.groups
    for r in set(groups):
        members = (g for g, group in zip(ex.g, groups, strict=True) if group == r)
        require_zero(add_up(members, ex.pb.widths[-1]), "the sum of g over equal inputs")


def hidden_homogeneous(pb: Problem) -> str:
    """`strict` for rules 5.2 and 5.4."""
    return "no" if pb.slopes is not None and pb.hidden else "unknown"


def classwise_optimum(case: Case, proof: Json) -> Found:
    """Section 5.2, Theorem 4: nothing affine or constant on each class does better."""
    ex, found = exact_place(case, proof)
    classes: dict[tuple[object, ...], list[int]] = {}
    for i, group in enumerate(ex.pb.groups):
        kind = point_class(ex, i)
        classes.setdefault((*kind, group) if kind[0] == "loose" else kind, []).append(i)
    for kind, members in classes.items():
        for k in range(ex.pb.widths[-1]):
            total = moment(ex, members, k)
            require_zero(
                total if kind[0] == "signs" else total[-1:], f"the sum of a {kind[0]} class"
            )
    found.strict = hidden_homogeneous(ex.pb)
    return found


def constant_output(case: Case, proof: Json) -> Found:
    """Section 5.4, Theorem 6: one dead class; only the output biases have to move."""
    pb = case.problem
    as_object(proof, "rule", "radius")
    radius = positive(proof["radius"])
    require(pb.activation == "relu" and pb.hidden, "the rule needs relu units")
    require(pb.loss != "cross_entropy", "the rule needs a loss that separates by outputs")
    ex = evaluate(case, pb.layers)
    kinds = {point_class(ex, i) for i in range(len(pb.xs))}
    require(len(kinds) == 1 and min(kinds)[0] == "dead", "the points are not in one dead class")
    for side in (-1, 1):
        moved = [
            loss_slopes(pb, i, [c + side * radius for c in f]) for i, f in enumerate(ex.pre[-1])
        ]
        for total in add_up(moved, pb.widths[-1]):
            require(sign(total, case.bits) == side, "the best constant is not within the radius")
    loss: Number = Fraction(0)
    for k in range(pb.widths[-1]):
        loss = loss + best_constant(pb, k, case.bits)[1]
    return Found(hidden_homogeneous(pb), loss=loss, radius=radius)


def constant_units(case: Case, proof: Json) -> Found:
    """Section 5.7, Theorem 20: all units are constant on the data; the sums G decide."""
    pb, bits, here = case.problem, case.bits, case.verdict == "local_minimum"
    as_object(proof, "rule", "transport", *([] if here else ["radius"]))
    shape = pb.slopes is None and len(pb.widths) == 3 and pb.widths[2] == 1
    require(shape, "the rule needs a smooth activation, [d,h,1]")
    (weight, biases), (outgoing, _) = pb.layers
    affine = False
    for row, b, v in zip(weight, biases, outgoing[0], strict=True):
        levels = {inner(row, x) + b for x in pb.xs}
        require(len(levels) == 1, "a unit is not constant on the data")
        level = levels.pop()
        bend = curvature(pb.activation, level, bits)
        require(bend == 0 or bend * v > 0, "a unit bends the wrong way")
        affine = affine or bend == 0
    mean = sum((y for (y,) in pb.ys), Fraction(0)) / len(pb.ys)
    sums = dict.fromkeys(pb.groups, Fraction(0))
    for r, (y,) in zip(pb.groups, pb.ys, strict=True):
        sums[r] += mean - y
    found, spanned = Found("no", "no"), None
    if proof["transport"] is None:
        spanned = definite_moments(pb.xs, sums)
    else:
        check_transport(pb.xs, sums, proof["transport"])
    if spanned is not None and not affine:
        found.flat = pb.widths[1] * (pb.widths[0] - spanned + 2)
    best, found.loss = best_constant(pb, 0, bits)
    if here:
        require_zero(add_up(evaluate(case, pb.layers).g, 1), "the sum of g")
        found.place = pb.layers
        return found
    found.radius = positive(proof["radius"])
    gap = interval(best, bits) - case.values[case.program.layers[-1][1]].entries[0]
    require(sign(found.radius - abs(gap), bits) > 0, "the best constant is not within the radius")
    return found


def curvature(activation: str, z: Fraction, bits: int) -> int:
    """The sign of act'' around z (section 5.7); 0 where act is affine."""
    require(z != 0 or activation in ("softplus", "gelu", "silu"), "act'' has no sign at 0")
    if activation == "softplus":
        return 1
    if activation == "gelu":
        return 1 if z * z < 2 else -1
    if activation == "silu":
        place = Interval.of(z, bits)
        return sign(2 + place * (1 - 2 * atom(-place)), bits)
    if z > 0:
        return 0 if activation == "elu" else -1
    return 1


def definite_moments(xs: list[list[Fraction]], sums: dict[int, Fraction]) -> int:
    """Condition (a) of Theorem 20; returns the rank of the differences of inputs.

    Elimination, leaving out coordinates whose pivot is zero: as many positive pivots as that rank
    and no negative one make a principal submatrix of that size positive definite, and M has no
    larger rank, so no negative eigenvalue.
    """
    size = range(len(xs[0]))
    moments = [[g * v for v in xs[r]] for r, g in sums.items()]
    require_zero(add_up(moments, len(size)), "the sum of G x")
    rows = [[sum((g * xs[r][a] * xs[r][b] for r, g in sums.items()), Fraction(0)) for b in size]
            for a in size]  # fmt: skip
    pivots = 0
    while rows:
        (top, *rest), rows = rows, []
        require(top[0] >= 0, "the second moments are not positive")
        if top[0]:
            pivots += 1
            rest = [
                [a - row[0] / top[0] * t for a, t in zip(row, top, strict=True)] for row in rest
            ]
        rows = [row[1:] for row in rest]
    spanned = rank([[a - b for a, b in zip(x, xs[0], strict=True)] for x in xs])
    require(pivots == spanned, "the second moments are singular on the differences of inputs")
    return spanned


def check_transport(xs: list[list[Fraction]], sums: dict[int, Fraction], table: object) -> None:
    """Condition (b) of Theorem 20: masses spread from inputs to others around them make G."""

    def entries(x: object) -> dict[int, object]:
        require(isinstance(x, dict), "a transport is not an object")
        names = {str(r): r for r in sums}
        require(set(cast("Json", x)) <= set(names), "a transport names no group")
        return {names[key]: value for key, value in cast("Json", x).items()}

    made = dict.fromkeys(sums, Fraction(0))
    for r, row in entries(table).items():
        masses = {s: rational(value) for s, value in entries(row).items()}
        require(all(a >= 0 for a in masses.values()), "a mass is negative")
        moved = [
            [a * (p - q) for p, q in zip(xs[s], xs[r], strict=True)] for s, a in masses.items()
        ]
        require_zero(add_up(moved, len(xs[r])), "the mean of what an input is spread to, less it,")
        for s, a in masses.items():
            made[s] += a
            made[r] -= a
    require(made == sums, "the transport does not make the sums of g")


def best_constant(pb: Problem, k: int, bits: int) -> tuple[Number, Number]:
    """The best constant for output k and its loss (5.4, 5.7), for both labels n log(n / n_y)."""
    targets = [row[k] for row in pb.ys]
    n, ones = len(targets), targets.count(Fraction(1))
    if pb.loss == "squared":
        mean = sum(targets, Fraction(0)) / n
        return mean, sum(((mean - y) ** 2 for y in targets), Fraction(0))
    require(0 < ones < n, "one label alone has no best constant")

    def log_share(m: int) -> Interval:
        lo, hi = (n << bits) // m, -(-(n << bits) // m)
        return Interval(log_bounds(lo, bits)[0], log_bounds(hi, bits)[1], bits)

    one, other = log_share(ones), log_share(n - ones)
    return other - one, one * ones + other * (n - ones)
