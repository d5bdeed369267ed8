"""Problems made to order around an exact point on kinks: squared loss, any depth.

Nothing here uses the prover. On a face the outputs are linear in every single parameter and in
every held activation, so derivatives are differences. The targets are chosen so that the
Lagrangian's gradient vanishes, with the slope mu / D of every held pair where it is wanted.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import pairwise

from flint import fmpq, fmpq_mat

from spurious.problem import Dataset, Loss, Network, Problem, unflatten

Held = Sequence[tuple[int, int, int]]
"""(layer, unit, data point), at most one a unit; with points that are alike, the first of them."""


@dataclass(frozen=True)
class Made:
    """A problem whose point is critical on the face of the held pairs.

    Attributes:
        problem: The problem, its point exactly on the kinks.
        weights: D of every held pair.
        multipliers: mu of every held pair.
        rank: Of the derivative of held pre-activations and outputs there.
    """

    problem: Problem
    weights: list[Fraction]
    multipliers: list[Fraction]
    rank: int


class Face:
    """A network with fixed slopes: 0 where a pair is held, and then the activation is given."""

    def __init__(
        self, network: Network, xs: list[list[int]], held: Held, twins: Sequence[int] = ()
    ) -> None:
        self.network, self.xs, self.held = network, xs, held
        self.twins = set(twins)
        self.slopes: dict[tuple[int, int, int], fmpq] = {}

    def run(self, values: list[fmpq], given: Sequence[int]) -> list[fmpq]:
        """z of the held pairs, then all outputs."""
        found, outputs = {}, list[fmpq]()
        for i, x in enumerate(self.xs):
            state, start = [fmpq(v) for v in x], 0
            for level, (below, above) in enumerate(pairwise(self.network.widths)):
                z = list[fmpq]()
                for j in range(above):
                    row = values[start + j * below : start + (j + 1) * below]
                    dot = sum((w * a for w, a in zip(row, state, strict=True)), fmpq(0))
                    z.append(dot + values[start + above * below + j])
                start += above * (below + 1)
                if level == self.network.depth:
                    outputs += z
                    break
                state = [self.act(level, j, i, v) for j, v in enumerate(z)]
                for h, pair in enumerate(self.held):
                    if level == pair[0] and self.same(pair[2], i):
                        assert found.setdefault(h, z[pair[1]]) == z[pair[1]]
                        state[pair[1]] = fmpq(given[h])
        return [*(found[h] for h in range(len(self.held))), *outputs]

    def same(self, first: int, second: int) -> bool:
        """Whether points are one, or alike."""
        return first == second or {first, second} <= self.twins

    def act(self, level: int, unit: int, point: int, z: fmpq) -> fmpq:
        """The first time the slope is that of the sign of z; from then on it stays."""
        above, below = (fmpq(s.numerator, s.denominator) for s in self.network.slopes)
        slope = self.slopes.setdefault((level, unit, point), above if z > 0 else below)
        return slope * z


def made(
    widths: tuple[int, ...],
    activation: str,
    held: Held,
    seed: int,
    points: int = 10,
    edge: str = "inside",
    size: Fraction = Fraction(1, 20),
    twins: tuple[int, ...] = (),
    equal: bool = False,
) -> Made | None:
    """A problem, or None if the random numbers allow none.

    Args:
        widths: Of the network.
        activation: relu, leaky_relu (slope 1/4) or abs.
        held: The pairs on their kink.
        seed: For everything random.
        points: The number of data.
        edge: Where the slope of the first pair is: `inside` of q and p, `upper` for p itself,
            `outside` beyond p. The others are inside.
        size: The largest derivative of the loss by an output.
        twins: Points that are alike at the layers of the held pairs.
        equal: Whether that is because their inputs are equal; else they are all those for which
            the whole first layer is off, the first one among them.
    """
    rng = random.Random(seed)
    network = Network(widths, activation, Fraction(1, 4) if activation == "leaky_relu" else None)
    columns = [rng.sample(range(-9, 10), points) for _ in range(widths[0])]
    xs = [list(x) for x in zip(*columns, strict=True)]
    if equal:
        xs = [xs[twins[0]] if i in twins else x for i, x in enumerate(xs)]
    count = network.parameter_count
    values = [fmpq(rng.choice((-1, 1)) * rng.randint(1, 9), 4) for _ in range(count)]
    if twins and not equal:
        dead = tuple(i for i in range(points) if off(network, xs, values, [i]))
        if len(dead) < 2 or twins[0] not in dead:
            return None
        twins = dead
    face = Face(network, xs, held, twins)
    zeros = [0] * len(held)
    for h, (level, j, _) in enumerate(held):  # layer by layer, a bias moves each z to 0
        before = sum(above * (below + 1) for below, above in pairwise(widths[: level + 1]))
        bias = before + widths[level + 1] * widths[level] + j
        face.slopes.clear()
        values[bias] -= face.run(values, zeros)[h]
    face.slopes.clear()
    base = face.run(values, zeros)
    if any(v != 0 for v in base[: len(held)]) or fmpq(0) in network_zeros(face, values):
        return None
    columns = [difference(face, values, zeros, base, p) for p in range(count)]
    bends = [
        [a - b for a, b in zip(face.run(values, unit(h, len(held))), base, strict=True)]
        for h in range(len(held))
    ]
    above, below = (fmpq(s.numerator, s.denominator) for s in network.slopes)
    rows = [*columns]
    if edge == "upper":  # mu_0 = p D_0 is one more equation
        rows.append([fmpq(k == 0) - above * v for k, v in enumerate(bends[0])])
    matrix = fmpq_mat(rows)
    basis = nullspace(matrix)
    if not basis:
        return None  # y = 0
    every = fmpq_mat(basis)
    ends = [v for bend in bends for v in bend]
    ends += [v for h in range(len(held)) for v in unit(h, len(base))]
    seen = every * fmpq_mat(2 * len(held), len(base), ends).transpose()
    for _ in range(400):
        shares = fmpq_mat([[rng.randint(-5, 5) for _ in basis]])
        found = (shares * seen).entries()  # D and mu of each held pair, before all of y
        weights, multipliers = found[: len(held)], found[len(held) :]
        wanted = [below * d < m < above * d for d, m in zip(weights, multipliers, strict=True)]
        if edge == "upper" and held:
            wanted[0] = weights[0] > 0
        if edge == "outside" and held:
            wanted[0] = 0 < above * weights[0] < multipliers[0]
        if not all(wanted):
            continue
        y = (shares * every).entries()
        largest = max(abs(v) for v in y[len(held) :])
        if largest == 0:
            continue
        scale = fmpq(size.numerator, size.denominator) / largest
        targets = [
            f - scale * g / 2 for f, g in zip(base[len(held) :], y[len(held) :], strict=True)
        ]
        return Made(
            package(network, xs, targets, values),
            [fraction(scale * d) for d in weights],
            [fraction(scale * m) for m in y[: len(held)]],
            fmpq_mat(columns).rank(),
        )
    return None


def package(
    network: Network, xs: list[list[int]], targets: list[fmpq], values: list[fmpq]
) -> Problem:
    outputs = network.outputs
    rows = [targets[i : i + outputs] for i in range(0, len(targets), outputs)]
    data = Dataset(
        tuple(tuple(Fraction(v) for v in x) for x in xs),
        tuple(tuple(fraction(v) for v in row) for row in rows),
    )
    point = unflatten(tuple(fraction(v) for v in values), network)
    return Problem(network, Loss.SQUARED, data, point)


def off(network: Network, xs: list[list[int]], values: list[fmpq], points: Sequence[int]) -> bool:
    """Whether the whole first layer is negative at some points."""
    below, above = network.widths[:2]
    rows = [[*values[j * below : (j + 1) * below], values[above * below + j]] for j in range(above)]
    return all(
        sum((w * v for w, v in zip(row, [*xs[i], 1], strict=True)), fmpq(0)) < 0
        for row in rows
        for i in points
    )


def unit(place: int, size: int) -> list[int]:
    return [int(k == place) for k in range(size)]


def difference(
    face: Face, values: list[fmpq], zeros: list[int], base: list[fmpq], p: int
) -> list[fmpq]:
    there = [v + (k == p) for k, v in enumerate(values)]
    return [a - b for a, b in zip(face.run(there, zeros), base, strict=True)]


def network_zeros(face: Face, values: list[fmpq]) -> list[fmpq]:
    """All pre-activations of pairs that are not held."""
    free = Face(face.network, face.xs, [])
    seen = list[fmpq]()

    def act(level: int, unit: int, point: int, z: fmpq) -> fmpq:
        if any((level, unit) == h[:2] and face.same(h[2], point) for h in face.held):
            return fmpq(0)
        seen.append(z)
        return Face.act(free, level, unit, point, z)

    free.act = act  # type: ignore[method-assign]
    free.run(values, [])
    return seen


def nullspace(matrix: fmpq_mat) -> list[list[fmpq]]:
    """A basis of the vectors that the matrix maps to 0."""
    reduced, rank = matrix.rref()
    width = matrix.ncols()
    pivots = [next(j for j in range(width) if reduced[i, j] != 0) for i in range(rank)]
    basis = list[list[fmpq]]()
    for free in (j for j in range(width) if j not in pivots):
        vector = [fmpq(j == free) for j in range(width)]
        for i, pivot in enumerate(pivots):
            vector[pivot] = -reduced[i, free]
        basis.append(vector)
    return basis


def fraction(value: fmpq) -> Fraction:
    return Fraction(int(value.p), int(value.q))


def exact_loss(problem: Problem, values: Sequence[fmpq]) -> fmpq:
    """The squared loss of the network itself, exactly."""
    above, below = (fmpq(s.numerator, s.denominator) for s in problem.network.slopes)
    state, start = matrix(problem.data.x), 0
    ones = fmpq_mat([[1]] * len(problem.data.x))
    for level, (low, high) in enumerate(pairwise(problem.network.widths)):
        weight = fmpq_mat(high, low, list(values[start : start + high * low]))
        start += high * (low + 1)
        state = state * weight.transpose() + ones * fmpq_mat([list(values[start - high : start])])
        if level < problem.network.depth:
            entries = [v * (above if v > 0 else below) for v in state.entries()]
            state = fmpq_mat(state.nrows(), high, entries)
    error = (state - matrix(problem.data.y)).entries()
    return (fmpq_mat(1, len(error), error) * fmpq_mat(len(error), 1, error))[0, 0]


@cache
def matrix(rows: tuple[tuple[Fraction, ...], ...]) -> fmpq_mat:
    return fmpq_mat([[fmpq(v.numerator, v.denominator) for v in row] for row in rows])
