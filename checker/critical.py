"""Critical points of programs: rules 9.3 to 9.5, and the claim."""

from __future__ import annotations

from fractions import Fraction

from checker.arrays import Balls
from checker.boxes import lowered, require_small
from checker.claims import Rules, check_claim
from checker.dense import read_any
from checker.derivatives import Curved, gradient_of
from checker.interpolation import interpolation
from checker.minima import Claimed, Found
from checker.numbers import Interval, Number, require
from checker.reading import Json, as_object, as_table, positive, read_row
from checker.refutations import descent_direction, negative_curvature
from checker.symmetric import isolated, loss_in, require_above, symmetric


def strongly_convex(case: Claimed, proof: Json) -> Found:
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


def krawczyk(case: Claimed, proof: Json) -> Found:
    """Section 9.4: a critical point in the box, and the signs of the Hessian's eigenvalues."""
    program, p = case.program, case.bits
    as_object(proof, "rule", "centre", "radius", "preconditioner")
    centre, r = read_row(proof["centre"], len(program.point)), positive(proof["radius"])
    negative, at, box = isolated(program, centre, r, proof["preconditioner"], p)
    require(negative >= 1, "the critical point is no saddle")
    away = max(abs(x - y) for x, y in zip(centre, program.point, strict=True))
    return Found(index=negative, loss=loss_in(at, box, r), radius=away + r)


PROGRAM_RULES: Rules[Claimed] = {
    "strongly_convex": (strongly_convex, ("local_minimum", "local_minimum_nearby")),
    "interpolation": (interpolation, ("local_minimum_nearby",)),
    "krawczyk": (krawczyk, ("saddle_nearby",)),
    "descent_direction": (descent_direction, ("not_local_minimum",)),
    "negative_curvature": (negative_curvature, ("not_local_minimum",)),
}
PROGRAM_CLAIMS = ("verdict", "strict", "index", "eigenvalue_bound", "global", "loss",
                  "witness_loss", "radius")  # fmt: skip
FLAT = ("interpolation",)  # rules that establish a flat dimension


def check_program_at(certificate: Json, bits: int) -> str:
    """Checks a certificate about a program at one precision; returns the claim in words."""
    flat = as_table(certificate["proof"], "proof").get("rule") in FLAT
    keys = [*PROGRAM_CLAIMS, *(["flat_dimension"] if flat else [])]
    claim, program = as_object(certificate["claim"], *keys), read_any(certificate["problem"])
    return check_claim(certificate, Claimed(program, claim, bits), PROGRAM_RULES, require_reached)


def require_reached(case: Claimed, fields: Json, found: Found, loss: Number) -> None:
    """Section 9.6, `global: yes`: the outputs are those of the least loss."""
    del case, loss
    as_object(fields, "rule")
    require(fields["rule"] == "best_outputs" and found.unbeaten, "nothing proves global: yes")
