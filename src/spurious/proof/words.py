"""Numbers and verdicts in words a person reads: exact where exact, proved digits otherwise."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import floor, log10
from typing import TYPE_CHECKING, Final

from spurious.proof.claim import Claim
from spurious.proof.fall import Unfinished
from spurious.verdict import Answer, Decision, Enclosure

if TYPE_CHECKING:
    pass

SIGNIFICANT: Final = 12
"""Most significant digits shown of a number that is not short and exact."""

SHORT_DECIMAL: Final = 10
"""Exact decimals of up to this many characters are preferred to fractions."""

BESIDE_FRACTION: Final = 6
"""Significant digits of a decimal that stands beside an exact fraction."""

LONGEST_FRACTION: Final = 24
"""Fractions with more characters are shown to people as decimals."""


def exact_text(value: Fraction) -> str:
    """An exact number for a person: `18`, `0.5`, `2/3`, or rounded where that is too long."""
    decimal = proved_decimal(Enclosure(value))
    if len(decimal) <= SHORT_DECIMAL and Fraction(Decimal(decimal)) == value:
        return decimal
    text = str(value)
    return text if len(text) <= LONGEST_FRACTION else decimal


def about_text(value: Fraction, digits: int = 2) -> str:
    """A number of any size with a few digits: `0.5`, `1.2e+1998`."""
    try:
        return f"{float(value):.{digits}g}"
    except OverflowError:
        return f"{Decimal(value.numerator) / Decimal(value.denominator):.{digits - 1}e}"


def proved_decimal(value: Enclosure, significant: int = SIGNIFICANT) -> str:
    """A decimal whose last digit is off by at most one unit from the enclosed number.

    Args:
        value: The number; the fewer digits are known, the fewer are shown.
        significant: Most digits to show.
    """
    return _decimal(value, significant)[0]


def loss_text(value: Enclosure) -> str:
    """The number as one string: the exact rational, else the decimal with its proved digits."""
    return str(value.mid) if value.exact else proved_decimal(value)


def interval_text(value: Enclosure) -> str:
    """The number with its interval: `18`, `2/3 ~ 0.666667`, `5.77737844906 +/- 1e-11`."""
    if value.exact:
        text = exact_text(value.mid)
        if "/" in text:
            return f"{text} ~ {_decimal(value, BESIDE_FRACTION)[0]}"
        if Fraction(Decimal(text)) == value.mid:
            return text
    decimal, step = _decimal(value, SIGNIFICANT)
    return f"{decimal} +/- {step}"


def verdict_text(claim: Claim) -> str:
    """The decision in words, with strictness: `strict local minimum, within 1e-20`."""
    if claim.decision is Decision.UNDECIDED:
        return "undecided"
    if claim.decision is Decision.NOT_LOCAL_MINIMUM:
        return "not a local minimum"
    words = "local minimum"
    if claim.decision is Decision.SADDLE_NEARBY:
        words = f"saddle of index {claim.index}"
    elif claim.strict is Answer.YES:
        words = "strict local minimum"
    elif claim.strict_up_to_rescaling is Answer.YES:
        words = "local minimum, strict up to rescaling"
    elif claim.strict is Answer.NO:
        words = "local minimum, not strict"
    if claim.radius is not None:
        words += f", within {_short(claim.radius)} of the point"
    return words


def unfinished_text(value: Unfinished) -> str:
    """What an estimate says: `half of what is left takes about 12000 more updates ...`."""
    if value.updates is None or value.step is None:
        return (
            "gradient descent would take more than 10^15 updates, or never get there (an estimate)"
        )
    more = "1 more update" if value.updates == 1 else f"about {_rough(value.updates)} more updates"
    how = f"gradient descent with step {value.step:.2g}"
    return f"half of what is left takes {more} of {how} (an estimate)"


def _rough(count: int) -> str:
    """A number of updates with two digits."""
    size = 10 ** max(0, len(str(count)) - 2)
    return str(round(count / size) * size) if count < 10**6 else f"{count:.0e}".replace("e+0", "e")


def _short(value: Fraction) -> str:
    """A positive bound with two digits, rounded up."""
    power = floor(log10(value.numerator) - log10(value.denominator)) - 1
    digits = -floor(-value / Fraction(10) ** power)
    return f"{Decimal(digits).scaleb(power):.1e}".replace("e-0", "e-").replace("e+0", "e+")


def _decimal(value: Enclosure, significant: int) -> tuple[str, str]:
    """The decimal and one unit of its last digit."""
    size = abs(value.mid)
    exponent = floor(log10(size.numerator) - log10(size.denominator)) if size else 0
    if value.rad > size:
        exponent = floor(log10(value.rad.numerator) - log10(value.rad.denominator))
    places = significant - 1 - exponent
    lowest = places - significant - 1
    while places > lowest:
        unit = Fraction(10) ** -places
        count = round(value.mid / unit)
        if value.rad + abs(count * unit - value.mid) <= unit:
            break
        places -= 1
    unit = Fraction(10) ** -places
    shown = Decimal(round(value.mid / unit)).scaleb(-places)
    if value.exact and places > 0:
        shown = shown.normalize()
    plain = -5 <= exponent < SIGNIFICANT + 3 and places >= 0
    text = f"{shown:f}" if plain else f"{shown:e}".replace("e+", "e")
    return text, f"1e{-places}"
