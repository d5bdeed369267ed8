"""Which units merge, and along which curve: proposals in floats, at a precision that bears 1/tau.

Nothing here is trusted. `docs/mathematics.md`, section 15: in the coordinates of a pair the loss at
a fixed tau has a floor, to which Newton's method leads, at tau = 0 too. The curve goes straight
from the point to the floor there, or through floors on the way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from flint import arb, arb_mat, fmpq, fmpq_mat

from spurious.certify.arithmetics import BallProgram, Floats, around, curvature
from spurious.certify.merging_curves import from_weights, to_weights
from spurious.certify.pattern import lagrangian, pattern_of
from spurious.certify.subject import Subject
from spurious.exact import balls
from spurious.exact.plain import inner
from spurious.exact.rationals import fraction, nearest_float, rational
from spurious.problem import FlatPoint, incoming_indices
from spurious.program import dense_layers
from spurious.proof import Merging

CLOSE = 0.2
"""Units are candidates if their incoming weights differ by less than this share."""

OPPOSED = 0.3
"""And their outgoing weights add up to less than this share of them."""

TRIED = 3
"""Pairs that are tried by themselves."""

HELD = 1e-7
"""A pre-activation below this share of weights and inputs is held on its side of the kink."""

SMALL = Fraction(1, 2**40)
"""Stands for tau = 0."""

STEPS = 12
"""Newton steps towards a floor."""

HALVINGS = 6
"""Of a step that leaves the pattern or raises the loss."""

SETTLED = 1e-10
"""A step that is smaller than this in the natural lengths is the last."""

FLAT = 1e-12
"""Curvatures below this share of the largest one count as zero."""

DECIMALS = 50
"""Of the coordinates."""

FAINT = arb(10) ** -18
"""The limit has to be lower than the floor at the point by this share of the loss."""

BESIDE = Fraction(1, 16)
"""A limit beside the floor by this share of the point's own distance: there the loss is as good as
the floor's, but it falls at a rate that is seen from afar."""

NODES = 3
"""Floors that a curve goes through, at most."""


def candidate_pairs(subject: Subject) -> Iterator[tuple[Merging, ...]]:
    """Pairs that may merge, best first: one by one, then the two best together."""
    network = subject.network
    where = incoming_indices(network)
    values = np.array([nearest_float(v) for v in subject.values])
    signs = _signs(subject) if subject.homogeneous else None
    found: list[tuple[float, Merging]] = []
    for layer in range(network.depth):
        incoming = values[np.array(where[layer])]
        outgoing = values[np.array(where[layer + 1])[:, :-1]].T
        for j in range(len(incoming)):
            for k in range(j):
                for s in _factors(subject, incoming[j], incoming[k]):
                    size = np.linalg.norm(incoming[j]), np.linalg.norm(outgoing[j])
                    if not all(size):
                        continue
                    away = np.linalg.norm(incoming[j] - float(s) * incoming[k]) / size[0]
                    left = np.linalg.norm(outgoing[j] + outgoing[k] / float(s)) / size[1]
                    apart = signs is not None and (signs[layer][:, j] != signs[layer][:, k]).any()
                    if away < CLOSE and left < OPPOSED and not (layer and apart):
                        found.append((float(away + left), Merging(layer, (j, k), s)))
    found.sort(key=lambda pair: pair[0])
    best = [pair for _, pair in found]
    yield from ((pair,) for pair in best[:TRIED])
    for other in best[1:]:
        if other.layer == best[0].layer and not set(other.units) & set(best[0].units):
            yield best[0], other
            return


def _factors(subject: Subject, one: Floats, two: Floats) -> list[Fraction]:
    """The symmetry that turns the second unit's weights towards the first's."""
    product, square = float(one @ two), float(two @ two)
    if subject.homogeneous:
        return [balls.rounded_float(product / square, 6)] if product > 0 else []
    if subject.network.activation == "tanh" and product < 0:
        return [Fraction(-1)]
    return [Fraction(1)]


def _signs(subject: Subject) -> list[np.ndarray]:
    """For each hidden layer +1 or -1 for every pre-activation, shape (n, width)."""
    evaluation = subject.evaluation
    return [
        np.array([[1 if z > 0 else -1 for z in row] for row in rows], dtype=np.int8)
        for rows in evaluation.preactivations
    ]


def curves(subject: Subject, pairs: Sequence[Merging]) -> Iterator[tuple[FlatPoint, ...]]:
    """Curves in coordinates, as coefficients of the powers of r; the first are the simplest.

    Args:
        subject: The point at which they begin.
        pairs: Those that merge; they stand in one layer.
    """
    valley = _Valley(subject, pairs)
    last = valley.start
    floor = valley.floor(Fraction(1), last) or last
    limit = valley.floor(SMALL, last)
    if limit is None:
        return
    here = valley.loss(Fraction(1), floor)
    if not valley.loss(SMALL, limit) < here - FAINT * here:
        return
    yield _through([valley.bound(limit), last])
    beside = [a + BESIDE * (b - c) for a, b, c in zip(limit, last, floor, strict=True)]
    yield _through([valley.bound(beside), last])
    if subject.homogeneous:
        return
    for nodes in range(2, NODES + 1):
        points = [limit]
        for n in range(1, nodes):
            share = Fraction(n, nodes)
            near = [a + share * (b - a) for a, b in zip(limit, last, strict=True)]
            root = balls.rounded_float(float(share) ** 0.5, 15)
            points.append(valley.floor(root, near) or near)
        yield _through([*points, last])


def _through(points: Sequence[Sequence[Fraction]]) -> tuple[FlatPoint, ...]:
    """The coefficients of the polynomial curve through points at r = 0, 1/n, ..., 1."""
    count = len(points)
    rows = [[fmpq(i, count - 1) ** m for m in range(count)] for i in range(count)]
    inverse = fmpq_mat(rows).inv()
    found = inverse * fmpq_mat([[rational(v) for v in point] for point in points])
    return tuple(tuple(fraction(v) for v in row) for row in found.tolist())


@dataclass(frozen=True, slots=True)
class _Tie:
    """A pre-activation of the first layer that has a value in the limit.

    Attributes:
        unit: The unit; of a pair the one in whose place w is.
        point: The data point.
        value: What w.x~ is there, exactly.
        partner: The pair's other unit, if u.x~ may not change.
    """

    unit: int
    point: int
    value: Fraction
    partner: int | None = None


class _Valley:
    def __init__(self, subject: Subject, pairs: Sequence[Merging]) -> None:
        self.subject, self.pairs, self.network = subject, pairs, subject.network
        self.where = incoming_indices(self.network)
        self.start = from_weights(self.network, pairs, subject.values)
        self.inputs = [[*row, Fraction(1)] for row in subject.dense.data.x]
        self.size = len(self.start)
        self.kinked = subject.homogeneous
        self.signs = _signs(subject) if self.kinked else []
        if self.kinked:
            pattern = pattern_of(subject.dense, self.signs)
            smooth = lagrangian(subject.dense, pattern)
        else:
            smooth = subject.program
        self.smooth = BallProgram.of(smooth)
        self.layers = [layer.preactivation for layer in dense_layers(subject.program)][:-1]
        self.held = self._held() if self.kinked else []
        self.ties = self._ties() if self.kinked else []
        self.lengths = self._lengths()
        self.fixed = self._fixed()

    def _held(self) -> list[tuple[int, int]]:
        """First-layer pre-activations that are almost 0, as (unit, point)."""
        found: list[tuple[int, int]] = []
        for i, row in enumerate(self.subject.evaluation.preactivations[0]):
            for unit, z in enumerate(row):
                weights = max(abs(self.subject.values[p]) for p in self.where[0][unit])
                scale = float(weights * max(map(abs, self.inputs[i])))
                if abs(nearest_float(z)) <= HELD * scale:
                    found.append((unit, i))
        return found

    def _ties(self) -> list[_Tie]:
        """Of pairs: where one of the two is held, or where they are on different sides."""
        found: list[_Tie] = []
        for pair in (pair for pair in self.pairs if pair.layer == 0):
            (j, k), rows = pair.units, self.subject.evaluation.preactivations[0]
            for i, row in enumerate(rows):
                held = [unit for unit in (j, k) if (unit, i) in self.held]
                apart = self.signs[0][i, j] != self.signs[0][i, k]
                if held or apart:
                    factor = pair.factor if held == [k] else Fraction(1)
                    value = Fraction(0) if apart else factor * fraction(row[held[0]])
                    found.append(_Tie(k, i, value, j if held else None))
        return found

    def _lengths(self) -> Floats:
        """Natural lengths of the coordinates, shape (P,)."""
        sizes = np.abs(np.array([nearest_float(v) for v in self.start]))
        found = np.ones(self.size)
        for layer in self.where[:-1]:
            for unit in layer:
                found[unit] = max(sizes[unit].max(), 1e-12)
        for row in self.where[-1]:
            found[row] = np.maximum(sizes[row], 1)
        for pair in self.pairs:
            for unit in pair.units:
                out = [row[unit] for row in self.where[pair.layer + 1]]
                found[out] = max(sizes[out].max(), 1e-6)
        return found

    def _fixed(self) -> set[int]:
        """Coordinates that only rescale: the largest of T, and of every unit's weights."""

        def largest(places: Sequence[int]) -> int:
            return max(places, key=lambda p: abs(self.start[p]))

        found = {
            largest([row[pair.units[1]] for row in self.where[pair.layer + 1]])
            for pair in self.pairs
        }
        if self.kinked:
            first = {(pair.layer, pair.units[0]): pair.units[1] for pair in self.pairs}
            for m, layer in enumerate(self.where[:-1]):
                for unit, incoming in enumerate(layer):
                    row = layer[first.get((m, unit), unit)]
                    found.add(incoming[row.index(largest(row))])
        return found

    def _weights(self, tau: Fraction, values: Sequence[Fraction]) -> list[Fraction]:
        """The parameters; near the limit those of the straight curve, a little way along it."""
        if tau == SMALL:
            values = [a + tau * (b - a) for a, b in zip(values, self.start, strict=True)]
        forms = to_weights(self.network, self.pairs, tau)
        return [sum((c * values[q] for q, c in form.items()), Fraction(0)) for form in forms]

    def _fits(self, tau: Fraction, values: Sequence[Fraction]) -> bool:
        """Whether all signs are those at the point."""
        if not self.kinked:
            return True
        run = BallProgram.of(self.subject.program).run(around(self._weights(tau, values)), order=0)
        return all(
            z * int(self.signs[m][i, j]) > 0
            for m, k in enumerate(self.layers)
            for i, row in enumerate(run.values[k].tolist())
            for j, z in enumerate(row)
        )

    def _lines(self, values: Sequence[Fraction]) -> dict[tuple[int, int], Fraction]:
        """In the limit w.x~ of every unit of the first layer that has w, by unit and point."""
        second = {pair.units[0] for pair in self.pairs if pair.layer == 0}
        return {
            (unit, i): inner([values[p] for p in row], x)
            for unit, row in enumerate(self.where[0])
            if unit not in second
            for i, x in enumerate(self.inputs)
        }

    def _blocked(self, values: Sequence[Fraction], step: Floats) -> tuple[Fraction, _Tie | None]:
        """How much of a step in the limit leaves all w.x~ on their sides, and what stops it."""
        there = [v + Fraction(s) for v, s in zip(values, step.tolist(), strict=True)]
        here, after = self._lines(values), self._lines(there)
        known = {(tie.unit, tie.point) for tie in self.ties}
        share, stop = Fraction(1), None
        for (unit, i), z in here.items():
            side, end = int(self.signs[0][i, unit]), after[unit, i]
            if (unit, i) not in known and z * side > 0 and end * side < 0:
                part = z / (z - end)
                if part < share:
                    share, stop = part, _Tie(unit, i, Fraction(0))
        return share, stop

    def bound(self, values: Sequence[Fraction]) -> list[Fraction]:
        """The same with w.x~ exactly as the ties want it, and as little else as possible."""
        found = list(values)
        for unit in {tie.unit for tie in self.ties}:
            ties = [tie for tie in self.ties if tie.unit == unit]
            row = self.where[0][unit]
            if len(ties) > len(row):
                continue
            matrix = fmpq_mat([[rational(v) for v in self.inputs[tie.point]] for tie in ties])
            gap = matrix * fmpq_mat([[rational(found[p])] for p in row]) - fmpq_mat(
                [[rational(tie.value)] for tie in ties]
            )
            try:
                back = matrix.transpose() * (matrix * matrix.transpose()).solve(gap)
            except ZeroDivisionError:
                continue
            for n, p in enumerate(row):
                found[p] -= fraction(back[n, 0])
        return found

    def _kept(self, tau: Fraction) -> list[Floats]:
        """Rows of coordinates along which nothing may change."""
        rows: list[Floats] = []
        inputs = np.array([[nearest_float(v) for v in row] for row in self.inputs])
        forms = to_weights(self.network, self.pairs, tau)
        for unit, i in self.held:
            row = np.zeros(self.size)
            for p, x in zip(self.where[0][unit], inputs[i], strict=True):
                for q, c in forms[p].items():
                    row[q] += float(c) * x
            rows.append(row)
        for tie in self.ties:
            for unit in (tie.unit, tie.partner):
                if unit is not None:
                    row = np.zeros(self.size)
                    row[self.where[0][unit]] = inputs[tie.point]
                    rows.append(row)
        return rows

    def floor(self, tau: Fraction, start: Sequence[Fraction]) -> list[Fraction] | None:
        """Where Newton's method leads at a fixed tau, from coordinates."""
        values = self.bound(start) if tau == SMALL else list(start)
        if not self._fits(tau, values):
            return None
        loss = self.loss(tau, values)
        free = [p for p in range(self.size) if p not in self.fixed]
        basis = _orthogonal(self._kept(tau), self.lengths, free)
        for _ in range(STEPS):
            step = self._step(tau, values, free, basis)
            share, stop = Fraction(1), None
            if tau == SMALL and self.kinked:
                share, stop = self._blocked(values, step)
            if stop is not None:
                self.ties.append(stop)
            for _ in range(HALVINGS):
                there = [
                    balls.round_to(v + share * Fraction(s), DECIMALS)
                    for v, s in zip(values, step.tolist(), strict=True)
                ]
                there = self.bound(there) if tau == SMALL else there
                found = self.loss(tau, there)
                if found < loss and self._fits(tau, there):
                    break
                share /= 2
            else:
                if stop is not None:
                    self.ties.remove(stop)
                break
            values, loss = there, found
            if stop is not None:
                basis = _orthogonal(self._kept(tau), self.lengths, free)
            elif share == 1 and float(np.abs(step / self.lengths).max()) < SETTLED:
                break
        return values

    def loss(self, tau: Fraction, values: Sequence[Fraction]) -> arb:
        """The loss with the signs of the point; of a ball its middle."""
        return self.smooth.loss(around(self._weights(tau, values))).mid()

    def _step(
        self, tau: Fraction, values: Sequence[Fraction], free: Sequence[int], basis: Floats
    ) -> Floats:
        """A Newton step; negative curvatures are turned round, flat directions left."""
        forms = to_weights(self.network, self.pairs, tau)
        matrix = arb_mat(self.size, self.size)
        for p, form in enumerate(forms):
            for q, c in form.items():
                matrix[p, q] = arb(rational(c))
        run = self.smooth.run(around(self._weights(tau, values)))
        slopes = matrix.transpose() * arb_mat([[g] for g in run.gradient])
        bends = matrix.transpose() * curvature(run) * matrix
        scale = self.lengths[list(free)]
        gradient = basis.T @ (scale * np.array([float(slopes[p, 0].mid()) for p in free]))
        curved = np.array([[float(bends[p, q].mid()) for q in free] for p in free])
        curved = basis.T @ (scale[:, None] * curved * scale) @ basis
        sizes, vectors = np.linalg.eigh((curved + curved.T) / 2)
        steep = np.abs(sizes) > FLAT * np.abs(sizes).max()
        moves = np.where(steep, -(vectors.T @ gradient) / np.where(steep, np.abs(sizes), 1), 0)
        step = np.zeros(self.size)
        step[list(free)] = scale * (basis @ (vectors @ moves))
        return step


def _orthogonal(rows: Sequence[Floats], lengths: Floats, free: Sequence[int]) -> Floats:
    """Orthonormal columns, in natural lengths, along which no row changes."""
    if not rows:
        return np.eye(len(free))
    matrix = (np.array(rows) * lengths)[:, list(free)]
    matrix = matrix[np.abs(matrix).max(axis=1) > 0]
    matrix = matrix / np.abs(matrix).max(axis=1, keepdims=True)
    _, sizes, right = np.linalg.svd(matrix)
    return np.asarray(right[int((sizes > 1e-9 * sizes[0]).sum()) :].T, dtype=np.float64)
