import fractions
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spurious.errors import InputError
from spurious.problem import exact
from spurious.problem.number import MAX_DIGITS, shown, to_text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1", Fraction(1, 10)),
        ("1/3", Fraction(1, 3)),
        ("-13.5", Fraction(-27, 2)),
        ("2e-3", Fraction(1, 500)),
        ("+2.E3", Fraction(2000)),
        (".5", Fraction(1, 2)),
        ("-6/4", Fraction(-3, 2)),
        ("0", Fraction(0)),
    ],
)
def test_text_means_what_is_written(text: str, value: Fraction) -> None:
    assert exact(text) == value


def test_a_tenth_as_text_and_as_binary_float_differ() -> None:
    assert exact("0.1") == Fraction(1, 10)
    assert exact(0.1) == Fraction(3602879701896397, 36028797018963968)


@pytest.mark.parametrize(
    "value",
    [
        1,
        Fraction(3, 7),
        Decimal("0.1"),
        0.1,
        np.float64(0.1),
        np.float32(0.1),
        np.float16(0.1),
        np.longdouble("0.1"),
        np.int64(-3),
        np.uint8(7),
        np.array(0.25),
    ],
)
def test_python_and_numpy_numbers_keep_their_exact_value(value: object) -> None:
    number = exact(value)
    assert type(number) is fractions.Fraction
    assert (
        number == Fraction(*value.as_integer_ratio()) if hasattr(value, "as_integer_ratio") else 1
    )
    assert type(number.numerator) is int


@given(st.floats(allow_nan=False, allow_infinity=False))
@settings(deadline=None, print_blob=True)
def test_floats_round_trip(value: float) -> None:
    assert float(exact(value)) == value
    assert exact(to_text(exact(value))) == exact(value)


@given(st.fractions())
@settings(deadline=None, print_blob=True)
def test_text_round_trips(value: Fraction) -> None:
    assert exact(to_text(value)) == value


@given(st.text(max_size=12))
@settings(deadline=None, print_blob=True)
def test_any_text_gives_a_number_or_one_clear_line(text: str) -> None:
    try:
        number = exact(text, "data.x[0][0]")
    except InputError as error:
        message = str(error)
        assert message.startswith("data.x[0][0]: found ")
        assert "expected" in message
        assert message.isprintable()
    else:
        assert number == Fraction(text)


@pytest.mark.parametrize(
    "bad",
    [
        "",
        " 1",
        "1 ",
        "1\n",
        "1_000",
        "x",
        "1/-3",
        "1.5/2",
        "1e",
        ".",
        "0x10",
        "\u0661",
        "1,5",
        "--1",
    ],
)
def test_text_that_is_no_number(bad: str) -> None:
    with pytest.raises(InputError, match=r"^data\.x\[0\]: found '.*', expected a finite number"):
        exact(bad, "data.x[0]")


@pytest.mark.parametrize(
    "bad", [float("nan"), float("inf"), -float("inf"), np.float32("nan"), Decimal("NaN")]
)
def test_not_finite(bad: object) -> None:
    with pytest.raises(InputError, match=r"(?i)found '?-?(nan|inf)'?, expected a finite number"):
        exact(bad)


def test_zero_denominator() -> None:
    with pytest.raises(InputError, match="found a denominator of 0, expected"):
        exact("1/0")


@pytest.mark.parametrize(
    ("bad", "found"),
    [
        (True, "found true, .*; write 1 or 0"),
        (np.bool_(False), "found false"),
        (None, "found null"),
        ([1], "found a list of 1"),
        ({}, "found an object"),
        (1j, "found a complex"),
    ],
)
def test_no_number_at_all(bad: object, found: str) -> None:
    with pytest.raises(InputError, match=found):
        exact(bad)


@pytest.mark.parametrize(
    "bad",
    [
        "1e999999999",
        "1e-999999999",
        "1e" + "9" * 5000,
        "1" * (MAX_DIGITS + 1),
        "1" * 10**6,
        "1/" + "3" * (MAX_DIGITS + 1),
        "9" * MAX_DIGITS + "e1",
        10**MAX_DIGITS,
        Fraction(1, 10**MAX_DIGITS),
        Decimal("1e999999"),
    ],
    ids=lambda bad: str(type(bad).__name__),
)
def test_absurdly_long(bad: object) -> None:
    with pytest.raises(InputError, match=f"expected at most {MAX_DIGITS} digits .*; round it"):
        exact(bad)


def test_the_longest_number_round_trips() -> None:
    longest = Fraction(10**MAX_DIGITS - 1, 10 ** (MAX_DIGITS - 1))
    assert exact(to_text(longest)) == longest


def test_writing_a_number_too_long() -> None:
    with pytest.raises(InputError, match="round it"):
        to_text(Fraction(10**MAX_DIGITS))


@pytest.mark.parametrize(
    "value", ["a" * 10**5, "\n\t\ud800\u202e", 10**500, Fraction(1, 10**500), [0] * 99, object()]
)
def test_descriptions_are_short_and_on_one_line(value: object) -> None:
    assert shown(value).isprintable()
    assert len(shown(value)) < 60
