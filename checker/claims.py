"""The claim (sections 2 and 7)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import cast

from checker.boxes import convex_ball, kinked_ball, twin_units
from checker.constants import constant_output, constant_units
from checker.dense import dense_program
from checker.kinked import kinked
from checker.merging import merging_units
from checker.minima import (
    Case,
    Found,
    classwise_optimum,
    evaluate,
    moment,
    one_sided_derivatives,
    pointwise_optimum,
    require_pointwise,
    require_zero,
)
from checker.network import read_problem
from checker.numbers import BITS, Invalid, Number, Undecided, interval, require, sign
from checker.optimum import cell_multipliers
from checker.reading import (
    Json,
    as_int,
    as_list,
    as_object,
    as_text,
    ball,
    flatten,
    rational,
    read_layers,
)
from checker.refutations import (
    descent_direction,
    negative_curvature,
    valley_to_infinity,
    zero_output_weight,
)
from checker.saturation import saturating_unit
from checker.sharpening import sharpening_unit

MINIMA: dict[str, tuple[Callable[[Case, Json], Found], tuple[str, ...]]] = {
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
REFUTATIONS: dict[str, tuple[Callable[[Case, Json], Found], tuple[str, ...]]] = {
    rule.__name__: (rule, ("not_local_minimum",))
    for rule in (descent_direction, zero_output_weight, negative_curvature, valley_to_infinity,
                 saturating_unit, merging_units, sharpening_unit)
}  # fmt: skip
RULES = MINIMA | REFUTATIONS


def require_ball(claimed: object, value: Number, what: str, exact: bool = True) -> None:
    """The claimed ball states the value (section 1, Ball); `exact`: a rational one as such."""
    mid, rad = ball(claimed)
    if isinstance(value, Fraction):
        require(not exact or (rad == 0 and mid == value), f"{what} is not as claimed")
        require_inside(mid, rad, value, value, what)
    else:
        ends = interval(value, BITS[0])
        require_inside(mid, rad, ends.lower, ends.upper, what)


def require_inside(
    mid: Fraction, rad: Fraction, lower: Fraction, upper: Fraction, what: str
) -> None:
    """The ball is narrow and holds the enclosure."""
    require(rad <= Fraction(1, 2**20) * max(1, abs(mid)), f"the ball of {what} is too wide")
    low, high = mid - rad, mid + rad
    require(lower <= high and upper >= low, f"{what} is not as claimed")
    if not low <= lower <= upper <= high:
        raise Undecided(f"{what} is not shown to lie in the ball claimed")


def require_lower(value: Number, loss: Number, bits: int) -> None:
    """The first loss is smaller."""
    require(sign(loss - value, bits) > 0, "the witness is not better")


def require_radius(claimed: object, found: Found, nearby: bool) -> None:
    """The radius is at least what is needed, and at most twice that (section 2)."""
    if not nearby:
        require(claimed is None, "only what is nearby has a radius")
        return
    needed = Fraction(0) if found.radius is None else found.radius
    radius = rational(claimed)
    require(needed <= radius, "the radius is too small")
    require(radius <= 2 * needed, "the radius is more than twice what is needed")


def global_claim(case: Case, claim: Json, proof: object, found: Found, loss: Number) -> None:
    """Section 7: `global`, `witness_loss` and `global_proof`."""
    pb, bits, answer = case.problem, case.bits, claim["global"]
    if answer == "unknown":
        require(proof is None and claim["witness_loss"] is None, "an unknown has no proof")
        return
    fields = cast("Json", proof) if isinstance(proof, dict) else {}
    rule = fields.get("rule")
    require(answer in ("yes", "no"), "global is not yes, no or unknown")
    if answer == "no" and rule == "witness":
        as_object(fields, "rule", "point")
        point = read_layers(fields["point"], pb.widths, rational)
        value = case.loss_at(flatten(point))
        require_lower(value, loss, bits)
        exact = pb.slopes is not None
        require_ball(claim["witness_loss"], value, "the loss of the witness", exact)
        return
    as_object(fields, "rule", *(["multipliers"] if rule == "cell_multipliers" else []))
    require(claim["witness_loss"] is None, "there is a witness_loss without a witness")
    if answer == "no":
        require(rule == "not_local_minimum", "unknown rule in global_proof")
        require(case.verdict == "not_local_minimum", "the verdict does not refute")
        return
    require(case.verdict != "not_local_minimum", "what is no local minimum is not global")
    if found.place is None:
        raise Invalid("global: yes needs an exact point")
    if rule == "cell_multipliers":
        require(isinstance(loss, Fraction), "the rule needs a rational loss")
        cell_multipliers(pb, as_list(fields["multipliers"]), cast("Fraction", loss))
        return
    ex = evaluate(case, found.place)
    if rule == "pointwise_optimum":
        require_pointwise(ex)
        return
    require(rule == "affine_optimum", "unknown rule in global_proof")
    require(pb.slopes is not None and not pb.kinked, "the network is not affine")
    for k in range(pb.widths[-1]):
        require_zero(moment(ex, range(len(pb.xs)), k), "the sum of g x~")


CLAIMS = ("verdict", "strict", "strict_up_to_rescaling", "flat_dimension", "eigenvalue_bound",
          "global", "loss", "witness_loss", "radius", "valley_limit")  # fmt: skip


def check_at(certificate: Json, bits: int) -> str:
    """Checks everything at one precision; returns the claim in words."""
    claim = as_object(certificate["claim"], *CLAIMS)
    pb = read_problem(certificate["problem"])
    proof = certificate["proof"]
    require(isinstance(proof, dict), "proof is not an object")
    proof = cast("Json", proof)
    name, verdict = as_text(proof.get("rule")), as_text(claim["verdict"])
    require(name in RULES, "unknown rule")
    rule, verdicts = RULES[name]
    require(verdict in verdicts, f"the rule {name} does not give this verdict")
    case = Case(dense_program(pb), verdict, claim["eigenvalue_bound"], bits, pb)
    found = rule(case, proof)
    require(claim["strict"] == found.strict, f"strict is {found.strict}")
    require(claim["strict_up_to_rescaling"] == found.rescaled, f"up to rescaling {found.rescaled}")
    flat = claim["flat_dimension"]
    require((None if flat is None else as_int(flat)) == found.flat, f"flat dimension {found.flat}")
    if found.eigenvalue is None:
        require(claim["eigenvalue_bound"] is None, "the rule gives no eigenvalue_bound")
    require_radius(claim["radius"], found, verdict == "local_minimum_nearby")
    exact = pb.slopes is not None or found.loss is not None
    loss = case.loss_at(case.program.point) if found.loss is None else found.loss
    require_ball(claim["loss"], loss, "the loss", exact)
    if found.limit is None:
        require(claim["valley_limit"] is None, "only a valley has a valley_limit")
    else:
        require_ball(claim["valley_limit"], found.limit, "the valley_limit")
    global_claim(case, claim, certificate["global_proof"], found, loss)
    return sentence(claim)


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
