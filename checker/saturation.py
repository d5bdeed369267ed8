"""A valley along which a unit saturates (6.5)."""

from __future__ import annotations

from fractions import Fraction

from checker.ending import at_limits
from checker.functions import exp
from checker.minima import Case, Found
from checker.numbers import Interval, inner, require, sign
from checker.reading import Json, as_int, as_object, read_row

SATURATING = {"tanh": (2, -1), "sigmoid": (1, 0)}  # l, and the limit on the left; 1 on the right


def saturating_valley(case: Case, proof: Json) -> Found:
    """Section 6.5, Theorem 25: the outputs of a unit go to their limits, and the loss falls."""
    pb, bits = case.problem, case.bits
    as_object(proof, "rule", "unit", "direction")
    shape = len(pb.widths) == 3 and pb.activation in SATURATING
    require(shape, "the rule needs tanh or the sigmoid, [d,h,K]")
    (rate, low), (weight, bias) = SATURATING[pb.activation], pb.layers[0]
    j, u = as_int(proof["unit"]), read_row(proof["direction"], pb.widths[0] + 1)
    require(0 <= j < pb.widths[1], "there is no such unit")
    z = [inner(weight[j], x) + bias[j] for x in pb.xs]
    k = [inner(u, [*x, Fraction(1)]) for x in pb.xs]
    away = [i for i, v in enumerate(k) if v]
    require(len(away) > 0, "no point moves")
    require(all(k[i] * z[i] > 0 for i in away), "a point does not move away from 0")

    loss, along = at_limits(case, j, {i: Fraction(1 if z[i] > 0 else low) for i in away})
    h = [slope * move for slope, move in zip(along, k, strict=True)]

    nearest = min(away, key=lambda i: abs(k[i]))
    total, top = h[nearest], 1 + exp(Interval.of(-rate * abs(z[nearest]), bits))[0]
    for i in away:
        if i != nearest:
            factor = exp(Interval.of(rate * (abs(z[nearest]) - abs(z[i])), bits))[0]
            total = total + h[i].risen() * factor * top.square()
    require(sign(total, bits) < 0, "the loss is not shown to fall along the whole ray")
    return Found(limit=loss)
