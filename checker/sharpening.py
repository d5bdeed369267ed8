"""A valley along which a smooth unit becomes a relu (6.7)."""

from __future__ import annotations

from fractions import Fraction

from checker.ending import at_limits
from checker.functions import exp
from checker.minima import Case, Found
from checker.numbers import Interval, inner, require, sign
from checker.reading import Json, as_int, as_object


def sharpening_valley(case: Case, proof: Json) -> Found:
    """Section 6.7, Theorem 27: w becomes s w and V becomes V / s, and the loss falls."""
    pb, bits = case.problem, case.bits
    as_object(proof, "rule", "unit")
    shape = len(pb.widths) == 3 and pb.activation in ("gelu", "silu")
    require(shape, "the rule needs gelu or silu, [d,h,K]")
    (weight, bias), j = pb.layers[0], as_int(proof["unit"])
    require(0 <= j < pb.widths[1], "there is no such unit")
    z = [inner(weight[j], x) + bias[j] for x in pb.xs]
    away = [i for i, v in enumerate(z) if v]
    require(len(away) > 0, "the unit does not see the data")
    loss, h = at_limits(case, j, {i: max(v, Fraction(0)) for i, v in enumerate(z)})

    nearest = min(away, key=lambda i: abs(z[i]))
    total, least = h[nearest] * z[nearest] ** 2, abs(z[nearest])
    top = (1 + exp(Interval.of(-least, bits))[0]).square()
    for i in away:
        if i != nearest:
            gap = least - abs(z[i]) if pb.activation == "silu" else (least**2 - z[i] ** 2) / 2
            share = exp(Interval.of(gap, bits))[0] * (top if pb.activation == "silu" else 1)
            total = total + h[i].risen() * share * z[i] ** 2
    require(sign(total, bits) < 0, "the loss is not shown to fall along the whole curve")
    return Found(limit=loss)
