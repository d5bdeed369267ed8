"""Rule `hinge_slopes`: minima of the hinge loss at or near a point, margins of exactly 1 included.

Theorem 39 (`docs/mathematics.md`, section 18): Theorem 1 with a subgradient of the loss by the
outputs. A linear program chooses it, such that at no kink a unit bends down; Theorem 1 then decides
as for any other loss.

Of a float point those next to it are tried. Within one activation pattern the outputs are linear in
the effective parameters a_j = |v_j| (w_j, b_j) and c, and so is the loss between its bends: where
training comes to rest, margins are 1 and pre-activations 0. Guess which; that is a linear system,
whose exact solution closest to the point is taken. The guesses are not trusted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from flint import fmpq

from spurious.certify.evaluate import Evaluation, evaluate, slope_at
from spurious.certify.moved import DIGIT_LIMIT, digits, moved
from spurious.certify.rules.cells_nearby import UNKNOWN_LIMIT, effective, from_effective
from spurious.certify.rules.one_sided_derivatives import Minimum, test_point
from spurious.certify.subject import Rule, Subject, distance, nearby_limit
from spurious.exact.linear_program import Feasible, solve
from spurious.exact.rationals import ONE, ZERO, Vector, dot, fraction, least_correction, rational
from spurious.problem import Loss, Point, flatten, unflatten
from spurious.proof import Claim, OneSidedDerivatives, Proof, Undecided
from spurious.verdict import Answer, Decision

GUESSES = 8
"""Sets of equations tried, those before the widest gaps first."""

SMALL = fmpq(1, 1000)
"""What is further from its bend, against the size of what is added up there, is left alone."""

ROUNDING = fmpq(1, 10**12)
"""Smaller distances count as this: gaps between them say nothing."""

Entries = Mapping[tuple[str, int], fmpq]
"""A column of the linear program: its entry in each equation, by the equation's name."""


def _prove(subject: Subject) -> Proof | Undecided:
    loss = subject.hinge
    assert loss is not None
    other = replace(loss, loss=Loss.LOGISTIC.value)  # whose derivative nobody looks at
    evaluation = evaluate(other, unflatten(subject.values, loss.network))
    here = _prove_at(evaluation)
    if isinstance(here, Proof):
        return here
    for candidate in points_on_faces(evaluation):
        found = _prove_at(candidate)
        if isinstance(found, Proof):
            return moved(subject, subject.at(candidate.point), found)
    return here


def _prove_at(evaluation: Evaluation) -> Proof | Undecided:
    """Proves a minimum at an exact point."""
    slopes = _slopes(evaluation)
    if slopes is None:
        return Undecided("no slopes of the hinge loss make all one-sided derivatives vanish")
    found = test_point(replace(evaluation, loss_derivative=tuple((g,) for g in slopes)))
    if not isinstance(found, Minimum):
        return Undecided("a unit's first-order term is negative in some direction")
    return Proof(
        claim=Claim(Decision.LOCAL_MINIMUM, strict=Answer.NO),
        evidence=OneSidedDerivatives(found.units, slopes=tuple(map(fraction, slopes))),
        reason="with some slopes of the hinge loss no one-sided derivative is negative",
    )


def _slopes(evaluation: Evaluation) -> Vector | None:
    """A subgradient that Theorem 39 may take, shape (n,); None if the linear program has none."""
    labels = [rational(y) for (y,) in evaluation.problem.data.y]
    margins = [y * f for y, (f,) in zip(labels, evaluation.outputs, strict=True)]
    unknown = [i for i, m in enumerate(margins) if m == 1]
    columns: list[Entries] = [_effect(evaluation, i, -labels[i]) for i in unknown]
    upper: list[fmpq | None] = [evaluation.factors[i] for i in unknown]
    for column in _leeway(evaluation):
        columns.append(column)
        upper.append(None)
    right: dict[tuple[str, int], fmpq] = {}
    for i, m in enumerate(margins):
        if m < 1:
            for name, value in _effect(evaluation, i, -labels[i]).items():
                right[name] = right.get(name, ZERO) - evaluation.factors[i] * value
    names = sorted({name for column in columns for name in column} | right.keys())
    found = solve(
        [[column.get(name, ZERO) for name in names] for column in columns],
        [right.get(name, ZERO) for name in names],
        upper,
    )
    if not isinstance(found, Feasible):
        return None
    chosen = dict(zip(unknown, found.multipliers, strict=False))
    slopes: list[fmpq] = []
    for i, m in enumerate(margins):
        size = chosen.get(i, evaluation.factors[i] if m < 1 else ZERO)
        assert isinstance(size, fmpq)
        slopes.append(-labels[i] * size)
    return tuple(slopes)


def _effect(evaluation: Evaluation, i: int, g: fmpq) -> Entries:
    """What a slope g at point i adds to each equation: sum g, and for each unit lin and C."""
    found = {("sum", 0): g}
    half = (evaluation.slopes[0] - evaluation.slopes[1]) / 2
    for j, side in enumerate(_sides(evaluation)):
        z = evaluation.preactivations[0][i][j]
        on_kink = evaluation.has_kinks and z == 0
        middle = (evaluation.slopes[0] + evaluation.slopes[1]) / 2
        slope = middle if on_kink else slope_at(z, evaluation.slopes)
        for k, entry in enumerate(evaluation.inputs[i]):
            found[f"lin {j}", k] = (side or ONE) * slope * g * entry
        if on_kink:
            found[f"kink {j}", evaluation.groups[i]] = (side or ONE) * half * g
    return found


def _leeway(evaluation: Evaluation) -> Iterator[Entries]:
    """Columns for tau: lin + sum (a - b) x~_r = 0 with a, b >= 0 and a + b <= C_r."""
    for j, side in enumerate(_sides(evaluation)):
        if not side or not evaluation.has_kinks:
            continue
        zs = evaluation.preactivations[0]
        for r in sorted({evaluation.groups[i] for i, z in enumerate(zs) if z[j] == 0}):
            for sign in (ONE, -ONE):
                row = evaluation.inputs[r]
                lin = {(f"lin {j}", k): sign * entry for k, entry in enumerate(row)}
                yield {**lin, (f"kink {j}", r): -ONE}
            yield {(f"kink {j}", r): -ONE}


def _sides(evaluation: Evaluation) -> Sequence[fmpq]:
    """The sign of each output weight."""
    weights = evaluation.weights[1][0][:-1]
    return [ONE if v > 0 else -ONE if v < 0 else ZERO for v in weights]


def _applies(subject: Subject) -> bool:
    if subject.hinge is None:
        return False
    network = subject.network
    return network.depth == network.outputs == 1 and network.homogeneous


def points_on_faces(evaluation: Evaluation) -> Iterator[Evaluation]:
    """Points near the given one, most plausible first.

    Args:
        evaluation: A network with widths [d, h, 1] and a homogeneous activation; its loss does not
            count.
    """
    if evaluation.problem.network.parameter_count > UNKNOWN_LIMIT:
        return
    weights = evaluation.weights[1][0]
    units = [j for j in range(len(weights) - 1) if weights[j] != 0]
    start = effective(evaluation, units)
    limit, seen = nearby_limit(flatten(evaluation.point)), set[Point]()
    for rows, right in _systems(evaluation, units):
        gaps = [b - dot(row, start) for row, b in zip(rows, right, strict=True)]
        step = least_correction(rows, gaps)
        if step is None:
            continue
        moved = [a + delta for a, delta in zip(start, step, strict=True)]
        point = from_effective(evaluation, units, moved)
        near = distance(flatten(point), flatten(evaluation.point)) <= limit
        if near and point not in seen and digits(point) <= DIGIT_LIMIT:
            seen.add(point)
            yield evaluate(evaluation.problem, point)


def _systems(evaluation: Evaluation, units: list[int]) -> Iterator[tuple[list[Vector], list[fmpq]]]:
    """Linear systems of the effective parameters, by rows: all that are nearer than some gap."""
    ranked = sorted(_equations(evaluation, units), key=lambda entry: entry[0])
    ranked = [entry for entry in ranked if entry[0] <= SMALL]
    if not ranked:
        return
    sizes = [max(size, ROUNDING) for size, _, _ in ranked] + [ONE]
    ends = sorted(
        ((after / before, k + 1) for k, (before, after) in enumerate(pairwise(sizes))), reverse=True
    )
    for _, end in ends[:GUESSES]:
        yield [row for _, row, _ in ranked[:end]], [b for _, _, b in ranked[:end]]


def _equations(evaluation: Evaluation, units: list[int]) -> Iterator[tuple[fmpq, Vector, fmpq]]:
    """How far from it the point is, and row and right-hand side: margins, then kinks."""
    width, weights = len(evaluation.inputs[0]), evaluation.weights[1][0]
    for i, x in enumerate(evaluation.inputs):
        zs, entries = evaluation.preactivations[0][i], list[fmpq]()
        for j in units:
            slope = slope_at(zs[j], evaluation.slopes) * (ONE if weights[j] > 0 else -ONE)
            entries += [slope * entry for entry in x]
        target = rational(evaluation.problem.data.y[i][0])
        size = sum((abs(weights[j] * zs[j]) for j in units), ONE)
        yield abs(evaluation.outputs[i][0] - target) / size, (*entries, ONE), target
        for n, j in enumerate(units if evaluation.has_kinks else []):
            before, after = [ZERO] * (n * width), [ZERO] * ((len(units) - n - 1) * width + 1)
            size = max(map(abs, evaluation.weights[0][j])) * max(map(abs, x))
            yield abs(zs[j]) / (size or ONE), (*before, *x, *after), ZERO


RULE = Rule(_applies, _prove)
