"""The claim (sections 2, 7 and 9)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, localcontext
from fractions import Fraction

from checker.boxes import (
    convex_ball,
    kinked_ball,
    krawczyk,
    strongly_convex,
    twin_units,
)
from checker.cases import Case, Found, Rule, evaluate
from checker.constants import constant_output, constant_units
from checker.dense import read_any
from checker.interpolation import interpolation
from checker.kinked import kinked
from checker.merging import merging_valley
from checker.minima import (
    Kind,
    classwise_optimum,
    one_sided_derivatives,
    pointwise_optimum,
    require_classwise,
)
from checker.numbers import BITS, Invalid, Number, interval, require, require_shown, sign
from checker.optimum import cell_multipliers, global_minimum
from checker.penalised import penalised
from checker.reading import Json, as_list, as_object, as_table, as_text, ball, rational
from checker.valleys import (
    descent_direction,
    monotone_valley,
    negative_curvature,
    valley_to_infinity,
    zero_output_weight,
)

HERE, NEARBY = ("local_minimum",), ("local_minimum_nearby",)
SADDLE, NONE = ("saddle_nearby",), ("not_local_minimum",)
BOX, FLAT = "centre radius preconditioner", "flat_dimension"
FACE = f"{BOX} free multipliers"
SHAPE = f"strict_up_to_rescaling {FLAT}"
BOTH, LOSSES = ("squared", "logistic"), ("squared", "logistic", "cross_entropy")
ALL = (*LOSSES, "hinge")
SUMS = {  # of sums of losses, with weights that are not negative (9.12); points are in layers
    "one_sided_derivatives": Rule(one_sided_derivatives, HERE + NEARBY,
                                  "units ?epsilon ?slopes ~point", SHAPE, ALL),
    "classwise_optimum": Rule(classwise_optimum, HERE + NEARBY, "~point", SHAPE, LOSSES),
    "convex_ball": Rule(convex_ball, HERE + NEARBY, "centre radius fixed transform", SHAPE, LOSSES),
    "constant_output": Rule(constant_output, NEARBY, "radius", SHAPE, BOTH),
    "constant_units": Rule(constant_units, HERE + NEARBY, "transport ~radius", SHAPE, BOTH),
    "kinked_ball": Rule(kinked_ball, NEARBY, "centre radius units transform", SHAPE, ("logistic",)),
    "pointwise_optimum": Rule(pointwise_optimum, HERE, "", SHAPE, LOSSES),
    "kinked": Rule(kinked, NEARBY, FACE, SHAPE, ALL),
    "constant_rank": Rule(kinked, NEARBY, f"{FACE} fields", SHAPE, ALL),
    "twin_units": Rule(twin_units, HERE + NEARBY, "centre radius transform bends", SHAPE, LOSSES),
    "zero_output_weight": Rule(zero_output_weight, NONE, "unit output direction", "", LOSSES),
    "merging_valley": Rule(merging_valley, NONE, "pairs curve", "valley_limit", LOSSES),
    "valley_to_infinity": Rule(valley_to_infinity, NONE, "direction", "valley_limit", LOSSES[1:]),
}  # fmt: skip
RULES = {
    **SUMS,
    "descent_direction": Rule(descent_direction, NONE, "direction"),
    "negative_curvature": Rule(negative_curvature, NONE, "direction"),
}
PROGRAM_RULES = {
    **RULES,
    "cell_multipliers": Rule(global_minimum, HERE, "multipliers"),
    "strongly_convex": Rule(strongly_convex, HERE + NEARBY, "centre radius"),
    "idle_parameters": Rule(strongly_convex, HERE + NEARBY, "centre radius idle", FLAT),
    "interpolation": Rule(interpolation, NEARBY, f"{BOX} parameters ?outputs", FLAT),
    "penalised": Rule(penalised, NEARBY, f"{FACE} ?zero ?symmetries ?off", FLAT),
    "krawczyk": Rule(krawczyk, SADDLE, BOX),
    "monotone_valley": Rule(monotone_valley, NONE, "direction ?gates", "valley_limit"),
}
CLAIMS = ("verdict", "strict", "strict_up_to_rescaling", "flat_dimension", "eigenvalue_bound",
          "global", "loss", "witness_loss", "radius", "valley_limit")  # fmt: skip
PROGRAM_CLAIMS = ("verdict", "strict", "index", "eigenvalue_bound", "global", "loss",
                  "witness_loss", "radius")  # fmt: skip
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
    require(lower <= mid + rad and upper >= mid - rad, f"{what} is not as claimed")
    inside = mid - rad <= lower and upper <= mid + rad
    require_shown(inside, f"{what} is not shown to lie in the ball claimed")


def check_at(certificate: Json, bits: int) -> str:
    """Checks everything at one precision; returns the claim in words.

    The proof has to establish exactly what is claimed (sections 2 and 9).
    """
    old, proof = certificate["format"] == FORMATS[0], as_table(certificate["proof"], "proof")
    name, rules = as_text(proof.get("rule")), RULES if old else PROGRAM_RULES
    require(name in rules, "unknown rule")
    rule = rules[name]
    keys = CLAIMS if old else (*PROGRAM_CLAIMS, *rule.claims.split())
    claim = as_object(certificate["claim"], *keys)
    case = Case(read_any(certificate["problem"], old), claim, bits, layered=old)
    require(claim["verdict"] in rule.verdicts, f"the rule {name} does not give this verdict")
    rule.read(proof, case.nearby)
    if rule.losses:
        case.problem.require_weighted(*rule.losses)
    found = rule.check(replace(case, layered=True) if rule.losses else case, proof)
    for key, value in (("strict", found.strict), ("strict_up_to_rescaling", found.rescaled),
                       ("flat_dimension", found.flat), ("index", found.index)):  # fmt: skip
        same = key not in claim or (claim[key] == value and type(claim[key]) is type(value))
        require(same, f"{key} is {value}")
    if found.eigenvalue is None:
        require(claim["eigenvalue_bound"] is None, "the rule gives no eigenvalue_bound")
    needed, radius = found.radius or Fraction(0), claim["radius"]
    if case.nearby:
        require(needed <= rational(radius), "the radius is too small")
        require(rational(radius) <= 2 * needed, "the radius is more than twice what is needed")
    else:
        require(radius is None, "only what is nearby has a radius")
    loss = case.loss_at(case.program.point) if found.loss is None else found.loss
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
        refuted = case.claim["verdict"] in NONE + SADDLE
        require(refuted, "the verdict does not refute")
        return
    if rule == "best_outputs":
        require(found.unbeaten, "nothing proves global: yes")
        return
    pb = case.problem
    require(case.claim["verdict"] not in NONE, "what is no local minimum is not global")
    if found.place is None:
        raise Invalid("global: yes needs an exact point")
    if rule == "cell_multipliers":
        cell_multipliers(pb, as_list(fields["multipliers"]), loss)
        return
    ex = evaluate(case, found.place)
    kinds: list[Kind] = [("loose", r) for r in pb.groups]
    if rule != "pointwise_optimum":
        require(rule == "affine_optimum", "unknown rule in global_proof")
        require(pb.slopes is not None and not pb.kinked, "the network is not affine")
        kinds = [("signs",)] * len(pb.xs)
    require_classwise(ex, kinds)


def decimal(x: Fraction) -> str:
    """A rational in words: exact if short, else rounded to ten digits."""
    if x.numerator.bit_length() < 40 and x.denominator.bit_length() < 20:
        return str(x)
    with localcontext(prec=10) as context:
        return f"{context.divide(Decimal(x.numerator), Decimal(x.denominator)):.10g}"


def ball_text(x: object) -> str:
    """The middle of a ball in words, and how far off it is if its ten digits may be wrong."""
    mid, rad = ball(x)
    return decimal(mid) + ("" if rad * 10**9 <= abs(mid) else f" within {decimal(rad)}")


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
