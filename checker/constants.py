"""Minima with constant outputs: dead layers, and units that do not see the data (5.4, 5.7)."""

from __future__ import annotations

from fractions import Fraction

from checker.cases import Case, Found, combined, evaluate, require_zero
from checker.functions import enclosure, log
from checker.matrices import row_space
from checker.minima import hidden_homogeneous, point_class
from checker.network import Problem
from checker.numbers import Interval, Number, atom, inner, interval, require, sign, total
from checker.reading import Json, positive, rational, read_keys


def constant_output(case: Case, proof: Json) -> Found:
    """Section 5.4, Theorem 6: one dead class; only the output biases have to move."""
    pb = case.problem
    radius = positive(proof["radius"])
    require(pb.activation == "relu" and pb.depth > 0, "the rule needs relu units")
    ex = evaluate(case, pb.point)
    kinds = {point_class(ex, i) for i in range(len(pb.xs))}
    require(len(kinds) == 1 and min(kinds)[0] == "dead", "the points are not in one dead class")
    losses = [require_best_near(pb, k, f, radius, case.bits) for k, f in enumerate(ex.pre[-1][0])]
    return Found(hidden_homogeneous(pb), loss=total(losses), radius=radius)


def constant_units(case: Case, proof: Json) -> Found:
    """Section 5.7, Theorem 20: all units are constant on the data; the sums G decide."""
    pb, bits = case.problem, case.bits
    pb.require_shallow(single=True)
    require(pb.slopes is None, "the rule needs a smooth activation")
    units, (outward,) = pb.units(pb.point)
    affine = False
    for unit, v in zip(units, outward, strict=False):
        levels = {inner(unit, x) for x in pb.inputs}
        require(len(levels) == 1, "a unit is not constant on the data")
        bend = curvature(pb.activation, levels.pop(), bits)
        require(bend == 0 or bend * v > 0, "a unit bends the wrong way")
        affine = affine or bend == 0
    mean = weighted_mean(pb, 0)
    sums = dict.fromkeys(pb.groups, Fraction(0))
    for r, (y,), weight in zip(pb.groups, pb.ys, pb.weights, strict=True):
        sums[r] += (mean - y) * weight
    found, spanned = Found("no", "no"), None
    if proof["transport"] is None:
        spanned = definite_moments(pb.xs, sums)
    else:
        check_transport(pb.xs, sums, proof["transport"])
    if spanned is not None and not affine:
        found.flat = pb.widths[1] * (pb.widths[0] - spanned + 2)
    if case.nearby:
        output, found.radius = case.values[case.program.layers[-1][1]], positive(proof["radius"])
        found.loss = require_best_near(pb, 0, output.entries[0], found.radius, bits)
    else:
        found.loss = best_constant(pb, 0, bits)[1]
        require_zero([total(g for (g,) in evaluate(case, pb.point).g)], "the sum of g")
        found.place = pb.point
    return found


def curvature(activation: str, z: Fraction, bits: int) -> int:
    """The sign of act'' around z (the table of 5.7); 0 where act is affine."""
    place = Interval.of(z, bits)
    forms: dict[str, Number] = {
        "softplus": Fraction(1), "gelu": 2 - z * z, "silu": 2 + place * (1 - 2 * atom(-place)),
        **dict.fromkeys(("sigmoid", "tanh", "softsign", "elu"), -z),
    }  # fmt: skip
    known = activation in forms
    bend = sign(forms[activation] if known else enclosure(activation, None, place)[2], bits)
    require(bend != 0, f"act'' has no sign {'there' if z else 'at 0'}")
    return 0 if activation == "elu" and z > 0 else bend


def definite_moments(xs: list[list[Fraction]], sums: dict[int, Fraction]) -> int:
    """Condition (a) of Theorem 20; returns the rank rho of the differences of inputs.

    M is a form of the values of u on the differences alone (the G sum to 0), and these can be any
    with u in the coordinates that are pivots of their span: M is semidefinite with rank rho if and
    only if it is positive definite in these. By elimination.
    """
    size = len(xs[0])
    require_zero(combined(((g, xs[r]) for r, g in sums.items()), size), "the sum of G x")
    spanned = row_space([[a - b for a, b in zip(x, xs[0], strict=True)] for x in xs])
    rows = [[sum((g * xs[r][a] * xs[r][b] for r, g in sums.items()), Fraction(0))
             for b in sorted(spanned)] for a in sorted(spanned)]  # fmt: skip
    while rows:
        (top, *ahead), *rest = rows
        require(top >= 0, "the second moments are not positive")
        require(top > 0, "the second moments are singular on the differences of inputs")
        rows = [[b - row[0] / top * a for a, b in zip(ahead, row[1:], strict=True)] for row in rest]
    return len(spanned)


def check_transport(xs: list[list[Fraction]], sums: dict[int, Fraction], table: object) -> None:
    """Condition (b) of Theorem 20: masses spread from inputs to others around them make G."""
    made, what = dict.fromkeys(sums, Fraction(0)), "a transport"
    for r, masses in read_keys(table, what, lambda x: read_keys(x, what, rational)).items():
        require({r, *masses} <= sums.keys(), "a transport names no group")
        require(all(a >= 0 for a in masses.values()), "a mass is negative")
        spread = combined(((a, xs[s]) for s, a in masses.items()), len(xs[r]))
        own = combined([(-sum(masses.values()), xs[r]), (1, spread)], len(xs[r]))
        require_zero(own, "the mean of what an input is spread to, less it,")
        for s, a in masses.items():
            made[s] += a
            made[r] -= a
    require(made == sums, "the transport does not make the sums of g")


def weighted_mean(pb: Problem, k: int) -> Fraction:
    """The mean of the targets for output k, with the weights of the points (9.12)."""
    n = sum(pb.weights, Fraction(0))
    require(n > 0, "no point has a weight")
    return sum((row[k] * w for row, w in zip(pb.ys, pb.weights, strict=True)), Fraction(0)) / n


def best_constant(pb: Problem, k: int, bits: int) -> tuple[Number, Number]:
    """The best constant for output k and its loss (5.4, 5.7), for both labels n log(n / n_y)."""
    pairs = [(row[k], w) for row, w in zip(pb.ys, pb.weights, strict=True)]
    mean, n = weighted_mean(pb, k), sum(pb.weights, Fraction(0))
    if pb.loss == "squared":
        return mean, sum(((mean - y) ** 2 * w for y, w in pairs), Fraction(0))
    ones = sum((w for y, w in pairs if y == 1), Fraction(0))
    require(0 < ones < n, "one label alone has no best constant")
    one, other = (log(Interval.of(n / m, bits))[0] for m in (ones, n - ones))
    return other - one, one * ones + other * (n - ones)


def require_best_near(pb: Problem, k: int, f: Number, radius: Fraction, bits: int) -> Number:
    """Output k is f everywhere, less than the radius from the best constant, whose loss this is."""
    best, loss = best_constant(pb, k, bits)
    near = sign(radius - abs(interval(best - f, bits)), bits) > 0
    require(near, "the best constant is not within the radius")
    return loss
