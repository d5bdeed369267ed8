"""Minima on kinks and flat minima (5.9, Theorems 23 and 24)."""

from __future__ import annotations

from fractions import Fraction

from checker.arrays import Balls
from checker.constant_rank import read_fields, require_rank, rescalings
from checker.derivatives import Curved, tangent
from checker.faces import Pattern, bends, lagrangian, read_pattern, two_slopes
from checker.minima import Case, Found
from checker.network import Problem
from checker.numbers import Interval, Undecided, require
from checker.reading import (
    Json,
    as_int,
    as_list,
    as_object,
    flatten,
    positive,
    rational,
    read_layers,
    read_row,
)
from checker.symmetric import isolated, loss_in, require_independent


def require_stays(
    pb: Problem, pattern: Pattern, states: list[int], box: Curved, mu: list[Interval]
) -> None:
    """Inequality (2): q D < mu < p D for every held pair, D summed over its points."""
    slopes = bends(pb)
    for (level, j, points), m in zip(pattern.pairs, mu, strict=True):
        bar, width = box.bars[states[level]], len(pattern.slopes[level][0])
        (above, below) = slopes[level]
        if bar is None:
            raise Undecided("a held pair has no effect")
        back = bar.intervals()
        d = sum((back[i * width + j] for i in points), Interval(0, 0, m.bits))
        if (m - d * below).lo <= 0 or (d * above - m).lo <= 0:
            raise Undecided("a held pair may leave its kink")


def kinked(case: Case, proof: Json) -> Found:
    """Section 5.9: with `fields` also rule `constant_rank`."""
    pb, bits, ranked = case.problem, case.bits, proof["rule"] == "constant_rank"
    as_object(proof, "rule", "centre", "radius", "free", "multipliers", "preconditioner",
              *(["fields"] if ranked else []))  # fmt: skip
    two_slopes(pb)
    here = flatten(pb.layers)
    centre = flatten(read_layers(proof["centre"], pb.widths, rational))
    r = positive(proof["radius"])
    free = [as_int(p) for p in as_list(proof["free"])]
    require(free == sorted(set(free)) and set(free) <= set(range(len(here))), "free is no list")
    require(len(free) > 0, "there is no free parameter")
    exact, wide, kept = (
        Balls.around(centre, Fraction(0), bits),
        Balls.around(centre, r, bits),
        {*free},
    )
    spread = [w if p in kept else s for p, (s, w) in enumerate(zip(exact.r, wide.r, strict=True))]
    place = Balls(exact.m, spread, bits)
    pattern = read_pattern(pb, place)
    mu = read_row(proof["multipliers"], len(pattern.pairs))
    lag = lagrangian(pb, pattern, centre, free, mu)
    index, at, box = isolated(lag.program, lag.program.point, r, proof["preconditioner"], bits)
    require(index == len(mu), "the critical point is a saddle on the face")
    if mu:
        require_stays(pb, pattern, lag.states, box, Balls.around(mu, r, bits).intervals())
    columns = list[Balls]()
    for p in range(len(free)):
        unit = exact.like([Fraction(k == p) for k in range(len(free))])
        dots = tangent(lag.program.steps, box.values, {0: unit})
        parts = [(dots[k], box.values[k]) for k in (*lag.held, lag.outputs)]
        found = [v.like([Fraction(0)] * len(v.m)) if d is None else d for d, v in parts]
        columns.append(found[0].joined(found))
    require_independent(columns)
    fields = read_fields(proof["fields"], len(here)) if ranked else rescalings(pb.widths)
    require_rank(pb, pattern.slopes, pattern.pairs, fields, place, len(free))
    units, flat = sum(pb.widths[1:-1]), len(here) - len(free)
    rescaled = "no" if flat > units else "unknown" if ranked else "yes"
    away = max(abs(a - b) for a, b in zip(centre, here, strict=True))
    return Found("no", rescaled, flat, loss=loss_in(at, box, r), radius=away + r)
