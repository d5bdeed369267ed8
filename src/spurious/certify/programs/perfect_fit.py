"""Rule `interpolation` for programs: is there a point nearby with the best outputs?"""

from __future__ import annotations

from dataclasses import replace

from spurious.certify.best_outputs import best_outputs_of_program
from spurious.certify.programs.interpolation import Interpolated, prove
from spurious.certify.programs.outcome import ProgramProof
from spurious.exact import balls
from spurious.problem.program_problem import FlatPoint
from spurious.program import Program
from spurious.verdict import Decision

__all__ = ["perfect_fit_of_program"]


def perfect_fit_of_program(program: Program, point: FlatPoint) -> ProgramProof | None:
    """A global minimum next to a point, with the best outputs there are; None if none is proved.

    Args:
        program: A loss that adds up squares.
        point: The point.
    """
    with balls.precision(balls.PRECISIONS[1]):
        best = best_outputs_of_program(program)
        if best is None:
            return None
        found = prove(program, best, point)
        if not isinstance(found, Interpolated):
            return None
    return ProgramProof(
        decision=Decision.LOCAL_MINIMUM_NEARBY,
        evidence=replace(found.evidence, outputs=best.outputs).to_data(),
        reason=found.reason,
        loss=found.loss,
        radius=found.radius,
        flat_dimension=found.flat_dimension,
        unbeaten=True,
    )
