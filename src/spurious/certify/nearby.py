"""The exact minimum next to a float point, where a linear system gives it: squared loss.

Within one activation pattern the outputs are linear in the effective parameters a_j = |v_j| (w_j,
b_j) and c. Guess which points lie on which unit's kink (those with a small pre-activation), and
which output weights are zero. Minimising the loss with those pre-activations held at zero is a
linear system; take its exact solution closest to the given point. Nothing here is trusted: the
caller applies Theorem 1 to the point that comes out. Without a hidden layer (`least_squares`) there
is nothing to guess.

`constant_output` (Theorem 6) does the same for a dead layer under any separable loss: only the
output bias matters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from flint import arb, fmpq, fmpq_mat

from spurious.certify.best_constant import best_constant
from spurious.certify.convex_ball import largest_difference, nearby_limit
from spurious.certify.enclosures import enclosure
from spurious.certify.evaluate import Evaluation, evaluate, slope_at
from spurious.certify.flatness import generic_flatness
from spurious.certify.outcome import Proof
from spurious.certify.sums import classes
from spurious.exact import balls
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
from spurious.problem import Layer, Loss, Point, Problem, flatten
from spurious.verdict import Decision, Enclosure

DIGIT_LIMIT = 4000
"""Minima with longer numbers are not given: they could not be written to a problem file."""

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
    limit = nearby_limit(evaluation.point)
    seen: set[Point] = {evaluation.point}
    for zero_units in _small_outputs(evaluation, rational(limit)):
        for held in kink_guesses(evaluation, rational(limit)):
            point = _solve(evaluation, held, zero_units)
            if point is None or point in seen:
                continue
            seen.add(point)
            if _digits(point) > DIGIT_LIMIT:
                continue
            if largest_difference(point, evaluation.point) <= limit:
                yield evaluate(evaluation.problem, point)


def _digits(point: Point) -> int:
    """About how many decimal digits the longest number takes."""
    sizes = (max(abs(v.numerator), v.denominator).bit_length() for v in flatten(point))
    return max(sizes) * 3 // 10


def _small_outputs(evaluation: Evaluation, limit: fmpq) -> list[frozenset[int]]:
    """Sets of units whose output weight may be exactly zero at the minimum."""
    weights = evaluation.weights[1].rows[0][:-1]
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
        for j, row in enumerate(evaluation.weights[0].rows):
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
    weights = evaluation.weights[1].rows[0]
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
    start = [entry * abs(weights[j]) for j in units for entry in evaluation.weights[0].rows[j]]
    start.append(weights[-1])
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
    transposed = fmpq_mat([list(column) for column in zip(*design, strict=True)])
    normal = (transposed * transposed.transpose()).tolist()
    downhill = (transposed * fmpq_mat(residuals)).tolist()
    rows = [(*row, *(constraint[p] for constraint in constraints)) for p, row in enumerate(normal)]
    rows += [(*row, *([ZERO] * len(constraints))) for row in constraints]
    right = [entry for (entry,) in downhill] + [-dot(row, start) for row in constraints]
    reach = 10 * nearby_limit(evaluation.point) * max(1, fraction(max(map(abs, weights))))
    if _out_of_reach(rows, right, size, nearest_float(reach)):
        return None
    solution = least_correction(rows, right)
    if solution is None:
        return None
    moved = [a + delta for a, delta in zip(start, solution, strict=False)]
    return _point(evaluation, units, moved)


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


def _point(evaluation: Evaluation, units: Sequence[int], moved: Sequence[fmpq]) -> Point:
    """Effective parameters back to weights; output weights keep their values."""
    outgoing = list(vector(evaluation.point.layers[1].weight[0]))
    width = len(evaluation.inputs[0])
    rows = list(evaluation.weights[0].rows)
    for position, j in enumerate(units):
        size = abs(outgoing[j])
        rows[j] = tuple(entry / size for entry in moved[position * width : (position + 1) * width])
    for j in range(len(outgoing)):
        if j not in units:
            outgoing[j] = ZERO
    hidden = Layer(
        tuple(tuple(fraction(entry) for entry in row[:-1]) for row in rows),
        tuple(fraction(row[-1]) for row in rows),
    )
    last = Layer((tuple(fraction(v) for v in outgoing),), (fraction(moved[-1]),))
    return Point((hidden, last))


def least_squares(evaluation: Evaluation) -> Evaluation | None:
    """The exact least squares solution closest to the point, if it is nearby.

    Args:
        evaluation: A network without hidden layer, squared loss.
    """
    problem, point = evaluation.problem, evaluation.point
    design = fmpq_mat([list(x) for x in evaluation.inputs])
    normal = [tuple(row) for row in (design.transpose() * design).tolist()]
    rows: list[Vector] = []
    for k, row in enumerate(evaluation.weights[0].rows):
        residuals = [
            [rational(y[k]) - f[k]] for y, f in zip(problem.data.y, evaluation.outputs, strict=True)
        ]
        downhill = (design.transpose() * fmpq_mat(residuals)).tolist()
        step = least_correction(normal, [entry for (entry,) in downhill])
        if step is None:
            return None
        rows.append(tuple(a + b for a, b in zip(row, step, strict=True)))
    layer = Layer(
        tuple(tuple(fraction(entry) for entry in row[:-1]) for row in rows),
        tuple(fraction(row[-1]) for row in rows),
    )
    found = Point((layer,))
    near = largest_difference(found, point) <= nearby_limit(point)
    return evaluate(problem, found) if near and _digits(found) <= DIGIT_LIMIT else None


def constant_output(problem: Problem, evaluation: Evaluation) -> Proof | None:
    """Rule `constant_output`: a dead layer whose best constant lies within a tiny shift.

    Returns:
        The proof, or None if some point is not in the one dead class, the loss does not separate by
        outputs, or no nearby shift was proved.
    """
    keys = classes(evaluation)
    if problem.loss is Loss.CROSS_ENTROPY or len(set(keys)) > 1 or not isinstance(keys[0], int):
        return None
    constants = evaluation.outputs[0]
    limit = nearby_limit(evaluation.point)
    radius = Fraction(1, 10**30)
    while radius <= limit:
        with balls.precision(balls.PRECISIONS[1]):
            inside = all(
                balls.sign(_slope(problem, k, c - rational(radius))) == -1
                and balls.sign(_slope(problem, k, c + rational(radius))) == 1
                for k, c in enumerate(constants)
            )
            if inside:
                return _constant_proof(problem, evaluation, radius)
        radius *= 10
    return None


def _slope(problem: Problem, output: int, value: fmpq) -> arb:
    """Derivative of the loss when output k is one constant at all points."""
    total = arb(0)
    for targets in problem.data.y:
        y = rational(targets[output])
        if problem.loss is Loss.SQUARED:
            total += 2 * (value - y)
        else:
            total += -y / (1 + arb(y * value).exp())
    return total


def _constant_proof(problem: Problem, evaluation: Evaluation, radius: Fraction) -> Proof | None:
    exact, rest = Fraction(0), arb(0)
    with balls.precision(balls.PRECISIONS[1]):
        for targets in zip(*problem.data.y, strict=True):
            found = best_constant(problem.loss, targets)
            if found is None:
                return None
            if isinstance(found[1], Fraction):
                exact += found[1]
            else:
                rest += found[1]
        loss = Enclosure(exact) if problem.loss is Loss.SQUARED else enclosure(rest)
    flat = generic_flatness(evaluation)
    return Proof(
        decision=Decision.LOCAL_MINIMUM_NEARBY,
        evidence={"rule": "constant_output", "radius": str(radius)},
        reason="a layer is dead on all data, and the best constant output is this near",
        loss=loss,
        radius=radius,
        strict=flat.strict,
    )
