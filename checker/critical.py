"""Critical points of programs: rules 9.3 to 9.5, and the claim."""

from __future__ import annotations

from fractions import Fraction

from checker.arrays import Balls
from checker.boxes import lowered, require_small
from checker.derivatives import Curved, gradient_of
from checker.interpolation import interpolation
from checker.minima import Case, Found, Rules
from checker.numbers import Interval, require
from checker.reading import Json, as_object, positive, read_row
from checker.refutations import descent_direction, negative_curvature
from checker.symmetric import isolated, loss_in, require_above, symmetric


def strongly_convex(case: Case, proof: Json) -> Found:
    """Section 9.3, Theorem 5."""
    program, bits = case.program, case.bits
    as_object(proof, "rule", "centre", "radius")
    bound, radius = case.eigenvalue, positive(proof["radius"])
    centre = read_row(proof["centre"], len(program.point))
    away = max(abs(a - b) for a, b in zip(centre, program.point, strict=True))
    if case.verdict == "local_minimum":
        require(away == 0, "the centre is not the problem's point")
        for part in gradient_of(program, case.values):
            require(not any(isinstance(g, Interval) or g for g in part.entries),
                    "the gradient is not exactly zero")  # fmt: skip
    found = Found("yes", eigenvalue=bound)
    if case.verdict == "local_minimum_nearby":
        at = Curved(program, Balls.around(centre, Fraction(0), bits))
        drop = require_small(at.gradient(), bound, radius)
        found.loss = lowered(at.values[-1].intervals()[0], drop, bits)
        found.radius = away + radius
    require_above(symmetric(Curved(program, Balls.around(centre, radius, bits)).hessian()), bound)
    return found


def krawczyk(case: Case, proof: Json) -> Found:
    """Section 9.4: a critical point in the box, and the signs of the Hessian's eigenvalues."""
    program, p = case.program, case.bits
    as_object(proof, "rule", "centre", "radius", "preconditioner")
    centre, r = read_row(proof["centre"], len(program.point)), positive(proof["radius"])
    negative, at, box = isolated(program, centre, r, proof["preconditioner"], p)
    require(negative >= 1, "the critical point is no saddle")
    away = max(abs(x - y) for x, y in zip(centre, program.point, strict=True))
    return Found(index=negative, loss=loss_in(at, box, r), radius=away + r)


PROGRAM_RULES: Rules = {
    "strongly_convex": (strongly_convex, ("local_minimum", "local_minimum_nearby")),
    "interpolation": (interpolation, ("local_minimum_nearby",)),
    "krawczyk": (krawczyk, ("saddle_nearby",)),
    "descent_direction": (descent_direction, ("not_local_minimum",)),
    "negative_curvature": (negative_curvature, ("not_local_minimum",)),
}
