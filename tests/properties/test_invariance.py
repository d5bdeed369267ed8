"""A verdict does not change when the same function, or the same data, is written differently."""

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import cache

import pytest
from tests.oracle.problems import off_kinks, random_problem
from tests.properties.brute_force import loss

from spurious import Decision, Verdict, certify
from spurious.problem import Dataset, Layer, Point, Problem, point_from_data


def layers(problem: Problem) -> tuple[Layer, Layer]:
    assert problem.point is not None
    hidden, last = problem.point.layers
    return hidden, last


def permuted_units(problem: Problem, rng: random.Random) -> Problem:
    hidden, last = layers(problem)
    order = list(range(len(hidden.bias)))
    rng.shuffle(order)
    point = Point(
        (
            Layer(tuple(hidden.weight[j] for j in order), tuple(hidden.bias[j] for j in order)),
            Layer(tuple(tuple(row[j] for j in order) for row in last.weight), last.bias),
        )
    )
    return replace(problem, point=point)


def rescaled(problem: Problem, rng: random.Random) -> Problem:
    hidden, last = layers(problem)
    t = [Fraction(rng.randint(1, 9), rng.randint(1, 9)) for _ in hidden.bias]
    point = Point(
        (
            Layer(
                tuple(tuple(s * w for w in row) for s, row in zip(t, hidden.weight, strict=True)),
                tuple(s * b for s, b in zip(t, hidden.bias, strict=True)),
            ),
            Layer(
                tuple(tuple(v / s for v, s in zip(row, t, strict=True)) for row in last.weight),
                last.bias,
            ),
        )
    )
    return replace(problem, point=point)


def moved_inputs(problem: Problem, rng: random.Random) -> Problem:
    """x -> S x + a with S triangular; the first layer undoes it."""
    hidden, last = layers(problem)
    d = problem.network.inputs
    scale = [Fraction(rng.choice([-2, -1, 1, 3]), rng.randint(1, 3)) for _ in range(d)]
    shear = Fraction(rng.randint(-2, 2))
    shift = [Fraction(rng.randint(-5, 5)) for _ in range(d)]

    def move(x: tuple[Fraction, ...]) -> tuple[Fraction, ...]:
        y = [s * v for s, v in zip(scale, x, strict=True)]
        y[0] += shear * x[-1] if d > 1 else 0
        return tuple(v + a for v, a in zip(y, shift, strict=True))

    def undo(w: tuple[Fraction, ...]) -> tuple[Fraction, ...]:
        rows = [v / s for v, s in zip(w, scale, strict=True)]
        if d > 1:
            rows[-1] -= rows[0] * shear / scale[-1]
        return tuple(rows)

    weight = tuple(undo(row) for row in hidden.weight)
    bias = tuple(
        b - sum((w * a for w, a in zip(row, shift, strict=True)), Fraction(0))
        for row, b in zip(weight, hidden.bias, strict=True)
    )
    data = Dataset(tuple(move(x) for x in problem.data.x), problem.data.y)
    return replace(problem, data=data, point=Point((Layer(weight, bias), last)))


def permuted_data(problem: Problem, rng: random.Random) -> Problem:
    order = list(range(problem.data.size))
    rng.shuffle(order)
    data = Dataset(tuple(problem.data.x[i] for i in order), tuple(problem.data.y[i] for i in order))
    return replace(problem, data=data)


CHANGES = [permuted_units, rescaled, moved_inputs, permuted_data]
SEEDS = 150
"""Problems for each change; about one in eight has a minimum nearby, not at the point."""


def answers(verdict: Verdict) -> tuple[object, ...]:
    return (
        verdict.decision,
        verdict.strict,
        verdict.strict_up_to_rescaling,
        verdict.flat_dimension,
        verdict.loss,
    )


@cache
def unchanged(draw: Callable[[int], Problem], seed: int) -> tuple[Problem, Verdict]:
    """A problem and what is said about it, which every change is held against."""
    problem = draw(seed)
    return problem, certify(problem)


def minimum_nearby(verdict: Verdict) -> Point:
    assert verdict.certificate is not None
    return point_from_data(json.loads(json.dumps(verdict.certificate["proof"]["point"])))


@pytest.mark.parametrize("change", CHANGES)
def test_the_verdict_stays(change: Callable[[Problem, random.Random], Problem]) -> None:
    """At the point; and where a minimum is nearby, at that minimum, changed in the same way."""
    seen = Counter[str]()
    for seed in range(SEEDS):
        problem, before = unchanged(random_problem, seed)
        after = certify(change(problem, random.Random(seed)))
        nearby = Decision.LOCAL_MINIMUM_NEARBY
        seen[before.decision] += 1
        if nearby not in (before.decision, after.decision):
            assert answers(before) == answers(after), seed
            continue
        # "nearby" is measured in parameters, which some changes rescale; a minimum stays one
        assert Decision.LOCAL_MINIMUM not in (before.decision, after.decision), seed
        if change in (permuted_units, permuted_data):
            assert answers(before) == answers(after), seed
            assert before.radius == after.radius, seed
        if before.decision is nearby:
            there = replace(problem, point=minimum_nearby(before))
            moved = certify(change(there, random.Random(seed)))
            assert moved.decision is Decision.LOCAL_MINIMUM, seed
            assert answers(moved)[1:] == answers(before)[1:], seed
    assert seen[Decision.LOCAL_MINIMUM] >= SEEDS // 4, seen
    assert seen[Decision.NOT_LOCAL_MINIMUM] >= SEEDS // 4, seen
    assert seen[Decision.LOCAL_MINIMUM_NEARBY] >= SEEDS // 20, seen


@pytest.mark.parametrize("change", CHANGES)
def test_flatness_of_several_units_stays(
    change: Callable[[Problem, random.Random], Problem],
) -> None:
    seen = set[int]()
    for seed in range(30):
        problem, before = unchanged(off_kinks, seed)
        after = certify(change(problem, random.Random(seed)))
        assert before.decision is Decision.LOCAL_MINIMUM and before.flat_dimension is not None
        assert answers(before) == answers(after), seed
        seen.add(before.flat_dimension - problem.network.hidden[0])
    assert len(seen) >= 3, "rescalings alone, and more"


@pytest.mark.parametrize("change", CHANGES)
def test_the_changes_change_something_but_no_output(
    change: Callable[[Problem, random.Random], Problem],
) -> None:
    different = 0
    for seed in range(SEEDS):
        problem = random_problem(seed)
        other = change(problem, random.Random(seed))
        different += other != problem
        assert problem.point is not None and other.point is not None
        losses = [loss(p, p.point) for p in (problem, other) if p.point is not None]
        assert losses[0] == losses[1], seed
    assert different >= SEEDS // 5  # half of the networks have one unit, which no order changes
