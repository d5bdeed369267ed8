"""The best constant output for some targets, and its loss."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from flint import arb, fmpq

from spurious.exact.rationals import rational
from spurious.problem import Loss


def best_constant(loss: Loss, targets: Sequence[Fraction]) -> tuple[arb, Fraction | arb] | None:
    """The constant, in balls of the working precision, and its loss, exact for the squared loss.

    Args:
        loss: Squared or logistic.
        targets: Of one output; labels -1 and 1 for the logistic loss.

    Returns:
        None if there is no best constant: the logistic loss with labels of one kind.
    """
    count = len(targets)
    if loss is Loss.SQUARED:
        mean = sum(targets, Fraction(0)) / count
        return arb(rational(mean)), sum(((mean - y) ** 2 for y in targets), Fraction(0))
    ones = targets.count(Fraction(1))
    if ones in (0, count):
        return None
    parts = [k * arb(fmpq(count, k)).log() for k in (ones, count - ones)]
    return arb(fmpq(ones, count - ones)).log(), parts[0] + parts[1]
