"""A valley along which a unit saturates (6.5)."""

from __future__ import annotations

from fractions import Fraction

from checker.derivatives import evaluated, gradient_of
from checker.functions import exp
from checker.minima import Case, Found
from checker.numbers import Interval, Number, dot, inner, interval, require, sign
from checker.programs import Program, Step
from checker.reading import Json, as_int, as_object, read_row

SATURATING = {"tanh": (2, -1), "sigmoid": (1, 0)}  # l, and the limit on the left; 1 on the right


def saturating_valley(case: Case, proof: Json) -> Found:
    """Section 6.5, Theorem 25: the outputs of a unit go to their limits, and the loss falls."""
    pb, program, bits = case.problem, case.program, case.bits
    as_object(proof, "rule", "unit", "direction")
    shape = len(pb.widths) == 3 and pb.activation in SATURATING
    require(shape, "the rule needs tanh or the sigmoid, [d,h,K]")
    (rate, low), width = SATURATING[pb.activation], pb.widths[1]
    (weight, bias), (outgoing, offset) = pb.layers
    j, u = as_int(proof["unit"]), read_row(proof["direction"], pb.widths[0] + 1)
    require(0 <= j < width, "there is no such unit")
    z = [inner(weight[j], x) + bias[j] for x in pb.xs]
    k = [inner(u, [*x, Fraction(1)]) for x in pb.xs]
    away = [i for i, v in enumerate(k) if v]
    require(len(away) > 0, "no point moves")
    require(all(k[i] * z[i] > 0 for i in away), "a point does not move away from 0")

    states, outputs = list(case.values[program.layers[1][0]].entries), list[Number]()
    for i in away:
        states[i * width + j] = Fraction(1 if z[i] > 0 else low)
    for i in range(len(z)):
        below = states[i * width : (i + 1) * width]
        outputs += [dot(row, below) + b for row, b in zip(outgoing, offset, strict=True)]
    last = program.layers[1][1]  # what comes before it is cut off; it becomes the parameters
    none, size = Step((), (), False, (Fraction(0),)), len(outputs)
    start = Step((), program.steps[last].shape, True, block=range(size))
    rest = Program([*[none] * last, start, *program.steps[last + 1 :]], [])
    values = evaluated(rest.steps, case.values[last].made([interval(f, bits) for f in outputs]))
    (slopes,) = gradient_of(rest, values)
    g, v = slopes.entries, [row[j] for row in outgoing]
    h = [interval(dot(v, g[i * len(v) : (i + 1) * len(v)]) * k[i], bits) for i in range(len(z))]

    nearest = min(away, key=lambda i: abs(k[i]))
    total, top = h[nearest], 1 + exp(Interval.of(-rate * abs(z[nearest]), bits))[0]
    for i in away:
        if i != nearest:
            factor = exp(Interval.of(rate * (abs(z[nearest]) - abs(z[i])), bits))[0]
            risen = Interval(max(h[i].lo, 0), max(h[i].hi, 0), bits)
            total = total + risen * factor * top.square()
    require(sign(total, bits) < 0, "the loss is not shown to fall along the whole ray")
    return Found(limit=interval(values[-1].entries[0], bits))
