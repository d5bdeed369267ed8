"""Where a minimum on a face may lie: Newton's method with an active set, in floats.

Nothing here is trusted. From the point, with the pairs whose pre-activation is tiny held at zero:
Newton steps on the face, as long as no other pre-activation changes its sign; there that pair is
held, too. Where the steps end, a held pair that violates (2) of `docs/mathematics.md`, section 12,
is let go to the side on which the loss falls. With a penalty, units that are nearly zero are taken
to be zero (section 16).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from spurious.certify.pattern import Pattern, Signs, Unit, lagrangian, pattern_of
from spurious.certify.subject import NEARBY, nearby_limit
from spurious.exact.rationals import nearest_float
from spurious.problem import DenseLoss, FlatPoint, Network, incoming_indices
from spurious.program import NumpyArithmetic, Run, dense_layers, evaluator, hessian

Floats = npt.NDArray[np.float64]

STEPS = 60
"""Newton steps and changes of the pattern from one start."""

STARTS = 5
"""Sets of pairs that are held at the start."""

SMALL = float(NEARBY)
"""Pairs whose pre-activation is larger than this, against weights and inputs, are not held."""

GAP = 3.0
"""Between two sets of pairs tried, the pre-activations differ by at least this factor."""

FLAT = 1e-9
"""Curvatures below this share of the largest one count as zero."""

DONE = 1e-10
"""A step of this share of the largest parameter ends the search."""

MARGIN = 1e-6
"""What counts as an equality in (2), as a share of D."""

CLEAR = 1e-9
"""Without a penalty, no pair that is not held may be nearer to its kink, against weights and
inputs: rounding chose its side, and a minimum that ends there is none that training came to."""

PUSH = 1e-6
"""How far a pair is pushed off its kink if (2) holds with equality."""


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """A point on a face where the loss seems to have a minimum.

    Attributes:
        pattern: Signs and held pairs.
        values: All parameters, shape (P,).
        multipliers: mu, one for each held pair.
    """

    pattern: Pattern
    values: Floats
    multipliers: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Local:
    """Lambda at a point of a face: gradient in the parameters, Hessian, z of the pairs and J."""

    gradient: Floats
    curved: Floats
    z: Floats
    jacobian: Floats


def proposals(
    problem: DenseLoss, point: FlatPoint, zero: frozenset[Unit] = frozenset()
) -> Iterator[Proposal]:
    """Candidates near a point, most plausible first.

    Args:
        problem: A network with a homogeneous hidden layer, perhaps with a penalty.
        point: Where the search starts, shape (P,).
        zero: Units that are to become zero.
    """
    start = np.array([nearest_float(value) for value in point])
    if not np.isfinite(start).all():
        return
    search = _Search(problem, start, float(nearby_limit(point)), zero)
    for signs in search.starts():
        try:
            with np.errstate(all="ignore"):
                found = search.run(signs)
        except np.linalg.LinAlgError:
            continue
        if found is not None:
            yield found


class _Face:
    """Lambda on the face of a pattern, made ready for floats."""

    def __init__(self, problem: DenseLoss, pattern: Pattern) -> None:
        self.pattern = pattern
        self._size, self._held = problem.network.parameter_count, len(pattern.pairs)
        program = lagrangian(problem, pattern, activations=True)
        self._lambda = evaluator(program, NumpyArithmetic())
        self._shifts = np.zeros(program.parameter_count - self._size - self._held)

    def local(self, values: Floats, multipliers: Floats) -> _Local:
        """Lambda's derivatives at parameters, shape (P,), and multipliers."""
        run, size, both = self._run(values, multipliers, 2), self._size, self._size + self._held
        gradient = np.asarray(run.gradient, dtype=np.float64)
        curved = np.asarray(hessian(run, range(both)), dtype=np.float64)
        return _Local(
            gradient[:size], curved[:size, :size], gradient[size:both], curved[size:, :size]
        )

    def weights(self, values: Floats, multipliers: Floats) -> Floats:
        """D: the derivatives of Lambda by the held pairs' activations."""
        gradient = self._run(values, multipliers, 1).gradient
        both = self._size + self._held
        return np.asarray(gradient, dtype=np.float64)[both : both + self._held]

    def _run(self, values: Floats, multipliers: Floats, order: int) -> Run[Floats]:
        return self._lambda.run(np.concatenate([values, multipliers, self._shifts]), order)


class _Search:
    def __init__(
        self, problem: DenseLoss, start: Floats, limit: float, zero: frozenset[Unit]
    ) -> None:
        self.problem, self.start, self.limit, self.zero = problem, start, limit, zero
        program = problem.program()
        layers = dense_layers(program)
        self.layers = [layer.preactivation for layer in layers][:-1]
        self.states = [layer.state for layer in layers][:-1]
        self.bends = [tuple(map(float, problem.network.slopes))] * len(self.layers)
        if problem.loss == "hinge":
            self.layers.append(program.operands[program.kinked[-1]][0])
            self.states.append(layers[0].state)
            self.bends.append((1.0, 0.0))
        self.network = evaluator(program, NumpyArithmetic())
        self.scale = 1 + float(np.abs(start).max())
        # a penalty knows what is balanced
        self.rescaled = problem.penalty.free_of_cost(problem.network)
        balanced = unit_sizes(problem.network, start) if self.rescaled else np.ones(len(start))
        self.sizes = np.sqrt(balanced)  # of balanced steps and shortest ones, the middle
        self._faces: dict[bytes, _Face] = {}

    def preactivations(self, values: Floats) -> list[Floats]:
        """Z of every hidden layer, shape (n, width) each; then what the hinge loss bends at."""
        run = self.network.run(values, order=0)
        return [np.asarray(run.values[k], dtype=np.float64) for k in self.layers]

    def heights(self, values: Floats) -> list[Floats]:
        """How large each z is, against weights and inputs; as `preactivations`."""
        run = self.network.run(values, order=0)
        found: list[Floats] = []
        for k, state in zip(self.layers, self.states, strict=True):
            z = np.asarray(run.values[k], dtype=np.float64)
            below = np.asarray(run.values[state], dtype=np.float64)
            size = np.abs(below).max(axis=1, initial=1.0, keepdims=True)
            found.append(np.abs(z) / (size * self.scale))
        return found

    def starts(self) -> Iterator[tuple[Signs, ...]]:
        """Signs with nested sets of held pairs: first that before the widest gap."""
        heights = self.heights(self.start)
        signs = [np.sign(z).astype(np.int8) for z in self.preactivations(self.start)]
        for layer, unit in self.zero:
            heights[layer][:, unit] = np.inf
            signs[layer][:, unit] = _sign_at_zero(self.problem, self.start, (layer, unit))
        ranked = np.unique(np.concatenate([h.ravel() for h in heights]))
        ranked = ranked[np.isfinite(ranked)]
        bounds = [0.0, *ranked[ranked < SMALL].tolist()]
        after = [*bounds[1:], float(ranked[ranked >= SMALL].min(initial=1.0))]
        gaps = [b / max(a, 1e-12) for a, b in zip(bounds, after, strict=True)]
        order = sorted(range(len(bounds)), key=lambda k: -gaps[k])
        chosen = [k for k in order if gaps[k] >= GAP][:STARTS] or order[:1]
        for k in chosen:
            yield tuple(
                np.where(h <= bounds[k], 0, s).astype(np.int8)
                for h, s in zip(heights, signs, strict=True)
            )

    def run(self, signs: tuple[Signs, ...]) -> Proposal | None:
        """Follows one start to its end."""
        values, face = self.start.copy(), self.face(signs)
        multipliers = np.zeros(len(face.pattern.pairs))
        for _ in range(STEPS):
            local = face.local(values, multipliers)
            if len(multipliers):
                multipliers = multipliers + _least_multipliers(local)
                local = face.local(values, multipliers)
            still = _rescalings(self.problem.network, values)[: None if self.rescaled else 0]
            step = _step(local, still, self.sizes, self.limit / 4)
            if not np.isfinite(step).all():
                return None
            share, blocking = self._blocked(face.pattern, values, step)
            values = values + share * step
            if not np.abs(values - self.start).max() <= self.limit:
                return None
            if blocking is not None:
                face = self.face(blocking)
            elif np.abs(step).max() <= DONE * self.scale:
                released = self._released(face, values, multipliers)
                if released is None:
                    found = Proposal(face.pattern, values, multipliers)
                    return found if self._is_clear(found) else None
                face, values = released
            else:
                continue
            multipliers = np.zeros(len(face.pattern.pairs))
        return None

    def _is_clear(self, proposal: Proposal) -> bool:
        """Whether the pairs that are not held are off their kinks by more than rounding."""
        if not self.rescaled:
            return True  # units at zero have a say of their own
        return all(
            bend[0] == bend[1] or bool((heights[signs != 0] > CLEAR).all())
            for bend, signs, heights in zip(
                self.bends, proposal.pattern.signs, self.heights(proposal.values), strict=True
            )
        )

    def face(self, signs: tuple[Signs, ...]) -> _Face:
        """The face with these signs, made once."""
        key = b"".join(layer.tobytes() for layer in signs)
        if key not in self._faces:
            self._faces[key] = _Face(self.problem, pattern_of(self.problem, signs, self.zero))
        return self._faces[key]

    def _blocked(
        self, pattern: Pattern, values: Floats, step: Floats
    ) -> tuple[float, tuple[Signs, ...] | None]:
        """How far the step goes until a pair that is not held reaches its kink, and the signs."""
        here, there = self.preactivations(values), self.preactivations(values + step)
        shares: list[Floats] = []
        for bend, signs, z, end in zip(self.bends, pattern.signs, here, there, strict=True):
            crossed = (signs != 0) & (signs * end < 0) & (bend[0] != bend[1])
            away = np.maximum(signs * z, 0)
            whole = np.where(crossed, away - signs * end, 1.0)
            shares.append(np.where(crossed, away / whole, np.inf))
        share = min(float(s.min()) for s in shares)
        if share >= 1:
            return 1.0, None
        chosen = tuple(
            np.where(s <= share * (1 + 1e-9), 0, signs).astype(np.int8)
            for s, signs in zip(shares, pattern.signs, strict=True)
        )
        return share, chosen

    def _released(
        self, face: _Face, values: Floats, multipliers: Floats
    ) -> tuple[_Face, Floats] | None:
        """Lets go the pair that violates (2) most, None if all satisfy it."""
        if not len(multipliers):
            return None
        weight = face.weights(values, multipliers)
        bends = np.array([self.bends[pair.layer] for pair in face.pattern.pairs])
        up, down = bends[:, 0] * weight - multipliers, multipliers - bends[:, 1] * weight
        slack = np.minimum(up, down)
        tight = slack - MARGIN * np.abs(weight)
        k = int(tight.argmin())
        if tight[k] > 0:
            return None
        side = 1 if up[k] < down[k] else -1
        signs = tuple(layer.copy() for layer in face.pattern.signs)
        pair = face.pattern.pairs[k]
        signs[pair.layer][list(pair.points), pair.unit] = side
        if slack[k] > -MARGIN * (np.abs(weight[k]) + np.abs(weight).max()):
            wanted = np.zeros(len(multipliers))
            wanted[k] = side * PUSH * self.scale
            jacobian = face.local(values, multipliers).jacobian
            values = values + np.linalg.lstsq(jacobian, wanted, rcond=1e-10)[0]
        return self.face(signs), values


def _sign_at_zero(problem: DenseLoss, values: Floats, unit: Unit) -> int:
    """The sign of a unit's z once its weights are zero: its bias is kept if that costs nothing."""
    layer, number = unit
    kept = not problem.penalty.of(layer)[1]
    bias = values[incoming_indices(problem.network)[layer][number][-1]]
    return int(np.sign(bias)) if kept else 0


def _least_multipliers(local: _Local) -> Floats:
    """What to add to mu so that the gradient becomes as small as possible."""
    found = np.linalg.lstsq(local.jacobian.T, -local.gradient, rcond=1e-10)[0]
    return np.asarray(found, dtype=np.float64)


def unit_sizes(network: Network, values: Floats) -> Floats:
    """Natural lengths of steps, shape (P,): in these units every unit is balanced.

    Rescaling a unit so that its incoming and outgoing weights are equally long multiplies its
    incoming parameters by a number s and its outgoing weights by 1/s.
    """
    sizes = np.ones(len(values))
    layers = [np.array(layer, dtype=np.intp) for layer in incoming_indices(network)]
    for below, above in pairwise(layers):
        incoming = np.linalg.norm(values[below], axis=1)
        outgoing = np.linalg.norm(values[above[:, :-1]], axis=0)
        known = (incoming > 0) & (outgoing > 0)
        share = np.sqrt(np.where(known, incoming, 1) / np.where(known, outgoing, 1))
        sizes[below] *= share[:, None]
        sizes[above[:, :-1]] /= share[None, :]
    return sizes


def _rescalings(network: Network, values: Floats) -> Floats:
    """For each hidden unit its incoming parameters, less its outgoing weights, shape (h, P)."""
    rows: list[Floats] = []
    for below, above in pairwise(incoming_indices(network)):
        for unit, incoming in enumerate(below):
            outgoing = [row[unit] for row in above]
            rows.append(np.zeros(len(values)))
            rows[-1][incoming], rows[-1][outgoing] = values[incoming], -values[outgoing]
    return np.array(rows)


def _step(local: _Local, still: Floats, sizes: Floats, longest: float) -> Floats:
    """A Newton step on the face; negative curvatures are turned round, flat directions left.

    Args:
        local: Lambda.
        still: Directions that the step is orthogonal to: off a critical point the loss is curved
            along rescalings, though it does not change. Shape (k, P).
        sizes: The step is measured in these, shape (P,).
        longest: In the maximum norm.
    """
    back, basis = np.zeros(len(sizes)), np.eye(len(sizes))
    curved, gradient = sizes[:, None] * local.curved * sizes, sizes * local.gradient
    if len(still) + len(local.z):
        rows = np.vstack([local.jacobian * sizes, still / sizes])
        wanted = np.append(-local.z, np.zeros(len(still)))
        _, s, directions = np.linalg.svd(rows)
        basis = directions[int((s > FLAT * s[0]).sum()) :].T
        back = np.linalg.lstsq(rows, wanted, rcond=FLAT)[0]
    if basis.shape[1]:
        reduced = basis.T @ curved @ basis
        values, vectors = np.linalg.eigh((reduced + reduced.T) / 2)
        slopes = vectors.T @ (basis.T @ (gradient + curved @ back))
        steep = np.abs(values) > FLAT * np.abs(values).max()
        moves = np.where(steep, -slopes / np.where(steep, np.abs(values), 1), 0)
        back = back + basis @ (vectors @ moves)
    step = sizes * back
    length = float(np.abs(step).max())
    share = 1.0 if length <= longest else longest / length
    return np.asarray(share * step, dtype=np.float64)
