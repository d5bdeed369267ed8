"""What a rule decides about: a problem's point, and what counts as near it; and what a rule is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, TypeVar

from spurious.certify.arithmetics import loss_at
from spurious.certify.evaluate import Evaluation, evaluate
from spurious.certify.exact_gradient import is_homogeneous, point_loss
from spurious.errors import InputError
from spurious.problem import (
    DenseLoss,
    FlatPoint,
    Loss,
    Network,
    Penalty,
    Point,
    Problem,
    ProgramProblem,
    flatten,
    unflatten,
)
from spurious.program import Program
from spurious.proof import Place, Proof, Undecided
from spurious.verdict import Enclosure

NEARBY = Fraction(1, 100)
"""A critical point counts as nearby within this share of max(1, largest parameter)."""


def nearby_limit(point: FlatPoint) -> Fraction:
    """How far from a point, shape (P,), a critical point still counts as nearby: largest entry."""
    return NEARBY * max(Fraction(1), *(abs(value) for value in point))


def distance(left: FlatPoint, right: FlatPoint) -> Fraction:
    """The largest difference of a parameter."""
    return max(abs(a - b) for a, b in zip(left, right, strict=True))


T = TypeVar("T")


class Subject:
    """A problem's point, handed from rule to rule.

    Args:
        asked: A problem with a point, of a dense network or any program.

    Attributes:
        asked: The same.
        loss: Where it is a dense network's, how people write that down; else None.
        program: The loss.
        values: The point, shape (P,).

    Raises:
        InputError: The problem has no point.
    """

    def __init__(self, asked: Problem | ProgramProblem) -> None:
        if asked.point is None:
            raise InputError("point: missing, but certify needs the point to decide about; add it")
        self.asked = asked
        self.loss = asked.dense
        if isinstance(asked, ProgramProblem):
            self.program: Program = asked.program
            self.values: FlatPoint = asked.point
        else:
            self.program, self.values = asked.dense.program(), flatten(asked.point)
        self._known: dict[Callable[[Subject], object], Any] = {}

    @property
    def layered(self) -> bool:
        """Whether it is a problem of format 1: its certificates write points layer by layer."""
        return isinstance(self.asked, Problem)

    @cached_property
    def _unpenalised(self) -> DenseLoss | None:
        """A dense network's loss without penalty, with weights that are not negative."""
        loss = self.loss
        if loss is None or min(loss.factors) < 0:
            return None
        return replace(loss, penalty=Penalty()) if loss.penalty.free_of_cost(loss.network) else None

    @property
    def hinge(self) -> DenseLoss | None:
        """A dense network's hinge loss, with weights that are not negative and without penalty."""
        loss = self._unpenalised
        return loss if loss is not None and loss.loss == "hinge" else None

    @property
    def is_dense(self) -> bool:
        """Whether it is a dense network's sum of losses, with weights that are not negative.

        A mean is such a sum. There is no penalty, and the loss is one of `Loss`.
        """
        return self._unpenalised is not None and self._unpenalised.loss in list(Loss)

    @property
    def dense(self) -> DenseLoss:
        """The dense network's sum of losses.

        Raises:
            TypeError: It is of another kind.
        """
        if self._unpenalised is None or not self.is_dense:
            raise TypeError("this rule is for sums of losses of dense networks")
        return self._unpenalised

    @cached_property
    def point(self) -> Point:
        """The dense network's point, layer by layer."""
        return unflatten(self.values, self.network)

    @property
    def network(self) -> Network:
        """The dense network, also of a loss with a penalty, or of the hinge loss.

        Raises:
            TypeError: It is none.
        """
        if self.loss is None:
            raise TypeError("this rule is for dense networks")
        return self.loss.network

    @property
    def single(self) -> bool:
        """Whether it is a dense network with one hidden layer and one output."""
        return self.is_dense and self.network.depth == 1 and self.network.outputs == 1

    @cached_property
    def evaluation(self) -> Evaluation:
        """The homogeneous network at the point, exactly."""
        return evaluate(self.dense, self.point)

    @property
    def homogeneous(self) -> bool:
        """Whether it is a dense network whose outputs at rational points are rational."""
        return self.is_dense and is_homogeneous(self.dense)

    def at(self, point: Point) -> Subject:
        """Another point of the same loss of a dense network."""
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
        return unflatten(values, self.network) if self.layered else values

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


@dataclass(frozen=True, slots=True)
class Rule:
    """A way of deciding about a point.

    Attributes:
        applies: Whether the rule is for this kind of problem, and worth trying.
        prove: Decides, or says why it does not; a `ProgramError` says so, too.
    """

    applies: Callable[[Subject], bool]
    prove: Callable[[Subject], Proof | Undecided]
