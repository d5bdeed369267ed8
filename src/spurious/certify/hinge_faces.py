"""Exact points next to a float point at which margins are exactly 1 and units exactly on kinks.

Hinge loss, one hidden layer, one output. Within one activation pattern the outputs are linear in
the effective parameters a_j = |v_j| (w_j, b_j) and c, and so is the loss between its bends: where
training comes to rest, margins are 1 and pre-activations 0. Guess which; that is a linear system,
whose exact solution closest to the point is taken. Nothing here is trusted.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from flint import fmpq

from spurious.certify.evaluate import Evaluation, evaluate, slope_at
from spurious.certify.moved import DIGIT_LIMIT, digits
from spurious.certify.neighbourhood import distance, nearby_limit
from spurious.certify.rules.cells_nearby import UNKNOWN_LIMIT, effective, from_effective
from spurious.exact.rationals import ONE, ZERO, Vector, dot, least_correction, rational
from spurious.problem import Point, flatten

GUESSES = 8
"""Sets of equations tried, those before the widest gaps first."""

SMALL = fmpq(1, 1000)
"""What is further from its bend, against the size of what is added up there, is left alone."""

ROUNDING = fmpq(1, 10**12)
"""Smaller distances count as this: gaps between them say nothing."""


def points_on_faces(evaluation: Evaluation) -> Iterator[Evaluation]:
    """Points near the given one, most plausible first.

    Args:
        evaluation: A network with widths [d, h, 1] and a homogeneous activation; its loss does not
            count.
    """
    if evaluation.problem.network.parameter_count > UNKNOWN_LIMIT:
        return
    weights = evaluation.weights[1].rows[0]
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
    width, weights = len(evaluation.inputs[0]), evaluation.weights[1].rows[0]
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
            size = max(map(abs, evaluation.weights[0].rows[j])) * max(map(abs, x))
            yield abs(zs[j]) / (size or ONE), (*before, *x, *after), ZERO
