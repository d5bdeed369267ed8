"""What is studied where the loss is a program: the program and points of its parameter space."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from spurious.errors import InputError
from spurious.problem.dense_loss import DenseLoss
from spurious.program.program import Program

FlatPoint = tuple[Fraction, ...]
"""Parameters block by block, in the order of the program's blocks, shape (P,)."""


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class ProgramProblem:
    """A loss given as a program, with optional points.

    Attributes:
        program: The loss.
        point: The point in question, shape (P,), where there is one.
        witness: Another point, believed to have a smaller loss.
        dense: Where the program is a dense network's loss, how people write that down; files hold
            it in place of the operations.

    Raises:
        InputError: A point does not have as many entries as the program has parameters.

    Examples:
        >>> import spurious
        >>> spurious.problem([0, 1, 2], [0, 1, 0], hidden=2, activation="tanh", l2=0.01)
        <ProgramProblem: 1-2-1 tanh, 7 parameters, squared loss>
    """

    program: Program
    point: FlatPoint | None = None
    witness: FlatPoint | None = None
    dense: DenseLoss | None = None

    def __repr__(self) -> str:
        points = [name for name in ("point", "witness") if getattr(self, name) is not None]
        told = "".join(f", with a {name}" for name in points)
        count = f"{self.program.parameter_count} parameters"
        if self.dense is None:
            return f"<ProgramProblem: {count}, {len(self.program.operations)} operations{told}>"
        network = self.dense.network
        what = f"{network.shape_name} {network.activation}"
        return f"<ProgramProblem: {what}, {count}, {self.dense.loss} loss{told}>"

    def __post_init__(self) -> None:
        expected = self.program.parameter_count
        if not expected:
            raise InputError("program: found no parameters, expected at least one param operation")
        for name, point in (("point", self.point), ("witness", self.witness)):
            if point is not None and len(point) != expected:
                raise InputError(
                    f"{name}: found {len(point)} numbers, expected {expected}, one a parameter"
                )
