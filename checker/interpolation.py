"""Interpolation (9.8, Theorem 22): outputs at which no part of the loss can be smaller."""

from __future__ import annotations

from fractions import Fraction

from checker.arrays import Balls
from checker.cases import Case, Found
from checker.derivatives import evaluated, tangent
from checker.numbers import Interval, require
from checker.outputs import least, numbered, of_outputs
from checker.programs import Map, moving
from checker.reading import Json, as_object, read_increasing
from checker.symmetric import read_square, require_contraction


def interpolation(case: Case, proof: Json) -> Found:
    """Section 9.8: Krawczyk's test for u = t in the parameters named."""
    program, bits, known = case.program, case.bits, case.program.outputs
    as_object(proof, "rule", "centre", "radius", "parameters", "preconditioner",
              *(["outputs"] if known is None else []))  # fmt: skip
    steps, size = program.steps, len(program.point)
    outputs = read_increasing(proof["outputs"], len(steps)) if known is None else [known]
    names = numbered(steps)
    equations, loss = least(of_outputs(steps, outputs, names), bits)
    box = case.read_box(proof, read_increasing(proof["parameters"], size))
    require(len(box.free) == len(equations), "there are not as many parameters as equations")
    a = read_square(proof["preconditioner"], len(box.free), bits)
    first = steps[: outputs[-1] + 1]

    def forms(rows: list[Balls | None]) -> list[Interval]:
        """The u of the outputs, or of their derivatives."""
        found, zero = list[Interval](), Interval(0, 0, bits)
        for k in outputs:
            row = rows[k]
            found += [zero] * len(names[k]) if row is None else row.intervals()
        return [sum((found[i] * c for i, c in u), zero) for u, _ in equations]

    values, columns = evaluated(first, box.place), list[Balls]()
    for step, moves in zip(first, moving(first), strict=True):
        if isinstance(step, Map) and moves:
            values[step.of[0]].mapped(step.function, 1)  # C^1 near the box: at no kink
    for i in box.free:
        axis = box.place.like(Fraction(i == j) for j in range(size))
        columns.append(Balls.enclosing(forms(tangent(first, values, axis))))
    at = evaluated(first, box.place.like(box.centre))
    gap = [v - t for v, (_, t) in zip(forms([*at]), equations, strict=True)]
    require_contraction(a, columns, Balls.enclosing(gap), box.radius)
    flat = size - len(box.free)
    return Found("no" if flat else "yes", flat=flat, loss=loss, radius=box.reach(), unbeaten=True)
