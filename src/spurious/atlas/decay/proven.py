"""Local minima of a penalised loss, each unit at work on its own: proved by rule `penalised`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from spurious.atlas.decay.bounds import Enclosed
from spurious.atlas.decay.floats import Proposed
from spurious.atlas.decay.setting import DecaySetting
from spurious.certify.face_search import proposals
from spurious.certify.pattern import Pattern
from spurious.certify.rules.penalised import prove_on
from spurious.certify.subject import Subject
from spurious.exact import balls
from spurious.problem import DenseLoss, FlatPoint, Network, ProgramProblem
from spurious.program import ProgramError
from spurious.proof import Penalised, Proof
from spurious.verdict import Enclosure

__all__ = ["Proven", "explains", "prove_minimum", "with_units"]


@dataclass(frozen=True, slots=True, eq=False)
class Proven:
    """A local minimum whose units all are at work, no two of them in one direction.

    Attributes:
        cell: The regions of its units, one for each.
        tangent: For each unit all regions of its sign whose closed chamber it lies in.
        point: The middle of a tiny box that holds it, as parameters of a network with as many
            hidden units; without units the output's bias alone.
        loss: Its loss.
        held: Pairs of a unit and an input that are on their kink.
        enclosed: Its outputs.
    """

    cell: tuple[int, ...]
    tangent: tuple[frozenset[int], ...]
    point: FlatPoint
    loss: Enclosure
    held: int
    enclosed: Enclosed


def explains(minimum: Proven, cell: Sequence[int]) -> bool:
    """Whether it is the best point of a closed cell with all regions tangent to one of its units.

    Then every local minimum that has its live units in these regions has its outputs.
    """
    chosen = frozenset(cell)
    return all(own & chosen for own in minimum.tangent) and chosen <= frozenset[int]().union(
        *minimum.tangent
    )


def with_units(loss: DenseLoss, hidden: int) -> DenseLoss:
    """The same loss with another number of hidden units."""
    network = loss.network
    widths = (network.widths[0], hidden, network.widths[-1])
    return replace(loss, network=Network(widths, network.activation, network.slope))


def parameters(
    setting: DecaySetting, units: Sequence[tuple[int, Sequence[float]]], bias: float
) -> FlatPoint:
    """The balanced parameters of units given by sign and a.

    Args:
        setting: Costs.
        units: For each a sign and a, shape (d + 1,), which may be 0.
        bias: Of the output.
    """
    weight, own, outgoing, _ = map(float, setting.costs)
    rows, outs = list[np.ndarray](), list[float]()
    for sign, a in units:
        length = float(np.linalg.norm(a))
        v = (length * (weight / outgoing) ** 0.5) ** 0.5
        row = np.array(a, dtype=np.float64) / (v or 1.0)
        row[-1] /= (own / weight) ** 0.5
        rows.append(row)
        outs.append(sign * v)
    flat = [*(x for row in rows for x in row[:-1]), *(row[-1] for row in rows), *outs, bias]
    return tuple(Fraction(float(x)) for x in flat)


def prove_minimum(
    setting: DecaySetting, cell: Sequence[int], proposed: Proposed, enclosed: Enclosed
) -> Proven | str:
    """Proves the local minimum that a point of a cell is near to, or says why not.

    Args:
        setting: The setting.
        cell: Different regions, at least one.
        proposed: A point of the cell, all vectors at work.
        enclosed: The cell's best point.
    """
    loss = with_units(setting.loss, len(cell))
    units = [(setting.regions[r].sign, a) for r, a in zip(cell, proposed.vectors, strict=True)]
    point = parameters(setting, units, proposed.bias)
    subject = Subject(ProgramProblem(loss.program(), point, dense=loss))
    reasons: dict[str, None] = {}
    for proposal in proposals(loss, point):
        try:
            found = prove_on(subject, loss, proposal)
        except (ProgramError, np.linalg.LinAlgError) as error:
            reasons[str(error)] = None
            continue
        if not isinstance(found, Proof):
            reasons[found.reason] = None
            continue
        evidence = found.evidence
        assert isinstance(evidence, Penalised) and found.claim.loss is not None
        minimum = Proven(
            tuple(cell),
            _tangent(setting, units, proposal.pattern),
            evidence.centre,
            found.claim.loss,
            len(proposal.pattern.pairs),
            enclosed,
        )
        if not evidence.symmetries and explains(minimum, cell):
            return minimum
        reasons["units of one direction share their work"] = None
    return "; ".join(reasons) or "no critical point was found on a face nearby"


def _tangent(
    setting: DecaySetting, units: Sequence[tuple[int, object]], pattern: Pattern
) -> tuple[frozenset[int], ...]:
    first = [group[0] for group in setting.groups]
    signs = pattern.signs[0][first]
    return tuple(
        setting.chambers_of(sign, tuple(int(s) for s in signs[:, j]))
        for j, (sign, _) in enumerate(units)
    )


def constant(setting: DecaySetting, proposed: Proposed, enclosed: Enclosed) -> Proven:
    """The best constant: no unit is at work."""
    low, high = balls.bounds(enclosed.low)[0], balls.bounds(enclosed.high)[1]
    loss = Enclosure((low + high) / 2, (high - low) / 2)
    return Proven((), (), (Fraction(proposed.bias),), loss, 0, enclosed)
