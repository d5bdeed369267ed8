"""Refutations by derivatives, and valleys along which the loss falls for ever (6, 9.5)."""

from __future__ import annotations

from fractions import Fraction

from checker.arrays import Balls
from checker.cases import Case, Found, evaluate
from checker.derivatives import Curved, tangent
from checker.functions import BENT
from checker.minima import unit_terms
from checker.numbers import (
    dot,
    inner,
    require,
    require_shown,
    sign,
    total,
)
from checker.programs import Map
from checker.reading import Json, as_int, read_row


def descent_direction(case: Case, proof: Json) -> Found:
    """Sections 6.1 and 9.5: the one-sided derivative along the direction is negative."""
    direction = case.values[-1].like(case.read_point(proof["direction"]))
    slope = tangent(case.program.steps, case.values, direction)[-1]
    falls = slope is not None and sign(slope.entries[0], case.bits) < 0
    require(falls, "the loss does not fall along the direction")
    return Found()


def negative_curvature(case: Case, proof: Json) -> Found:
    """Sections 6.3 and 9.5, Theorem 7: the second derivative along the direction is negative."""
    program = case.program
    direction = Balls.around(case.read_point(proof["direction"]), Fraction(0), case.bits)
    at = Curved(program, direction.like(program.point))
    for step in program.steps:
        if isinstance(step, Map):
            name, slopes = step.function
            kinked = slopes is not None and slopes[0] != slopes[1]
            smooth = not (kinked or name in BENT) or at.values[step.of[0]].nonzero()
            require_shown(smooth, "an argument may be at a kink or a jump")
    column = at.flat(tangent(at.steps, at.values, direction))
    bent = total(column.times(direction).intervals())
    require(sign(bent, case.bits) < 0, "the second derivative is not negative")
    return Found()


def zero_output_weight(case: Case, proof: Json) -> Found:
    """Section 6.2, Theorem 1: a unit without output weights, and psi(u) is not zero."""
    pb = case.problem
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
