"""The hinge loss: a bad minimum on a perfectly flat piece.

Laurent and von Brecht 2018: with a hinge loss the minima of ReLU networks lie on kinks, or where
the loss is constant. Here two points of Jellyfish are beyond their margin and two, of opposite
labels, have no unit on and output 0. Near the point no parameter has any effect: what the output
bias gains at one of the two it loses at the other.
"""

from __future__ import annotations

from fractions import Fraction

from spurious.catalogue.valley import bad_valley
from spurious.problem import ProgramProblem, dataset, flatten
from spurious.problem import problem as dense_problem


def hinge_plateau() -> ProgramProblem:
    """The flat point of loss 2; the witness is beyond the margin at all points."""
    valley = bad_valley()
    assert valley.point is not None and valley.witness is not None
    data = dataset("jellyfish").data
    found = dense_problem(data.x, data.y, hidden=2, loss="hinge", point=flatten(valley.point))
    assert isinstance(found, ProgramProblem)
    witness = tuple(map(Fraction, flatten(valley.witness)))
    return ProgramProblem(found.program, found.point, witness, dense=found.dense)
