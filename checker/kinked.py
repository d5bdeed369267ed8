"""Minima on kinks and flat minima (5.9, Theorems 23 and 24)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction

from checker.arrays import Balls
from checker.constant_rank import read_fields, require_rank, rescalings
from checker.derivatives import Box, Curved, tangent
from checker.faces import Lagrangian, Pattern, bends, hidden_slopes, lagrangian, read_pattern
from checker.minima import Case, Found
from checker.network import Problem
from checker.numbers import Interval, Undecided, require
from checker.reading import Json, as_object, distance, positive, read_increasing, read_row
from checker.symmetric import isolated, require_independent


def require_stays(
    pb: Problem, pattern: Pattern, states: list[int], box: Curved, mu: list[Interval]
) -> None:
    """Inequality (2): q D < mu < p D for every held pair, D summed over its points."""
    slopes = bends(pb)
    for (level, j, points), m in zip(pattern.pairs, mu, strict=True):
        bar, width, (above, below) = box.bars[states[level]], pb.widths[level + 1], slopes[level]
        if bar is None:
            raise Undecided("a held pair has no effect")
        back = bar.intervals()
        d = sum((back[i * width + j] for i in points), Interval(0, 0, m.bits))
        if (m - d * below).lo <= 0 or (d * above - m).lo <= 0:
            raise Undecided("a held pair may leave its kink")


@dataclass(frozen=True)
class OnFace:
    """A minimum on a face and slice, from which no held pair may leave its kink.

    Attributes:
        free: Numbers of the parameters that vary.
        pattern: The face.
        place: All parameters over the box.
        lag: Lambda.
        box: The box of the free parameters and the multipliers.
        loss: The loss at the minimum.
        radius: The smallest that may be claimed.
    """

    free: list[int]
    pattern: Pattern
    place: Balls
    lag: Lagrangian
    box: Box
    loss: Interval
    radius: Fraction


def minimum_on_face(
    case: Case, proof: Json, centre: list[Fraction], zero: Collection[tuple[int, int]] = ()
) -> OnFace:
    """Sections 5.9 and 9.10: the critical point in the box, its index, and (2)."""
    pb, bits, here = case.problem, case.bits, case.program.point
    r, free = positive(proof["radius"]), read_increasing(proof["free"], len(here))
    place = Box(case.program, centre, r, free, bits).place
    pattern = read_pattern(pb, case.program, place, zero)
    mu = read_row(proof["multipliers"], len(pattern.pairs))
    lag = lagrangian(pb, pattern)
    box = Box(lag.program, [*centre, *mu], r,
              [*free, *range(len(here), len(here) + len(mu))], bits)  # fmt: skip
    index, loss = isolated(box, proof["preconditioner"])
    require(index == len(mu), "the critical point is a saddle on the face")
    if mu:
        require_stays(pb, pattern, lag.states, box.over, Balls.around(mu, r, bits).intervals())
    return OnFace(free, pattern, place, lag, box, loss, distance(centre, here) + r)


def kinked(case: Case, proof: Json) -> Found:
    """Section 5.9: with `fields` also rule `constant_rank`."""
    pb, ranked, size = case.problem, proof["rule"] == "constant_rank", len(case.program.point)
    as_object(proof, "rule", "centre", "radius", "free", "multipliers", "preconditioner",
              *(["fields"] if ranked else []))  # fmt: skip
    hidden_slopes(pb)
    face = minimum_on_face(case, proof, case.read_point(proof["centre"]))
    lag, curved = face.lag, face.box.over
    columns, values = list[Balls](), curved.values
    for p in face.free:
        dots = tangent(lag.program.steps, values, curved.toward(p))
        parts = [(dots[k], values[k]) for k in (*lag.held, lag.outputs)]
        found = [v.like([Fraction(0)] * len(v.m)) if d is None else d for d, v in parts]
        columns.append(found[0].joined(found))
    require_independent(columns)
    fields = read_fields(proof["fields"], size) if ranked else rescalings(pb)
    require_rank(lag, fields, face.place, len(face.free))
    units, flat = sum(pb.widths[1:-1]), size - len(face.free)
    rescaled = "no" if flat > units else "unknown" if ranked else "yes"
    return Found("no", rescaled, flat, loss=face.loss, radius=face.radius)
