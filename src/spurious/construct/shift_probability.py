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

import numpy as np
from flint import arb, ctx

from spurious.construct.shifted_start import ShiftedStart
from spurious.errors import InputError

CHUNK: Final = 10**7
"""Random numbers drawn together."""

SIGMA_RULES: Final = ("lecun", "glorot", "1/h", "0.01")
"""Standard deviations of weights: LeCun's 1/fan-in and Glorot's 2/(fan-in + fan-out) as variances,
variance 1/h with h the hidden units of a layer, in every layer, as the paper words it, and 0.01."""

PRECISION: Final = 128
"""Bits of the balls."""

MEAN_DIGITS: Final = 4
"""Digits of a smallest mean."""

LEAST_MEAN: Final = Fraction(1, 10**30)
"""Smallest means are not sought below."""

LEAST_EPS: Final = 1e-12
"""Probabilities nearer to 1 are lost in rounding."""

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


def drawn_dead(
    data: ShiftedStart, mean: float, std: float, units: int, draws: int, seed: int = 0
) -> int:
    """How many of some drawn first layers are off on all points but the outliers.

    Args:
        data: The dataset.
        mean: Mean of the weights.
        std: Their standard deviation.
        units: In the first layer.
        draws: Number of layers.
        seed: Seed of the draws.
    """
    vertices = np.array(data.vertices, dtype=float)
    generator = np.random.default_rng(seed)
    chunk = max(CHUNK // (units * data.data.inputs), 1)
    dead = 0
    for first in range(0, draws, chunk):
        size = (min(chunk, draws - first), units, data.data.inputs)
        weight = generator.normal(mean, std, size)
        dead += int((weight @ vertices.T < 0).all(axis=(1, 2)).sum())
    return dead


def same_sign_probability(
    widths: Sequence[int], mean: Fraction, stds: Sequence[float]
) -> ProbabilityBounds:
    """The probability that all weights of a network have the sign of their mean, exactly.

    Args:
        widths: Inputs, hidden units layer by layer, outputs.
        mean: Mean of all weights, positive.
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
    """The smallest mean, to four digits, from which a probability is proved to be 1 - eps or more.

    Args:
        probability: Grows with the mean.
        eps: Between 1e-12 and 1.

    Returns:
        A mean that is enough; less by one unit of its fourth digit is not.

    Raises:
        InputError: `eps` is out of range.
    """
    if not 0 < eps < 1:
        raise InputError(f"eps: found {eps}, expected a number between 0 and 1")
    if eps < LEAST_EPS:
        raise InputError(f"eps: found {eps}, expected at least {LEAST_EPS}")

    def enough(mean: Fraction) -> bool:
        return probability(mean).lower >= 1 - eps

    decade = Fraction(1)
    while not enough(decade):
        decade *= 10
    while decade > LEAST_MEAN and enough(decade / 10):
        decade /= 10
    unit = decade / 10**MEAN_DIGITS
    low, high = 10 ** (MEAN_DIGITS - 1), 10**MEAN_DIGITS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle * unit) else (middle, high)
    return high * unit


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
