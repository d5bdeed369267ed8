"""Rule `one_sided_derivatives`: the complete test for shallow networks, kinks included.

Theorem 1 (`docs/mathematics.md`). Let f(x) = sum_j V_j act(w_j.x~) + c with a homogeneous
activation and a convex loss. Near the point the loss exceeds its value by at least the first-order
change sum_i g_i.df_i, which splits by unit. For one output: the point is a local minimum if and
only if sum_i g_i = 0; for every unit with v_j != 0, with s = sign v_j,

    phi_j(u) = s [ lin_j.u + sum_{r on the kink} C_jr |u.x~_r| ] >= 0     for all u in R^(d+1);

and for every unit with v_j = 0, phi_j vanishes identically. For several outputs the same with
phi_T >= 0 for all T near V_j is sufficient, with T = V_j necessary.

For the squared loss this is the theorem of F. Z. Wu, B. Simsek, F. G. Ged, "Loss landscape of
shallow ReLU-like neural networks" (ICLR 2025): no "escape neurons". The first-order part of the
test by C. Yun, S. Sra, A. Jadbabaie, "Efficiently testing local optimality and escaping saddles for
ReLU networks" (ICLR 2019), is the case of inputs in general position.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from flint import fmpq

from spurious.certify.evaluate import Evaluation, slope_at
from spurious.certify.flatness import shallow_flatness
from spurious.certify.subject import Rule, Subject
from spurious.certify.sums import stationary, vanishes, weighted_sum
from spurious.exact.linear_program import Feasible, solve
from spurious.exact.rationals import ONE, ZERO, Vector, dot, fraction
from spurious.exact.softmax_numbers import Exact, SoftmaxNumber, sign
from spurious.proof import Claim, Leaf, OneSidedDerivatives, Proof, Split, Tree, Undecided
from spurious.verdict import Decision

EPSILONS = (fmpq(1, 1024), fmpq(1, 2**20))
"""Sizes tried for the neighbourhood of V_j with several outputs, relative to the smallest |V_j|."""

DEPTH_LIMIT = 200
"""Nested signs examined for one unit before giving up."""

LEAF_LIMIT = 20_000
"""Cones examined for one unit before giving up: the question is coNP-hard in the dimension."""


@dataclass(frozen=True, slots=True)
class UnitDerivative:
    """phi of one unit, for each output: linear part and kink part.

    Attributes:
        linear: lin_jk, shape (K, d + 1).
        kinks: Kink groups in increasing order, shape (m,).
        curvature: C_rk for each kink group, shape (m, K).
    """

    linear: tuple[tuple[Exact, ...], ...]
    kinks: tuple[int, ...]
    curvature: tuple[tuple[Exact, ...], ...]


@dataclass(frozen=True, slots=True)
class Descending:
    """A unit's phi is negative along a direction of its incoming weights."""

    direction: Vector


@dataclass(frozen=True, slots=True)
class Holds:
    """phi >= 0 everywhere, with its tree (`docs/certificates.md`, 5.2)."""

    tree: Tree


@dataclass(frozen=True, slots=True)
class Minimum:
    """All units pass: the `units` lists of the certificate, and epsilon for several outputs."""

    units: tuple[tuple[Tree, ...], ...]
    epsilon: fmpq | None


@dataclass(frozen=True, slots=True)
class UnitDescends:
    """A descent direction: move unit `unit`'s incoming weights along `direction`."""

    unit: int
    direction: Vector


@dataclass(frozen=True, slots=True)
class ZeroWeightDescends:
    """Unit `unit` has zero output weights, and its psi for `output` has sign `side` there."""

    unit: int
    output: int
    direction: Vector
    side: int


FirstOrder: TypeAlias = Minimum | UnitDescends | ZeroWeightDescends | Undecided
"""What Theorem 1 says of a point."""


def first_order(subject: Subject) -> FirstOrder:
    """What Theorem 1 says of the point; for `Subject.once`."""
    return test_point(subject.evaluation)


def minimum(evaluation: Evaluation, found: Minimum) -> Proof:
    """The proof that a point is a minimum."""
    flat = shallow_flatness(evaluation)
    return Proof(
        claim=Claim(
            Decision.LOCAL_MINIMUM,
            strict=flat.strict,
            strict_up_to_rescaling=flat.strict_up_to_rescaling,
            flat_dimension=flat.dimension,
        ),
        evidence=OneSidedDerivatives(
            found.units, None if found.epsilon is None else fraction(found.epsilon)
        ),
        reason="no direction has a negative one-sided derivative, and that decides it",
    )


def _prove(subject: Subject) -> Proof | Undecided:
    found = subject.once(first_order)
    if isinstance(found, Minimum):
        return minimum(subject.evaluation, found)
    if isinstance(found, Undecided):
        return found
    return Undecided("no first-order rule applies")


def test_point(evaluation: Evaluation) -> FirstOrder:
    """Applies Theorem 1 at a point where the last layer's gradient vanishes.

    Args:
        evaluation: A network with widths [d, h, K] and homogeneous activation.

    Raises:
        UndecidedSignError: a softmax number could not be compared with zero.
        ArithmeticError: the sum of g is not zero, so the last layer's gradient does not vanish.
    """
    ones = [(ONE,)] * len(evaluation.inputs)
    if not vanishes(weighted_sum(evaluation, range(len(ones)), ones)):
        raise ArithmeticError("Theorem 1 was applied where the sum of g is not zero")
    outgoing = evaluation.weights[1]
    trees: list[tuple[Tree, ...]] = []
    hidden = len(evaluation.weights[0])
    for j in range(hidden):
        derivative = unit_derivative(evaluation, j)
        weights = tuple(row[j] for row in outgoing)
        if all(v == 0 for v in weights):
            found = vanishing(evaluation, derivative)
            if found is not None:
                return ZeroWeightDescends(j, *found)
            trees.append(())
            continue
        single = len(outgoing) == 1
        central = combine(derivative, [_unit_sign(v) for v in weights] if single else weights)
        result = prove_nonnegative(evaluation, derivative.kinks, *central)
        if isinstance(result, Undecided):
            return result
        if isinstance(result, Descending):
            return UnitDescends(j, result.direction)
        if single:
            trees.append((result.tree,))
    if len(outgoing) == 1:
        return Minimum(tuple(trees), None)
    columns = [tuple(row[j] for row in outgoing) for j in range(hidden)]
    smallest = min(
        (max(map(abs, v)) for v in columns if any(entry != 0 for entry in v)), default=ONE
    )
    for share in EPSILONS:
        result = _all_vertices(evaluation, share * smallest)
        if isinstance(result, Minimum):
            return result
    return Undecided(
        "with several outputs the first-order test holds at the point but not around it"
    )


def _unit_sign(value: fmpq) -> fmpq:
    return ONE if value > 0 else -ONE


def _all_vertices(evaluation: Evaluation, epsilon: fmpq) -> Minimum | Undecided:
    """Several outputs: phi_T >= 0 at T = V_j +- epsilon e_k, for every unit."""
    outgoing = evaluation.weights[1]
    outputs = range(len(outgoing))
    trees: list[tuple[Tree, ...]] = []
    for j in range(len(evaluation.weights[0])):
        weights = tuple(row[j] for row in outgoing)
        if all(v == 0 for v in weights):
            trees.append(())
            continue
        derivative = unit_derivative(evaluation, j)
        found: list[Tree] = []
        for k in outputs:
            for step in (epsilon, -epsilon):
                vertex = tuple(v + step if i == k else v for i, v in enumerate(weights))
                result = prove_nonnegative(
                    evaluation, derivative.kinks, *combine(derivative, vertex)
                )
                if not isinstance(result, Holds):
                    return Undecided("the first-order test fails near the point")
                found.append(result.tree)
        trees.append(tuple(found))
    return Minimum(tuple(trees), epsilon)


def unit_derivative(evaluation: Evaluation, unit: int) -> UnitDerivative:
    """lin_jk and C_rk of a hidden unit (`docs/certificates.md`, 5.2)."""
    p, q = evaluation.slopes
    width = len(evaluation.inputs[0])
    outputs = range(len(evaluation.outputs[0]))
    linear: list[list[Exact]] = [[ZERO] * width for _ in outputs]
    curvature: dict[int, list[Exact]] = {}
    for i, x in enumerate(evaluation.inputs):
        z = evaluation.preactivations[0][i][unit]
        on_kink = evaluation.has_kinks and z == 0
        slope = (p + q) / 2 if on_kink else slope_at(z, evaluation.slopes)
        for k in outputs:
            g = evaluation.loss_derivative[i][k]
            if on_kink:
                sums = curvature.setdefault(evaluation.groups[i], [ZERO for _ in outputs])
                sums[k] = sums[k] + g * ((p - q) / 2)
            if slope != 0:
                weighted = g * slope
                linear[k] = [
                    old + weighted * entry for old, entry in zip(linear[k], x, strict=True)
                ]
    kinks = tuple(sorted(curvature))
    return UnitDerivative(
        linear=tuple(tuple(row) for row in linear),
        kinks=kinks,
        curvature=tuple(tuple(curvature[r]) for r in kinks),
    )


def combine(
    derivative: UnitDerivative, test_vector: Sequence[fmpq]
) -> tuple[tuple[Exact, ...], tuple[Exact, ...]]:
    """L = sum_k T_k lin_k, shape (d + 1,), and c_r = sum_k T_k C_rk, shape (m,)."""

    def weighted(values: Sequence[Exact]) -> Exact:
        total: Exact = ZERO
        for t, value in zip(test_vector, values, strict=True):
            total = total + value * t
        return total

    linear = tuple(weighted(column) for column in zip(*derivative.linear, strict=True))
    return linear, tuple(weighted(row) for row in derivative.curvature)


def vanishing(evaluation: Evaluation, derivative: UnitDerivative) -> tuple[int, Vector, int] | None:
    """None if psi_k vanishes identically for every k, else k, a direction u and psi_k(u)'s sign.

    psi_k(u) = lin_k.u + sum_r C_rk |u.x~_r|. The functions |u.x~_r| for pairwise different inputs
    x~_r = (x_r, 1) and the linear functions are linearly independent, so psi_k vanishes only if all
    coefficients do. If C_rk != 0 for some r, psi_k is not even linear: it differs from 0 at one of
    two points on either side of the hyperplane of x~_r, or on it.
    """
    for k, linear in enumerate(derivative.linear):
        jumps = [row[k] for row in derivative.curvature]
        if all(sign(c) == 0 for c in jumps):
            for axis, entry in enumerate(linear):
                if side := sign(entry):
                    return k, tuple(ONE if i == axis else ZERO for i in range(len(linear))), side
            continue
        candidates = _probes([evaluation.inputs[r] for r in derivative.kinks])
        for u in candidates:
            if side := sign(phi(evaluation, derivative.kinks, linear, jumps, u)):
                return k, u, side
        raise ArithmeticError("a nonzero piecewise linear function vanished at every probe")
    return None


def _probes(inputs: Sequence[Vector]) -> list[Vector]:
    """Points such that a function lin.u + sum_r C_r |u.x~_r|, not all C_r zero, is nonzero at one.

    For each r: a point h on the hyperplane of x~_r and on no other one, and h +- t x~_r with t so
    small that no other hyperplane is crossed. On that segment the function is linear but for the
    bend C_r |u.x~_r| at its middle, so it cannot vanish at all three points if C_r != 0.
    """
    width = len(inputs[0])
    probes: list[Vector] = []
    for r, normal in enumerate(inputs):
        square = dot(normal, normal)
        others = [x for i, x in enumerate(inputs) if i != r]
        base = 1
        while True:
            raw = tuple(fmpq(base) ** power for power in range(width))
            share = dot(raw, normal) / square
            middle = tuple(a - share * b for a, b in zip(raw, normal, strict=True))
            distances = [dot(middle, x) for x in others]
            if all(z != 0 for z in distances):
                break
            base += 1
        step = ONE
        for z, x in zip(distances, others, strict=True):
            slope = dot(normal, x)
            if slope != 0:
                step = min(step, abs(z / slope) / 2)
        probes.append(middle)
        probes.extend(
            tuple(a + side * b for a, b in zip(middle, normal, strict=True))
            for side in (step, -step)
        )
    return probes


def phi(
    evaluation: Evaluation,
    kinks: Sequence[int],
    linear: Sequence[Exact],
    curvature: Sequence[Exact],
    u: Vector,
) -> Exact:
    """l.u + sum_r c_r |u.x~_r|, exactly."""
    total: Exact = ZERO
    for coefficient, entry in zip(linear, u, strict=True):
        total = total + coefficient * entry
    for r, c in zip(kinks, curvature, strict=True):
        total = total + c * abs(dot(u, evaluation.inputs[r]))
    return total


def prove_nonnegative(
    evaluation: Evaluation,
    kinks: Sequence[int],
    linear: Sequence[Exact],
    curvature: Sequence[Exact],
) -> Holds | Descending | Undecided:
    """Decides whether phi(u) = l.u + sum_r c_r |u.x~_r| is nonnegative for all u.

    Branches over the signs of u.x~_r for the groups with c_r < 0, which alone make phi non-convex;
    on each cone phi is convex, and nonnegative exactly if the linear system of the leaf rule has a
    solution (Farkas' lemma). A sign that the cone already implies is not branched on.
    """
    if not kinks:
        return _linear(linear)
    concave = [r for r, c in zip(kinks, curvature, strict=True) if sign(c) < 0]
    search = _Search(
        evaluation,
        dict(zip(kinks, curvature, strict=True)),
        tuple(linear),
        [r for r in kinks if r not in concave],
    )
    result = search.branch(concave, {}, {})
    if isinstance(result, Descending):
        value = phi(evaluation, kinks, linear, curvature, result.direction)
        if sign(value) >= 0:
            raise ArithmeticError("a Farkas vector does not descend")
    return result


def _linear(linear: Sequence[Exact]) -> Holds | Descending:
    """A linear phi is nonnegative only if it is zero; otherwise it falls against itself."""
    signs = [sign(entry) for entry in linear]
    if not any(signs):
        return Holds(Leaf())
    axis = next(i for i, s in enumerate(signs) if s)
    return Descending(tuple(fmpq(-signs[axis]) if i == axis else ZERO for i in range(len(signs))))


class _Search:
    """The walk over cones for one phi; counts the cones it has seen."""

    def __init__(
        self,
        evaluation: Evaluation,
        curvature: Mapping[int, Exact],
        linear: tuple[Exact, ...],
        convex: Sequence[int],
    ) -> None:
        self.inputs = evaluation.inputs
        self.curvature = curvature
        self.linear = linear
        self.convex = convex
        self.leaves = 0

    def branch(
        self,
        left: Sequence[int],
        signs: Mapping[int, int],
        dominated: Mapping[int, Mapping[int, fmpq]],
    ) -> Holds | Descending | Undecided:
        """Decides phi >= 0 on the cone {signs_s u.x~_s >= 0}; `left` are still to be placed."""
        if len(signs) > DEPTH_LIMIT:
            return Undecided(f"more than {DEPTH_LIMIT} nested signs around one unit's kink points")
        for position, r in enumerate(left):
            implied = self._implied(r, signs)
            if implied is not None:
                dominated = {**dominated, r: implied}
                continue
            rest = left[position + 1 :]
            children: list[Tree] = []
            for side in (1, -1):
                result = self.branch(rest, {**signs, r: side}, dominated)
                if not isinstance(result, Holds):
                    return result
                children.append(result.tree)
            return Holds(Split(r, *children))
        return self._leaf(signs, dominated)

    def _implied(self, r: int, signs: Mapping[int, int]) -> Mapping[int, fmpq] | None:
        """Multipliers of one sign, x~_r = sum_s m_s signs_s x~_s, if the cone fixes r's sign."""
        if not signs:
            return None
        columns = [
            [self.inputs[s][i] * side for i in range(len(self.linear))] for s, side in signs.items()
        ]
        for side in (ONE, -ONE):
            result = solve(columns, [entry * side for entry in self.inputs[r]])
            if isinstance(result, Feasible):
                return {
                    s: value * side
                    for s, value in zip(signs, result.multipliers, strict=True)
                    if isinstance(value, fmpq) and value != 0
                }
        return None

    def _leaf(
        self, signs: Mapping[int, int], dominated: Mapping[int, Mapping[int, fmpq]]
    ) -> Holds | Descending | Undecided:
        """Solves l' + sum_r tau_r x~_r = sum_s mu_s signs_s x~_s with |tau_r| <= c_r, mu >= 0."""
        self.leaves += 1
        if self.leaves > LEAF_LIMIT:
            return Undecided(f"more than {LEAF_LIMIT} cones around one unit's kink points")
        target = list(self.linear)

        def add(factor: Exact, row: Vector) -> None:
            for i, entry in enumerate(row):
                target[i] = target[i] + factor * entry

        for s, side in signs.items():
            add(self.curvature[s] * fmpq(side), self.inputs[s])
        for r, multipliers in dominated.items():
            for s, m in multipliers.items():
                add(self.curvature[r] * (abs(m) * signs[s]), self.inputs[s])
        for r in self.convex:
            add(-self.curvature[r], self.inputs[r])
        columns = [[entry * side for entry in self.inputs[s]] for s, side in signs.items()]
        columns += [[-entry for entry in self.inputs[r]] for r in self.convex]
        upper: list[Exact | None] = [None] * len(signs)
        upper += [self.curvature[r] * fmpq(2) for r in self.convex]
        result = solve(columns, target, upper)
        if not isinstance(result, Feasible):
            return Descending(tuple(-entry for entry in result.farkas))
        mu = dict(zip(signs, result.multipliers, strict=False))
        shifted = zip(self.convex, result.multipliers[len(signs) :], strict=True)
        tau = {r: t - self.curvature[r] for r, t in shifted}
        return Holds(Leaf(dict(dominated), _nonzero(tau), _nonzero(mu)))


def _nonzero(values: Mapping[int, Exact]) -> dict[int, Exact]:
    return {
        key: value
        for key, value in values.items()
        if (value.terms if isinstance(value, SoftmaxNumber) else value != 0)
    }


RULE = Rule(lambda s: s.homogeneous and s.network.depth == 1 and s.once(stationary), _prove)
