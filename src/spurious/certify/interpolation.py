"""Rule `interpolation` for dense problems: is there a point nearby with the best outputs?"""

from __future__ import annotations

from spurious.certify.best_outputs import best_outputs
from spurious.certify.outcome import Proof
from spurious.certify.programs.interpolation import Interpolated, prove
from spurious.exact import balls
from spurious.problem import Network, Point, Problem, flatten, program_of, unflatten
from spurious.verdict import Answer, Decision

__all__ = ["perfect_fit"]


def perfect_fit(problem: Problem, point: Point) -> Proof | None:
    """A global minimum next to a point, with the best outputs there are; None if none is proved.

    Args:
        problem: A dense problem.
        point: The point.
    """
    with balls.precision(balls.PRECISIONS[1]):
        best = best_outputs(problem)
        if best is None:
            return None
        found = prove(program_of(problem), best, flatten(point))
        if not isinstance(found, Interpolated):
            return None
    strict = Answer.NO if found.flat_dimension else Answer.YES
    return Proof(
        decision=Decision.LOCAL_MINIMUM_NEARBY,
        evidence=found.evidence.to_data(),
        reason=found.reason,
        minimum=unflatten(found.evidence.centre, problem.network),
        loss=found.loss,
        radius=found.radius,
        strict=strict,
        strict_up_to_rescaling=_up_to_rescaling(problem.network, found.flat_dimension),
        flat_dimension=found.flat_dimension,
    )


def _up_to_rescaling(network: Network, flat_dimension: int) -> Answer:
    """Rescalings of hidden units make at most one dimension each, and none in smooth networks."""
    if flat_dimension == 0:
        return Answer.YES
    rescalings = sum(network.hidden) if network.homogeneous else 0
    return Answer.NO if flat_dimension > rescalings else Answer.UNKNOWN
