"""Rules for refutations (6, 9.5)."""

from __future__ import annotations

from fractions import Fraction

from checker.arrays import Balls
from checker.derivatives import Curved, by_blocks, tangent
from checker.functions import BENT
from checker.minima import Case, Found, evaluate, unit_terms
from checker.numbers import (
    Interval,
    Undecided,
    dot,
    inner,
    interval,
    log_one_plus_exp,
    require,
    sign,
    total,
)
from checker.programs import Map
from checker.reading import (
    Json,
    as_int,
    as_object,
    rational,
    read_layers,
    read_row,
)


def descent_direction(case: Case, proof: Json) -> Found:
    """Sections 6.1 and 9.5: the one-sided derivative along the direction is negative."""
    program, bits = case.program, case.bits
    as_object(proof, "rule", "direction")
    direction = case.values[-1].made(case.read_point(proof["direction"]))
    slope = tangent(program.steps, case.values, by_blocks(program.steps, direction))[-1]
    require(slope is not None and sign(slope.entries[0], bits) < 0,
            "the loss does not fall along the direction")  # fmt: skip
    return Found()


def negative_curvature(case: Case, proof: Json) -> Found:
    """Sections 6.3 and 9.5, Theorem 7: the second derivative along the direction is negative."""
    program, bits = case.program, case.bits
    as_object(proof, "rule", "direction")
    direction = Balls.around(case.read_point(proof["direction"]), Fraction(0), bits)
    at = Curved(program, Balls.around(program.point, Fraction(0), bits))
    for step in program.steps:
        if isinstance(step, Map):
            name, slopes = step.function
            kinked = slopes is not None and slopes[0] != slopes[1]
            if (kinked or name in BENT) and not at.values[step.of[0]].nonzero():
                raise Undecided("an argument may be at a kink or a jump")
    bent = total(at.column(by_blocks(program.steps, direction)).times(direction).intervals())
    require(sign(bent, bits) < 0, "the second derivative is not negative")
    return Found()


def zero_output_weight(case: Case, proof: Json) -> Found:
    """Section 6.2, Theorem 1: a unit without output weights, and psi(u) is not zero."""
    pb = case.problem
    as_object(proof, "rule", "unit", "output", "direction")
    require(len(pb.widths) == 3 and pb.slopes is not None, "the rule needs [d,h,K], homogeneous")
    j, k = as_int(proof["unit"]), as_int(proof["output"])
    require(0 <= j < pb.widths[1] and 0 <= k < pb.widths[2], "there is no such unit or output")
    u = read_row(proof["direction"], pb.widths[0] + 1)
    ex = evaluate(case, pb.layers)
    require(not any(row[j] for row in ex.layers[1][0]), "the unit has output weights")
    lin, bends = unit_terms(ex, j)
    bent = dot((c[k] for c in bends.values()), (abs(inner(u, ex.inputs[r])) for r in bends))
    require(sign(dot(u, lin[k]) + bent, case.bits) != 0, "psi is zero")
    return Found()


def valley_to_infinity(case: Case, proof: Json) -> Found:
    """Section 6.4, Theorem 8: moving the last layer lowers no margin and raises some, for ever.

    Some margin must be raised: with one class there is none, and nothing falls.
    """
    pb, bits, program = case.problem, case.bits, case.program
    as_object(proof, "rule", "direction")
    fields = as_object(proof["direction"], "weight", "bias")
    ((dw, db),) = read_layers({"layers": [fields]}, pb.widths[-2:], rational)
    require(pb.loss != "squared", "the rule needs a log loss")
    exact, limit, rises = pb.slopes is not None, Interval(0, 0, bits), False
    states, outputs = (case.values[k].entries for k in program.layers[-1])
    width, classes = pb.widths[-2], pb.widths[-1]
    for i, y in enumerate(pb.ys):
        state, f = states[i * width : (i + 1) * width], outputs[i * classes : (i + 1) * classes]
        delta = [dot(row, state) + b for row, b in zip(dw, db, strict=True)]
        if pb.loss == "logistic":
            gains = [a * b for a, b in zip(delta, y, strict=True)]
            stays = [-b * a for a, b in zip(f, y, strict=True)]
        else:
            right, others = int(y[0]), [k for k in range(len(delta)) if k != y[0]]
            gains = [delta[right] - delta[k] for k in others]
            stays = [f[k] - f[right] for k in others]
        signs = [sign(a, bits) for a in gains]
        require(min(signs) >= (0 if exact else 1), "a margin is not raised")
        rises = rises or max(signs) > 0
        kept = [interval(d, bits) for d, s in zip(stays, signs, strict=True) if s == 0]
        together = [kept] if pb.loss == "cross_entropy" else [[d] for d in kept]
        for ds in together:
            limit = limit + log_one_plus_exp(*ds) if ds else limit
    require(rises, "no margin is raised")
    return Found(limit=limit)
