"""What is decided about: a problem's point, with whatever was computed about it so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from typing import Any, TypeVar, cast

from spurious.certify.arithmetics import loss_at
from spurious.certify.evaluate import Evaluation, evaluate
from spurious.certify.neighbourhood import distance
from spurious.certify.point_loss import is_homogeneous, point_loss
from spurious.errors import InputError
from spurious.exact.rationals import vector
from spurious.problem import (
    FlatPoint,
    Loss,
    Network,
    Point,
    Problem,
    ProgramProblem,
    flatten,
    program_of,
    unflatten,
)
from spurious.program import Program
from spurious.proof import Place
from spurious.verdict import Enclosure

T = TypeVar("T")


class Subject:
    """A problem's point, handed from rule to rule.

    Args:
        asked: A problem with a point, of a dense network or any program.

    Attributes:
        asked: The same.
        program: The loss.
        values: The point, shape (P,).

    Raises:
        InputError: The problem has no point.
    """

    def __init__(self, asked: Problem | ProgramProblem) -> None:
        if asked.point is None:
            raise InputError("point: missing, but certify needs the point to decide about; add it")
        self.asked = asked
        if isinstance(asked, ProgramProblem):
            self.program: Program = asked.program
            self.values: FlatPoint = asked.point
        else:
            self.program, self.values = program_of(asked), flatten(asked.point)
        self._known: dict[Callable[[Subject], object], Any] = {}

    @property
    def is_dense(self) -> bool:
        """Whether it is a dense network's."""
        return isinstance(self.asked, Problem)

    @property
    def dense(self) -> Problem:
        """The dense network's problem.

        Raises:
            TypeError: It is of another kind.
        """
        if isinstance(self.asked, ProgramProblem):
            raise TypeError("this rule is for dense networks")
        return self.asked

    @property
    def point(self) -> Point:
        """The dense network's point, layer by layer."""
        return cast("Point", self.dense.point)

    @cached_property
    def weighted(self) -> Problem | None:
        """The network, loss and data of a weighted sum or mean of losses; None if it is none.

        Of one hidden layer and a homogeneous activation, without penalty, and with weights that are
        not negative. The problem returned has the point, but not the weights.
        """
        asked = self.asked
        dense = asked.dense if isinstance(asked, ProgramProblem) else None
        if dense is None or dense.loss not in list(Loss) or min(dense.factors) < 0:
            return None
        network = dense.network
        if network.depth != 1 or not network.homogeneous or not dense.penalty.free_of_cost(network):
            return None
        return Problem(network, Loss(dense.loss), dense.data, unflatten(self.values, network))

    @property
    def network(self) -> Network:
        """The dense network, or that of `weighted`."""
        return (self.weighted or self.dense).network

    @property
    def single(self) -> bool:
        """Whether it has one hidden layer and one output: a dense network, or `weighted`."""
        if not self.is_dense and self.weighted is None:
            return False
        return self.network.depth == 1 and self.network.outputs == 1

    @cached_property
    def evaluation(self) -> Evaluation:
        """The homogeneous network at the point, exactly."""
        if self.weighted is None:
            return evaluate(self.dense, self.point)
        assert isinstance(self.asked, ProgramProblem) and self.asked.dense is not None
        at = self.weighted.point
        assert at is not None
        return evaluate(self.weighted, at, vector(self.asked.dense.factors))

    @property
    def homogeneous(self) -> bool:
        """Whether it is a dense network whose outputs at rational points are rational."""
        return self.is_dense and is_homogeneous(self.dense)

    @property
    def exact(self) -> bool:
        """Whether `evaluation` is there: `homogeneous`, or `weighted`."""
        return self.homogeneous or self.weighted is not None

    def at(self, point: Point) -> Subject:
        """Another point of the same loss: of a dense network, or `weighted`."""
        if isinstance(self.asked, Problem):
            return Subject(replace(self.asked, point=point))
        return Subject(replace(self.asked, point=flatten(point)))

    @property
    def smooth(self) -> bool:
        """Whether it is a dense network with a smooth activation."""
        return self.is_dense and not is_homogeneous(self.dense)

    @property
    def witness(self) -> FlatPoint | None:
        """The point believed to be better, shape (P,)."""
        witness = self.asked.witness
        return flatten(witness) if not isinstance(witness, tuple | None) else witness

    def once(self, function: Callable[[Subject], T]) -> T:
        """What a function says of this subject; computed at the first call."""
        if function not in self._known:
            self._known[function] = function(self)
        return self._known[function]

    def place(self, values: FlatPoint) -> Place:
        """A point or direction, shape (P,), as certificates of this problem write it."""
        return unflatten(values, self.network) if self.is_dense else values

    def loss_at(self, values: FlatPoint) -> Enclosure:
        """The loss at a point, shape (P,): exact where it is rational, else enclosed.

        Raises:
            ProgramError: a function is undefined there.
            OutOfRangeError: it is too large.
        """
        if self.is_dense:
            return point_loss(self.dense, unflatten(values, self.network))
        return loss_at(self.program, values)

    def distance(self, values: FlatPoint) -> Fraction:
        """The largest difference of a parameter from the point's."""
        return distance(self.values, values)
