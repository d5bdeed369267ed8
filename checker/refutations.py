"""Rules for refutations (section 6)."""

from __future__ import annotations

from fractions import Fraction

from checker.functions import BENT
from checker.minima import Case, Found, evaluate, unit_terms
from checker.network import enclosed, forward, loss_gradient, loss_hessian
from checker.numbers import Interval, Number, dot, interval, log_one_plus_exp, require, sign
from checker.reading import Json, Layers, as_int, as_object, rational, read_layers, read_row


def read_direction(case: Case, proof: Json) -> Layers:
    """Reads a point-shaped direction."""
    as_object(proof, "rule", "direction")
    return read_layers(proof["direction"], case.problem.widths, rational)


def descent_direction(case: Case, proof: Json) -> Found:
    """Section 6.1: the one-sided derivative of the loss along the direction is negative."""
    pb, moves = case.problem, read_direction(case, proof)
    exact = pb.slopes is not None
    layers = pb.layers if exact else enclosed(pb.layers, case.bits, Fraction(0))
    total: Number = Fraction(0)
    for i, x in enumerate(pb.xs):
        trace = forward(pb, layers, x, None if exact else case.bits)
        da: list[Number] = [0] * len(x)
        df = da
        for m, ((weight, _), (dw, db)) in enumerate(zip(layers, moves, strict=True)):
            df = [
                dot(dw[j], trace.post[m]) + dot(weight[j], da) + db[j] for j in range(len(weight))
            ]
            if m < len(layers) - 1:
                da = [
                    pb.slopes[1] * d if pb.slopes and z == 0 and d < 0 else s * d
                    for z, s, d in zip(trace.pre[m], trace.first[m], df, strict=True)
                ]
        total = total + dot(loss_gradient(pb, i, trace.out), df)
    require(sign(total, case.bits) < 0, "the loss does not fall along the direction")
    return Found()


def zero_output_weight(case: Case, proof: Json) -> Found:
    """Section 6.2, Theorem 1: a unit without output weights, and psi(u) is not zero."""
    pb = case.problem
    as_object(proof, "rule", "unit", "output", "direction")
    require(len(pb.widths) == 3 and pb.slopes is not None, "the rule needs [d,h,K], homogeneous")
    j, k = as_int(proof["unit"]), as_int(proof["output"])
    require(0 <= j < pb.widths[1] and 0 <= k < pb.widths[2], "there is no such unit or output")
    u = read_row(proof["direction"], pb.widths[0] + 1)
    ex = evaluate(pb, pb.layers)
    require(not any(row[j] for row in ex.layers[1][0]), "the unit has output weights")
    lin, bends = unit_terms(ex, j)
    psi = dot(u, lin[k]) + dot((c[k] for c in bends.values()),
                               (abs(dot(u, ex.inputs[r])) for r in bends))  # fmt: skip
    require(sign(psi, case.bits) != 0, "psi is zero")
    return Found()


def negative_curvature(case: Case, proof: Json) -> Found:
    """Section 6.3, Theorem 7: the second derivative of the loss along the line is negative."""
    pb, bits = case.problem, case.bits
    moves = read_direction(case, proof)
    if pb.kinked:
        pre = [z for x in pb.xs for row in forward(pb, pb.layers, x, None).pre[:-1] for z in row]
        require(all(pre), "a unit is on its kink")
    layers = enclosed(pb.layers, bits, Fraction(0))
    total: Number = Fraction(0)
    for i, x in enumerate(pb.xs):
        trace = forward(pb, layers, x, bits)
        if pb.activation in BENT:
            for z in (z for row in trace.pre[:-1] for z in row):
                require(sign(z, bits) != 0, "a unit is exactly at 0")
        da: list[Number] = [0] * len(x)
        d2a: list[Number] = da
        df: list[Number] = da
        d2f: list[Number] = da
        for m, ((weight, _), (dw, db)) in enumerate(zip(layers, moves, strict=True)):
            rows = range(len(weight))
            df = [dot(dw[j], trace.post[m]) + dot(weight[j], da) + db[j] for j in rows]
            d2f = [2 * dot(dw[j], da) + dot(weight[j], d2a) for j in rows]
            if m < len(layers) - 1:
                first, second = trace.first[m], trace.second[m]
                da = [s * d for s, d in zip(first, df, strict=True)]
                d2a = [s * e + c * interval(d, bits).square()
                       for s, c, d, e in zip(first, second, df, d2f, strict=True)]  # fmt: skip
        bent = [dot(row, df) for row in loss_hessian(pb, trace.out)]
        total = total + dot(df, bent) + dot(loss_gradient(pb, i, trace.out), d2f)
    require(sign(total, bits) < 0, "the second derivative is not negative")
    return Found()


def valley_to_infinity(case: Case, proof: Json) -> Found:
    """Section 6.4, Theorem 8: moving the last layer lowers no margin and raises some, for ever.

    Some margin must be raised: with one class there is none, and nothing falls.
    """
    pb, bits = case.problem, case.bits
    as_object(proof, "rule", "direction")
    fields = as_object(proof["direction"], "weight", "bias")
    ((dw, db),) = read_layers({"layers": [fields]}, pb.widths[-2:], rational)
    exact, limit, rises = pb.slopes is not None, Interval(0, 0, bits), False
    require(pb.loss != "squared", "the rule needs a log loss")
    layers = pb.layers if exact else enclosed(pb.layers, bits, Fraction(0))
    for i, x in enumerate(pb.xs):
        trace, y = forward(pb, layers, x, None if exact else bits), pb.ys[i]
        delta = [dot(row, trace.post[-1]) + b for row, b in zip(dw, db, strict=True)]
        if pb.loss == "logistic":
            gains = [a * b for a, b in zip(delta, y, strict=True)]
            stays = [-b * f for f, b in zip(trace.out, y, strict=True)]
        else:
            right, others = int(y[0]), [k for k in range(len(delta)) if k != y[0]]
            gains = [delta[right] - delta[k] for k in others]
            stays = [trace.out[k] - trace.out[right] for k in others]
        signs = [sign(a, bits) for a in gains]
        require(min(signs) >= (0 if exact else 1), "a margin is not raised")
        rises = rises or max(signs) > 0
        kept = [interval(d, bits) for d, s in zip(stays, signs, strict=True) if s == 0]
        together = [kept] if pb.loss == "cross_entropy" else [[d] for d in kept]
        for ds in together:
            limit = limit + log_one_plus_exp(*ds) if ds else limit
    require(rises, "no margin is raised")
    return Found(limit=limit)
