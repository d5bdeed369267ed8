"""Critical points of programs: rules 9.3 and 9.4, and which rules programs have."""

from __future__ import annotations

from checker.boxes import require_minimum
from checker.derivatives import Box, gradient_of
from checker.interpolation import interpolation
from checker.minima import Case, Found, Rules
from checker.numbers import Interval, require
from checker.reading import Json, as_object, distance, positive, read_row
from checker.refutations import descent_direction, negative_curvature
from checker.symmetric import MAX_HESSIAN, isolated, require_above, symmetric


def strongly_convex(case: Case, proof: Json) -> Found:
    """Section 9.3, Theorem 5."""
    program, bits = case.program, case.bits
    as_object(proof, "rule", "centre", "radius")
    bound, radius = case.eigenvalue, positive(proof["radius"])
    centre = read_row(proof["centre"], len(program.point))
    away = distance(centre, program.point)
    if case.verdict == "local_minimum":
        require(away == 0, "the centre is not the problem's point")
        for part in gradient_of(program, case.values):
            require(not any(isinstance(g, Interval) or g for g in part.entries),
                    "the gradient is not exactly zero")  # fmt: skip
    found = Found("yes", eigenvalue=bound)
    box = Box(program, centre, radius, range(len(centre)), bits)
    if case.verdict == "local_minimum_nearby":
        found.loss = require_minimum(box, bound, box.at.values[-1].intervals()[0])
        found.radius = away + radius
    require(len(centre) <= MAX_HESSIAN, "there are too many parameters for a Hessian")
    require_above(symmetric(box.hessian()), bound)
    return found


def krawczyk(case: Case, proof: Json) -> Found:
    """Section 9.4: a critical point in the box, and the signs of the Hessian's eigenvalues."""
    program = case.program
    as_object(proof, "rule", "centre", "radius", "preconditioner")
    centre, r = read_row(proof["centre"], len(program.point)), positive(proof["radius"])
    box = Box(program, centre, r, range(len(centre)), case.bits)
    negative, loss = isolated(box, proof["preconditioner"])
    require(negative >= 1, "the critical point is no saddle")
    away = distance(centre, program.point)
    return Found(index=negative, loss=loss, radius=away + r)


PROGRAM_RULES: Rules = {
    "strongly_convex": (strongly_convex, ("local_minimum", "local_minimum_nearby")),
    "interpolation": (interpolation, ("local_minimum_nearby",)),
    "krawczyk": (krawczyk, ("saddle_nearby",)),
    "descent_direction": (descent_direction, ("not_local_minimum",)),
    "negative_curvature": (negative_curvature, ("not_local_minimum",)),
}
