"""Double precision with error bounds: the exact results, or tight balls, lie inside."""

from fractions import Fraction

import numpy as np
import pytest
from flint import arb

from spurious.exact import balls
from spurious.program import (
    UNKNOWN,
    BallArithmetic,
    Bounded,
    BoundedArithmetic,
    Builder,
    ExactArithmetic,
    KinkError,
    along,
    dense_program,
    evaluator,
    hessian,
)
from tests.program.random_programs import PROGRAMS, point

BOUNDS, BALLS, EXACT = BoundedArithmetic(), BallArithmetic(), ExactArithmetic()


def check(found: Bounded, true: np.ndarray, tight: float) -> None:
    """Each true ball lies within the bounds, which are not wider than they have to be."""
    assert found.shape == true.shape
    scale = max(1.0, np.abs(found.value).max())
    assert (found.radius <= tight * scale).all()
    for value, radius, ball in zip(
        found.value.ravel(), found.radius.ravel(), true.ravel(), strict=True
    ):
        assert arb(value, radius).contains(ball)


@pytest.mark.parametrize("name", PROGRAMS)
def test_balls_lie_within_the_bounds(name: str) -> None:
    program = PROGRAMS[name]()
    x, v = point(program, 11), point(program, 12)
    bounded = evaluator(program, BOUNDS)
    run = bounded.run(BOUNDS.array(x), 2)
    line = along(bounded, BOUNDS.array(x), BOUNDS.array(v))
    with balls.precision(200):
        in_balls = evaluator(program, BALLS)
        true = in_balls.run(BALLS.array(x), 2)
        check(run.loss, true.loss, 1e-11)
        check(run.gradient, true.gradient, 1e-11)
        check(hessian(run), hessian(true), 1e-10)
        true_line = along(in_balls, BALLS.array(x), BALLS.array(v))
        check(line.first, true_line.first, 1e-11)
        check(line.second, true_line.second, 1e-10)


def test_a_large_network() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(200, 30)), rng.normal(size=(200, 2))
    program = dense_program((30, 40, 20, 2), "relu", "squared", x, y, l2=Fraction(1, 10))
    theta = rng.normal(size=program.parameter_count) / 5
    run = evaluator(program, BOUNDS).run(BOUNDS.array(theta))
    with balls.precision(128):
        true = evaluator(program, BALLS).run(BALLS.array(theta))
        check(run.loss, true.loss, 1e-12)
        check(run.gradient, true.gradient, 1e-12)


def test_kinks() -> None:
    b = Builder()
    x = b.param("x", (3,))
    program = b.program((x * Fraction(1, 3) - Fraction(1, 3)).map(PROGRAM_RELU).sum())
    evaluate = evaluator(program, BOUNDS)
    near = BOUNDS.array([2, 0, 1 + Fraction(1, 2**52)])
    signs = next(iter(evaluate.run(near, 0).kink_signs().values()))
    assert signs.tolist() == [1, -1, UNKNOWN]
    with pytest.raises(KinkError, match="relu: an argument may lie on the kink"):
        evaluate.run(near)
    exact = evaluator(program, EXACT).run(EXACT.array([2, 0, 1 + Fraction(1, 2**52)]), 0)
    check(evaluate.run(near, 0).loss, np.array(arb(exact.loss[()]), dtype=object), 1e-14)


PROGRAM_RELU = next(op.function for op in PROGRAMS["relu"]().operations if hasattr(op, "function"))


def test_underflow_is_no_zero() -> None:
    small = BOUNDS.array([1e-200])
    for product in (
        BOUNDS.multiply(small, small),
        BOUNDS.matmul(
            small.__class__(small.value[None], small.radius[None]),
            Bounded(small.value[:, None], small.radius[:, None]),
        ),
    ):
        assert product.value.ravel()[0] == 0
        assert BOUNDS.signs(product).ravel()[0] == UNKNOWN
    zero = BOUNDS.multiply(small, BOUNDS.array([0]))
    assert BOUNDS.signs(zero).tolist() == [0]


def test_overflow_is_unknown() -> None:
    large = BOUNDS.array([1e200, -1e200])
    with np.errstate(all="ignore"):
        squares = BOUNDS.multiply(large, large)
        total = BOUNDS.sum(BOUNDS.multiply(large, squares), (0,))
        assert BOUNDS.signs(squares).tolist() == [UNKNOWN, UNKNOWN]
        assert BOUNDS.signs(total).tolist() == UNKNOWN


@pytest.mark.parametrize("trial", range(20))
def test_cancelling_sums(trial: int) -> None:
    rng = np.random.default_rng(trial)
    a, b = (rng.normal(size=(5, 30)) * 10.0 ** rng.integers(-9, 9, size=(5, 30)) for _ in range(2))
    found = BOUNDS.matmul(BOUNDS.array(a), BOUNDS.transpose(BOUNDS.array(b)))
    exact = EXACT.matmul(EXACT.array(a), EXACT.transpose(EXACT.array(b)))
    for value, radius, true in zip(
        found.value.ravel(), found.radius.ravel(), exact.ravel(), strict=True
    ):
        error = abs(Fraction(float(value)) - Fraction(int(true.p), int(true.q)))
        assert error <= Fraction(float(radius))
