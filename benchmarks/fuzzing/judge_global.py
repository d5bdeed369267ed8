"""Is a witness really better, and is a global minimum really the best?"""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any

import numpy as np

from fuzzing import exact, precise
from fuzzing.case import Case, groups, parameters, size
from fuzzing.floats import newton, surface
from fuzzing.judge_nearby import loss_faults, loss_of
from fuzzing.pieces import place
from fuzzing.probe import Probe
from fuzzing.settle import DIGITS, rational

PRIME = 2**61 - 1


def global_faults(case: Case, verdict: Any, thorough: bool, rng: Random) -> list[str]:
    """What contradicts the verdict's field `is_global`."""
    answer, proof = str(verdict.is_global), verdict.certificate["global_proof"]
    if answer == "no" and proof["rule"] == "witness":
        return _witness_faults(case, verdict, case.at(parameters(proof["point"])))
    if answer == "no" and str(verdict.decision) not in ("not_local_minimum", "saddle_nearby"):
        return ["called not global without a better point"]
    if answer == "yes":
        return _yes_faults(case, verdict, thorough, rng)
    return []


def _witness_faults(case: Case, verdict: Any, witness: Case) -> list[str]:
    faults = loss_faults(witness, verdict.witness_loss, "witness_loss")
    if str(verdict.decision) == "local_minimum" and case.exact:
        step = tuple(b - a for a, b in zip(case.point, witness.point, strict=True))
        better = Probe(case).sign(step, Fraction(1)) < 0
    else:
        better = loss_of(witness)[0] < verdict.loss.upper
    return faults if better else [*faults, "the witness is not better"]


def _yes_faults(case: Case, verdict: Any, thorough: bool, rng: Random) -> list[str]:
    upper = verdict.loss.upper
    floor = floor_of_functions(case)
    if verdict.loss.lower <= floor + (1 + abs(floor)) / 10**20:
        return []
    value = surface(case)
    for spread in (0.5, 1.0, 2.0, 4.0) * (4 if thorough else 1):
        end = newton(value, _start(case, spread, rng), 60)
        if np.isfinite(end).all():
            found = loss_of(case.at([Fraction(float(v)) for v in end]))[0]
            if found < upper - (1 + abs(upper)) / 10**9:
                return [f"called global, but training finds the loss {float(found):.12g}"]
    return []


def _start(case: Case, spread: float, rng: Random) -> np.ndarray:
    """A random start whose first units bend among the data."""
    start = np.array([rng.gauss(0, spread) for _ in range(size(case.widths))])
    for j in range(case.widths[1] if len(case.widths) > 2 else 0):
        row = rng.choice(case.x)
        weights = [start[place(case.widths, 0, j, source)] for source in range(len(row))]
        bend = sum(w * float(v) for w, v in zip(weights, row, strict=True))
        start[place(case.widths, 0, j, None)] = rng.gauss(0, spread) / 4 - bend
    return start


def floor_of_functions(case: Case) -> Fraction:
    """The least loss of any function of the inputs: what points with equal inputs cost anyway."""
    ctx, total = precise.context(DIGITS), Fraction(0)
    for group in groups(case):
        for k in range(len(case.y[0])):
            targets = [case.y[i][k] for i in group]
            if case.loss == "squared":
                mean = sum(targets, Fraction(0)) / len(targets)
                total += sum(((t - mean) ** 2 for t in targets), Fraction(0))
            else:
                counts = [targets.count(t) for t in set(targets)]
                terms = [c * ctx.log(ctx.mpf(len(targets)) / c) for c in counts]
                total += rational(ctx.fsum(terms))
    return total


def flat_faults(case: Case, verdict: Any) -> list[str]:
    """The flat dimension at a point off the kinks, against the rank of the outputs' Jacobian.

    Where the outputs are the best of all functions it is what their number leaves.
    """
    if verdict.method == "interpolation":
        outputs = len(case.y[0]) if case.loss != "cross_entropy" else case.widths[-1] - 1
        flat = len(case.point) - outputs * len(groups(case))
        found = verdict.flat_dimension
        faults = [] if flat == found else [f"flat_dimension: is {flat}, not {found}"]
        isolated = str(verdict.strict) == "yes"
        return faults if isolated == (flat == 0) else [*faults, f"called strict: {verdict.strict}"]
    if (
        verdict.flat_dimension is None
        or not case.exact
        or case.loss == "cross_entropy"
        or verdict.method not in ("one_sided_derivatives", "convex_ball")
    ):
        return []
    hidden = exact.preactivations(case, case.point)
    if case.bent and any(z == 0 for rows in hidden for row in rows for z in row):
        return []
    columns = []
    for j in range(len(case.point)):
        axis = tuple(Fraction(k == j) for k in range(len(case.point)))
        moves = exact.derivative(case, case.point, axis)[1]
        columns.append([_modular(m) for row in moves for m in row])
    flat = len(case.point) - _rank(columns)
    if flat != verdict.flat_dimension:
        return [f"flat_dimension: is {flat}, not {verdict.flat_dimension}"]
    return []


def _modular(value: Fraction) -> int:
    return value.numerator * pow(value.denominator, -1, PRIME) % PRIME


def _rank(rows: list[list[int]]) -> int:
    work, rank = [list(row) for row in rows], 0
    for column in range(len(work[0])):
        pick = next((i for i in range(rank, len(work)) if work[i][column]), None)
        if pick is None:
            continue
        work[rank], work[pick] = work[pick], work[rank]
        inverse = pow(work[rank][column], -1, PRIME)
        for i in range(rank + 1, len(work)):
            if work[i][column]:
                by = work[i][column] * inverse % PRIME
                work[i] = [(a - by * b) % PRIME for a, b in zip(work[i], work[rank], strict=True)]
        rank += 1
    return rank
