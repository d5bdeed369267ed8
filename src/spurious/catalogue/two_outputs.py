"""Two outputs: a bad minimum at a unit with no weight to one of them, but a slope there.

With one output, a unit of output weight 0 whose pull on the errors does not vanish nearby makes a
stationary point no minimum (Theorem 1; Wu, Simsek and Ged 2025 call such units escape neurons). So
it does with several outputs, if all its output weights are 0. If one of them is not, the point may
be a minimum: here the unit fits the first output exactly and is deaf to the second, which has
errors that it could lower by moving its kink and its weight together. What it would lose at the
first output is of the same order, and more.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from spurious.problem import Dataset, Loss, Network, Problem, unflatten

X: Final = (1, 2, 3, -1, -2)
SECOND: Final = ("3/2", "3/2", "-3/2", "-3/4", "-3/4")
"""Targets of the second output; those of the first are relu(x). At points where the unit is on they
are orthogonal to x, and do not add up to 0."""

DEAF: Final = "1 0 1 0 0 0"
BETTER: Final = "1.55419 -2.67526 1.32319 -0.78619 0.55946 0.38058"
"""Weight and bias of the unit, its output weights, the output biases."""


def two_outputs() -> Problem:
    """The bad minimum, which is exact, and a better point as witness."""
    network = Network((1, 1, 2), "relu")
    targets = tuple((Fraction(max(x, 0)), Fraction(y)) for x, y in zip(X, SECOND, strict=True))
    data = Dataset(tuple((Fraction(x),) for x in X), targets)
    point, witness = (
        unflatten([Fraction(number) for number in text.split()], network) for text in (DEAF, BETTER)
    )
    return Problem(network, Loss.SQUARED, data, point, witness)
