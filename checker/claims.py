"""The claim (sections 2, 7 and 9)."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction

from checker.boxes import convex_ball, kinked_ball, twin_units
from checker.constants import constant_output, constant_units
from checker.critical import PROGRAM_RULES
from checker.dense import dense_program, read_any
from checker.kinked import kinked
from checker.merging import merging_valley
from checker.minima import (
    Case,
    Found,
    Rules,
    classwise_optimum,
    evaluate,
    one_sided_derivatives,
    pointwise_optimum,
    require_classwise,
    require_pointwise,
)
from checker.network import read_problem
from checker.numbers import BITS, Invalid, Number, Undecided, interval, require, sign
from checker.optimum import cell_multipliers
from checker.reading import (
    Json,
    as_int,
    as_list,
    as_object,
    as_table,
    as_text,
    ball,
    rational,
)
from checker.refutations import (
    descent_direction,
    negative_curvature,
    valley_to_infinity,
    zero_output_weight,
)
from checker.saturation import saturating_valley
from checker.sharpening import sharpening_valley

MINIMA: Rules = {
    "one_sided_derivatives": (one_sided_derivatives, ("local_minimum", "local_minimum_nearby")),
    "classwise_optimum": (classwise_optimum, ("local_minimum", "local_minimum_nearby")),
    "convex_ball": (convex_ball, ("local_minimum", "local_minimum_nearby")),
    "constant_output": (constant_output, ("local_minimum_nearby",)),
    "constant_units": (constant_units, ("local_minimum", "local_minimum_nearby")),
    "kinked_ball": (kinked_ball, ("local_minimum_nearby",)),
    "pointwise_optimum": (pointwise_optimum, ("local_minimum",)),
    "kinked": (kinked, ("local_minimum_nearby",)),
    "constant_rank": (kinked, ("local_minimum_nearby",)),
    "twin_units": (twin_units, ("local_minimum", "local_minimum_nearby")),
}
REFUTATIONS: Rules = {
    rule.__name__: (rule, ("not_local_minimum",))
    for rule in (descent_direction, zero_output_weight, negative_curvature, valley_to_infinity,
                 saturating_valley, merging_valley, sharpening_valley)
}  # fmt: skip
RULES = MINIMA | REFUTATIONS
CLAIMS = ("verdict", "strict", "strict_up_to_rescaling", "flat_dimension", "eigenvalue_bound",
          "global", "loss", "witness_loss", "radius", "valley_limit")  # fmt: skip
PROGRAM_CLAIMS = ("verdict", "strict", "index", "eigenvalue_bound", "global", "loss",
                  "witness_loss", "radius")  # fmt: skip
ALSO_CLAIMED = {
    "idle_parameters": "flat_dimension",
    "interpolation": "flat_dimension",
    "penalised": "flat_dimension",
    "monotone_valley": "valley_limit",
}  # of programs
FORMATS = ("spurious-certificate/1", "spurious-certificate/2")


def require_ball(claimed: object, value: Number, what: str, exact: bool = True) -> None:
    """The claimed ball states the value (section 1, Ball); `exact`: a rational one as such."""
    mid, rad = ball(claimed)
    if isinstance(value, Fraction):
        require(not exact or (rad == 0 and mid == value), f"{what} is not as claimed")
        lower = upper = value
    else:
        ends = interval(value, BITS[0])
        lower, upper = ends.lower, ends.upper
    require(rad <= Fraction(1, 2**20) * max(1, abs(mid)), f"the ball of {what} is too wide")
    low, high = mid - rad, mid + rad
    require(lower <= high and upper >= low, f"{what} is not as claimed")
    if not low <= lower <= upper <= high:
        raise Undecided(f"{what} is not shown to lie in the ball claimed")


def require_radius(claimed: object, found: Found, nearby: bool) -> None:
    """The radius is at least what is needed, and at most twice that (section 2)."""
    if not nearby:
        require(claimed is None, "only what is nearby has a radius")
        return
    needed = Fraction(0) if found.radius is None else found.radius
    radius = rational(claimed)
    require(needed <= radius, "the radius is too small")
    require(radius <= 2 * needed, "the radius is more than twice what is needed")


def check_at(certificate: Json, bits: int) -> str:
    """Checks everything at one precision; returns the claim in words.

    The proof has to establish exactly what is claimed (sections 2 and 9).
    """
    old, proof = certificate["format"] == FORMATS[0], as_table(certificate["proof"], "proof")
    name, rules = as_text(proof.get("rule")), RULES if old else PROGRAM_RULES
    require(name in rules, "unknown rule")
    keys = CLAIMS if old else (*PROGRAM_CLAIMS, *filter(None, [ALSO_CLAIMED.get(name)]))
    claim, problem = as_object(certificate["claim"], *keys), certificate["problem"]
    program = dense_program(read_problem(problem)) if old else read_any(problem)
    case = Case(program, claim, bits, layered=old)
    rule, verdicts = rules[name]
    require(case.verdict in verdicts, f"the rule {name} does not give this verdict")
    found = rule(case, proof)
    require(claim["strict"] == found.strict, f"strict is {found.strict}")
    rescaled = claim.get("strict_up_to_rescaling", found.rescaled)
    require(rescaled == found.rescaled, f"up to rescaling {found.rescaled}")
    for key, value in (("flat_dimension", found.flat), ("index", found.index)):
        given = claim.get(key)
        same = value is None if given is None else as_int(given) == value
        require(same, f"{key.replace('_', ' ')} {value}")
    if found.eigenvalue is None:
        require(claim["eigenvalue_bound"] is None, "the rule gives no eigenvalue_bound")
    require_radius(claim["radius"], found, case.verdict.endswith("_nearby"))
    loss = case.loss_at(program.point) if found.loss is None else found.loss
    exact = old and (case.problem.slopes is not None or found.loss is not None)
    require_ball(claim["loss"], loss, "the loss", exact)
    if found.limit is None:
        require(claim.get("valley_limit") is None, "only a valley has a valley_limit")
    else:
        require_ball(claim["valley_limit"], found.limit, "the valley_limit")
    check_global(case, certificate["global_proof"], found, loss)
    return sentence(claim)


def check_global(case: Case, proof: object, found: Found, loss: Number) -> None:
    """Sections 7 and 9.6: `global`, `witness_loss` and `global_proof`."""
    answer, better = case.claim["global"], case.claim["witness_loss"]
    if answer == "unknown":
        require(proof is None and better is None, "an unknown has no proof")
        return
    require(answer in ("yes", "no"), "global is not yes, no or unknown")
    fields = as_table(proof, "global_proof")
    rule = as_text(fields.get("rule"))
    if answer == "no" and rule == "witness":
        as_object(fields, "rule", "point")
        value = case.loss_at(case.read_point(fields["point"]))
        require(sign(loss - value, case.bits) > 0, "the witness is not better")
        exact = case.layered and case.problem.slopes is not None
        require_ball(better, value, "the loss of the witness", exact)
        return
    require(better is None, "there is a witness_loss without a witness")
    as_object(fields, "rule", *(["multipliers"] if rule == "cell_multipliers" else []))
    if answer == "no":
        require(rule == "not_local_minimum", "unknown rule in global_proof")
        refuted = case.verdict in ("not_local_minimum", "saddle_nearby")
        require(refuted, "the verdict does not refute")
    elif case.layered:
        require_best(case, rule, fields, found, loss)
    else:
        require(rule == "best_outputs" and found.unbeaten, "nothing proves global: yes")


def require_best(case: Case, rule: str, fields: Json, found: Found, loss: Number) -> None:
    """Section 7: no parameters have a smaller loss."""
    pb = case.problem
    require(case.verdict != "not_local_minimum", "what is no local minimum is not global")
    if found.place is None:
        raise Invalid("global: yes needs an exact point")
    if rule == "cell_multipliers":
        if not isinstance(loss, Fraction):
            raise Invalid("the rule needs a rational loss")
        cell_multipliers(pb, as_list(fields["multipliers"]), loss)
        return
    ex = evaluate(case, found.place)
    if rule == "pointwise_optimum":
        require_pointwise(ex)
        return
    require(rule == "affine_optimum", "unknown rule in global_proof")
    require(pb.slopes is not None and not pb.kinked, "the network is not affine")
    require_classwise(ex, [("signs",)] * len(pb.xs))


def decimal(x: Fraction) -> str:
    """A rational in words: exact if short, else rounded to ten digits."""
    if x.numerator.bit_length() < 40 and x.denominator.bit_length() < 20:
        return str(x)
    with localcontext(prec=10) as context:
        return f"{context.divide(Decimal(x.numerator), Decimal(x.denominator)):.10g}"


def ball_text(x: object) -> str:
    """A ball in words: the middle in ten digits, and how far off if these may be wrong."""
    mid, rad = ball(x)
    told = rad * 10**9 <= abs(mid)
    return decimal(mid) if told or not rad else f"{decimal(mid)} within {decimal(rad)}"


def sentence(claim: Json) -> str:
    """The claim as one sentence."""
    parts = [str(claim["verdict"]).replace("_", " ").replace("not local", "not a local")]
    if claim["radius"] is not None:
        parts[0] += f" (within {decimal(rational(claim['radius']))})"
    if claim.get("index") is not None:
        parts.append(f"index {claim['index']}")
    if claim["strict"] == "yes":
        parts.append("strict")
    elif claim.get("strict_up_to_rescaling") == "yes":
        parts.append("strict up to rescaling")
    elif claim["strict"] == "no":
        parts.append("not strict")
    if claim["global"] != "unknown":
        parts.append("global" if claim["global"] == "yes" else "not global")
    parts.append(f"loss {ball_text(claim['loss'])}")
    if claim["witness_loss"] is not None:
        parts.append(f"a better point has loss {ball_text(claim['witness_loss'])}")
    if claim.get("valley_limit") is not None:
        parts.append(f"a valley falls to {ball_text(claim['valley_limit'])} at infinity")
    return ", ".join(parts)
