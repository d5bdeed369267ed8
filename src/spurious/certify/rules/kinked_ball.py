"""Rule `kinked_ball`: a minimum on kinks whose parameters are irrational (logistic loss).

Theorem 9 (`docs/mathematics.md`). Shallow network, one output. Hold chosen pre-activations at
exactly zero and all output weights fixed: on that face the outputs are affine in the remaining
coordinates, so Theorem 5 proves a unique minimum of the face in a tiny ball. There every lin_j is a
combination -sum_r tau_r x~_r of the held inputs; if |tau_r| < s_j C_r for all of them, in balls,
Theorem 1 makes the point a local minimum of the network, strict up to rescaling.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from flint import arb, arb_mat, fmpq, fmpq_mat

from spurious.certify.enclosures import enclosure
from spurious.certify.evaluate import Evaluation, slope_at, softplus
from spurious.certify.neighbourhood import distance, nearby_limit
from spurious.certify.rule import Rule
from spurious.certify.rules.cells_nearby import kink_guesses
from spurious.certify.rules.convex_ball import DECIMALS
from spurious.certify.subject import Subject
from spurious.exact import balls
from spurious.exact.definiteness import Definiteness, prove_definite
from spurious.exact.rationals import (
    ONE,
    ZERO,
    Vector,
    dot,
    fraction,
    least_correction,
    nullspace,
    rank,
    rational,
)
from spurious.problem import Layer, Loss, Point, flatten
from spurious.proof import Claim, HeldUnit, KinkedBall, Proof, Undecided
from spurious.verdict import Answer, Decision

STEPS = 60
"""Newton steps on a face before giving up."""


@dataclass(frozen=True, slots=True)
class ShallowFace:
    """A face: held kink groups of each live unit, and coordinates on it.

    Attributes:
        held: For each live unit the groups whose inputs stay on its kink.
        bases: For each live unit a basis of the moves of (w, b) that keep them there.
        rows: Incoming weights of every unit at the face's origin, shape (h, d + 1).
        design: Derivative of the outputs in the coordinates (one block a live unit, then c).
        outputs: The outputs at the origin, shape (n,).
    """

    held: Mapping[int, tuple[int, ...]]
    bases: Mapping[int, tuple[Vector, ...]]
    rows: tuple[Vector, ...]
    design: tuple[Vector, ...]
    outputs: Vector


def prove(evaluation: Evaluation) -> Proof | None:
    """Proves a minimum with some pre-activations exactly zero near the point.

    Args:
        evaluation: A network with widths [d, h, 1], kinked homogeneous activation, logistic loss.
    """
    limit = rational(nearby_limit(flatten(evaluation.point)))
    for pairs in kink_guesses(evaluation, limit):
        if not pairs:
            continue
        face = _face(evaluation, pairs)
        if face is None:
            continue
        with balls.precision(balls.PRECISIONS[1]):
            proof = _prove_on(evaluation, face)
        if proof is not None:
            return proof
    return None


def _face(evaluation: Evaluation, pairs: frozenset[tuple[int, int]]) -> ShallowFace | None:
    """The face that holds the given (unit, point) pairs at zero, or None if it has no proof."""
    outgoing = evaluation.weights[1].rows[0]
    inputs = evaluation.inputs
    rows = list(evaluation.weights[0].rows)
    held: dict[int, tuple[int, ...]] = {}
    bases: dict[int, tuple[Vector, ...]] = {}
    for j, row in enumerate(rows):
        groups = tuple(sorted({evaluation.groups[i] for unit, i in pairs if unit == j}))
        dead = evaluation.slopes[1] == 0 and all(
            layer[j] < 0 for layer in evaluation.preactivations[0]
        )
        if dead and not groups:
            continue
        if outgoing[j] == 0 or rank([inputs[r] for r in groups]) < len(groups):
            return None
        if groups:
            normals = [inputs[r] for r in groups]
            step = least_correction(normals, [-dot(x, row) for x in normals])
            if step is None:
                return None
            rows[j] = tuple(a + b for a, b in zip(row, step, strict=True))
        held[j] = groups
        bases[j] = nullspace([inputs[r] for r in groups], len(row))
    design: list[Vector] = []
    outputs: list[fmpq] = []
    for i, x in enumerate(inputs):
        value = outgoing[-1]
        entries: list[fmpq] = []
        for j, row in enumerate(rows):
            z = dot(row, x)
            slope = outgoing[j] * slope_at(z, evaluation.slopes)
            value += slope * z
            if j in held:
                on_kink = evaluation.groups[i] in held[j]
                entries.extend(ZERO if on_kink else slope * dot(x, move) for move in bases[j])
        design.append((*entries, ONE))
        outputs.append(value)
    return ShallowFace(held, bases, tuple(rows), tuple(design), tuple(outputs))


def _prove_on(evaluation: Evaluation, face: ShallowFace) -> Proof | None:
    """Newton's method on the face, then Theorem 5 and the kink inequalities in balls."""
    labels = [arb(rational(y[0])) for y in evaluation.problem.data.y]
    factors = evaluation.factors
    size = len(face.design[0])
    found = _newton(face, labels, factors)
    if found is None:
        return None
    y = [rational(balls.round_to(fraction(value), DECIMALS)) for value in found]
    centre = _point(evaluation, face, y)
    limit = nearby_limit(flatten(evaluation.point))
    if distance(flatten(centre), flatten(evaluation.point)) > limit:
        return None
    gradient, hessian = _derivatives(face, labels, factors, [arb(v) for v in y])
    definite = prove_definite(hessian)
    if definite is None:
        return None
    norm = balls.norm(gradient[p, 0] for p in range(size))
    needed = balls.bounds(norm)[1] * 4 / definite.eigenvalue_bound
    radius = balls.power_of_ten_above(max(needed, Fraction(1, 10**DECIMALS)))
    spread = arb(0, arb(rational(radius)).upper())
    box = [arb(v) + spread for v in y]
    _, hessian = _derivatives(face, labels, factors, box)
    definite = prove_definite(hessian)
    if definite is None or not _signs_hold(evaluation, face, centre, radius):
        return None
    if not balls.certainly_less(2 * norm, arb(rational(definite.eigenvalue_bound * radius))):
        return None
    if not _kinks_hold(evaluation, face, labels, box):
        return None
    margins = [
        label * f for label, f in zip(labels, _outputs(face, [arb(v) for v in y]), strict=True)
    ]
    loss = sum((w * softplus(-m) for w, m in zip(factors, margins, strict=True)), arb(0))
    lowest = loss - balls.square(norm) / (2 * rational(definite.eigenvalue_bound))
    return _package(evaluation, face, centre, radius, definite, lowest.union(loss))


def _outputs(face: ShallowFace, y: Sequence[arb]) -> list[arb]:
    return [
        sum((a * b for a, b in zip(row, y, strict=True)), arb(start))
        for row, start in zip(face.design, face.outputs, strict=True)
    ]


def _shares(face: ShallowFace, labels: Sequence[arb], y: Sequence[arb]) -> list[arb]:
    """1 / (1 + exp(label f)) at every point."""
    outputs = _outputs(face, y)
    return [1 / (1 + (label * f).exp()) for label, f in zip(labels, outputs, strict=True)]


def _derivatives(
    face: ShallowFace, labels: Sequence[arb], factors: Vector, y: Sequence[arb]
) -> tuple[arb_mat, arb_mat]:
    """Gradient (p, 1) and Hessian (p, p) of the loss in the face's coordinates."""
    shares = _shares(face, labels, y)
    design = arb_mat(fmpq_mat([list(row) for row in face.design]))
    rows = list(zip(factors, labels, shares, face.design, strict=True))
    slopes = arb_mat([[-w * label * s] for w, label, s, _ in rows])
    curved = arb_mat([[w * s * (1 - s) * a for a in row] for w, _, s, row in rows])
    return design.transpose() * slopes, design.transpose() * curved


def _newton(face: ShallowFace, labels: Sequence[arb], factors: Vector) -> list[fmpq] | None:
    size = len(face.design[0])
    y = [arb(0)] * size
    for _ in range(STEPS):
        gradient, hessian = _derivatives(face, labels, factors, y)
        try:
            step = hessian.solve(gradient)
        except ZeroDivisionError:
            return None
        y = [arb(balls.midpoint(v - step[p, 0])) for p, v in enumerate(y)]
        length = max(float(abs(step[p, 0].mid())) for p in range(size))
        if not length < 1e6:
            return None
        if length < 1e-50:
            return [balls.midpoint(v) for v in y]
    return None


def _point(evaluation: Evaluation, face: ShallowFace, y: Sequence[fmpq]) -> Point:
    rows = list(face.rows)
    start = 0
    for j, basis in face.bases.items():
        for coordinate, move in zip(y[start : start + len(basis)], basis, strict=True):
            rows[j] = tuple(a + coordinate * b for a, b in zip(rows[j], move, strict=True))
        start += len(basis)
    hidden = Layer(
        tuple(tuple(fraction(entry) for entry in row[:-1]) for row in rows),
        tuple(fraction(row[-1]) for row in rows),
    )
    last = evaluation.point.layers[1]
    return Point((hidden, Layer(last.weight, (last.bias[0] + fraction(y[-1]),))))


def _spread(face: ShallowFace, radius: Fraction) -> dict[int, list[fmpq]]:
    """For each live unit, how far each of its parameters can move within the ball."""
    return {
        j: [
            rational(radius) * sum((abs(move[k]) for move in basis), ZERO)
            for k in range(len(face.rows[0]))
        ]
        for j, basis in face.bases.items()
    }


def _signs_hold(evaluation: Evaluation, face: ShallowFace, centre: Point, radius: Fraction) -> bool:
    """Whether every pre-activation that is not held keeps the sign it has at the origin."""
    spread = _spread(face, radius)
    for j, row in enumerate(centre.layers[0].weight):
        whole = (*(rational(w) for w in row), rational(centre.layers[0].bias[j]))
        for i, x in enumerate(evaluation.inputs):
            if j in face.held and evaluation.groups[i] in face.held[j]:
                continue
            z = dot(whole, x)
            origin = dot(face.rows[j], x)
            moved = dot([abs(entry) for entry in x], spread[j]) if j in spread else ZERO
            if abs(z) <= moved or (z > 0) != (origin > 0):
                return False
    return True


def _kinks_hold(
    evaluation: Evaluation, face: ShallowFace, labels: Sequence[arb], box: Sequence[arb]
) -> bool:
    """Whether |tau_r| < s_j C_r for all held groups, over the whole ball."""
    p, q = evaluation.slopes
    shares = _shares(face, labels, box)
    g = [-w * y * s for w, y, s in zip(evaluation.factors, labels, shares, strict=True)]
    outgoing = evaluation.weights[1].rows[0]
    for j, groups in face.held.items():
        if not groups:
            continue
        normals = fmpq_mat([list(evaluation.inputs[r]) for r in groups])
        linear = [arb(0)] * normals.ncols()
        bends = {r: arb(0) for r in groups}
        for i, x in enumerate(evaluation.inputs):
            if evaluation.groups[i] in bends:
                slope = (p + q) / 2
                bends[evaluation.groups[i]] += g[i] * (p - q) / 2
            else:
                slope = slope_at(dot(face.rows[j], x), evaluation.slopes)
            linear = [old + g[i] * slope * entry for old, entry in zip(linear, x, strict=True)]
        pseudo = (normals * normals.transpose()).inv() * normals
        tau = arb_mat(pseudo) * arb_mat([[entry] for entry in linear])
        side = 1 if outgoing[j] > 0 else -1
        for k, r in enumerate(groups):
            if not balls.certainly_less(abs(tau[k, 0]), side * bends[r]):
                return False
    return True


def _package(
    evaluation: Evaluation,
    face: ShallowFace,
    centre: Point,
    radius: Fraction,
    definite: Definiteness,
    loss: arb,
) -> Proof:
    furthest = max((max(row) for row in _spread(face, radius).values()), default=ZERO)
    whole = distance(flatten(centre), flatten(evaluation.point)) + max(radius, fraction(furthest))
    hidden = len(face.rows)
    dead = hidden - len(face.held)
    units = tuple(
        HeldUnit(
            face.held[j], tuple(tuple(fraction(entry) for entry in move) for move in face.bases[j])
        )
        if j in face.held
        else None
        for j in range(hidden)
    )
    return Proof(
        claim=Claim(
            Decision.LOCAL_MINIMUM_NEARBY,
            enclosure(loss),
            strict=Answer.NO,
            strict_up_to_rescaling=Answer.NO if dead else Answer.YES,
            flat_dimension=len(face.held) + dead * (len(face.rows[0]) + 1),
            eigenvalue_bound=definite.eigenvalue_bound,
            radius=balls.simple_above(whole),
        ),
        evidence=KinkedBall(centre, radius, units, definite.transform),
        reason="a minimum with data points exactly on kinks is enclosed in a tiny ball",
        minimum=flatten(centre),
    )


def _applies(subject: Subject) -> bool:
    return subject.homogeneous and subject.single and subject.dense.loss == Loss.LOGISTIC


def _prove(subject: Subject) -> Proof | Undecided:
    found = prove(subject.evaluation)
    return found or Undecided("no minimum with data points on kinks was proved nearby")


RULE = Rule("kinked_ball", _applies, _prove)
