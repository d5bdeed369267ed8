"""Derivatives along half lines at kinks, where gradients are refused."""

import doctest
from fractions import Fraction

import numpy as np
import pytest
from flint import arb

import spurious.program
from spurious.exact import balls
from spurious.exact.rationals import fraction
from spurious.program import (
    FUNCTIONS,
    BallArithmetic,
    Builder,
    ExactArithmetic,
    Function,
    IrrationalError,
    KinkError,
    NumpyArithmetic,
    Program,
    along,
    evaluator,
    hessian,
    leaky_relu,
)

EXACT, BALLS, FLOATS = ExactArithmetic(), BallArithmetic(), NumpyArithmetic()


def composed(function: Function) -> Program:
    """f(x^2 - y) + f(f(x) y), which at 0 has kinks on kinks."""
    b = Builder()
    x, y = b.param("x", ()), b.param("y", ())
    return b.program((x * x - y).map(function) + (x.map(function) * y).map(function))


CORNERS = [FUNCTIONS[name] for name in ("relu", "abs", "softsign")] + [leaky_relu(Fraction(1, 3))]
DIRECTIONS = [(1, 0), (0, 1), (0, -1), (-1, 0), (1, 2), (-2, 1), (-1, -1), (0, 0)]


@pytest.mark.parametrize("function", CORNERS, ids=str)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_against_small_steps(function: Function, direction: tuple[int, int]) -> None:
    program = composed(function)
    evaluate = evaluator(program, EXACT)
    line = along(evaluate, EXACT.array([0, 0]), EXACT.array(direction))
    assert line.first is not None and line.second is not None
    first, second = fraction(line.first[()]), fraction(line.second[()])
    t = Fraction(1, 10**9)
    moved = EXACT.array([t * v for v in direction])
    value = fraction(evaluate.run(moved, 0).loss[()])
    assert abs(value - t * first - t * t * second / 2) < 100 * t**3
    with balls.precision(128):
        in_balls = evaluator(program, BALLS)
        ball = along(in_balls, BALLS.array([0, 0]), BALLS.array(direction))
        assert ball.first[()].contains(arb(line.first[()]))
        assert ball.second[()].contains(arb(line.second[()]))
    near = along(evaluator(program, FLOATS), FLOATS.array([0, 0]), FLOATS.array(direction))
    assert float(near.first) == pytest.approx(float(first))
    assert float(near.second) == pytest.approx(float(second))


@pytest.mark.parametrize("function", CORNERS, ids=str)
def test_derivatives_at_kinks_are_refused(function: Function) -> None:
    order = 1 if function.kinked else 2
    for arithmetic in (EXACT, BALLS):
        evaluate = evaluator(composed(function), arithmetic)
        assert evaluate.run(arithmetic.array([0, 0]), 0).loss[()] == 0
        if arithmetic is EXACT or order == 1:
            with pytest.raises(KinkError, match=function.name):
                evaluate.run(arithmetic.array([0, 0]), order)


def test_balls_around_kinks() -> None:
    program = composed(FUNCTIONS["relu"])
    evaluate = evaluator(program, BALLS)
    wide = np.array([arb(0, 0.5), arb(0, 0.5)], dtype=object)
    run = evaluate.run(wide, 0)
    for x in (-0.4, 0.0, 0.3):
        for y in (-0.5, 0.1, 0.5):
            assert run.loss[()].contains(arb(max(x * x - y, 0) + max(max(x, 0) * y, 0)))
    with pytest.raises(KinkError):
        evaluate.run(wide)
    with pytest.raises(KinkError):
        along(evaluate, wide, BALLS.array([1, 1]))
    with pytest.raises(KinkError):
        along(evaluate, BALLS.array([0, 0]), wide)
    assert [signs.tolist() for signs in run.kink_signs().values()] == [2, 2, 2]


def test_irrational_values_are_refused() -> None:
    b = Builder()
    program = b.program(b.param("x", ()).map(FUNCTIONS["exp"]))
    evaluate = evaluator(program, EXACT)
    assert evaluate.run(EXACT.array([0]), 2).loss[()] == 1
    with pytest.raises(IrrationalError, match="exp: its value at 1 is not known to be rational"):
        evaluate.run(EXACT.array([1]))


def test_orders_have_to_be_asked_for() -> None:
    evaluate = evaluator(composed(FUNCTIONS["tanh"]), FLOATS)
    with pytest.raises(ValueError, match="order=1"):
        _ = evaluate.run(FLOATS.array([1, 2]), 0).gradient
    with pytest.raises(ValueError, match="order=2"):
        hessian(evaluate.run(FLOATS.array([1, 2])))


def test_the_example_of_the_package() -> None:
    assert doctest.testmod(spurious.program).failed == 0
