"""Programs: shapes, blocks of parameters, and the messages for what does not fit."""

from fractions import Fraction

import numpy as np
import pytest

from spurious.errors import InputError
from spurious.program.functions import RELU, TANH
from spurious.program.operations import Add, Const, Join, Map, MatMul, Mul, Param, Sum, Take
from spurious.program.program import Program


def test_shapes_and_blocks() -> None:
    program = Program(
        (
            Param("w", (3, 2)),
            Const(np.ones((5, 2, 4))),
            MatMul(0, 1),
            Param("b", (3, 1)),
            Add(2, 3),
            Map(RELU, 4),
            Map(TANH, 5),
            Sum(6, (0, 2)),
            Join((7, 3)),
            Take(8, np.array([[0, 5], [1, 1]])),
            Mul(9, 9),
            Sum(10, (0, 1)),
        ),
        outputs=6,
    )
    assert program.shapes[2:] == (
        *((5, 3, 4), (3, 1), (5, 3, 4), (5, 3, 4), (5, 3, 4), (3,), (6,), (2, 2), (2, 2), ()),
    )
    assert program.parameters == {"w": slice(0, 6), "b": slice(6, 9)}
    assert program.parameter_count == 9
    assert program.blocks == (0, 3)
    assert program.reach == (1, 0, 1, 2, 3, 3, 3, 3, 3, 3, 3, 3)
    assert program.kinked == (5,)


W = Param("w", (2, 3))


@pytest.mark.parametrize(
    ("operations", "message"),
    [
        ((), "operations: found none, expected at least 1, the loss"),
        (
            (W,),
            "operation 0 (Param): found the shape (2, 3), expected (): "
            "the last operation is the loss, a scalar",
        ),
        (
            (W, MatMul(0, 0)),
            "operation 1 (MatMul): found shapes (2, 3) and (2, 3), expected (..., n, k) and "
            "(..., k, m): matrices with one inner size",
        ),
        (
            (W, Sum(0, (0,)), MatMul(0, 1)),
            "operation 2 (MatMul): found shapes (2, 3) and (3,), expected (..., n, k) and "
            "(..., k, m): matrices with one inner size",
        ),
        (
            (W, Param("b", (2,)), Add(0, 1)),
            "operation 2 (Add): found shapes (2, 3) and (2,), "
            "expected sizes that are equal or 1, from the last on",
        ),
        (
            (W, Mul(0, 1)),
            "operation 1 (Mul): found the operand 1, "
            "expected the index of an operation before it, from 0 to 0",
        ),
        (
            (W, Sum(0, (2,))),
            "operation 1 (Sum): found the axes (2,), expected different axes of the shape (2, 3), "
            "counted from 0 and ascending",
        ),
        (
            (W, Take(0, np.array([6]))),
            "operation 1 (Take): found the index 6, expected indices from 0 to 5, "
            "positions in the flattened argument of shape (2, 3)",
        ),
        (
            (W, Take(0, np.array([-1, 2]))),
            "operation 1 (Take): found the index -1, expected indices from 0 to 5, "
            "positions in the flattened argument of shape (2, 3)",
        ),
        ((W, Join(())), "operation 1 (Join): found no argument, expected at least 1"),
        (
            (W, W, Sum(0, (0, 1))),
            "parameters: found the name 'w' twice, expected unique names",
        ),
    ],
)
def test_what_does_not_fit(operations: tuple, message: str) -> None:
    with pytest.raises(InputError) as caught:
        Program(operations)
    assert str(caught.value) == message


def test_outputs_have_to_be_there() -> None:
    with pytest.raises(InputError, match="outputs: found 2, expected the index of an operation"):
        Program((W, Sum(0, (0, 1))), outputs=2)


def test_constants_are_exact() -> None:
    tenth = Const(np.array([Fraction(1, 10), 2], dtype=object))
    assert tenth.values.dtype == object
    assert list(tenth.values) == [Fraction(1, 10), Fraction(2)]
    assert Const([0.1, True, 3]).values.dtype == np.float64
    assert Const(np.array([0.1], np.float32)).values[0] == Fraction(13421773, 134217728)
    assert Const([2**53 + 1]).values[0] == 2**53 + 1
    assert Const([10**400]).values[0] == 10**400
    with pytest.raises(ValueError, match="read-only"):
        tenth.values[0] = 1


@pytest.mark.parametrize(
    ("values", "found"),
    [([np.inf], "found inf, expected finite"), (["a"], "found numbers of type <U1"),
     ([1j], "found numbers of type complex128"), ([None], "found None, expected a fraction")],
)  # fmt: skip
def test_constants_that_are_no_numbers(values: list, found: str) -> None:
    with pytest.raises(InputError, match=found):
        Const(values)


def test_an_index_of_floats() -> None:
    with pytest.raises(InputError, match=r"take\.index: found numbers of type float64"):
        Take(0, np.array([0.5]))


def test_a_scalar_constant() -> None:
    assert Const(np.ones(())).values.shape == ()
    assert not np.signbit(Const(-0.0).values)
