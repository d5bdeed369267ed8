"""Interpolation (9.8, Theorem 22): outputs at which no part of the loss can be smaller."""

from __future__ import annotations

from fractions import Fraction

from checker.arrays import Balls
from checker.derivatives import evaluated, tangent
from checker.minima import Case, Found
from checker.numbers import Interval, require
from checker.outputs import least, numbered, of_outputs
from checker.programs import Map
from checker.reading import Json, as_object, distance, positive, read_increasing, read_row
from checker.symmetric import read_square, require_contraction


def interpolation(case: Case, proof: Json) -> Found:
    """Section 9.8: Krawczyk's test for u = t in the parameters named."""
    program, bits = case.program, case.bits
    steps, point, known = program.steps, program.point, program.outputs
    as_object(proof, "rule", "centre", "radius", "parameters", "preconditioner",
              *(["outputs"] if known is None else []))  # fmt: skip
    outputs = read_increasing(proof["outputs"], len(steps)) if known is None else [known]
    names = numbered(steps)
    equations, loss = least(of_outputs(steps, outputs, names), bits)
    q, r, centre = len(equations), positive(proof["radius"]), read_row(proof["centre"], len(point))
    moved = read_increasing(proof["parameters"], len(point))
    require(len(moved) == q, "there are not as many parameters as equations")
    a = read_square(proof["preconditioner"], q, bits)
    first = steps[: outputs[-1] + 1]

    def forms(rows: list[Balls | None]) -> list[Interval]:
        """The u of the outputs, or of their derivatives."""
        found = list[Interval]()
        for k in outputs:
            row = rows[k]
            zero = [Interval(0, 0, bits)] * len(names[k])
            found += zero if row is None else row.intervals()
        return [sum((found[i] * c for i, c in u[1:]), found[u[0][0]]) for u, _ in equations]

    at = Balls.around(centre, Fraction(0), bits)
    wide = -(-(r.numerator << bits) // r.denominator)
    box = Balls(at.m, [s + wide * (i in set(moved)) for i, s in enumerate(at.r)], bits)
    values, columns = evaluated(first, box), list[list[Interval]]()
    for step in first:
        if isinstance(step, Map) and step.moves:
            values[step.of[0]].slope(step.function, None)  # C^1 near the box: at no kink
    for i in moved:
        k = next(k for k, step in enumerate(steps) if i in step.block)
        seed = box.like([Fraction(i == j) for j in steps[k].block])
        columns.append(forms(tangent(first, values, {k: seed})))
    gap = [v - t for v, (_, t) in zip(forms([*evaluated(first, at)]), equations, strict=True)]
    slopes = [at.made(column) for column in columns]
    spread = [sum(radii) for radii in zip(*(column.r for column in slopes), strict=True)]
    require_contraction(a, [column.m for column in slopes], spread, at.made(gap), r)
    away = distance(centre, point)
    flat = len(point) - q
    return Found("no" if flat else "yes", flat=flat, loss=loss, radius=away + r, unbeaten=True)
