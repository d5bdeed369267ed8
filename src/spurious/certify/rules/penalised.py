"""Rule `penalised`: minima of piecewise linear networks with weight decay, at any depth.

Theorems 28 and 29 (`docs/mathematics.md`, section 16). The penalty ends rescaling, so on the face
of the pairs held on their kinks a minimum is isolated but for turns of units with one pattern and
for shifts of biases that cost nothing: Krawczyk's test encloses it once some parameters are fixed.
Units whose weights are zero are left out, if what leaving gains is less than it costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb, arb_mat

from spurious.certify.arithmetics import BallProgram, around
from spurious.certify.critical import critical_point
from spurious.certify.enclosures import enclosure
from spurious.certify.face_search import Proposal, proposals
from spurious.certify.isolation import Isolation, is_injective, isolated
from spurious.certify.neighbourhood import nearby_limit
from spurious.certify.pattern import Pattern, Unit, lagrangian
from spurious.certify.rule import Rule
from spurious.certify.rules.convex_ball import incoming_indices
from spurious.certify.subject import Subject
from spurious.certify.symmetries import Symmetry, chosen, field_of
from spurious.certify.zero_units import AtZero, bound_at_kept_bias, bound_by, propose
from spurious.exact import balls
from spurious.exact.rationals import rational
from spurious.problem import DenseLoss, FlatPoint, Network, ProgramProblem, program_of
from spurious.program import Program, ProgramError, dense_layers
from spurious.proof import Claim, ConeTree, Penalised, Proof, Undecided, ZeroUnit
from spurious.verdict import Answer, Decision

__all__ = ["RULE", "prove_on"]

PARAMETER_LIMIT = 200
"""With more parameters no face is tried: the certificate holds a matrix of that size."""

LEAST_RADIUS = Fraction(1, 10**28)
"""Of a box: so that few bits are enough to check it."""

LOSS_WIDER = 16
"""The loss is enclosed over a box wider by this factor, so that a checker's enclosure fits in."""

ENOUGH = 1 - 1e-9
"""A bound has to be below its limit by this factor: a proposal."""


@dataclass(frozen=True, slots=True, eq=False)
class _Box:
    """A box around a critical point of Lambda on a face.

    Attributes:
        loss: What is minimised.
        pattern: The face.
        free: Flat indices of the parameters that vary, ascending.
        centre: All parameters, shape (P,).
        isolation: The box in the free parameters and the multipliers.
    """

    loss: DenseLoss
    pattern: Pattern
    free: tuple[int, ...]
    centre: FlatPoint
    isolation: Isolation

    @property
    def inside(self) -> list[arb]:
        """The free parameters and the multipliers over the box."""
        return around(self.isolation.centre, self.isolation.radius)

    @property
    def values(self) -> list[arb]:
        """All parameters over the box, shape (P,)."""
        found = around(self.centre)
        for p, value in zip(self.free, self.inside, strict=False):
            found[p] = value
        return found


def _loss(subject: Subject) -> DenseLoss | None:
    asked = subject.asked
    return asked.dense if isinstance(asked, ProgramProblem) else None


def _applies(subject: Subject) -> bool:
    loss = _loss(subject)
    if loss is None or not loss.network.homogeneous or not loss.network.depth:
        return False
    return loss.network.slopes[0] != loss.network.slopes[1]


def _prove(subject: Subject) -> Proof | Undecided:
    loss = _loss(subject)
    assert loss is not None
    if len(subject.values) > PARAMETER_LIMIT:
        return Undecided(f"a face is not tried with more than {PARAMETER_LIMIT} parameters")
    nearly = _nearly_zero(loss, subject.values)
    failed: dict[str, None] = {}
    for zero in dict.fromkeys((nearly, frozenset[Unit]())):
        for proposal in proposals(loss, subject.values, zero):
            try:
                found = prove_on(subject, loss, proposal)
            except np.linalg.LinAlgError:
                found = Undecided("on the face the numbers are too large for floats")
            except ProgramError as error:
                found = Undecided(f"on the face: {error}")
            if isinstance(found, Proof):
                return found
            failed[found.reason] = None
    return Undecided("; ".join(failed) or "no critical point was found on a face nearby")


def _nearly_zero(loss: DenseLoss, point: FlatPoint) -> frozenset[Unit]:
    """Units that may have zero weights at a point that still counts as near."""
    limit, layers = nearby_limit(point), incoming_indices(loss.network)
    found: set[Unit] = set()
    for layer, units in enumerate(layers[:-1]):
        (weight, bias), (outgoing, above) = loss.penalty.of(layer), loss.penalty.of(layer + 1)
        if not weight or not outgoing or not (bias or not above):
            continue
        for j, (*weights, own) in enumerate(units):
            paid = [*weights, *([own] if bias else []), *(row[j] for row in layers[layer + 1])]
            if all(abs(point[p]) <= limit for p in paid) and (bias or point[own]):
                found.add((layer, j))
    return frozenset(found)


def prove_on(subject: Subject, loss: DenseLoss, proposal: Proposal) -> Proof | Undecided:
    """Proves a minimum near a proposed point of a face.

    Raises:
        ProgramError: A function may be undefined there.
    """
    pattern, values = proposal.pattern, [Fraction(float(v)) for v in proposal.values]
    resting = _resting(loss.network, pattern)
    for p in resting:
        if not _is_kept(loss, pattern, p):
            values[p] = Fraction(0)
    live = [p for p in range(len(values)) if p not in resting]
    symmetries, fixed = chosen(loss, pattern, np.array(list(map(float, values))), live)
    free = tuple(p for p in live if p not in fixed)
    program = lagrangian(loss, pattern, tuple(values), free)
    start = [values[p] for p in free] + [Fraction(float(v)) for v in proposal.multipliers]
    critical = critical_point(program, tuple(start))
    if isinstance(critical, Undecided):
        return critical
    with balls.precision(balls.PRECISIONS[1]):
        isolation = isolated(program, critical, LEAST_RADIUS)
        if isinstance(isolation, Undecided):
            return isolation
        below = isolation.index - len(pattern.pairs)
        if below:
            return Undecided(f"the critical point on the face is a saddle of index {below}")
        for p, value in zip(free, isolation.centre, strict=False):
            values[p] = value
        box = _Box(loss, pattern, free, tuple(values), isolation)
        if subject.distance(box.centre) > nearby_limit(subject.values):
            return Undecided("the critical point on the face is not nearby")
        return _proved(subject, program, box, symmetries, fixed)


def _resting(network: Network, pattern: Pattern) -> set[int]:
    """All parameters of the units at zero."""
    layers = incoming_indices(network)
    return {
        p
        for layer, j in pattern.zero
        for p in (*layers[layer][j], *(row[j] for row in layers[layer + 1]))
    }


def _is_kept(loss: DenseLoss, pattern: Pattern, parameter: int) -> bool:
    """Whether it is the bias of a unit at zero, and costs nothing."""
    layers = incoming_indices(loss.network)
    return any(
        parameter == layers[layer][j][-1] and not loss.penalty.of(layer)[1]
        for layer, j in pattern.zero
    )


def _proved(
    subject: Subject,
    program: Program,
    box: _Box,
    symmetries: tuple[Symmetry, ...],
    fixed: Sequence[int],
) -> Proof | Undecided:
    """What is left to prove over the box: signs, (2), the symmetries, the units at zero."""
    if not _signs_hold(box):
        return Undecided("a pre-activation off the face may reach its kink")
    back = _Back.of(box)
    if not _stays(box, back):
        return Undecided("leaving the face may pay to first order")
    fields = [
        field_of(s, box.loss, box.pattern, box.values, lambda v: arb(rational(v)))
        for s in symmetries
    ]
    if fields and not is_injective(arb_mat([[field[p] for field in fields] for p in fixed])):
        return Undecided("the symmetries are not proved to be independent")
    zero = _zero_units(box, back)
    if zero is None:
        return Undecided("it may pay for a unit at zero to leave")
    return _package(subject, program, box, symmetries, zero)


def _signs_hold(box: _Box) -> bool:
    """Whether just the held pairs may be on their kink, among units that are not at zero."""
    run = BallProgram.of(program_of(box.loss)).run(box.values, order=0)
    found = [signs for _, signs in sorted(run.kink_signs().items())]
    return all(
        (np.where(np.abs(signs) == 1, signs, 0) == expected).all()
        for signs, expected in zip(found, box.pattern.signs, strict=True)
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Back:
    """What comes back from above, over the box.

    Attributes:
        held: D of each held pair.
        shifts: For each layer above one with units at zero D_ik, shape (n, width).
    """

    held: list[arb]
    shifts: dict[int, Any]

    @staticmethod
    def of(box: _Box) -> _Back:
        """By the gradient of Lambda with activations and shifts as further parameters."""
        program = lagrangian(box.loss, box.pattern, box.centre, box.free, activations=True)
        more = [arb(0)] * (program.parameter_count - len(box.inside))
        gradient = BallProgram.of(program).gradient([*box.inside, *more])
        shifts: dict[int, Any] = {}
        for level, width in enumerate(box.loss.network.widths[1:]):
            place = program.parameters.get(f"shifts[{level}]")
            if place is not None:
                shifts[level] = np.array(gradient[place], dtype=object).reshape(-1, width)
        held = program.parameters.get("activations", slice(0, 0))
        return _Back(gradient[held], shifts)


def _stays(box: _Box, back: _Back) -> bool:
    """Inequality (2) over the box."""
    network = box.loss.network
    bends = [network.slopes] * network.depth + [(Fraction(1), Fraction(0))]
    multipliers = box.inside[len(box.free) :]
    for pair, weight, mu in zip(box.pattern.pairs, back.held, multipliers, strict=True):
        above, below = map(rational, bends[pair.layer])
        if not balls.certainly_less(below * weight, mu):
            return False
        if not balls.certainly_less(mu, above * weight):
            return False
    return True


def _zero_units(box: _Box, back: _Back) -> tuple[ZeroUnit, ...] | None:
    """That every unit at zero stays, or None."""
    found: list[ZeroUnit] = []
    for layer, j in sorted(box.pattern.zero):
        trees = _trees(box, back, layer, j)
        if trees is None:
            return None
        found.append(ZeroUnit(layer, j, trees))
    return tuple(found)


def _trees(box: _Box, back: _Back, layer: int, j: int) -> tuple[ConeTree, ...] | None:
    """Trees that prove `sum_k m_k^2 < 4 l_v`, none where the bias is kept; None if it fails."""
    network, penalty = box.loss.network, box.loss.penalty
    shifts, zero = back.shifts[layer + 1], box.pattern.zero
    columns = [k for k in range(network.widths[layer + 2]) if (layer + 1, k) not in zero]
    unit = AtZero(_states(box, layer), network.slopes, penalty.of(layer))
    limit = 4 * penalty.of(layer + 1)[0]
    total, trees = arb(0), list[ConeTree]()
    if not penalty.of(layer)[1]:
        slope = box.pattern.slopes(network)[layer][0, j]
        for k in columns:
            total += balls.square(bound_at_kept_bias(unit, shifts[:, k].tolist(), slope))
        return () if balls.certainly_less(total, arb(rational(limit))) else None
    share = ENOUGH * (float(limit) / max(1, len(columns))) ** 0.5
    for enough in (share, 0.0) if len(columns) > 1 else (share,):
        total, trees = arb(0), list[ConeTree]()
        for k in columns:
            both = [(shifts[:, k] * sign).tolist() for sign in (1, -1)]
            proposed = [propose(unit, back, enough) for back in both]
            known = [tree for tree in proposed if tree is not None]
            if len(known) < 2:
                break
            bounds = [bound_by(tree, unit, back) for tree, back in zip(known, both, strict=True)]
            total += balls.square(bounds[0].max(bounds[1]))
            trees += known
        else:
            if balls.certainly_less(total, arb(rational(limit))):
                return tuple(trees)
    return None


def _states(box: _Box, layer: int) -> list[list[arb]]:
    """The inputs of a hidden layer at all data points, over the box."""
    if layer == 0:
        return [[arb(rational(v)) for v in row] for row in box.loss.data.x]
    program = program_of(box.loss)
    below = dense_layers(program)[layer - 1].preactivation
    z = BallProgram.of(program).run(box.values, order=0).values[below].tolist()
    slopes = box.pattern.slopes(box.loss.network)[layer - 1].tolist()
    return [
        [arb(rational(s)) * v for s, v in zip(*rows, strict=True)]
        for rows in zip(slopes, z, strict=True)
    ]


def _package(
    subject: Subject,
    program: Program,
    box: _Box,
    symmetries: tuple[Symmetry, ...],
    zero: tuple[ZeroUnit, ...],
) -> Proof:
    at = box.isolation
    flat = len(symmetries) + sum(_is_loose(box, unit) for unit in zero)
    value = BallProgram.of(program).loss(around(at.centre, LOSS_WIDER * at.radius))
    parts = [
        "with data points exactly on kinks" if box.pattern.pairs else "off the kinks",
        f"{len(zero)} units at zero" if zero else "",
        f"flat in {flat} directions" if flat else "",
    ]
    strict = Answer.NO if flat else Answer.YES
    return Proof(
        claim=Claim(
            Decision.LOCAL_MINIMUM_NEARBY,
            enclosure(value),
            strict=strict,
            strict_up_to_rescaling=strict,
            flat_dimension=flat,
            radius=balls.simple_above(subject.distance(box.centre) + at.radius),
        ),
        evidence=Penalised(
            box.centre, at.radius, box.free, tuple(at.centre[len(box.free) :]), at.preconditioner,
            zero, symmetries,
        ),
        reason=f"a minimum {', '.join(filter(None, parts))} is enclosed in a tiny box",
        minimum=box.centre,
    )  # fmt: skip


def _is_loose(box: _Box, unit: ZeroUnit) -> bool:
    """Whether the bias of a unit at zero costs nothing."""
    return not box.loss.penalty.of(unit.layer)[1]


RULE = Rule("penalised", _applies, _prove)
