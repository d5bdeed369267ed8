"""Critical points of programs: rules 9.3 to 9.5, and the claim."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

from checker.arrays import Balls
from checker.boxes import lowered, require_small
from checker.claims import require_ball, require_lower, require_radius, sentence
from checker.dense import read_any
from checker.minima import Claimed, Found
from checker.numbers import Interval, Number, Undecided, require
from checker.programs import Curved, gradient_of
from checker.reading import Json, as_int, as_list, as_object, as_text, positive, read_row
from checker.refutations import descent_direction, negative_curvature


@dataclass(frozen=True)
class Enclosed:
    """A symmetric interval matrix: entries within `wide` of `mid`, all over 2^bits.

    Attributes:
        mid: (n, n), symmetric.
        wide: For each row the sum of the radii.
        bits: The precision.
    """

    mid: list[list[int]]
    wide: list[int]
    bits: int


def symmetric(columns: list[Balls]) -> Enclosed:
    """An enclosure of the symmetric matrices in these columns, by the lower triangle."""
    size = range(len(columns))
    mid = [[columns[min(i, j)].m[max(i, j)] for j in size] for i in size]
    wide = [sum(columns[min(i, j)].r[max(i, j)] for j in size) for i in size]
    return Enclosed(mid, wide, columns[0].bits)


def factored(matrix: list[list[int]], p: int, definite: bool) -> tuple[int, list[int]]:
    """M = L D L^T + E with exact L and D over 2^p: how many D are negative, and bounds for E.

    L (unit lower triangular) and D are computed in fixed point, a D below 2^(-p/4) in size is
    replaced by that. Whatever L and D are, E is then computed exactly, over 2^(3p).

    Returns:
        The number of negative entries of D, and for each row the sum of |E| over 2^p, rounded up.

    Raises:
        Undecided: If a D is not positive and all must be.
    """
    least, one = 1 << p - p // 4, 1 << p
    lower, scaled, diagonal = list[list[int]](), list[list[int]](), list[int]()
    errors = [0] * len(matrix)
    for i, row in enumerate(matrix):
        new, w = list[int](), list[int]()  # of row i: L, and L times D, rounded
        for j in range(i):
            w.append(row[j] - (sum(map(operator.mul, w, lower[j])) >> p))
            new.append((w[j] << p) // diagonal[j])
        pivot = row[i] - (sum(map(operator.mul, w, new)) >> p)
        if definite and pivot <= 0:
            raise Undecided("the Hessian is not shown to be positive definite")
        if abs(pivot) < least and not definite:
            pivot = least if pivot >= 0 else -least
        diagonal.append(pivot)
        lower.append([*new, one])
        heavy = [a * d for a, d in zip(lower[i], diagonal, strict=True)]  # over 2^(2p)
        scaled.append(heavy)
        for j in range(i + 1):
            e = abs((row[j] << 2 * p) - sum(map(operator.mul, heavy, lower[j])))
            errors[i] += e
            errors[j] += e if j < i else 0
    return sum(d < 0 for d in diagonal), [(e >> 2 * p) + 1 for e in errors]


def require_above(h: Enclosed, bound: Fraction) -> None:
    """Every symmetric matrix in h has all eigenvalues above the bound (9.3).

    With w the largest row sum of radii and s = bound / 2^20, let M - (bound + w + s) I =
    L D L^T + E, D > 0, |E| <= s. A matrix in h differs from M by at most w in norm, so it is at
    least L D L^T + bound + s - |E|, and that is above the bound.
    """
    s = int(bound * (1 << h.bits)) >> 20
    shift = -int(-bound * (1 << h.bits) // 1) + max(h.wide) + s
    shifted = [[a - shift * (i == j) for j, a in enumerate(row)] for i, row in enumerate(h.mid)]
    _, errors = factored(shifted, h.bits, definite=True)
    if max(errors) > s:
        raise Undecided("the Hessian is not shown to be positive definite")


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
    require_above(symmetric(Curved(program, Balls.around(centre, radius, bits)).hessian()), bound)
    found = Found("yes", eigenvalue=bound)
    if case.verdict == "local_minimum_nearby":
        at = Curved(program, Balls.around(centre, Fraction(0), bits))
        drop = require_small(at.gradient().intervals(), bound, radius)
        found.loss = lowered(at.values[-1].intervals()[0], drop, bits)
        found.radius = away + radius
    return found


def krawczyk(case: Claimed, proof: Json) -> Found:
    """Section 9.4: a critical point in the box, and the signs of the Hessian's eigenvalues.

    The preconditioner A is rounded to the precision: any A for which the conditions hold will do.
    The row sums of |A D|, D within radii of row sums w, are at most |A| w.
    """
    program, p = case.program, case.bits
    as_object(proof, "rule", "centre", "radius", "preconditioner")
    n, r = len(program.point), positive(proof["radius"])
    centre = read_row(proof["centre"], n)
    a = [
        [round(x * (1 << p)) for x in read_row(row, n)]
        for row in as_list(proof["preconditioner"], n)
    ]
    box = Curved(program, Balls.around(centre, r, p))
    h = symmetric(box.hessian())
    at = Curved(program, Balls.around(centre, Fraction(0), p))
    g, unit = at.gradient(), 1 << 2 * p
    step = max(
        abs(sum(map(operator.mul, row, g.m)))
        + sum(abs(x) * s for x, s in zip(row, g.r, strict=True))
        for row in a
    )
    sizes = [list(map(abs, row)) for row in a]
    rest = [
        sum(abs(unit * (i == j) - sum(map(operator.mul, row, column)))
            for j, column in enumerate(h.mid))
        for i, row in enumerate(a)
    ]  # fmt: skip

    def norm(wide: list[int]) -> int:
        """A bound for |I - A H|, H within radii of these row sums, over 2^(2p)."""
        return max(
            e + sum(map(operator.mul, size, wide)) for e, size in zip(rest, sizes, strict=True)
        )

    if step >= r * (unit - norm(h.wide)):
        raise Undecided("no critical point is shown to lie in the box")
    negative, errors = factored(h.mid, p, definite=False)
    if norm(list(map(operator.add, h.wide, errors))) >= unit:
        raise Undecided("the index is not decided")
    require(negative >= 1, "the critical point is no saddle")
    # in the box the loss differs from that at the centre by at most r times the sum of |gradient|
    slope = box.gradient()
    change = r * Fraction(sum(abs(m) + s for m, s in zip(slope.m, slope.r, strict=True)), 1 << p)
    (loss,) = at.values[-1].intervals()
    moved = Interval.of(change, p)
    away = max(abs(x - y) for x, y in zip(centre, program.point, strict=True))
    loss = Interval(loss.lo - moved.hi, loss.hi + moved.hi, p)
    return Found(index=negative, loss=loss, radius=away + r)


PROGRAM_RULES: dict[str, tuple[Callable[[Claimed, Json], Found], tuple[str, ...]]] = {
    "strongly_convex": (strongly_convex, ("local_minimum", "local_minimum_nearby")),
    "krawczyk": (krawczyk, ("saddle_nearby",)),
    "descent_direction": (descent_direction, ("not_local_minimum",)),
    "negative_curvature": (negative_curvature, ("not_local_minimum",)),
}
PROGRAM_CLAIMS = ("verdict", "strict", "index", "eigenvalue_bound", "global", "loss",
                  "witness_loss", "radius")  # fmt: skip


def require_loss(claimed: object, loss: Number, what: str) -> None:
    """The ball holds the loss of a program (section 1), rational or enclosed."""
    require_ball(claimed, loss, what, exact=False)


def check_program_at(certificate: Json, bits: int) -> str:
    """Checks a certificate about a program at one precision; returns the claim in words."""
    claim = as_object(certificate["claim"], *PROGRAM_CLAIMS)
    program = read_any(certificate["problem"])
    require(isinstance(certificate["proof"], dict), "proof is not an object")
    proof = cast("Json", certificate["proof"])
    name, verdict = as_text(proof.get("rule")), as_text(claim["verdict"])
    require(name in PROGRAM_RULES, "unknown rule")
    rule, verdicts = PROGRAM_RULES[name]
    require(verdict in verdicts, f"the rule {name} does not give this verdict")
    case = Claimed(program, verdict, claim["eigenvalue_bound"], bits)
    found = rule(case, proof)
    require(claim["strict"] == found.strict, f"strict is {found.strict}")
    index = claim["index"]
    require((None if index is None else as_int(index)) == found.index, f"index is {found.index}")
    if found.eigenvalue is None:
        require(claim["eigenvalue_bound"] is None, "the rule gives no eigenvalue_bound")
    require_radius(claim["radius"], found, verdict.endswith("_nearby"))
    loss = case.loss_at(program.point) if found.loss is None else found.loss
    require_loss(claim["loss"], loss, "the loss")
    better, evidence = claim["witness_loss"], certificate["global_proof"]
    if claim["global"] == "unknown":
        require(evidence is None and better is None, "an unknown has no proof")
        return sentence(claim)
    require(claim["global"] == "no", "global is not no or unknown")
    require(isinstance(evidence, dict), "global_proof is not an object")
    fields = cast("Json", evidence)
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
