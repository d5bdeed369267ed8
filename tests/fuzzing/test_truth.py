"""The referee's own arithmetic: each evaluator against another, and against differences."""

from fractions import Fraction
from random import Random

import numpy as np
import pytest
from fuzzing.case import HOMOGENEOUS, SMOOTH, Case, size
from fuzzing.floats import surface
from fuzzing.probe import Probe
from fuzzing.smt import lower_point

from fuzzing import exact, precise

LOSSES = {"squared": 2, "logistic": 2, "cross_entropy": 3}


def random_case(activation: str, loss: str) -> Case:
    rng, outputs = Random(f"{activation} {loss}"), LOSSES[loss]

    def tenth() -> Fraction:
        return Fraction(rng.randint(-30, 30), 10)

    shape = (2, 3, 2, outputs)
    x = tuple((tenth(), tenth()) for _ in range(4))
    y = {
        "squared": tuple(tuple(tenth() for _ in range(outputs)) for _ in x),
        "logistic": tuple(tuple(Fraction(rng.choice((-1, 1))) for _ in range(outputs)) for _ in x),
        "cross_entropy": tuple((Fraction(rng.randrange(outputs)),) for _ in x),
    }[loss]
    slope = Fraction(-1, 2) if activation == "leaky_relu" else None
    return Case(shape, activation, slope, loss, x, y, tuple(tenth() for _ in range(size(shape))))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", (*HOMOGENEOUS, *SMOOTH))
def test_gradients_are_differences(activation: str, loss: str) -> None:
    case = random_case(activation, loss)
    ctx = precise.context(60)
    point = [precise.real(ctx, v) for v in case.point]
    rows = precise.forward(case, ctx, point).outputs
    base, slopes = precise.loss(case, ctx, rows), precise.gradient(case, ctx, point)
    tiny = ctx.mpf(10) ** -25
    for j, (slope, _) in enumerate(slopes):
        moved = [v + tiny * (k == j) for k, v in enumerate(point)]
        there = precise.forward(case, ctx, moved).outputs
        difference = precise.loss(case, ctx, there) - base
        assert abs(difference / tiny - slope) < 1e-18
        moves = [
            [b - a for a, b in zip(r, s, strict=True)] for r, s in zip(rows, there, strict=True)
        ]
        assert abs(precise.change(case, ctx, rows, moves)[0] - difference) < ctx.mpf(10) ** -50
        if case.exact:
            axis = [Fraction(k == j) for k in range(len(point))]
            turned = exact.derivative(case, case.point, axis)[1]
            gains = precise.loss_slopes(case, ctx, rows)
            rate = ctx.fsum(
                g * precise.real(ctx, m)
                for gain, turn in zip(gains, turned, strict=True)
                for (g, _), m in zip(gain, turn, strict=True)
            )
            assert abs(rate - slope) < ctx.mpf(10) ** -45
    loss_there, gradient = surface(case)(np.array([[float(v) for v in case.point]]))
    assert loss_there[0] == pytest.approx(float(base))
    assert gradient[0] == pytest.approx([float(g) for g, _ in slopes], abs=1e-9)


@pytest.mark.parametrize("activation", HOMOGENEOUS)
def test_exact_losses_are_the_precise_ones(activation: str) -> None:
    case = random_case(activation, "squared")
    ctx = precise.context(60)
    rows = precise.forward(case, ctx, [precise.real(ctx, v) for v in case.point]).outputs
    loss = precise.real(ctx, exact.squared_loss(case, case.point))
    assert abs(loss - precise.loss(case, ctx, rows)) < ctx.mpf(10) ** -45


def test_losses_of_ten_to_the_minus_17372_are_told_apart() -> None:
    one = (Fraction(1),)
    case = Case(
        (1, 1), "identity", None, "logistic", (one,), (one,), (Fraction(0), Fraction(40000))
    )
    up = (Fraction(0), Fraction(1))
    assert Probe(case).sign(up, Fraction(1, 2**100)) == -1
    assert Probe(case).rate(up) == -1
    label = (Fraction(0),)
    three = (*[Fraction(0)] * 3, Fraction(40000), Fraction(0), Fraction(-40000))
    case = Case((1, 3), "identity", None, "cross_entropy", (one,), (label,), three)
    assert Probe(case).rate((*[Fraction(0)] * 3, Fraction(1), Fraction(0), Fraction(0))) == -1


def test_z3_finds_a_lower_point_beside_a_slope_and_none_at_a_minimum() -> None:
    x, y = ((Fraction(1),), (Fraction(-1),)), ((Fraction(1),), (Fraction(0),))
    fit = Case((1, 1, 1), "relu", None, "squared", x, y, tuple(map(Fraction, (1, 0, 1, 0))))
    assert lower_point(fit) == ("unsat", None)
    answer, point = lower_point(fit.at(tuple(map(Fraction, (1, 0, 1, 1)))))
    assert answer == "sat"
    assert point is not None
