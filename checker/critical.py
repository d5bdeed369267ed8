"""Critical points of programs: rules 9.3 to 9.5, and the claim."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import cast

from checker.arrays import Balls
from checker.boxes import lowered, require_small
from checker.claims import require_ball, require_lower, require_radius, sentence
from checker.dense import read_any
from checker.derivatives import Curved, gradient_of
from checker.interpolation import interpolation
from checker.minima import Case, Claimed, Found
from checker.network import Problem
from checker.numbers import Interval, Number, require
from checker.penalised import penalised
from checker.reading import Json, as_int, as_object, as_text, positive, read_row
from checker.refutations import descent_direction, negative_curvature
from checker.symmetric import isolated, loss_in, require_above, symmetric


def strongly_convex(case: Claimed, proof: Json) -> Found:
    """Section 9.3, Theorem 5."""
    program, bits = case.program, case.bits
    as_object(proof, "rule", "centre", "radius")
    bound, radius = positive(case.eigenvalue), positive(proof["radius"])
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


PROGRAM_RULES: dict[str, tuple[Callable[[Claimed, Json], Found], tuple[str, ...]]] = {
    "strongly_convex": (strongly_convex, ("local_minimum", "local_minimum_nearby")),
    "interpolation": (interpolation, ("local_minimum_nearby",)),
    "penalised": (penalised, ("local_minimum_nearby",)),
    "krawczyk": (krawczyk, ("saddle_nearby",)),
    "descent_direction": (descent_direction, ("not_local_minimum",)),
    "negative_curvature": (negative_curvature, ("not_local_minimum",)),
}
PROGRAM_CLAIMS = ("verdict", "strict", "index", "eigenvalue_bound", "global", "loss",
                  "witness_loss", "radius")  # fmt: skip
FLAT = ("interpolation", "penalised")  # rules that establish a flat dimension


def require_loss(claimed: object, loss: Number, what: str) -> None:
    """The ball holds the loss of a program (section 1), rational or enclosed."""
    require_ball(claimed, loss, what, exact=False)


def check_program_at(certificate: Json, bits: int) -> str:
    """Checks a certificate about a program at one precision; returns the claim in words."""
    program, problem = read_any(certificate["problem"])
    require(isinstance(certificate["proof"], dict), "proof is not an object")
    proof = cast("Json", certificate["proof"])
    name = as_text(proof.get("rule"))
    require(name in PROGRAM_RULES, "unknown rule")
    keys = [*PROGRAM_CLAIMS, *(["flat_dimension"] if name in FLAT else [])]
    claim = as_object(certificate["claim"], *keys)
    verdict = as_text(claim["verdict"])
    rule, verdicts = PROGRAM_RULES[name]
    require(verdict in verdicts, f"the rule {name} does not give this verdict")
    case = Claimed(program, verdict, claim["eigenvalue_bound"], bits)
    if name == "penalised":
        require(problem is not None, "the rule is for dense problems")
        case = Case(program, verdict, None, bits, cast("Problem", problem))
    found = rule(case, proof)
    require(claim["strict"] == found.strict, f"strict is {found.strict}")
    index = claim["index"]
    require((None if index is None else as_int(index)) == found.index, f"index is {found.index}")
    if name in FLAT:
        require(as_int(claim["flat_dimension"]) == found.flat, f"flat dimension {found.flat}")
    if found.eigenvalue is None:
        require(claim["eigenvalue_bound"] is None, "the rule gives no eigenvalue_bound")
    require_radius(claim["radius"], found, verdict.endswith("_nearby"))
    loss = case.loss_at(program.point) if found.loss is None else found.loss
    require_loss(claim["loss"], loss, "the loss")
    better, evidence = claim["witness_loss"], certificate["global_proof"]
    if claim["global"] == "unknown":
        require(evidence is None and better is None, "an unknown has no proof")
        return sentence(claim)
    require(isinstance(evidence, dict), "global_proof is not an object")
    fields = cast("Json", evidence)
    if claim["global"] == "yes":
        as_object(fields, "rule")
        require(fields["rule"] == "best_outputs" and found.unbeaten, "nothing proves global: yes")
        require(better is None, "there is a witness_loss without a witness")
        return sentence(claim)
    require(claim["global"] == "no", "global is not yes, no or unknown")
    if fields.get("rule") == "witness":
        as_object(fields, "rule", "point")
        value = case.loss_at(read_row(fields["point"], len(program.point)))
        require_lower(value, loss, bits)
        require_loss(better, value, "the loss of the witness")
        return sentence(claim)
    as_object(fields, "rule")
    require(fields["rule"] == "not_local_minimum", "unknown rule in global_proof")
    require(better is None, "there is a witness_loss without a witness")
    require(verdict in ("not_local_minimum", "saddle_nearby"), "the verdict does not refute")
    return sentence(claim)
