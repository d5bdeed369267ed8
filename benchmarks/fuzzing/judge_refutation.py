"""Does the loss fall where a refutation says so?"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from fuzzing import exact, precise
from fuzzing.case import Case, Vector, parameters
from fuzzing.judge_valley import along_curve, gated_curve, merging_curve
from fuzzing.probe import Probe, figures, reals
from fuzzing.settle import DIGITS, rational

FINEST = 2000
"""Digits for slopes that seem to be 0."""

HALVINGS = (4, 40, 100, 300, 1000, 4000)


def refutation_faults(case: Case, verdict: Any) -> tuple[list[str], int, str]:
    """Faults, the number of probes, and what could not be judged, if anything."""
    proof, probe = verdict.certificate["proof"], Probe(case)
    rule = proof["rule"]
    if rule == "descent_direction":
        faults = _descent(probe, parameters(proof["direction"]))
    elif rule == "negative_curvature":
        faults = _curvature(probe, parameters(proof["direction"]))
    elif rule == "zero_output_weight":
        faults = _zero_weight(probe, proof)
    elif rule == "valley_to_infinity":
        faults = _valley(probe, _last_layer(case, proof["direction"]), verdict.valley_limit)
    elif rule == "merging_valley" or "gates" in proof:
        curve = merging_curve if rule == "merging_valley" else gated_curve
        faults = along_curve(case, lambda ctx, r: curve(case, ctx, proof, r), verdict.valley_limit)
    elif rule == "monotone_valley":
        faults = _saturation(case, parameters(proof["direction"]), verdict.valley_limit)
    else:
        return [], 0, f"a refutation by {rule}"
    return faults, probe.count, ""


def _rate(probe: Probe, ray: Vector) -> Any:
    """The slope along a ray; of smooth networks, where it seems to be 0, in many more digits."""
    case, rate = probe.case, probe.rate(ray)
    if rate != 0 or case.exact:
        return rate
    ctx = precise.context(FINEST)
    slopes = precise.gradient(case, ctx, [precise.real(ctx, v) for v in case.point])
    return ctx.fsum(precise.real(ctx, u) * g for u, (g, _) in zip(ray, slopes, strict=True))


def _descent(probe: Probe, ray: Vector) -> list[str]:
    if _rate(probe, ray) >= 0:
        return ["the derivative along the direction is not negative"]
    if probe.case.exact and not probe.exactly:
        return []  # steps that show a slope of 10^-17372 would be smaller still
    if not any(_sign(probe, ray, halvings) < 0 for halvings in HALVINGS):
        return ["the loss is lower at no step along the direction"]
    return []


def _curvature(probe: Probe, ray: Vector) -> list[str]:
    back = tuple(-u for u in ray)
    steps = (1000,) if probe.case.exact else (60, 200, 400)  # nearest alone, if that is cheap
    for halvings in steps:
        if any(_sign(probe, u, halvings) < 0 for u in (ray, back)):
            return []
    return ["the loss falls on neither side of the direction"]


def _zero_weight(probe: Probe, proof: dict[str, Any]) -> list[str]:
    case = probe.case
    inputs, hidden, _ = case.widths
    j, k = int(proof["unit"]), int(proof["output"])
    turn = [Fraction(v) for v in proof["direction"]]
    first = hidden * (inputs + 1)
    if any(case.point[first + o * hidden + j] for o in range(case.widths[2])):
        return ["an output weight of the unit is not zero"]
    axis = tuple(Fraction(i == first + k * hidden + j) for i in range(len(case.point)))
    for halvings in (4, 40, 100):
        moved = list(case.point)
        for i, u in enumerate(turn):
            at = j * inputs + i if i < inputs else hidden * inputs + j
            moved[at] += probe.step * u / 2**halvings / (1 + max(map(abs, turn)))
        there = Probe(case.at(moved))
        if not there.rate(axis):
            return ["moving the unit does not make its output weight matter"]
    return []


def _valley(probe: Probe, ray: Vector, limit: Any) -> list[str]:
    case = probe.case
    margins = _margins(case, ray)
    if min(margins) < 0 or max(margins) <= 0:
        return ["the outputs do not all move towards their labels"]
    if probe.rate(ray) >= 0:
        return ["the derivative along the valley is not negative"]
    if limit is None:
        return ["the valley has no limit"]
    here = max(abs(f) for row in _outputs(case, case.point) for f in row)
    far = (1000 + 2 * here) / min(m for m in margins if m > 0)
    step = max(Fraction(1), far / 1000)  # shorter ones are lost in rounding if margins are tiny
    signs = [Probe(case.at(_moved(case, ray, t))).sign(ray, step) for t in (Fraction(0), step)]
    if any(s >= 0 for s in signs):
        return ["the loss does not fall along the valley"]
    there = _outputs(case, _moved(case, ray, far))
    ctx = precise.context(DIGITS + figures(there))
    end = rational(precise.loss(case, ctx, reals(ctx, there)))
    slack = (1 + abs(end)) / 10**40
    if not limit.lower - slack <= end <= limit.upper + slack:
        return [f"the valley ends at {float(end):.17g}, not {float(limit.mid):.17g}"]
    return []


def _saturation(case: Case, ray: Vector, limit: Any) -> list[str]:
    """Along a ray of one unit the derivative here and further out, term by term; where it ends."""
    inputs, hidden, outputs = case.widths
    units = [(*ray[j * inputs : (j + 1) * inputs], ray[hidden * inputs + j]) for j in range(hidden)]
    moving = [j for j, turn in enumerate(units) if any(turn)]
    if len(moving) != 1 or any(ray[hidden * (inputs + 1) :]):
        return ["not one unit saturates along the ray"]
    (j,), turn = moving, units[moving[0]]
    moves = [
        sum((u * v for u, v in zip(turn, (*row, Fraction(1)), strict=True)), Fraction(0))
        for row in case.x
    ]
    first = hidden * (inputs + 1)
    weights = [case.point[first + k * hidden + j] for k in range(outputs)]
    least = min((abs(m) for m in moves if m), default=None)
    if least is None:
        return ["no point moves along the ray"]
    if limit is None:
        return ["the valley has no limit"]
    for far in (0, 1, 3, 10, 40):
        there = _moved(case, ray, far / (2 * least))
        ctx = precise.context(DIGITS + 4 * far + figures([there]))
        run = precise.forward(case, ctx, reals(ctx, [there])[0])
        slopes = precise.loss_slopes(case, ctx, run.outputs)
        terms = []
        for move, row, pairs in zip(moves, run.hidden[0], slopes, strict=True):
            e = ctx.exp(-abs(row[j]) * (2 if case.activation == "tanh" else 1))
            g = ctx.fsum(w.numerator * s / w.denominator
                         for w, (s, _) in zip(weights, pairs, strict=True))  # fmt: skip
            terms.append(g * e / (1 + e) ** 2 * move.numerator / move.denominator)
        if ctx.fsum(terms) >= 0:
            return [f"the derivative along the ray is not negative at {far}"]
    there = _moved(case, ray, 1000 / least)
    ctx = precise.context(DIGITS + figures([there]))
    end = rational(
        precise.loss(case, ctx, precise.forward(case, ctx, reals(ctx, [there])[0]).outputs)
    )
    slack = (1 + abs(end)) / 10**40
    if not limit.lower - slack <= end <= limit.upper + slack:
        return [f"the valley ends at {float(end):.17g}, not {float(limit.mid):.17g}"]
    return []


def _margins(case: Case, ray: Vector) -> list[Fraction]:
    """How much the outputs gain along the ray towards their labels, against each other class."""
    rows, there = _outputs(case, case.point), _outputs(case, _moved(case, ray, Fraction(1)))
    found = []
    for row, new, targets in zip(rows, there, case.y, strict=True):
        gain = [b - a for a, b in zip(row, new, strict=True)]
        if case.loss == "logistic":
            found += [t * g for g, t in zip(gain, targets, strict=True)]
        else:
            label = int(targets[0])
            found += [gain[label] - g for k, g in enumerate(gain) if k != label]
    return found


def _outputs(case: Case, point: Sequence[Fraction]) -> list[list[Fraction]]:
    if case.exact:
        return exact.outputs(case, point)
    ctx = precise.context(DIGITS)
    rows = precise.forward(case, ctx, [precise.real(ctx, v) for v in point]).outputs
    return [[rational(v) for v in row] for row in rows]


def _moved(case: Case, ray: Vector, step: Fraction) -> Vector:
    return tuple(v + step * u for v, u in zip(case.point, ray, strict=True))


def _last_layer(case: Case, direction: dict[str, Any]) -> Vector:
    entries = [v for row in (*direction["weight"], direction["bias"]) for v in row]
    return (*[Fraction(0)] * (len(case.point) - len(entries)), *(Fraction(v) for v in entries))


def _sign(probe: Probe, ray: Vector, halvings: int) -> int:
    return probe.sign(ray, probe.step / 2**halvings / (1 + int(max(map(abs, ray)))))
