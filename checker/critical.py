"""Critical points of programs: rules 9.3 to 9.5, and the claim."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import cast

from checker.arrays import Balls
from checker.boxes import lowered, require_small
from checker.claims import require_ball, require_lower, require_radius, sentence
from checker.dense import read_any
from checker.derivatives import MAX_HESSIAN, Curved, gradient_of
from checker.interpolation import interpolation, read_increasing
from checker.minima import Claimed, Found
from checker.numbers import Interval, Number, require
from checker.reading import Json, as_int, as_object, as_text, positive, read_row
from checker.refutations import descent_direction, negative_curvature
from checker.symmetric import isolated, loss_in, require_above, symmetric


def strongly_convex(case: Claimed, proof: Json) -> Found:
    """Section 9.3, Theorem 5."""
    as_object(proof, "rule", "centre", "radius")
    return convex(case, proof, range(len(case.program.point)))


def idle_parameters(case: Claimed, proof: Json) -> Found:
    """Section 9.3: over the box the gradient is exactly zero in the idle parameters."""
    as_object(proof, "rule", "centre", "radius", "idle")
    size = len(case.program.point)
    idle = read_increasing(proof["idle"], size)
    centre, radius = read_row(proof["centre"], size), positive(proof["radius"])
    slope = Curved(case.program, Balls.around(centre, radius, case.bits)).gradient()
    require(not any(slope.m[i] or slope.r[i] for i in idle), "a parameter may have an effect")
    free = [i for i in range(size) if i not in set(idle)]
    if free:
        found = convex(case, proof, free)
    else:
        require(case.verdict == "local_minimum", "the loss is constant around the point")
        require(centre == list(case.program.point), "the centre is not the problem's point")
        found = Found()
    found.strict, found.flat = "no", len(idle)
    return found


def convex(case: Claimed, proof: Json, free: Sequence[int]) -> Found:
    """Theorem 5 in the free parameters, ascending; no others matter over the box."""
    program, bits = case.program, case.bits
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
        drop = require_small(at.gradient().pick(free), bound, radius)
        found.loss = lowered(at.values[-1].intervals()[0], drop, bits)
        found.radius = away + radius
    require(len(free) <= MAX_HESSIAN, "there are too many parameters for a Hessian")
    box = Curved(program, Balls.around(centre, radius, bits))
    require_above(symmetric(box.hessian(free)), bound)
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
    "idle_parameters": (idle_parameters, ("local_minimum", "local_minimum_nearby")),
    "interpolation": (interpolation, ("local_minimum_nearby",)),
    "krawczyk": (krawczyk, ("saddle_nearby",)),
    "descent_direction": (descent_direction, ("not_local_minimum",)),
    "negative_curvature": (negative_curvature, ("not_local_minimum",)),
}
PROGRAM_CLAIMS = ("verdict", "strict", "index", "eigenvalue_bound", "global", "loss",
                  "witness_loss", "radius")  # fmt: skip
FLAT = ("idle_parameters", "interpolation")  # rules that establish a flat dimension


def require_loss(claimed: object, loss: Number, what: str) -> None:
    """The ball holds the loss of a program (section 1), rational or enclosed."""
    require_ball(claimed, loss, what, exact=False)


def check_program_at(certificate: Json, bits: int) -> str:
    """Checks a certificate about a program at one precision; returns the claim in words."""
    program = read_any(certificate["problem"])
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
