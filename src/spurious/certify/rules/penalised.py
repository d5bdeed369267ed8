"""Rule `penalised`: minima of piecewise linear networks with weight decay, at any depth.

Theorems 28 and 29 (`docs/mathematics.md`, section 16). The penalty ends rescaling, so on the face
of the pairs held on their kinks a minimum is isolated but for turns of units with one pattern and
for shifts of biases that cost nothing: Krawczyk's test encloses it once some parameters are fixed.
Units whose weights are zero are left out, if what leaving gains is less than it costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb, arb_mat

from spurious.certify.arithmetics import BallProgram
from spurious.certify.face_box import FaceBox, attempts, face_box
from spurious.certify.face_search import Proposal, proposals
from spurious.certify.isolation import is_injective
from spurious.certify.pattern import Pattern, Unit
from spurious.certify.right_angles import at_right_angles
from spurious.certify.subject import Rule, Subject, nearby_limit
from spurious.certify.symmetries import Symmetry, chosen, field_of
from spurious.certify.zero_units import AtZero, bound_at_kept_bias, bound_by, propose
from spurious.exact import balls
from spurious.exact.rationals import rational
from spurious.problem import DenseLoss, FlatPoint, Network, incoming_indices
from spurious.program import dense_layers
from spurious.proof import Claim, ConeSplit, ConeTree, Penalised, Proof, Undecided, ZeroUnit
from spurious.verdict import Answer, Decision

PARAMETER_LIMIT = 200
"""With more parameters no face is tried: the certificate holds a matrix of that size."""

ENOUGH = 1 - 1e-9
"""A bound has to be below its limit by this factor: a proposal."""


ALMOST = 10**6
"""A unit whose weights are below this many radii of the box is not told from one at zero."""


def _applies(subject: Subject) -> bool:
    loss = subject.loss
    if loss is None or not loss.network.homogeneous or not loss.network.depth:
        return False
    kinked = loss.network.slopes[0] != loss.network.slopes[1]
    return kinked and not loss.penalty.free_of_cost(loss.network)  # else units can be rescaled


def _prove(subject: Subject) -> Proof | Undecided:
    loss = subject.loss
    assert loss is not None
    if len(subject.values) > PARAMETER_LIMIT:
        return Undecided(f"a face is not tried with more than {PARAMETER_LIMIT} parameters")
    nearly = _nearly_zero(loss, subject.values)
    failed: dict[str, None] = {}
    for zero in dict.fromkeys((nearly, frozenset[Unit]())):
        tried = proposals(loss, subject.values, zero)
        for found in attempts(tried, lambda p: prove_on(subject, loss, p)):
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
    with balls.precision(balls.PRECISIONS[1]):
        box = face_box(subject, loss, proposal, values, free)
        if isinstance(box, Undecided):
            return box
        return _proved(subject, loss, box, symmetries, fixed)


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
    loss: DenseLoss,
    box: FaceBox,
    symmetries: tuple[Symmetry, ...],
    fixed: Sequence[int],
) -> Proof | Undecided:
    """What is left to prove over the box: signs, (2), the symmetries, the units at zero."""
    if _vanishes(loss.network, box):
        return Undecided("a unit is almost at zero, but not quite")
    if not box.signs_hold():
        loose = at_right_angles(loss, box)
        if not loose:
            return Undecided("a pre-activation off the face may reach its kink")
        box = replace(box, pattern=replace(box.pattern, loose=loose))
    if not box.stays():
        return Undecided("leaving the face may pay to first order")
    fields = [
        field_of(s, loss, box.pattern, box.values, lambda v: arb(rational(v))) for s in symmetries
    ]
    if fields and not is_injective(arb_mat([[field[p] for field in fields] for p in fixed])):
        return Undecided("the symmetries are not proved to be independent")
    zero = _zero_units(loss, box)
    if zero is None:
        return Undecided("it may pay for a unit at zero to leave")
    return _package(subject, loss, box, symmetries, zero)


def _vanishes(network: Network, box: FaceBox) -> bool:
    """Whether all weights of a unit that counts as live are hardly larger than the box."""
    layers = incoming_indices(network)
    for layer, units in enumerate(layers[:-1]):
        for j, (*weights, _) in enumerate(units):
            own = [*weights, *(row[j] for row in layers[layer + 1])]
            small = all(abs(box.centre[p]) <= ALMOST * box.isolation.radius for p in own)
            if small and (layer, j) not in box.pattern.zero:
                return True
    return False


def _zero_units(loss: DenseLoss, box: FaceBox) -> tuple[ZeroUnit, ...] | None:
    """That every unit at zero stays, or None."""
    found: list[ZeroUnit] = []
    shifts = box.shifts
    for layer, j in sorted(box.pattern.zero):
        trees = _trees(loss, box, shifts[layer + 1], layer, j)
        if trees is None:
            return None
        found.append(ZeroUnit(layer, j, trees))
    return tuple(found)


def _trees(
    loss: DenseLoss, box: FaceBox, shifts: Any, layer: int, j: int
) -> tuple[ConeTree, ...] | None:
    """Trees that prove `sum_k m_k^2 < 4 l_v`, none where the bias is kept; None if it fails."""
    network, penalty, zero = loss.network, loss.penalty, box.pattern.zero
    columns = [k for k in range(network.widths[layer + 2]) if (layer + 1, k) not in zero]
    states, slopes, cost = _states(box, layer), network.slopes, penalty.of(layer)
    units = {s: AtZero(states, slopes, cost, _alike(box, layer, s)) for s in (1, -1)}
    unit = units[1]
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
            both = {sign: (shifts[:, k] * sign).tolist() for sign in units}
            proposed = [propose(units[s], both[s], enough) for s in units]
            known = [tree for tree in proposed if tree is not None]
            if len(known) < 2:
                break
            pairs = zip(units, known, strict=True)
            bounds = [bound_by(tree, units[s], both[s]) for s, tree in pairs]
            total += balls.square(bounds[0].max(bounds[1]))
            trees += known
        else:
            if balls.certainly_less(total, arb(rational(limit))):
                return tuple(trees)
    return None


def _alike(box: FaceBox, layer: int, sign: int) -> dict[int, list[int]]:
    """The signs of live units of a layer that a unit at zero may be merged with.

    Args:
        box: The box.
        layer: A hidden layer below one with a single unit, above one without units at zero.
        sign: Of their outgoing weight.
    """
    network, pattern = box.problem.network, box.pattern
    if network.widths[layer + 2] > 1 or any(below == layer - 1 for below, _ in pattern.zero):
        return {}
    (above,) = incoming_indices(network)[layer + 1]
    return {
        j: pattern.signs[layer][:, j].tolist()
        for j in range(network.widths[layer + 1])
        if (layer, j) not in pattern.zero and balls.sign(box.values[above[j]]) == sign
    }


def _merges(tree: ConeTree) -> bool:
    """Whether a unit at zero is merged with a live one somewhere."""
    if isinstance(tree, ConeSplit):
        return _merges(tree.plus) or _merges(tree.minus)
    return tree.like is not None


def _states(box: FaceBox, layer: int) -> list[list[arb]]:
    """The inputs of a hidden layer at all data points, over the box."""
    if layer == 0:
        return [[arb(rational(v)) for v in row] for row in box.problem.data.x]
    program = box.problem.program()
    below = dense_layers(program)[layer - 1].preactivation
    z = BallProgram.of(program).run(box.values, order=0).values[below].tolist()
    slopes = box.pattern.slopes(box.problem.network)[layer - 1].tolist()
    return [
        [arb(rational(s)) * v for s, v in zip(*rows, strict=True)]
        for rows in zip(slopes, z, strict=True)
    ]


def _package(
    subject: Subject,
    loss: DenseLoss,
    box: FaceBox,
    symmetries: tuple[Symmetry, ...],
    zero: tuple[ZeroUnit, ...],
) -> Proof:
    at = box.isolation
    flat = len(symmetries) + sum(not loss.penalty.of(unit.layer)[1] for unit in zero)
    parts = [
        "with data points exactly on kinks"
        if box.pattern.pairs or box.pattern.loose
        else "off the kinks",
        f"{len(zero)} units at zero" if zero else "",
        f"flat in {flat} directions" if flat else "",
    ]
    merged = any(_merges(tree) for unit in zero for tree in unit.trees)
    strict = Answer.NO if flat or merged else Answer.YES
    rescaled = Answer.NO if symmetries or merged else Answer.YES  # a kept bias is rescaled
    return Proof(
        claim=Claim(
            Decision.LOCAL_MINIMUM_NEARBY,
            box.loss,
            strict=strict,
            strict_up_to_rescaling=rescaled,
            flat_dimension=None if merged else flat,
            radius=balls.simple_above(subject.distance(box.centre) + at.radius),
        ),
        evidence=Penalised(
            box.centre,
            at.radius,
            box.free,
            box.multipliers,
            at.preconditioner,
            zero,
            symmetries,
            tuple((pair.unit, i) for pair in box.pattern.loose for i in pair.points),
        ),
        reason=f"a minimum {', '.join(filter(None, parts))} is enclosed in a tiny box",
        minimum=box.centre,
    )


RULE = Rule(_applies, _prove)
