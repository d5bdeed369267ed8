"""Rules `kinked` and `constant_rank`: minima on kinks and flat minima, at any depth.

Theorems 23 and 24 (`docs/mathematics.md`, section 12). On the face of the held pairs the network is
a polynomial. With r parameters free, Krawczyk's test encloses a critical point of the Lagrangian
with as many negative eigenvalues as there are held pairs: a strict minimum on the face and slice.
Over the box inequality (2) makes it a minimum off the face, and a bound r for the rank of the
outputs' derivative makes it one off the slice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from flint import arb, arb_mat

from spurious.certify.arithmetics import BallProgram
from spurious.certify.face_box import FaceBox, attempts, face_box
from spurious.certify.face_polynomials import FaceMap, Field, face_map, on_face, relations
from spurious.certify.face_search import Floats, Proposal, proposals, unit_sizes
from spurious.certify.isolation import independent_columns, is_injective
from spurious.certify.pattern import lagrangian
from spurious.certify.rank_bound import bounding_fields, independent, rescalings
from spurious.certify.subject import Rule, Subject
from spurious.exact import balls
from spurious.exact.rationals import rational
from spurious.problem import DenseLoss, Loss, unflatten
from spurious.program import NumpyArithmetic, Program, evaluator, hessian
from spurious.proof import Claim, ConstantRank, Kinked, Proof, Summand, Undecided
from spurious.verdict import Answer, Decision

PARAMETER_LIMIT = 400
"""With more parameters no face is tried: the certificate holds a matrix of that size."""

FIELD_LIMIT = 200
"""With more parameters, polynomials are not searched for fields beyond the rescalings."""

TERM_LIMIT = 100_000
"""Larger polynomials are not written out."""

RANK = 1e-12
"""Singular values below this share of the largest one are not trusted."""


@dataclass(frozen=True, slots=True, eq=False)
class _Chart:
    """Which parameters are free, and why that is enough.

    Attributes:
        free: Flat indices, ascending.
        fields: What bounds the rank of dG by their number.
    """

    free: tuple[int, ...]
    fields: tuple[Field, ...]


def prove_face_minimum(subject: Subject) -> Proof | Undecided:
    """Proves a minimum near a point: some pre-activations exactly zero, or flat, or both.

    Args:
        subject: A network with a homogeneous activation and a hidden layer.
    """
    problem = _loss(subject)
    if problem.network.parameter_count > PARAMETER_LIMIT:
        return Undecided(f"a face is not tried with more than {PARAMETER_LIMIT} parameters")
    failed = Undecided("no critical point was found on a face nearby")
    for found in attempts(proposals(problem, subject.values), lambda p: prove_on(subject, p)):
        if isinstance(found, Proof):
            return found
        failed = found
    return failed


def prove_on(subject: Subject, proposal: Proposal) -> Proof | Undecided:
    """Proves a minimum near a proposed point of a face."""
    problem = _loss(subject)
    chart = _chart(problem, proposal)
    if isinstance(chart, Undecided):
        return chart
    values = [Fraction(float(v)) for v in proposal.values]
    with balls.precision(balls.PRECISIONS[1]):
        box = face_box(subject, problem, proposal, values, chart.free)
        if isinstance(box, Undecided):
            return box
        gap = _gap(box, chart)
        return _package(subject, box, chart) if gap is None else gap


def _chart(problem: DenseLoss, proposal: Proposal) -> _Chart | Undecided:
    """Free parameters on which dG is injective, as many as its rank can be nearby."""
    program = lagrangian(problem, proposal.pattern)
    sizes = unit_sizes(problem.network, proposal.values)
    derivative = sizes * _derivative(program, proposal.values, len(proposal.multipliers))
    singular = np.linalg.svd(derivative, compute_uv=False)
    rank = int((singular > RANK * singular[0]).sum())
    fields = independent(rescalings(problem.network), proposal.values.tolist())
    if rank + len(fields) < len(sizes):
        small = len(sizes) <= FIELD_LIMIT
        face = face_map(problem, proposal.pattern, TERM_LIMIT) if small else None
        if face is None:
            return Undecided("the outputs on the face have too many terms")
        if _rank_elsewhere(program, face, proposal.values, sizes) > rank:
            return Undecided("the rank of the outputs' derivative is larger nearby")
        fields = bounding_fields(face, proposal.values.tolist(), fields, rank)
    if fields is None:
        return Undecided("the rank of the outputs' derivative may be larger nearby")
    return _Chart(tuple(independent_columns(derivative, rank)), fields)


def _derivative(program: Program, values: Floats, held: int) -> Floats:
    """The derivative of G in floats, in all parameters."""
    size = len(values)
    run = evaluator(program, NumpyArithmetic()).run(np.append(values, np.zeros(held)), order=2)
    assert program.outputs is not None
    outputs = np.asarray(run.jacobian(program.outputs), dtype=np.float64)[:, :size]
    bound = np.asarray(hessian(run), dtype=np.float64)[size:, :size]
    return np.vstack([bound, outputs])


def _rank_elsewhere(program: Program, face: FaceMap, values: Floats, sizes: Floats) -> int:
    """The rank of dG at some other point of the face: where it is larger, no bound holds."""
    moved = values * np.random.default_rng(1).uniform(0.5, 1.5, len(values))
    known = relations(face.held)
    if len(known) < len(face.held):
        return 0
    for p, polynomial in known.items():
        terms = on_face(polynomial, known).items()
        moved[p] = sum(float(c) * float(np.prod(moved[list(m)])) for m, c in terms)
    derivative = sizes * _derivative(program, moved, len(face.held))
    singular = np.linalg.svd(derivative, compute_uv=False)
    return int((singular > RANK * singular[0]).sum())


def _gap(box: FaceBox, chart: _Chart) -> Undecided | None:
    """What is not proved over the box: signs, (2), and the two ranks; None if all is."""
    free = len(chart.free)
    if not box.signs_hold():
        return Undecided("a pre-activation off the face may reach its kink")
    if box.pattern.pairs and not box.stays():
        return Undecided("leaving the face may pay to first order")
    assert box.program.outputs is not None
    run = BallProgram.of(box.program).run(box.inside, order=1)
    outputs = run.jacobian(box.program.outputs).tolist()
    held = box.isolation.hessian.tolist()[free:]
    derivative = arb_mat([row[:free] for row in [*held, *outputs]])
    if not is_injective(derivative):
        return Undecided("the rank of the outputs' derivative is not proved")
    if not is_injective(_at(chart.fields, box.values)):
        return Undecided("the symmetries at the point are not proved to be independent")
    return None


def _at(fields: Sequence[Field], values: Sequence[arb]) -> arb_mat:
    """The fields at a point, as columns."""
    matrix = arb_mat(len(values), len(fields))
    for k, field in enumerate(fields):
        for p, monomial, c in field:
            term = arb(rational(c))
            for q in monomial:
                term *= values[q]
            matrix[p, k] += term
    return matrix


def _package(subject: Subject, box: FaceBox, chart: _Chart) -> Proof:
    at, network = box.isolation, subject.network
    flat, units = len(subject.values) - len(chart.free), sum(network.hidden)
    strict = chart.fields == rescalings(network)
    centre = unflatten(box.centre, network)
    common = (centre, at.radius, chart.free, box.multipliers, at.preconditioner)
    fields = tuple(tuple(Summand(*entry) for entry in field) for field in chart.fields)
    where = "with data points exactly on kinks" if box.multipliers else "off the kinks"
    kind = "" if strict else f", flat in {flat} directions,"
    return Proof(
        claim=Claim(
            Decision.LOCAL_MINIMUM_NEARBY,
            box.loss,
            strict=Answer.NO,
            strict_up_to_rescaling=(
                Answer.YES if strict else Answer.NO if flat > units else Answer.UNKNOWN
            ),
            flat_dimension=flat,
            radius=balls.simple_above(subject.distance(box.centre) + at.radius),
        ),
        evidence=Kinked(*common) if strict else ConstantRank(*common, fields),
        reason=f"a minimum{kind} {where} is enclosed in a tiny box",
        minimum=box.centre,
    )


def _loss(subject: Subject) -> DenseLoss:
    """The sum of losses, or the hinge loss."""
    return subject.hinge or subject.dense


def _applies(subject: Subject) -> bool:
    """Shallow networks with one output and the squared or hinge loss are decided otherwise."""
    if subject.hinge is not None:
        network = subject.network
        several = network.depth > 1 or (network.depth == 1 and network.outputs > 1)
        return several and network.homogeneous and network.slopes[0] != network.slopes[1]
    if not subject.homogeneous or subject.network.depth == 0:
        return False
    return not (subject.single and subject.dense.loss == Loss.SQUARED)


RULE = Rule(_applies, prove_face_minimum)
