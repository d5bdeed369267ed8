"""A bad valley to infinity: log loss, four points, two of them given up.

On Jellyfish one relu unit sees only the point (1, 0), the other only (0, 1); their output weights
grow for ever and take these points' losses to 0. The two other points have output 0 and opposite
labels, so their loss stays at 2 log 2. No point of the valley is a local minimum, and yet training
follows it for ever: the limit 2 log 2 is above the global infimum 0.

Such valleys are why statements about local minima need "or at infinity": Josz and Li 2023
certify their absence in simple problems.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from spurious.problem import Layer, Loss, Network, Point, Problem, dataset

HALF: Final = Fraction(1, 2)


def bad_valley() -> Problem:
    """A point in the valley, and a better point that classifies everything, as witness."""
    data = dataset("jellyfish").data
    network = Network((2, 2, 1), "relu")
    blind = Layer(((Fraction(1), Fraction(-1)), (Fraction(-1), Fraction(1))), (-HALF, -HALF))
    point = Point((blind, Layer(((Fraction(10), Fraction(-10)),), (Fraction(0),))))
    return Problem(network, Loss.LOGISTIC, data, point, _separating())


def _separating() -> Point:
    """On t = x_1 + 3/4 x_2 the positive points lie at 0.65 and 1, the negative ones at 0.75."""
    along = (Fraction(1), Fraction(3, 4))
    outer = (Fraction(-1), Fraction(-3, 4))
    return Point(
        (
            Layer((along, outer), (Fraction(-7, 8), Fraction(7, 10))),
            Layer(((Fraction(80), Fraction(200)),), (Fraction(-5),)),
        )
    )
