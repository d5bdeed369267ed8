from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spurious.proof import (
    Claim,
    exact_text,
    interval_text,
    loss_text,
    proved_decimal,
    verdict_text,
)
from spurious.verdict import Answer, Decision, Enclosure

numbers = st.fractions(min_value=-(10**9), max_value=10**9, max_denominator=10**12)
radii = st.fractions(min_value=0, max_value=10, max_denominator=10**15)


def last_unit(text: str) -> Fraction:
    return Fraction(10) ** int(Decimal(text).as_tuple().exponent)


@given(numbers, radii)
def test_every_digit_shown_is_proved(mid: Fraction, rad: Fraction) -> None:
    text = proved_decimal(Enclosure(mid, rad))
    off = abs(Fraction(Decimal(text)) - mid) + rad
    if rad:
        assert off <= last_unit(text)
    else:
        assert off <= abs(mid) * Fraction(1, 10**11)


@given(numbers, radii)
def test_the_interval_shown_contains_the_enclosure(mid: Fraction, rad: Fraction) -> None:
    text = interval_text(Enclosure(mid, rad))
    if "+/-" in text:
        middle, half = (Fraction(Decimal(part)) for part in text.split(" +/- "))
        assert middle - half <= mid - rad
        assert mid + rad <= middle + half
    else:
        assert rad == 0


@given(numbers)
def test_an_exact_loss_is_written_exactly(value: Fraction) -> None:
    assert Fraction(loss_text(Enclosure(value))) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Enclosure(Fraction(18)), "18"),
        (Enclosure(Fraction(0)), "0"),
        (Enclosure(Fraction(2, 3)), "2/3 ~ 0.666667"),
        (Enclosure(Fraction(21, 5)), "4.2"),
        (Enclosure(Fraction("5.77737844906"), Fraction(1, 10**13)), "5.77737844906 +/- 1e-11"),
        (Enclosure(Fraction("-0.25"), Fraction(1, 1000)), "-0.250 +/- 1e-3"),
    ],
)
def test_intervals_in_words(value: Enclosure, text: str) -> None:
    assert interval_text(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [("18", "18"), ("1/2", "0.5"), ("2/3", "2/3"), ("1e-30", "1e-30"), ("129/100000", "0.00129")],
)
def test_exact_numbers_in_words(value: str, text: str) -> None:
    assert exact_text(Fraction(value)) == text


def test_long_numbers_stay_short() -> None:
    long = Fraction(10**60 + 1, 3**80)
    assert len(exact_text(long)) < 25
    assert len(interval_text(Enclosure(long))) < 40


def claim(decision: Decision, strict: Answer, rescaled: Answer) -> Claim:
    radius = Fraction(3, 10**20) if decision is Decision.LOCAL_MINIMUM_NEARBY else None
    return Claim(decision, strict=strict, strict_up_to_rescaling=rescaled, radius=radius)


@pytest.mark.parametrize(
    ("decision", "strict", "rescaled", "words"),
    [
        ("undecided", "unknown", "unknown", "undecided"),
        ("not_local_minimum", "unknown", "unknown", "not a local minimum"),
        ("local_minimum", "yes", "yes", "strict local minimum"),
        ("local_minimum", "no", "yes", "local minimum, strict up to rescaling"),
        ("local_minimum", "no", "no", "local minimum, not strict"),
        ("local_minimum", "unknown", "unknown", "local minimum"),
        (
            "local_minimum_nearby",
            "yes",
            "yes",
            "strict local minimum, within 3.0e-20 of the point",
        ),
    ],
)
def test_verdicts_in_words(decision: str, strict: str, rescaled: str, words: str) -> None:
    assert verdict_text(claim(Decision(decision), Answer(strict), Answer(rescaled))) == words
