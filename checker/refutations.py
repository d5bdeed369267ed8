"""Refutations by derivatives, and valleys along which the loss falls for ever (6, 9.5)."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from checker.arrays import Balls
from checker.cases import Case, Found, evaluate
from checker.derivatives import Curved, tangent
from checker.functions import BENT, exp
from checker.minima import unit_terms
from checker.numbers import (
    Interval,
    dot,
    inner,
    interval,
    log_one_plus_exp,
    require,
    require_shown,
    sign,
    total,
)
from checker.programs import Map, Program, Step
from checker.reading import Json, as_int, as_object, read_layers, read_row


def descent_direction(case: Case, proof: Json) -> Found:
    """Sections 6.1 and 9.5: the one-sided derivative along the direction is negative."""
    as_object(proof, "rule", "direction")
    direction = case.values[-1].like(case.read_point(proof["direction"]))
    slope = tangent(case.program.steps, case.values, direction)[-1]
    falls = slope is not None and sign(slope.entries[0], case.bits) < 0
    require(falls, "the loss does not fall along the direction")
    return Found()


def negative_curvature(case: Case, proof: Json) -> Found:
    """Sections 6.3 and 9.5, Theorem 7: the second derivative along the direction is negative."""
    program = case.program
    as_object(proof, "rule", "direction")
    direction = Balls.around(case.read_point(proof["direction"]), Fraction(0), case.bits)
    at = Curved(program, direction.like(program.point))
    for step in program.steps:
        if isinstance(step, Map):
            name, slopes = step.function
            kinked = slopes is not None and slopes[0] != slopes[1]
            smooth = not (kinked or name in BENT) or at.values[step.of[0]].nonzero()
            require_shown(smooth, "an argument may be at a kink or a jump")
    bent = total(at.column(direction).times(direction).intervals())
    require(sign(bent, case.bits) < 0, "the second derivative is not negative")
    return Found()


def zero_output_weight(case: Case, proof: Json) -> Found:
    """Section 6.2, Theorem 1: a unit without output weights, and psi(u) is not zero."""
    pb = case.problem
    as_object(proof, "rule", "unit", "output", "direction")
    pb.require_shallow()
    require(pb.slopes is not None, "the rule needs a homogeneous activation")
    (_, j), k = pb.unit(0, proof["unit"]), as_int(proof["output"])
    require(0 <= k < pb.widths[2], "there is no such output")
    u = read_row(proof["direction"], pb.widths[0] + 1)
    ex = evaluate(case, pb.point)
    require(not any(row[j] for row in ex.units[1]), "the unit has output weights")
    lin, bends = unit_terms(ex, j)
    bent = dot((c[k] for c in bends.values()), (abs(inner(u, pb.inputs[r])) for r in bends))
    require(sign(dot(u, lin[k]) + bent, case.bits) != 0, "psi is zero")
    return Found()


SATURATING = {"tanh": (2, -1), "sigmoid": (1, 0)}  # l, and the limit on the left; 1 on the right


def valley_to_infinity(case: Case, proof: Json) -> Found:
    """Section 6.4, Theorem 8: moving the last layer lowers no margin and raises some, for ever.

    Some margin must be raised: with one class there is none, and nothing falls.
    """
    pb, bits, program = case.problem, case.bits, case.program
    as_object(proof, "rule", "direction")
    fields = as_object(proof["direction"], "weight", "bias")
    moved = read_layers({"layers": [fields]}, pb.widths[-2:])
    require(pb.loss != "squared", "the rule needs a log loss")
    width, classes = pb.widths[-2:]
    rows = [[*moved[k * width : (k + 1) * width], moved[classes * width + k]]
            for k in range(classes)]  # fmt: skip
    exact, limit, rises = pb.slopes is not None, Interval(0, 0, bits), False
    a, z = program.layers[-1]
    states, outputs = case.values[a].rows(width), case.values[z].rows(classes)
    for y, state, f in zip(pb.ys, states, outputs, strict=True):
        delta = [dot(row, [*state.entries, Fraction(1)]) for row in rows]
        if pb.loss == "logistic":
            gains = [a * b for a, b in zip(delta, y, strict=True)]
            stays = [-b * a for a, b in zip(f.entries, y, strict=True)]
        else:
            right, others = int(y[0]), [k for k in range(classes) if k != y[0]]
            gains = [delta[right] - delta[k] for k in others]
            stays = [f.entries[k] - f.entries[right] for k in others]
        signs = [sign(a, bits) for a in gains]
        require(min(signs) >= (0 if exact else 1), "a margin is not raised")
        rises = rises or max(signs) > 0
        kept = [interval(d, bits) for d, s in zip(stays, signs, strict=True) if s == 0]
        for ds in [kept] if pb.loss == "cross_entropy" else [[d] for d in kept]:
            limit = limit + log_one_plus_exp(*ds) if ds else limit
    require(rises, "no margin is raised")
    return Found(limit=limit)


def loss_of_outputs(case: Case) -> Callable[[list[Interval]], tuple[Interval, list[Interval]]]:
    """Encloses the loss and its derivative by the outputs, point by point.

    What the program does before the outputs is cut off, and they become its parameters.
    """
    program, last = case.program, case.program.layers[-1][1]
    none, outputs = Step((), (), (Fraction(0),)), program.steps[last]
    start = Step((), outputs.shape, block=range(outputs.size))
    rest = Program([*[none] * last, start, *program.steps[last + 1 :]], [])

    def loss_at(f: list[Interval]) -> tuple[Interval, list[Interval]]:
        found = Curved(rest, case.values[last].made(f))
        return found.loss.intervals()[0], found.gradient().intervals()

    return loss_at


def at_limits(
    case: Case, unit: int, limits: dict[int, Fraction]
) -> tuple[Interval, list[Interval]]:
    """The loss where a unit of the one hidden layer has other values at some data points.

    Also gives for each point its derivative by the outputs along the unit's weights above.
    """
    pb, bits, above = case.problem, case.bits, case.problem.units(case.problem.point)[1]
    outputs = list[Interval]()
    for i, state in enumerate(case.values[case.program.layers[1][0]].rows(pb.widths[1])):
        values = [*state.entries, Fraction(1)]
        values[unit] = limits.get(i, values[unit])
        outputs += [interval(dot(row, values), bits) for row in above]
    loss, g = loss_of_outputs(case)(outputs)
    turn, width = [row[unit] for row in above], len(above)
    along = [interval(dot(turn, g[k : k + width]), bits) for k in range(0, len(g), width)]
    return loss, along


def limit_valley(case: Case, proof: Json) -> Found:
    """Sections 6.5 and 6.7: the outputs of a unit go to their limits, and the loss falls.

    `saturating_valley` (Theorem 25): the incoming weights move along a direction. Or
    `sharpening_valley` (Theorem 27): w becomes s w and V becomes V / s. Both prove h_0 + sum over
    the other i of max(0, h_i) share_i < 0, 0 a point that is nearest to not moving.
    """
    pb, bits, name = case.problem, case.bits, case.problem.activation
    saturating = proof["rule"] == "saturating_valley"
    as_object(proof, "rule", "unit", *(["direction"] if saturating else []))
    pb.require_shallow()
    known = tuple(SATURATING) if saturating else ("gelu", "silu")
    require(name in known, f"the rule needs {' or '.join(known)}")
    _, j = pb.unit(0, proof["unit"])
    z = k = [inner(pb.units(pb.point)[0][j], x) for x in pb.inputs]
    if saturating:
        u = read_row(proof["direction"], pb.widths[0] + 1)
        k = [inner(u, x) for x in pb.inputs]
    away = [i for i, v in enumerate(k) if v]
    require(len(away) > 0, "the unit sees no point that moves")
    require(all(k[i] * z[i] > 0 for i in away), "a point does not move away from 0")
    rate, low = SATURATING.get(name, (1, 0))
    limits = {i: Fraction(1 if z[i] > 0 else low) if saturating else max(z[i], Fraction(0))
              for i in away}  # fmt: skip
    loss, along = at_limits(case, j, limits)
    first = min(away, key=lambda i: abs(k[i]))
    total, least = Interval(0, 0, bits), abs(z[first])
    top = (1 + exp(Interval.of(-rate * least, bits))[0]).square()
    for i in away:
        h = along[i] * (k[i] if saturating else k[i] ** 2)
        if i != first:
            gap = (least**2 - z[i] ** 2) / 2 if name == "gelu" else rate * (least - abs(z[i]))
            share = exp(Interval.of(gap, bits))[0] * (1 if name == "gelu" else top)
            h = Interval(max(h.lo, 0), max(h.hi, 0), bits) * share
        total = total + h
    require(sign(total, bits) < 0, "the loss is not shown to fall for ever")
    return Found(limit=loss)
