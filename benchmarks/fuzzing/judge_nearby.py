"""Is there a local minimum within the stated radius, with the stated loss?"""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any

from fuzzing import exact, precise
from fuzzing.case import Case, Vector, layers, parameters
from fuzzing.judge_minimum import minimum_faults
from fuzzing.probe import Probe, figures, reals
from fuzzing.settle import DIGITS, on_kinks, rational, settle

SMALL = Fraction(1, 10**45)


def nearby_faults(
    case: Case, verdict: Any, thorough: bool, rng: Random
) -> tuple[list[str], int, str]:
    """Faults, the number of probes, and what could not be judged, if anything."""
    proof = verdict.certificate["proof"]
    if "point" in proof:
        end, slack = parameters(proof["point"]), Fraction(0)
    elif verdict.method in ("constant_output", "constant_units"):
        end, slack = _best_constant(case), _slack(verdict)
    else:
        start: Case | None = case.at(_centre(case, proof))
        if "multipliers" in proof:  # a minimum on a face, which the centre has only nearly
            start = on_kinks(start, 2 * Fraction(proof["radius"]))
        if start is None:
            return [], 0, "kinks in a deep network"
        found = settle(start)
        if found is None:
            return [], 0, "no minimisation from the centre"
        if found.saddle:
            return ["the Hessian at the centre has a negative eigenvalue"], 1, ""
        if found.first_step > 2 * verdict.radius + SMALL:
            return ["a Newton step from the centre leads out of the radius"], 1, ""
        if not found.converged:
            return [], 0, "the minimisation did not settle"
        end, slack = found.point, _slack(verdict)
    faults = []
    away = max(abs(a - b) for a, b in zip(end, case.point, strict=True))
    if away > verdict.radius + SMALL:
        faults.append(f"the minimum is {float(away):.3e} away, radius {float(verdict.radius):.3e}")
    there = case.at(end)
    faults += loss_faults(there, verdict.loss, "loss", SMALL)
    probe = Probe(there, slack)
    faults += minimum_faults(probe, str(verdict.strict) == "yes", thorough, rng)
    return faults, probe.count, ""


def saddle_faults(case: Case, verdict: Any) -> tuple[list[str], int, str]:
    """Faults of a saddle of a smooth loss, number of probes, and what could not be judged."""
    claim, proof = verdict.certificate["claim"], verdict.certificate["proof"]
    found = settle(case.at(parameters(proof["centre"])))
    if found is None or not found.converged:
        return [], 0, "the root of the gradient was not found"
    faults = []
    away = max(abs(a - b) for a, b in zip(found.point, case.point, strict=True))
    if away > verdict.radius + SMALL:
        faults.append(f"the saddle is {float(away):.3e} away, radius {float(verdict.radius):.3e}")
    faults += loss_faults(case.at(found.point), verdict.loss, "loss", SMALL)
    largest = max(map(abs, found.eigenvalues))
    if min(map(abs, found.eigenvalues)) > 1e-7 * largest:
        index = sum(v < 0 for v in found.eigenvalues)
        if index != claim["index"]:
            faults.append(f"{index} eigenvalues are negative, not {claim['index']}")
    return faults, 1, ""


def loss_faults(case: Case, claimed: Any, name: str, slack: Fraction = Fraction(0)) -> list[str]:
    """Whether an enclosure holds the loss at the case's point."""
    if claimed is None:
        return [f"{name}: missing"]
    true, error = loss_of(case)
    slack += error
    inside = claimed.lower - slack <= true <= claimed.upper + slack
    return [] if inside else [f"{name}: is {float(true):.17g}, not {float(claimed.mid):.17g}"]


def loss_of(case: Case) -> tuple[Fraction, Fraction]:
    """The loss at the case's point, and what rounding may have done to it (0 where it is exact)."""
    if case.exact:
        rows = exact.outputs(case, case.point)
        if case.loss == "squared":
            return exact.squared_loss(case, case.point), Fraction(0)
        ctx = precise.context(DIGITS + figures(rows))
        loss = rational(precise.loss(case, ctx, reals(ctx, rows)))
        return loss, abs(loss) / 10**60
    ctx = precise.context(2 * DIGITS)
    there = [precise.real(ctx, v) for v in case.point]
    outputs = precise.forward(case, ctx, there).outputs
    loss = precise.loss(case, ctx, outputs)
    size = 1 + max(abs(rational(f)) for row in outputs for f in row)
    error = (size * (1 + size + abs(rational(loss)))) / 10 ** (2 * DIGITS - 30)
    return rational(loss), error


def _slack(verdict: Any) -> Fraction:
    return SMALL * (1 + abs(verdict.loss.mid))


def _best_constant(case: Case) -> Vector:
    """The point with its output biases moved to the best constant output."""
    outputs = case.widths[-1]
    ctx = precise.context(DIGITS)
    there = [precise.real(ctx, v) for v in case.point]
    now = precise.forward(case, ctx, there).outputs[0]
    moved = list(case.point)
    for k in range(outputs):
        column = [row[k] for row in case.y]
        if case.loss == "squared":
            best = sum(column, Fraction(0)) / len(column)
        else:
            up = sum(t == 1 for t in column)
            best = rational(ctx.log(ctx.mpf(up) / (len(column) - up)))
        moved[k - outputs] += best - rational(now[k])
    return tuple(moved)


def _centre(case: Case, proof: dict[str, Any]) -> Vector:
    """The certificate's centre; with twins, the point of the whole network that it stands for."""
    if "centre" not in proof:
        return case.point
    centre = parameters(proof["centre"])
    if len(centre) == len(case.point):
        return centre
    (weight, bias), (out, _) = layers(case.point, case.widths)
    rows = [(*row, b) for row, b in zip(weight, bias, strict=True)]
    kinds = list(dict.fromkeys(rows))
    widths = (case.widths[0], len(kinds), case.widths[-1])
    (merged, merged_bias), (merged_out, last) = layers(centre, widths)
    place = [kinds.index(row) for row in rows]
    whole = [
        sum(v for v, p in zip(out[0], place, strict=True) if p == q) for q in range(len(kinds))
    ]
    return (
        *(v for p in place for v in merged[p]),
        *(merged_bias[p] for p in place),
        *(v / whole[p] * merged_out[0][p] for v, p in zip(out[0], place, strict=True)),
        *last,
    )
