"""Rational linear algebra, softmax numbers and balls: known answers and edges."""

import math
from fractions import Fraction

import pytest
from flint import arb, arb_mat, fmpq
from hypothesis import given
from hypothesis import strategies as st

from spurious.exact import balls
from spurious.exact.definiteness import is_dominant, prove_definite
from spurious.exact.krawczyk import krawczyk
from spurious.exact.rationals import (
    dot,
    fraction,
    least_correction,
    nearest_float,
    nullspace,
    rank,
    rational,
)
from spurious.exact.softmax_numbers import (
    UndecidedSignError,
    approximate,
    atom,
    constant,
    logistic,
    sign,
    softmax,
)

FRACTIONS = st.fractions(max_denominator=10**6)


@given(FRACTIONS)
def test_rationals_are_the_same_number(value: Fraction) -> None:
    assert fraction(rational(value)) == value


def test_the_least_correction_is_the_shortest_solution() -> None:
    assert least_correction([(fmpq(1), fmpq(1))], [fmpq(2)]) == (1, 1)
    doubled = least_correction([(fmpq(1), fmpq(1)), (fmpq(2), fmpq(2))], [fmpq(2), fmpq(4)])
    assert doubled == (1, 1)
    assert least_correction([(fmpq(1), fmpq(1)), (fmpq(1), fmpq(1))], [fmpq(1), fmpq(2)]) is None
    assert least_correction([(fmpq(0), fmpq(0))], [fmpq(0)]) == (0, 0)


def test_rank_and_nullspace() -> None:
    rows = [(fmpq(1), fmpq(2), fmpq(3)), (fmpq(2), fmpq(4), fmpq(6))]
    assert rank(rows) == 1
    assert rank([]) == 0
    basis = nullspace(rows, 3)
    assert len(basis) == 2
    assert all(dot(row, move) == 0 for row in rows for move in basis)
    assert nullspace([], 2) == ((1, 0), (0, 1))


def test_a_float_never_overflows() -> None:
    assert nearest_float(Fraction(10**400)) == math.inf
    assert nearest_float(fmpq(-1) * fmpq(10) ** 400) == -math.inf
    assert nearest_float(Fraction(1, 10**400)) == 0


def test_softmax_numbers_know_their_zeros() -> None:
    one = fmpq(1)
    assert sign(logistic(fmpq(3)) + logistic(fmpq(-3)) - one) == 0
    assert sign(logistic(fmpq(0)) - fmpq(1, 2)) == 0
    assert sign(sum(softmax((fmpq(1), fmpq(2), fmpq(2))), constant(fmpq(0))) - one) == 0
    assert sign(atom(fmpq(1)) - atom(fmpq(2))) == 1
    assert sign(atom(fmpq(1)) * fmpq(-1)) == -1
    close = approximate(atom(fmpq(1)))
    assert sign(atom(fmpq(1)) - close) != 0  # a rational within 1e-38 is still told apart


def test_a_hidden_zero_stays_undecided() -> None:
    # 1 / (1 + 2 e^0) is the number 1/3, but the atom does not show it
    with pytest.raises(UndecidedSignError):
        sign(atom(fmpq(0), fmpq(0)) - fmpq(1, 3))


@given(st.fractions(min_value=-700, max_value=700, max_denominator=50))
def test_the_logistic_function_is_enclosed(value: Fraction) -> None:
    found = nearest_float(approximate(logistic(rational(value))))
    exact = 1 / (1 + math.exp(float(value)))
    assert math.isclose(found, exact, rel_tol=1e-9, abs_tol=1e-30)


@given(FRACTIONS.filter(bool))
def test_rounding_helpers(value: Fraction) -> None:
    size = abs(value)
    exponent = balls.decimal_exponent(value)
    assert Fraction(10) ** exponent <= size < Fraction(10) ** (exponent + 1)
    assert size <= balls.power_of_ten_above(size) < 10 * size + 1
    assert 0 < balls.simple_below(size) <= size <= balls.simple_above(size)
    assert abs(balls.rounded(value, 5) - value) <= size / 10**4


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(1, 17))
def test_floats_are_rounded_as_rationals_are(value: float, digits: int) -> None:
    assert balls.rounded_float(value, digits) == balls.rounded(Fraction(value), digits)


def test_comparisons_have_three_answers() -> None:
    assert balls.sign(arb(1)) == 1
    assert balls.sign(arb(0)) == 0
    assert balls.sign(arb(0, 1)) is None
    assert balls.sign(arb.nan()) is None
    assert not balls.certainly_less(arb(0, 1), arb(0.5))
    with pytest.raises(balls.OutOfRangeError):
        balls.midpoint(arb(10) ** 100_000)
    with pytest.raises(balls.OutOfRangeError):
        balls.midpoint(arb.pos_inf())
    low, high = balls.bounds(arb(10) ** -100_000)
    assert low < 0 < high


def test_definiteness() -> None:
    assert prove_definite(arb_mat([[2, 1], [1, 2]])) is not None
    found = prove_definite(arb_mat([[2, 1], [1, 2]]))
    assert found is not None and Fraction(1, 2) < found.eigenvalue_bound < 1
    assert prove_definite(arb_mat([[1, 2], [2, 1]])) is None
    assert prove_definite(arb_mat([[1, 1], [1, 1]])) is None
    wide = arb(1).union(arb(-1))
    assert prove_definite(arb_mat([[wide, 0], [0, 1]])) is None
    assert prove_definite(arb_mat([[arb.nan(), 0], [0, 1]])) is None
    assert not is_dominant(arb_mat([[1, 1], [0, 1]]))


def test_krawczyk_isolates_a_simple_zero_and_no_double_one() -> None:
    root = arb_mat([[arb(1.4142135623730951)]])

    def square(x: arb_mat) -> arb_mat:
        return arb_mat([[x[0, 0] * x[0, 0] - 2]])

    def slope(x: arb_mat) -> arb_mat:
        return arb_mat([[2 * x[0, 0]]])

    assert krawczyk(square, slope, root, arb("1e-6"))
    assert not krawczyk(square, slope, arb_mat([[arb(1.5)]]), arb("1e-6"))

    def touching(x: arb_mat) -> arb_mat:
        return arb_mat([[x[0, 0] * x[0, 0]]])

    assert not krawczyk(touching, slope, arb_mat([[arb(0)]]), arb("1e-3"))
