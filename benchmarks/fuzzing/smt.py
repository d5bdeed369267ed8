"""z3 as another referee: is there a lower point in a small box around a claimed minimum?"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import z3

from fuzzing.case import Case, Vector, layers
from fuzzing.probe import Probe

EFFORT = 300_000
"""z3's limit of steps, which unlike a time gives the same answer on every machine."""


def small_enough(case: Case) -> bool:
    """Whether z3 has a chance."""
    return case.exact and case.loss == "squared" and len(case.point) <= 7 and len(case.x) <= 4


def lower_point(case: Case) -> tuple[str, Vector | None]:
    """z3's answer, `sat`, `unsat` or `unknown`, and with `sat` a lower point of the box."""
    solver = z3.Solver()
    solver.set("rlimit", EFFORT)
    reach = Probe(case).step
    moved = [z3.Real(f"p{j}") for j in range(len(case.point))]
    for variable, value in zip(moved, case.point, strict=True):
        solver.add(variable >= _real(value - reach), variable <= _real(value + reach))
    p, q = (_real(v) for v in case.slopes)
    network = layers(moved, case.widths)
    total: Any = 0
    for row, targets in zip(case.x, case.y, strict=True):
        values: list[Any] = [_real(v) for v in row]
        for index, (weight, bias) in enumerate(network):
            values = [
                z3.Sum([w * v for w, v in zip(r, values, strict=True)]) + b
                for r, b in zip(weight, bias, strict=True)
            ]
            if index < len(network) - 1:
                values = [z3.If(v >= 0, p * v, q * v) for v in values]
        total += z3.Sum(
            [(f - _real(t)) * (f - _real(t)) for f, t in zip(values, targets, strict=True)]
        )
    solver.add(total < _real(Probe(case).base))
    answer = str(solver.check())
    if answer != "sat":
        return answer, None
    model = solver.model()
    found: list[Any] = [model.eval(v, model_completion=True) for v in moved]
    if not all(z3.is_rational_value(v) for v in found):
        found = [v if z3.is_rational_value(v) else v.approx(60) for v in found]
    return answer, tuple(Fraction(v.numerator_as_long(), v.denominator_as_long()) for v in found)


def _real(value: Fraction) -> Any:
    return z3.Q(value.numerator, value.denominator)
