"""Rule `constant_units` (Theorem 20): what it claims holds, and nothing else is claimed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, fmpq_mat

from spurious import Answer, Decision, certify
from spurious.certify.arithmetics import BallProgram, around
from spurious.certify.decide import decide
from spurious.certify.float_network import loss_function
from spurious.certify.rules import constant_units
from spurious.certify.rules.constant_units import bend, find_transport, group_sums
from spurious.certify.subject import Subject
from spurious.exact import balls
from spurious.exact.rationals import fraction, nullspace, rational, vector
from spurious.problem import (
    SMOOTH_ACTIVATIONS,
    Dataset,
    Layer,
    Loss,
    Network,
    Point,
    Problem,
    flatten,
    unflatten,
)
from spurious.program import SMOOTH
from spurious.proof import ConstantUnits, NotLocalMinimum, Proof, Undecided, certificate_data
from spurious_checker import check

Rows = Sequence[Sequence[Fraction | int]]

YUN = [[1, 0], [0, 1], ["1/2", "1/2"]]
LEVELS = [Fraction(v) for v in ("-5/2", "-1", "-1/3", "1/2", "1", "7/4", "3")]


def at(
    activation: str,
    x: Rows,
    y: Sequence[Fraction | int],
    units: Sequence[tuple[Sequence[Fraction | int], Fraction | int, Fraction | int]],
    loss: Loss = Loss.SQUARED,
    shift: Fraction = Fraction(0),
) -> Problem:
    """Units (w, level, v), constant on the data; the output is the best constant, to 12 decimals.

    The output bias is moved by `shift` then.
    """
    xs = tuple(tuple(Fraction(v) for v in row) for row in x)
    ys = tuple((Fraction(v),) for v in y)
    mean = sum((row[0] for row in ys), Fraction(0)) / len(ys)
    with balls.precision(200):
        best = arb(rational(mean))
        if loss is Loss.LOGISTIC:
            best = ((1 + best) / (1 - best)).log()
        for _, level, v in units:
            best -= (
                rational(Fraction(v)) * SMOOTH[activation].ball(arb(rational(Fraction(level))))[0]
            )
        bias = balls.round_to(fraction(balls.midpoint(best)), 12) + shift
    rows = tuple(tuple(Fraction(w) for w in row) for row, _, _ in units)
    biases = tuple(
        Fraction(level) - sum((a * b for a, b in zip(row, xs[0], strict=True)), Fraction(0))
        for row, (_, level, _) in zip(rows, units, strict=True)
    )
    last = Layer((tuple(Fraction(v) for _, _, v in units),), (bias,))
    network = Network((len(xs[0]), len(units), 1), activation)
    return Problem(network, loss, Dataset(xs, ys), Point((Layer(rows, biases), last)))


def decided(problem: Problem) -> Proof | None:
    """The decision, without a search for better points, after the checker has accepted it."""
    subject = Subject(problem)
    proof = decide(subject)
    if isinstance(proof, Undecided):
        return None
    loss = proof.claim.loss or subject.loss_at(subject.values)
    refuted = proof.claim.decision is Decision.NOT_LOCAL_MINIMUM
    claim = replace(proof.claim, loss=loss, is_global=Answer.NO if refuted else Answer.UNKNOWN)
    best = NotLocalMinimum() if refuted else None
    result = check(certificate_data(problem, claim, proof.evidence, best))
    assert result.valid, result.reason
    return proof


def claimed(problem: Problem) -> Proof | None:
    """The proof by this rule, if it is the one that decides."""
    proof = decided(problem)
    return proof if proof is not None and isinstance(proof.evidence, ConstantUnits) else None


def refuted(problem: Problem) -> bool:
    proof = decided(problem)
    return proof is not None and proof.claim.decision is Decision.NOT_LOCAL_MINIMUM


def supporting(rng: random.Random, activation: str) -> tuple[Fraction, Fraction]:
    """A level and an output weight of a supporting unit that bends."""
    while True:
        level = rng.choice(LEVELS)
        side = bend(activation, level)
        if side:
            return level, side * Fraction(rng.randint(1, 12), 4)


def units_for(
    rng: random.Random, activation: str, x: Rows, count: int
) -> list[tuple[list[Fraction], Fraction, Fraction]]:
    """Supporting units with weights orthogonal to all differences of inputs."""
    steps = [vector([Fraction(a) - b for a, b in zip(row, x[0], strict=True)]) for row in x[1:]]
    basis = nullspace(steps, len(x[0]))
    found: list[tuple[list[Fraction], Fraction, Fraction]] = []
    for _ in range(count):
        w = [Fraction(0)] * len(x[0])
        for row in basis:
            size = Fraction(rng.randint(-3, 3), 2)
            w = [a + size * fraction(b) for a, b in zip(w, row, strict=True)]
        found.append((w, *supporting(rng, activation)))
    return found


def by_moments(rng: random.Random, sign: int = 1) -> tuple[Rows, list[Fraction]]:
    """Inputs, and G with sum G = 0, sum G x = 0 and second moments of one sign on their span."""
    while True:
        d = rng.choice([1, 2, 2, 3])
        x = [[Fraction(rng.randint(-4, 4)) for _ in range(d)] for _ in range(d + rng.randint(2, 5))]
        if rng.random() < 0.5:  # one more coordinate that depends on the others
            x = [[*row, row[0] * 2 - row[-1] + 3] for row in x]
        basis = nullspace(
            [vector([Fraction(1)] * len(x)), *(vector(c) for c in zip(*x, strict=True))], len(x)
        )
        g = [Fraction(0)] * len(x)
        for row in basis:
            size = rng.randint(-4, 4)
            g = [a + size * fraction(b) for a, b in zip(g, row, strict=True)]
        places = np.array([[float(v) for v in row] for row in x])
        moments = places.T @ (np.array([float(v) for v in g])[:, None] * places)
        rank = np.linalg.matrix_rank(places - places[0])
        values = sign * np.linalg.eigvalsh(moments)
        if rank and (values > 1e-6).sum() == rank and (values > -1e-6).all():
            return x, g


def by_transport(rng: random.Random) -> tuple[Rows, list[Fraction]]:
    """Random spreads of mass along one axis, or a few, and points without G off it."""
    d = rng.choice([1, 2])
    ends = [[Fraction(rng.randint(-5, 5)) for _ in range(d)] for _ in range(rng.randint(3, 5))]
    g = [Fraction(0)] * len(ends)
    x = list(ends)
    for _ in range(rng.randint(1, 3)):
        shares = [Fraction(rng.randint(0, 4)) for _ in ends]
        total = sum(shares) or Fraction(1)
        if not any(shares):
            continue
        mass = Fraction(rng.randint(1, 5), 3)
        x.append(
            [sum(s * e[k] for s, e in zip(shares, ends, strict=True)) / total for k in range(d)]
        )
        g = [a + mass * s / total for a, s in zip(g, shares, strict=False)] + [
            *g[len(ends) :], -mass
        ]  # fmt: skip
    x = [[*row, Fraction(0)] for row in x]
    x.append([*(Fraction(rng.randint(-2, 2)) for _ in range(d)), Fraction(1)])
    return x, [*g, Fraction(0)]


def lowest_nearby(problem: Problem, rng: random.Random, trials: int) -> arb:
    """The smallest loss, to 60 digits, of moved points that each have their best output bias.

    Half of the moves leave the outputs as they are to first order (with two units or more).
    """
    network, data = problem.network, problem.data
    assert problem.point is not None
    lowest: arb | None = None
    jet = SMOOTH[network.activation].ball
    for _ in range(trials):
        hidden, last = problem.point.layers
        size = Fraction(1, 10 ** rng.choice([3, 4, 6, 9]))

        def move(size: Fraction = size) -> Fraction:
            return size * rng.randint(-100, 100) / 100

        steps = [[move() for _ in row] for row in hidden.weight]
        if rng.random() < 0.5:
            slopes = [float(jet(arb(rational(level)))[1]) for level in levels(problem)]
            slopes = [s * float(v) for s, v in zip(slopes, last.weight[0], strict=True)]
            steep = max(range(len(slopes)), key=lambda j: abs(slopes[j]))
            for k in range(network.widths[0]):
                rest = sum(s * float(row[k]) for s, row in zip(slopes, steps, strict=True))
                steps[steep][k] -= Fraction(rest / slopes[steep])
        rows = [
            [w + s for w, s in zip(*p, strict=True)] for p in zip(hidden.weight, steps, strict=True)
        ]
        biases = [b + move() for b in hidden.bias]
        outgoing = [v + move() for v in last.weight[0]]
        errors: list[arb] = []
        for x, (y,) in zip(data.x, data.y, strict=True):
            total = arb(rational(-y))
            for row, b, v in zip(rows, biases, outgoing, strict=True):
                z = sum((a * c for a, c in zip(row, x, strict=True)), b)
                total += rational(v) * jet(arb(rational(z)))[0]
            errors.append(total)
        mean = sum(errors, arb(0)) / len(errors)
        loss = sum((balls.square(e - mean) for e in errors), arb(0))
        lowest = loss if lowest is None else lowest.min(loss)
    assert lowest is not None
    return lowest


def levels(problem: Problem) -> list[Fraction]:
    assert problem.point is not None
    found = constant_units.constant_levels(problem, problem.point)
    assert found is not None
    return found


def descend(problem: Problem, rng: random.Random) -> float:
    """Gradient descent from a point within 1/1000, with steps that lower the loss enough."""
    assert problem.point is not None
    function = loss_function(problem.dense)
    place = np.array([float(v) + rng.uniform(-1e-3, 1e-3) for v in flatten(problem.point)])
    step = 1e-3
    for _ in range(300):
        value, slope = function(place)
        while function(place - step * slope)[0] > value - step * (slope @ slope) / 2:
            step /= 2
            if step < 1e-12:
                return value
        place = place - step * slope
    return function(place)[0]


@pytest.mark.parametrize("activation", SMOOTH_ACTIVATIONS)
def test_definite_moments(activation: str) -> None:
    """A minimum, and the Hessian has as many zeros as the flat dimension says, and no more."""
    rng = random.Random(activation)
    for _ in range(8):
        x, g = by_moments(rng)
        problem = at(
            activation, x, [3 - v for v in g], units_for(rng, activation, x, rng.randint(1, 3))
        )
        proof = claimed(problem)
        assert proof is not None and proof.claim.loss is not None and proof.claim.loss.exact
        assert proof.claim.loss.mid == sum(v * v for v in g)
        assert proof.claim.strict == "no" and proof.claim.strict_up_to_rescaling == "no"
        with balls.precision(200):
            assert not lowest_nearby(problem, rng, 40) < rational(proof.claim.loss.mid)
        assert descend(problem, rng) >= float(proof.claim.loss) - 1e-12
        assert problem.point is not None
        with balls.precision(200):
            here = around(flatten(problem.point))
            hessian = BallProgram.of(problem.dense.program()).hessian(here)
        size = problem.network.parameter_count
        entries = np.array([[float(hessian[i, j].mid()) for j in range(size)] for i in range(size)])
        values = np.linalg.eigvalsh(entries) / abs(entries).max()
        if 0 not in [bend(activation, level) for level in levels(problem)]:
            assert (abs(values) < 1e-9).sum() == proof.claim.flat_dimension, values
        assert (values > -1e-9).all()


@pytest.mark.parametrize("activation", SMOOTH_ACTIVATIONS)
def test_transport(activation: str) -> None:
    """Points without G off the span of the others make the moments singular."""
    rng = random.Random(activation)
    seen = 0
    for _ in range(8):
        x, g = by_transport(rng)
        problem = at(
            activation, x, [2 - v for v in g], units_for(rng, activation, x, rng.randint(1, 3))
        )
        proof = claimed(problem)
        assert proof is not None and proof.claim.loss is not None
        assert isinstance(proof.evidence, ConstantUnits)
        seen += proof.evidence.transport is not None
        with balls.precision(200):
            assert not lowest_nearby(problem, rng, 40) < rational(proof.claim.loss.mid)
        assert descend(problem, rng) >= float(proof.claim.loss) - 1e-12
    assert seen == 8


@pytest.mark.parametrize("activation", SMOOTH_ACTIVATIONS)
def test_turned_over(activation: str) -> None:
    """With -G, or -v, nothing is claimed; with two equal units the point is a saddle.

    There the sampling that finds nothing below the minima does find lower points.
    """
    rng, lower = random.Random(activation), 0
    for _ in range(6):
        x, g = by_moments(rng, -1)
        units = units_for(rng, activation, x, 1) * 2
        problem = at(activation, x, [-v for v in g], units)
        assert refuted(problem)
        with balls.precision(200):
            lower += lowest_nearby(problem, rng, 40) < rational(
                sum((v * v for v in g), Fraction(0))
            )
        x, g = by_moments(rng)
        units = units_for(rng, activation, x, 1) * 2
        (w, level, v), other = units
        for turned in ([(w, level, -v)] * 2, [(w, level, -v / 2), other]):
            problem = at(activation, x, [-a for a in g], turned)
            assert refuted(problem)
        for last in ((w, level, -v), (w, level, Fraction(0))):
            problem = at(activation, x, [-a for a in g], [*units, last])
            assert claimed(problem) is None
    assert lower >= 4


def test_a_transport_is_found_if_and_only_if_there_is_one() -> None:
    """On the line: balanced in the convex order means sum G max(0, x - t) >= 0 for all t."""
    rng = random.Random(5)
    seen = {True: 0, False: 0}
    for _ in range(300):
        x = sorted({Fraction(rng.randint(-6, 6)) for _ in range(rng.randint(3, 6))})
        if len(x) < 3:
            continue
        basis = nullspace([vector([Fraction(1)] * len(x)), vector(x)], len(x))
        g = [Fraction(0)] * len(x)
        for row in basis:
            size = rng.randint(-2, 3)
            g = [a + size * fraction(b) for a, b in zip(g, row, strict=True)]
        balanced = all(
            sum(b * max(Fraction(0), a - t) for a, b in zip(x, g, strict=True)) >= 0 for t in x
        )
        problem = at("tanh", [[v] for v in x], [-v for v in g], [([0], -1, 1)])
        assert (find_transport(group_sums(problem.dense)) is not None) == balanced
        seen[balanced] += 1
    assert min(seen.values()) > 30


def test_moments_that_vanish_are_not_enough() -> None:
    """G = (1, -3, 3, -1) has no second moment; its third one makes the point no minimum."""
    problem = at("sigmoid", [[0], [1], [2], [3]], [-1, 3, -3, 1], [([0], -1, 1)] * 2)
    assert claimed(problem) is None


def test_levels() -> None:
    """Where act'' vanishes or jumps nothing is claimed; where act is affine nothing is asked."""
    x, y = [[-1], [0], [1]], [0, 1, 0]

    def claims(activation: str, level: str, v: int) -> bool:
        return claimed(at(activation, x, y, [([0], Fraction(level), v)])) is not None

    for activation in ("sigmoid", "tanh", "softsign", "elu"):
        assert not claims(activation, "0", 1)
        assert claims(activation, "-1/1000000", 1)
    for level, v in (("1.4142", 1), ("1.4143", -1), ("-1.4142", 1), ("-1.4143", -1)):
        assert claims("gelu", level, v) and not claims("gelu", level, -v)
    for level, v in (("2.3993", 1), ("2.3994", -1), ("-2.3993", 1), ("-2.3994", -1), ("0", 1)):
        assert claims("silu", level, v) and not claims("silu", level, -v)
    for v in (1, 0, -1):
        proof = claimed(at("elu", x, [0, 3, 0], [([0], 1, v)]))
        assert proof is not None and proof.claim.decision is Decision.LOCAL_MINIMUM
        assert proof.claim.flat_dimension is None
    for activation in SMOOTH_ACTIVATIONS:
        side = bend(activation, Fraction(-50))
        assert side and claims(activation, "-50", side)
        assert not claims(activation, "-50", 0)


def test_units_that_see_the_data_a_little() -> None:
    tiny = Fraction(1, 10**30)
    problem = at("sigmoid", YUN, [0, 0, 1], [([0, 0], -1, 1)] * 2)
    assert problem.point is not None
    values = list(flatten(problem.point))
    for index, constant in ((0, False), (4, True)):
        moved = [v + tiny * (k == index) for k, v in enumerate(values)]
        point = unflatten(moved, problem.network)
        assert (claimed(replace(problem, point=point)) is not None) == constant


@pytest.mark.parametrize("loss", [Loss.SQUARED, Loss.LOGISTIC])
def test_the_output_bias_may_be_off_a_little(loss: Loss) -> None:
    x, y = [[-2], [-1], [1], [2], [-2], [2]], [-1, 1, 1, -1, -1, -1]
    for shift, near in (("1/1000", True), ("-9/1000", True), ("1/50", False), ("-1", False)):
        proof = claimed(at("tanh", x, y, [([0], -1, 1)] * 2, loss, Fraction(shift)))
        assert (proof is not None) == near
        if proof is not None:
            assert proof.claim.decision is Decision.LOCAL_MINIMUM_NEARBY
            assert proof.claim.radius is not None
            assert 1 <= proof.claim.radius / abs(Fraction(shift)) <= Fraction(11, 10)


def test_exact_points() -> None:
    """Where the output is rational and best the point itself is the minimum."""
    x, y = [[-1], [0], [1]], [0, 1, 0]
    for activation, level in (("softsign", "-1"), ("gelu", "0"), ("silu", "0")):
        problem = at(activation, x, y, [([0], Fraction(level), 3)])
        assert problem.point is not None
        hidden, last = problem.point.layers
        bias = Fraction(1, 3) - (Fraction(-3, 2) if activation == "softsign" else 0)
        exact = replace(problem, point=Point((hidden, replace(last, bias=(bias,)))))
        for given, decision in (
            (exact, Decision.LOCAL_MINIMUM),
            (problem, Decision.LOCAL_MINIMUM_NEARBY),
        ):
            proof = claimed(given)
            assert proof is not None and proof.claim.decision is decision
    balanced = [[-2], [2], [-1], [1]], [-1, -1, 1, 1]
    proof = claimed(at("softsign", *balanced, [([0], -1, 1)], Loss.LOGISTIC))
    assert proof is not None and proof.claim.decision is Decision.LOCAL_MINIMUM


def test_logistic_loss() -> None:
    """The negative class around the positive one; the loss is that of the class shares."""
    x, y = [[-3], [1], [3], [-1], [0], [-3], [3]], [-1, 1, -1, 1, 1, -1, -1]
    problem = at("silu", x, y, [([0], -1, 1), ([0], 3, -1)], Loss.LOGISTIC)
    verdict = certify(problem)
    assert verdict.certificate is not None and check(dict(verdict.certificate)).valid
    assert verdict.method == "constant_units"
    assert verdict.flat_dimension == 4
    assert float(verdict.loss) == pytest.approx(4 * np.log(7 / 4) + 3 * np.log(7 / 3), rel=1e-14)
    assert verdict.is_global == "no"
    rng = random.Random(1)
    for _ in range(5):
        assert descend(problem, rng) >= float(verdict.loss) - 1e-12
    one_label = at("silu", [[0], [1]], [1, -1], [([0], -1, 1)], Loss.LOGISTIC)
    data = Dataset(one_label.data.x, ((Fraction(1),), (Fraction(1),)))
    assert claimed(replace(one_label, data=data)) is None


def test_other_shapes() -> None:
    """Several outputs, several layers, cross entropy, piecewise linear units: another rule's."""
    zero = Fraction(0)
    for widths, activation, loss in (
        ((1, 1, 2), "tanh", Loss.SQUARED),
        ((1, 1, 1, 1), "tanh", Loss.SQUARED),
        ((1, 1, 2), "tanh", Loss.CROSS_ENTROPY),
        ((1, 1, 1), "relu", Loss.SQUARED),
        ((1, 1), "tanh", Loss.SQUARED),
    ):
        network = Network(widths, activation)
        y = ((zero,) * (1 if loss is Loss.CROSS_ENTROPY else widths[-1]),) * 3
        data = Dataset(((-Fraction(1),), (zero,), (Fraction(1),)), y)
        point = unflatten([zero] * network.parameter_count, network)
        assert not constant_units.RULE.applies(Subject(Problem(network, loss, data, point)))


def test_repeated_inputs_and_one_input() -> None:
    """Groups of equal inputs count once; with one input there is nothing to see."""
    x, y = [[-1], [-1], [0], [0], [1], [1]], [0, 0, 4, -1, 1, -1]
    assert claimed(at("gelu", x, y, [([0], 0, 1)])) is not None
    proof = claimed(at("gelu", [[2], [2]], [1, -1], [([5], 1, 1)]))
    assert proof is not None and proof.claim.flat_dimension == 3


def test_definite_moments_agree_with_the_spectrum() -> None:
    """Condition (a) in exact arithmetic against the spectrum, singular matrices included."""
    rng = random.Random(2)
    seen = {True: 0, False: 0}
    for _ in range(200):
        d, n = rng.choice([1, 2, 3]), rng.randint(3, 7)
        x = [[Fraction(rng.randint(-2, 2)) for _ in range(d)] for _ in range(n)]
        basis = nullspace(
            [vector([Fraction(1)] * n), *(vector(c) for c in zip(*x, strict=True))], n
        )
        g = [Fraction(0)] * n
        for row in basis:
            size = rng.randint(-2, 4)
            g = [a + size * fraction(b) for a, b in zip(g, row, strict=True)]
        problem = at("tanh", x, [-v for v in g], [([0] * d, -1, 1)])
        span = constant_units.definite_moments(group_sums(problem.dense))
        places = np.array([[float(v) for v in row] for row in x])
        moments = places.T @ (np.array([float(v) for v in g])[:, None] * places)
        values = np.linalg.eigvalsh(moments)
        rank = fmpq_mat(
            [[rational(a - b) for a, b in zip(row, x[0], strict=True)] for row in x]
        ).rank()
        expected = (values > -1e-8).all() and (values > 1e-8).sum() == rank
        assert (span is not None) == expected
        seen[bool(expected)] += 1
    assert min(seen.values()) > 20
