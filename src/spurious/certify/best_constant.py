"""The best constant output for some targets, and its loss."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from flint import arb

from spurious.exact.rationals import rational
from spurious.problem import Loss


def best_constant(
    loss: str, targets: Sequence[Fraction], factors: Sequence[Fraction]
) -> tuple[arb, Fraction | arb] | None:
    """The constant, in balls of the working precision, and its loss, exact for the squared loss.

    Args:
        loss: Squared or logistic.
        targets: Of one output; labels -1 and 1 for the logistic loss.
        factors: What the loss of each is multiplied by, not negative.

    Returns:
        None if there is no best constant: weights of 0 alone, or the logistic loss with labels of
        one kind.
    """
    whole = sum(factors, Fraction(0))
    if not whole:
        return None
    pairs = list(zip(factors, targets, strict=True))
    if loss == Loss.SQUARED:
        mean = weighted_mean(targets, factors)
        return arb(rational(mean)), sum((w * (mean - y) ** 2 for w, y in pairs), Fraction(0))
    ones = sum((w for w, y in pairs if y == 1), Fraction(0))
    if ones in (0, whole):
        return None
    parts = [rational(k) * arb(rational(whole / k)).log() for k in (ones, whole - ones)]
    return arb(rational(ones / (whole - ones))).log(), parts[0] + parts[1]


def weighted_mean(targets: Sequence[Fraction], factors: Sequence[Fraction]) -> Fraction:
    """The mean of targets with weights, not all of them 0."""
    total = sum((w * y for w, y in zip(factors, targets, strict=True)), Fraction(0))
    return total / sum(factors, Fraction(0))
