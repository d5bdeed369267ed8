"""Critical points of programs: rules 9.3 and 9.4, and which rules programs have."""

from __future__ import annotations

from collections.abc import Sequence

from checker.boxes import require_minimum
from checker.derivatives import Box, gradient_of
from checker.interpolation import interpolation
from checker.minima import Case, Found, Rules
from checker.numbers import Interval, require
from checker.penalised import penalised
from checker.rays import monotone_valley
from checker.reading import Json, as_object, distance, positive, read_increasing, read_row
from checker.refutations import descent_direction, negative_curvature
from checker.symmetric import MAX_HESSIAN, isolated, require_above, symmetric


def read_box(case: Case, proof: Json) -> Box:
    """Reads the box X of all parameters around a centre."""
    size = len(case.program.point)
    centre, radius = read_row(proof["centre"], size), positive(proof["radius"])
    return Box(case.program, centre, radius, range(size), case.bits)


def strongly_convex(case: Case, proof: Json) -> Found:
    """Section 9.3, Theorem 5."""
    as_object(proof, "rule", "centre", "radius")
    box = read_box(case, proof)
    return convex(case, box, box.free)


def idle_parameters(case: Case, proof: Json) -> Found:
    """Section 9.3: over the box the gradient is exactly zero in the idle parameters."""
    as_object(proof, "rule", "centre", "radius", "idle")
    box = read_box(case, proof)
    idle, slope = read_increasing(proof["idle"], len(box.free)), box.over.gradient()
    require(not any(slope.m[i] or slope.r[i] for i in idle), "a parameter may have an effect")
    free = [i for i in box.free if i not in set(idle)]
    if free:
        found = convex(case, box, free)
    else:
        require(case.verdict == "local_minimum", "the loss is constant around the point")
        require(box.centre == list(case.program.point), "the centre is not the problem's point")
        found = Found()
    found.strict, found.flat = "no", len(idle)
    return found


def convex(case: Case, box: Box, free: Sequence[int]) -> Found:
    """Theorem 5 in the free parameters, ascending; no others matter over the box."""
    bound, away = case.eigenvalue, distance(box.centre, case.program.point)
    if case.verdict == "local_minimum":
        require(away == 0, "the centre is not the problem's point")
        for part in gradient_of(case.program, case.values):
            require(not any(isinstance(g, Interval) or g for g in part.entries),
                    "the gradient is not exactly zero")  # fmt: skip
    found = Found("yes", eigenvalue=bound)
    if case.verdict == "local_minimum_nearby":
        found.loss = require_minimum(box, bound, box.at.values[-1].intervals()[0])
        found.radius = away + box.radius
    require(len(free) <= MAX_HESSIAN, "there are too many parameters for a Hessian")
    require_above(symmetric(box.over.hessian(free)), bound)
    return found


def krawczyk(case: Case, proof: Json) -> Found:
    """Section 9.4: a critical point in the box, and the signs of the Hessian's eigenvalues."""
    as_object(proof, "rule", "centre", "radius", "preconditioner")
    box = read_box(case, proof)
    negative, loss = isolated(box, proof["preconditioner"])
    require(negative >= 1, "the critical point is no saddle")
    away = distance(box.centre, case.program.point)
    return Found(index=negative, loss=loss, radius=away + box.radius)


PROGRAM_RULES: Rules = {
    "strongly_convex": (strongly_convex, ("local_minimum", "local_minimum_nearby")),
    "idle_parameters": (idle_parameters, ("local_minimum", "local_minimum_nearby")),
    "interpolation": (interpolation, ("local_minimum_nearby",)),
    "penalised": (penalised, ("local_minimum_nearby",)),
    "krawczyk": (krawczyk, ("saddle_nearby",)),
    "descent_direction": (descent_direction, ("not_local_minimum",)),
    "negative_curvature": (negative_curvature, ("not_local_minimum",)),
    "monotone_valley": (monotone_valley, ("not_local_minimum",)),
}
