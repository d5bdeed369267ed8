"""A valley along which a smooth unit becomes a relu (6.7)."""

from __future__ import annotations

from fractions import Fraction

from checker.ending import loss_of_outputs
from checker.functions import exp
from checker.minima import Case, Found
from checker.numbers import Interval, dot, inner, interval, require, sign
from checker.reading import Json, as_int, as_object


def sharpening_valley(case: Case, proof: Json) -> Found:
    """Section 6.7, Theorem 27: w becomes s w and V becomes V / s, and the loss falls."""
    pb, bits = case.problem, case.bits
    as_object(proof, "rule", "unit")
    shape = len(pb.widths) == 3 and pb.activation in ("gelu", "silu")
    require(shape, "the rule needs gelu or silu, [d,h,K]")
    width, (weight, bias), (outgoing, offset) = pb.widths[1], *pb.layers
    j = as_int(proof["unit"])
    require(0 <= j < width, "there is no such unit")
    z = [inner(weight[j], x) + bias[j] for x in pb.xs]
    away = [i for i, v in enumerate(z) if v]
    require(len(away) > 0, "the unit does not see the data")
    states, outputs = list(case.values[case.program.layers[1][0]].entries), list[Interval]()
    for i, v in enumerate(z):
        states[i * width + j] = max(v, Fraction(0))
        below = states[i * width : (i + 1) * width]
        outputs += [interval(dot(row, below) + b, bits)
                    for row, b in zip(outgoing, offset, strict=True)]  # fmt: skip
    loss, g = loss_of_outputs(case)(outputs)
    turn = [row[j] for row in outgoing]
    h = [interval(dot(turn, g[i * len(turn) : (i + 1) * len(turn)]), bits) for i in range(len(z))]

    nearest = min(away, key=lambda i: abs(z[i]))
    total, least = h[nearest] * z[nearest] ** 2, abs(z[nearest])
    top = (1 + exp(Interval.of(-least, bits))[0]).square()
    for i in away:
        if i != nearest:
            gap = least - abs(z[i]) if pb.activation == "silu" else (least**2 - z[i] ** 2) / 2
            share = exp(Interval.of(gap, bits))[0] * (top if pb.activation == "silu" else 1)
            risen = Interval(max(h[i].lo, 0), max(h[i].hi, 0), bits)
            total = total + risen * share * z[i] ** 2
    require(sign(total, bits) < 0, "the loss is not shown to fall along the whole curve")
    return Found(limit=loss)
