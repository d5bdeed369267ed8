"""How probable it is that a shifted normal start has a first layer dead on most data: rigorously.

All probabilities are enclosed in ball arithmetic (python-flint's arb).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import sqrt
from typing import Final

from flint import arb, ctx

from spurious.construct.shifted_start import ShiftedStart
from spurious.errors import InputError

__all__ = [
    "SIGMA_RULES",
    "ProbabilityBounds",
    "dead_probability",
    "same_sign_probability",
    "sigma",
    "smallest_mean",
]

SIGMA_RULES: Final = ("lecun", "glorot", "1/h", "0.01")
"""Standard deviations of weights: LeCun's 1/fan-in and Glorot's 2/(fan-in + fan-out) as variances,
variance 1/h with h the hidden units of a layer, in every layer, as the paper words it, and 0.01."""

PRECISION: Final = 128
"""Bits of the balls."""

MEAN_DIGITS: Final = 10**4
"""The smallest mean is given as a multiple of 1 over this."""

Probability = Callable[[Fraction], "ProbabilityBounds"]


@dataclass(frozen=True, slots=True)
class ProbabilityBounds:
    """A probability between two proved bounds."""

    lower: float
    upper: float


def sigma(rule: str, fan_in: int, fan_out: int, hidden: int) -> float:
    """The standard deviation of a layer's weights.

    Raises:
        InputError: An unknown rule.
    """
    if rule not in SIGMA_RULES:
        raise InputError(f"sigma: found {rule!r}, expected one of {', '.join(SIGMA_RULES)}")
    return {
        "lecun": 1 / sqrt(fan_in),
        "glorot": sqrt(2 / (fan_in + fan_out)),
        "1/h": 1 / sqrt(hidden),
        "0.01": 0.01,
    }[rule]


def dead_probability(
    data: ShiftedStart, mean: Fraction, std: float, units: int
) -> ProbabilityBounds:
    """The probability that every first-layer unit is off on all points but the outliers.

    One unit fails with probability at most the sum, at least the maximum, of the tails
    Phi(-mean/(c std |x|)) over the bulk's vertices (Bonferroni); the units are independent.

    Args:
        data: The dataset.
        mean: Of all weights of the first layer, positive.
        std: Their standard deviation.
        units: Number of first-layer units.

    Raises:
        InputError: A number out of range.
    """
    _check(mean, std, units)
    with ctx.workprec(PRECISION):
        shift = _ball(mean) / _ball(data.outlier[0])
        tails = [
            _tail(shift / (arb(std) * _ball(sum((v * v for v in x), Fraction(0))).sqrt()))
            for x in data.vertices
        ]
        total = sum(tails, arb(0))
        largest = max(tails, key=lambda ball: float(ball.mid()))
        low = (units * (1 - total).log()).exp() if total < 1 else arb(0)
        high = (units * (1 - largest).log()).exp()
        return ProbabilityBounds(_below(low), _above(high))


def same_sign_probability(
    widths: Sequence[int], mean: Fraction, stds: Sequence[float]
) -> ProbabilityBounds:
    """The probability that all weights of a network have the sign of their mean, exactly.

    Args:
        widths: Inputs, hidden units layer by layer, outputs.
        mean: Of all weights, positive.
        stds: Standard deviation of each layer's weights.

    Raises:
        InputError: A number out of range.
    """
    with ctx.workprec(PRECISION):
        total = arb(0)
        for (below, above), std in zip(pairwise(widths), stds, strict=True):
            _check(mean, std, 1)
            total += below * above * (1 - _tail(_ball(mean) / arb(std))).log()
        found = total.exp()
        return ProbabilityBounds(_below(found), _above(found))


def smallest_mean(probability: Probability, eps: float) -> Fraction:
    """The smallest multiple of 1/10,000 at which a probability is proved to be at least 1 - eps.

    Args:
        probability: Grows with the mean.
        eps: Between 0 and 1.

    Raises:
        InputError: `eps` is not between 0 and 1.
    """
    if not 0 < eps < 1:
        raise InputError(f"eps: found {eps}, expected a number between 0 and 1")
    low, high = 0, 1

    def enough(steps: int) -> bool:
        return probability(Fraction(steps, MEAN_DIGITS)).lower >= 1 - eps

    while not enough(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return Fraction(high, MEAN_DIGITS)


def _check(mean: Fraction, std: float, units: int) -> None:
    if mean <= 0:
        raise InputError(f"mean: found {mean}, expected a positive number")
    if not 0 < std < float("inf"):
        raise InputError(f"sigma: found {std}, expected a positive number")
    if units < 1:
        raise InputError(f"units: found {units}, expected at least 1")


def _tail(z: arb) -> arb:
    """P(N(0, 1) > z)."""
    return (z / arb(2).sqrt()).erfc() / 2


def _ball(value: Fraction) -> arb:
    return arb(value.numerator) / arb(value.denominator)


def _below(ball: arb) -> float:
    """A float at most the ball's lower end."""
    return max(float(ball.lower()) * (1 - 2**-50), 0.0)


def _above(ball: arb) -> float:
    """A float at least the ball's upper end."""
    return min(float(ball.upper()) * (1 + 2**-50), 1.0)
