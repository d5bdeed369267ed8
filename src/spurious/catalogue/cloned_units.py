"""Two cloned tanh units with weight decay: a minimum among clones, and a saddle.

Joudaki et al. 2025: units with equal weights get equal gradients, so training never leaves the
points with cloned units, and the network has lost a unit. Here the loss has a strict minimum among
these points, and is eleven times as low outside: the point is a saddle that gradient descent from
cloned units converges to.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from spurious.problem import ProgramProblem
from spurious.problem import problem as dense_problem

X: Final = (-3, -1, 1, 2)
Y: Final = (0, 1, 0, 0)
DECAY: Final = Fraction(1, 100)

CLONE: Final = ("-1.23235633758523", "0.46551811456519", "0.13353491621459", "0.22769125643072")
"""Close to the minimum: weight, bias and output weight of both units, and the output bias."""

BETTER: Final = ("-0.547", "-1.255", "-0.879", "-0.011", "-1.146", "0.943", "-0.189")


def cloned_units() -> ProgramProblem:
    """The cloned point, and a better one with different units as witness."""
    weight, bias, out, last = map(Fraction, CLONE)
    point = [weight, weight, bias, bias, out, out, last]
    found = dense_problem(X, Y, hidden=2, activation="tanh", l2=DECAY, point=point)
    assert isinstance(found, ProgramProblem)
    witness = tuple(map(Fraction, BETTER))
    return ProgramProblem(found.program, found.point, witness, dense=found.dense)
