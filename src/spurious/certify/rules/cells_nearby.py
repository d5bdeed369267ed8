"""Rule `cells_nearby`: the exact minimum next to a float point, from linear systems.

Squared loss, one hidden layer, one output. Within one activation pattern the outputs are linear in
the effective parameters a_j = |v_j| (w_j, b_j) and c. Guess which points lie on which unit's kink
(those with a small pre-activation), and which output weights are zero. Minimising the loss with
those pre-activations held at zero is a linear system; take its exact solution closest to the given
point. Nothing here is trusted: Theorem 1 decides about the point that comes out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flint import fmpq, fmpq_mat

from spurious.certify.evaluate import Evaluation, evaluate, layer_of, slope_at
from spurious.certify.moved import DIGIT_LIMIT, digits, moved
from spurious.certify.rules import classwise_optimum, one_sided_derivatives
from spurious.certify.subject import Rule, Subject, distance, nearby_limit
from spurious.exact.rationals import (
    ONE,
    ZERO,
    Vector,
    dot,
    fraction,
    least_correction,
    nearest_float,
    rational,
    vector,
)
from spurious.problem import Loss, Point, flatten
from spurious.proof import Proof, Undecided

UNKNOWN_LIMIT = 400
"""Larger exact linear systems are not tried."""

GUESSES = 12
"""Sets of kink points tried, nearest first."""


def candidates(evaluation: Evaluation) -> Iterator[Evaluation]:
    """Exact points near the given one that may be local minima, most plausible first.

    Args:
        evaluation: A network with widths [d, h, 1], homogeneous activation, squared loss.
    """
    if evaluation.problem.network.parameter_count > UNKNOWN_LIMIT:
        return
    limit = nearby_limit(flatten(evaluation.point))
    seen: set[Point] = {evaluation.point}
    for zero_units in _small_outputs(evaluation, rational(limit)):
        for held in kink_guesses(evaluation, rational(limit)):
            point = _solve(evaluation, held, zero_units)
            if point is None or point in seen:
                continue
            seen.add(point)
            if digits(point) > DIGIT_LIMIT:
                continue
            if distance(flatten(point), flatten(evaluation.point)) <= limit:
                yield evaluate(evaluation.problem, point)


def _small_outputs(evaluation: Evaluation, limit: fmpq) -> list[frozenset[int]]:
    """Sets of units whose output weight may be exactly zero at the minimum."""
    weights = evaluation.weights[1][0][:-1]
    exact = frozenset(j for j, v in enumerate(weights) if v == 0)
    small = frozenset(j for j, v in enumerate(weights) if abs(v) <= limit)
    return [exact] if small == exact else [exact, small]


def kink_guesses(evaluation: Evaluation, limit: fmpq) -> list[frozenset[tuple[int, int]]]:
    """Nested sets of (unit, point) pairs taken to be on the kink, smallest first.

    Pairs are ranked by |z| / (|w~| |x~|), in the maximum norm; the sets end where the ratio jumps.
    """
    if not evaluation.has_kinks:
        return [frozenset()]
    ranked: list[tuple[fmpq, tuple[int, int]]] = []
    for i, x in enumerate(evaluation.inputs):
        for j, row in enumerate(evaluation.weights[0]):
            scale = max(map(abs, row)) * max(map(abs, x))
            z = abs(evaluation.preactivations[0][i][j])
            ratio = z / scale if scale != 0 else ZERO
            if ratio <= 10 * limit:
                ranked.append((ratio, (j, i)))
    ranked.sort()
    sets: list[frozenset[tuple[int, int]]] = []
    already = frozenset(pair for ratio, pair in ranked if ratio == 0)
    sets.append(already)
    for size in range(1, len(ranked) + 1):
        last = size == len(ranked)
        if last or ranked[size][0] > 2 * ranked[size - 1][0]:
            chosen = frozenset(pair for _, pair in ranked[:size])
            if chosen not in sets:
                sets.append(chosen)
    if frozenset[tuple[int, int]]() not in sets:
        sets.append(frozenset())
    return sets[:GUESSES]


def _solve(
    evaluation: Evaluation, held: frozenset[tuple[int, int]], zero_units: frozenset[int]
) -> Point | None:
    """The nearest exact critical point of the cell, with `held` pre-activations zero.

    Unknowns: the change of a_j for every unit with nonzero output weight, the change of c, and one
    multiplier for each held pair. Equations: stationarity of the loss on the face, and the held
    pre-activations. Units with zero output weight keep their incoming weights.
    """
    weights = evaluation.weights[1][0]
    units = [j for j in range(len(weights) - 1) if j not in zero_units]
    width = len(evaluation.inputs[0])
    size = len(units) * width + 1
    design: list[Vector] = []
    for i, x in enumerate(evaluation.inputs):
        row: list[fmpq] = []
        for j in units:
            z = evaluation.preactivations[0][i][j]
            side = ONE if weights[j] > 0 else -ONE
            slope = ZERO if (j, i) in held else side * slope_at(z, evaluation.slopes)
            row.extend(slope * entry for entry in x)
        design.append((*row, ONE))
    start = effective(evaluation, units)
    targets = [rational(y[0]) for y in evaluation.problem.data.y]
    constraints: list[Vector] = []
    for j, i in sorted(held):
        if j in zero_units:
            continue
        before = units.index(j) * width
        constraints.append(
            (*([ZERO] * before), *evaluation.inputs[i], *([ZERO] * (size - before - width)))
        )
    residuals = [[y - dot(row, start)] for row, y in zip(design, targets, strict=True)]
    columns = [list(column) for column in zip(*design, strict=True)]
    weighted = fmpq_mat(
        [[w * v for w, v in zip(evaluation.factors, row, strict=True)] for row in columns]
    )
    normal = (weighted * fmpq_mat([list(row) for row in design])).tolist()
    downhill = (weighted * fmpq_mat(residuals)).tolist()
    rows = [(*row, *(constraint[p] for constraint in constraints)) for p, row in enumerate(normal)]
    rows += [(*row, *([ZERO] * len(constraints))) for row in constraints]
    right = [entry for (entry,) in downhill] + [-dot(row, start) for row in constraints]
    reach = 10 * nearby_limit(flatten(evaluation.point)) * max(1, fraction(max(map(abs, weights))))
    if _out_of_reach(rows, right, size, nearest_float(reach)):
        return None
    solution = least_correction(rows, right)
    if solution is None:
        return None
    moved = [a + delta for a, delta in zip(start, solution, strict=False)]
    return from_effective(evaluation, units, moved)


def _out_of_reach(rows: Sequence[Vector], right: Sequence[fmpq], size: int, limit: float) -> bool:
    """Whether the shortest solution's first `size` entries are far away in floats.

    Saves most of the exact solutions, which take most of the time; it can only lose a proposal.
    """
    import numpy as np  # heavy, so imported where used

    matrix = np.array([[nearest_float(entry) for entry in row] for row in rows])
    target = np.array([nearest_float(entry) for entry in right])
    if not (np.isfinite(matrix).all() and np.isfinite(target).all()):
        return False
    return bool(np.abs(np.linalg.lstsq(matrix, target, rcond=1e-10)[0][:size]).max() > limit)


def effective(evaluation: Evaluation, units: Sequence[int]) -> list[fmpq]:
    """a_j = |v_j| (w_j, b_j) of some units, one after the other, and c."""
    weights = evaluation.weights[1][0]
    found = [entry * abs(weights[j]) for j in units for entry in evaluation.weights[0][j]]
    return [*found, weights[-1]]


def from_effective(evaluation: Evaluation, units: Sequence[int], moved: Sequence[fmpq]) -> Point:
    """Effective parameters back to weights; output weights keep their values, others are 0."""
    outgoing = list(vector(evaluation.point.layers[1].weight[0]))
    width = len(evaluation.inputs[0])
    rows = list(evaluation.weights[0])
    for position, j in enumerate(units):
        size = abs(outgoing[j])
        rows[j] = tuple(entry / size for entry in moved[position * width : (position + 1) * width])
    for j in range(len(outgoing)):
        if j not in units:
            outgoing[j] = ZERO
    return Point((layer_of(rows), layer_of([(*outgoing, moved[-1])])))


def _applies(subject: Subject) -> bool:
    return subject.homogeneous and subject.single and subject.dense.loss == Loss.SQUARED


def _prove(subject: Subject) -> Proof | Undecided:
    for candidate in candidates(subject.evaluation):
        there = subject.at(candidate.point)
        for rule in (one_sided_derivatives.RULE, classwise_optimum.RULE):
            found = rule.prove(there) if rule.applies(there) else None
            if isinstance(found, Proof):
                return moved(subject, there, found)
    return Undecided("no critical point of the cells and faces next to it is one")


RULE = Rule(_applies, _prove)
