"""The builder: what it folds, and what stays."""

from fractions import Fraction

import numpy as np
import pytest

from spurious.errors import InputError
from spurious.program import (
    FUNCTIONS,
    Add,
    Builder,
    Const,
    ExactArithmetic,
    Mul,
    Param,
    Sum,
    Take,
    evaluator,
    leaky_relu,
)

EXACT = ExactArithmetic()


def test_constants_are_folded_exactly() -> None:
    b = Builder()
    x = b.const([0.1, -3.0])
    assert list((x + Fraction(1, 10)).known) == [Fraction(0.1) + Fraction(1, 10), Fraction(-29, 10)]
    assert (x * 3 + 1).sum().known == 3 * Fraction(0.1) - 7
    assert list((1 / x).known) == [1 / Fraction(0.1), Fraction(-1, 3)]
    assert list(x.map(leaky_relu(Fraction(1, 7))).known) == [0.1, Fraction(-3, 7)]
    assert (b.const([[1, 2]]) @ b.const([[Fraction(1, 3)], [5]])).known == Fraction(31, 3)
    assert b.join([x, x]).take(np.array([3, 0])).known.tolist() == [-3.0, 0.1]
    assert x.map(FUNCTIONS["exp"]).known is None
    assert b.const([0, 1]).reciprocal().known is None


def test_takes_are_composed() -> None:
    b = Builder()
    x = b.param("x", (2, 3))
    twice = x.transpose().transpose()
    assert twice.index == x.index
    y = x.transpose().reshape(2, 3).take(np.array([5, 0, 0]))
    operation = b.operations[y.index]
    assert isinstance(operation, Take)
    assert (operation.argument, operation.index.tolist()) == (x.index, [5, 0, 0])


def test_equal_operations_are_written_once() -> None:
    b = Builder()
    x = b.param("x", (2,))
    assert (x * x).index == (x * x).index
    assert (x + x).index != (x * x).index
    assert b.const([1, 2]).index == b.const([1.0, 2.0]).index
    assert b.const([1, 2]).index != b.const([[1, 2]]).index
    assert (x * 1).index == (x + 0).index == (x + b.const([0, 0])).index == x.index
    assert (b.param("s", ()) + b.const([0, 0])).shape == (2,)


def test_what_the_loss_does_not_need_is_left_out() -> None:
    b = Builder()
    x, unused = b.param("x", (2,)), b.param("unused", (3,))
    loss = (x * x).sum()
    unused.map(FUNCTIONS["exp"])
    program = b.program(loss)
    assert [type(op) for op in program.operations] == [Param, Param, Mul, Sum]
    assert program.parameter_count == 5
    run = evaluator(program, EXACT).run(EXACT.array([1, 2, 0, 0, 0]), 2)
    assert list(run.gradient) == [2, 4, 0, 0, 0]


def test_a_loss_before_other_operations() -> None:
    b = Builder()
    x = b.param("x", ())
    loss, outputs = x * x, x + 1
    program = b.program(loss, outputs)
    assert [type(op) for op in program.operations] == [Param, Mul, Const, Add, Take]
    assert evaluator(program, EXACT).run(EXACT.array([3]), 0).loss[()] == 9


@pytest.mark.parametrize("exponent", [-3, -1, 0, 1, 2, 5, 8])
def test_powers(exponent: int) -> None:
    b = Builder()
    program = b.program((b.param("x", ()) + 0) ** exponent)
    run = evaluator(program, EXACT).run(EXACT.array([Fraction(3, 2)]))
    true = Fraction(3, 2) ** exponent
    assert (run.loss[()].p, run.loss[()].q) == (true.numerator, true.denominator)


def test_shapes_are_checked_while_building() -> None:
    b = Builder()
    x = b.param("x", (2,))
    with pytest.raises(InputError, match=r"found shapes \(2,\) and \(3,\)"):
        x + np.ones(3)
    with pytest.raises(InputError, match="found the index 2"):
        x.take(np.array([2]))
    with pytest.raises(InputError, match=r"found the shape \(2,\), expected \(\)"):
        b.program(x)
