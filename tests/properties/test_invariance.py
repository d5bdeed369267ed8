"""A verdict does not change when the same function, or the same data, is written differently."""

import random
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.oracle.problems import random_problem

from spurious import certify
from spurious.problem import Dataset, Layer, Point, Problem


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


@pytest.mark.parametrize("change", [permuted_units, rescaled, moved_inputs, permuted_data])
@settings(max_examples=60, deadline=None, print_blob=True)
@given(seed=st.integers(0, 10**6))
def test_the_verdict_stays(change: Callable[[Problem, random.Random], Problem], seed: int) -> None:
    problem = random_problem(seed)
    if problem.point is not None and any(
        v.denominator > 10**5 for layer in problem.point.layers for v in layer.bias
    ):
        return  # moved off by 1e-6: "nearby" is measured in parameters, which a change rescales
    before, after = certify(problem), certify(change(problem, random.Random(seed)))
    if "nearby" in before.decision + after.decision:
        return
    assert before.loss == after.loss
    assert before.decision == after.decision
    assert before.strict_up_to_rescaling == after.strict_up_to_rescaling
    assert before.flat_dimension == after.flat_dimension
