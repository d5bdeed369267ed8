"""Every arithmetic against every other, and all against differences of 60 digits."""

import random
from fractions import Fraction

import numpy as np
import pytest
from flint import arb

from spurious.exact import balls
from spurious.exact.rationals import rational
from spurious.program.arithmetic_balls import BallArithmetic
from spurious.program.arithmetic_exact import ExactArithmetic
from spurious.program.arithmetic_numpy import NumpyArithmetic
from spurious.program.curvature import hessian, hessian_products
from spurious.program.evaluate import evaluator
from spurious.program.line import along
from spurious.program.operations import Const
from tests.program.random_programs import PROGRAMS, number, point

BALLS, FLOATS, EXACT = BallArithmetic(), NumpyArithmetic(), ExactArithmetic()


def floats(array) -> np.ndarray:
    return np.array([float(v) for v in array.ravel()]).reshape(array.shape)


@pytest.mark.parametrize("name", PROGRAMS)
def test_balls_against_differences(name: str) -> None:
    program = PROGRAMS[name]()
    x = point(program, 1)
    with balls.precision(400):
        evaluate = evaluator(program, BALLS)
        start = BALLS.constant(Const(x))
        run = evaluate.run(start, 2)
        curvature = hessian(run)
        step = arb(10) ** -30
        for p in range(program.parameter_count):
            move = np.array([step * int(i == p) for i in range(len(x))], dtype=object)
            up, down = evaluate.run(start + move), evaluate.run(start - move)
            slope = (up.loss[()] - down.loss[()]) / (2 * step)
            assert abs(float((slope - run.gradient[p]).mid())) < 1e-40
            column = (up.gradient - down.gradient) / (2 * step)
            assert max(abs(float(c.mid())) for c in column - curvature[:, p]) < 1e-40
            assert max(float(c.rad()) for c in curvature[:, p]) < 1e-90


@pytest.mark.parametrize("name", PROGRAMS)
def test_floats_against_balls(name: str) -> None:
    program = PROGRAMS[name]()
    x = point(program, 2)
    with balls.precision(128):
        run = evaluator(program, BALLS).run(BALLS.constant(Const(x)), 2)
        near = evaluator(program, FLOATS).run(FLOATS.constant(Const(x)), 2)
        assert float(near.loss) == pytest.approx(float(run.loss[()]), rel=1e-10)
        for found, true in (
            (near.gradient, run.gradient),
            (hessian(near), hessian(run)),
            (near.jacobian(0), run.jacobian(0)),
        ):
            scale = np.abs(floats(true)).max()
            np.testing.assert_allclose(found, floats(true), atol=1e-9 * scale)


@pytest.mark.parametrize("name", ["polynomial", "softsign", "reciprocal", "relu", "abs"])
def test_exact_inside_balls(name: str) -> None:
    program = PROGRAMS[name]()
    x = point(program, 3)
    exact = evaluator(program, EXACT).run(EXACT.constant(Const(x)), 2)
    with balls.precision(128):
        run = evaluator(program, BALLS).run(BALLS.constant(Const(x)), 2)
        for found, true in (
            (run.loss, exact.loss),
            (run.gradient, exact.gradient),
            (hessian(run), hessian(exact)),
        ):
            for ball, value in zip(found.ravel(), true.ravel(), strict=True):
                with balls.precision(600):
                    value = arb(value)
                assert ball.contains(value)
                assert float(ball.rad()) < 1e-30


@pytest.mark.parametrize("name", ["every_operation", "softmax_layer", "tanh"])
def test_products_rows_and_lines_agree_with_the_hessian(name: str) -> None:
    program = PROGRAMS[name]()
    rng = random.Random(4)
    count = program.parameter_count
    x = FLOATS.constant(Const(point(program, 4)))
    directions = np.array([[float(number(rng)) for _ in range(count)] for _ in range(3)])
    evaluate = evaluator(program, FLOATS)
    run = evaluate.run(x, 2)
    full = hessian(run)
    np.testing.assert_allclose(full, full.T, rtol=1e-9, atol=1e-9 * np.abs(full).max())
    np.testing.assert_allclose(hessian_products(run, directions), directions @ full, rtol=1e-8)
    free = [0, 3, 4, count - 1]
    np.testing.assert_allclose(hessian(run, free), full[np.ix_(free, free)], rtol=1e-8)
    for v in directions:
        line = along(evaluate, x, v)
        assert line.first == pytest.approx(v @ run.gradient, rel=1e-8)
        assert line.second == pytest.approx(v @ full @ v, rel=1e-8)


@pytest.mark.parametrize("name", ["every_operation", "softmax_layer", "gelu", "relu"])
def test_batches_of_points(name: str) -> None:
    program = PROGRAMS[name]()
    evaluate = evaluator(program, FLOATS)
    points = np.stack([FLOATS.constant(Const(point(program, seed))) for seed in range(4)])
    together = evaluate.run(points)
    for i, x in enumerate(points):
        alone = evaluate.run(x)
        assert together.loss[i] == pytest.approx(float(alone.loss), rel=1e-12)
        np.testing.assert_allclose(together.gradient[i], alone.gradient, rtol=1e-9, atol=1e-12)


def test_the_jacobian_of_the_outputs() -> None:
    program = PROGRAMS["every_operation"]()
    assert program.outputs is not None
    x = FLOATS.constant(Const(point(program, 5)))
    evaluate = evaluator(program, FLOATS)
    jacobian = evaluate.run(x).jacobian(program.outputs)
    for p in range(len(x)):
        move = np.eye(len(x))[p] * 1e-6
        up, down = evaluate.run(x + move).outputs, evaluate.run(x - move).outputs
        np.testing.assert_allclose(jacobian[:, p], (up - down).ravel() / 2e-6, atol=1e-6)


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("width", [1e-8, 1e-3])
def test_wide_balls_enclose_all_points_inside(name: str, width: float) -> None:
    program = PROGRAMS[name]()
    rng = random.Random(6)
    x = point(program, 6)
    with balls.precision(128):
        evaluate = evaluator(program, BALLS)
        around = np.array([arb(rational(v), width) for v in x], dtype=object)
        wide = evaluate.run(around, 2)
        outer = [*wide.loss.ravel(), *wide.gradient, *hessian(wide).ravel()]
        for _ in range(3):
            inside = np.array([v + Fraction(rng.uniform(-width, width)) for v in x], dtype=object)
            run = evaluate.run(BALLS.constant(Const(inside)), 2)
            inner = [*run.loss.ravel(), *run.gradient, *hessian(run).ravel()]
            assert all(a.contains(b) for a, b in zip(outer, inner, strict=True))
