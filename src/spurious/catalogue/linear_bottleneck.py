"""A linear network with a bottleneck and log loss: a bad minimum on six points.

Trager, Kohn and Bruna 2020: with a quadratic loss, linear networks have no bad local minima even
where the bottleneck bounds the rank; with other smooth convex losses they may. Here two inputs pass
one linear unit to two outputs with a logistic loss each. The hidden bias and a rescaling do nothing
that others could not do, so the minimum is flat in two directions (Theorem 24).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from spurious.problem import Dataset, Loss, Network, Problem, unflatten

INPUTS: Final = ((1, -3), (3, 2), (2, -2), (-1, -1), (3, -3), (-2, -1))
LABELS: Final = ((-1, 1), (-1, -1), (-1, 1), (1, -1), (1, -1), (1, -1))

NEAR: Final = "-1.17693614 -1.23656944 -0.54660807 0.50431228 0.14792003 -0.19180683 -0.72303125"
BETTER: Final = "0.2377452 1.1159952 1.9397189 -0.3600600 -1.3689768 0.2114868 -0.6706085"
"""Close to two minima: weights and bias of the unit, then of the outputs."""


def linear_bottleneck() -> Problem:
    """The point close to the bad minimum, the one close to the other minimum as witness."""
    network = Network((2, 1, 2), "identity")
    x, y = (tuple(tuple(map(Fraction, row)) for row in rows) for rows in (INPUTS, LABELS))
    near, better = (
        unflatten([Fraction(number) for number in text.split()], network) for text in (NEAR, BETTER)
    )
    return Problem(network, Loss.LOGISTIC, Dataset(x, y), near, better)
