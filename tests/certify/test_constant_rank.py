"""Rule `constant_rank`: flat minima, and points where the rank jumps."""

import random
from dataclasses import replace
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from flint import fmpq
from tests.certify.face_problems import Face, exact_loss, made
from tests.checker.mutations import signed
from tests.checker.truth import Landscape

from spurious import Answer, Decision, certify
from spurious.certify.evaluate import evaluate
from spurious.certify.face_polynomials import Field, face_map, moved, on_face, relations
from spurious.certify.face_search import Proposal
from spurious.certify.pattern import pattern_of
from spurious.certify.rank_bound import bounding_fields, rescalings
from spurious.certify.rules import kinked
from spurious.certify.rules.kinked import prove_face_minimum, prove_on
from spurious.certify.subject import Subject
from spurious.problem import (
    Dataset,
    Loss,
    Network,
    Problem,
    dataset_from_arrays,
    flatten,
    problem_to_data,
    unflatten,
)
from spurious.proof import ConstantRank, Proof, Undecided, certificate_data
from spurious_checker import check

F = Fraction


def proved(problem: Problem) -> Proof:
    found = prove_face_minimum(Subject(problem))
    assert isinstance(found, Proof), found
    return found


def certificate(problem: Problem, proof: Proof) -> dict[str, Any]:
    return certificate_data(problem, proof.claim, proof.evidence, None)


def evidence(proof: Proof) -> ConstantRank:
    assert isinstance(proof.evidence, ConstantRank)
    return proof.evidence


def fields_of(proof: Proof) -> list[Field]:
    return [
        tuple((part.parameter, part.factors, part.coefficient) for part in field)
        for field in evidence(proof).fields
    ]


def numbers(text: str) -> tuple[Fraction, ...]:
    return tuple(F(word) for word in text.split())


def affine() -> Problem:
    """Two units that are always on, two outputs: affine maps, which 6 numbers describe.

    The point is a hair off a least squares fit: the targets are (x, y) + g/2 with g orthogonal to
    1, x and y.
    """
    xs = [(0, 0), (1, 0), (0, 1), (1, 1)]
    g = [F(1, 4), F(-1, 4), F(-1, 4), F(1, 4)]
    data = Dataset(
        tuple((F(a), F(b)) for a, b in xs),
        tuple((a + e / 2, b - e) for (a, b), e in zip(xs, g, strict=True)),
    )
    network = Network((2, 2, 2), "relu")
    point = unflatten(numbers("1 0 0 1 5 6 1 0 0 1 -5 -6.0000001"), network)
    return Problem(network, Loss.SQUARED, data, point)


def test_units_that_are_always_on_mix_and_shift() -> None:
    """All 12 parameters describe an affine map of rank 2 from the plane to the plane."""
    problem = affine()
    proof = proved(problem)
    assert isinstance(proof.evidence, ConstantRank)
    assert proof.claim.flat_dimension == 12 - 6
    assert proof.claim.strict_up_to_rescaling is Answer.NO
    assert check(certificate(problem, proof)).valid
    verdict = certify(problem)
    assert verdict.decision is Decision.LOCAL_MINIMUM_NEARBY
    assert verdict.flat_dimension == 6
    assert verdict.loss is not None and abs(verdict.loss.mid - F(5, 16)) < F(1, 10**12)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "abs"])
def test_flat_minima_made_to_order(activation: str) -> None:
    seen = 0
    for seed in range(8):
        found = made((2, 2, 2, 1), activation, (), seed, points=12)
        if found is None:
            continue
        assert found.problem.point is not None
        proof = prove_face_minimum(Subject(found.problem))
        if isinstance(proof, Proof):
            seen += 1
            assert proof.claim.flat_dimension == found.problem.network.parameter_count - found.rank
            answer = check(certificate(found.problem, proof))
            assert answer.valid, answer.reason
    assert seen >= 4


def test_a_core_is_left_out_where_symmetries_are_too_few() -> None:
    """With two outputs and two layers the symmetries alone may explain less than the kernel."""
    seen = 0
    for seed in range(4):
        found = made((3, 3, 3, 2), "relu", (), seed, points=19)
        if found is None:
            continue
        problem = found.problem
        assert problem.point is not None
        proof = prove_face_minimum(Subject(problem))
        if not isinstance(proof, Proof):
            continue
        fields = fields_of(proof)
        face = face_map(problem.dense, pattern(problem), 100_000)
        assert face is not None
        if any(moved(row, item) for item in fields for row in face.rows):
            seen += 1
            assert check(certificate(problem, proof)).valid
    assert seen


@pytest.mark.parametrize("seed", [0, 1])
def test_no_point_around_a_flat_minimum_is_lower(seed: int) -> None:
    found = made((2, 2, 2, 1), "relu", (), seed, points=12)
    assert found is not None and found.problem.point is not None
    proof = proved(found.problem)
    assert proof.claim.flat_dimension is not None and proof.claim.flat_dimension > 4
    centre = [fmpq(v.numerator, v.denominator) for v in flatten(found.problem.point)]
    lowest, rng = exact_loss(found.problem, centre), random.Random(seed)
    for _ in range(3_000):
        step = fmpq(1, 20 * 10 ** rng.choice((3, 4, 6, 9, 12)))
        moves = [rng.randint(-20, 20) * (rng.random() < 0.7) for _ in centre]
        values = [v + step * m for v, m in zip(centre, moves, strict=True)]
        assert exact_loss(found.problem, values) >= lowest


def test_fields_move_nothing_by_differences() -> None:
    """The derivative of the outputs along symmetries, by another network's differences."""
    seen = 0
    for seed in range(6):
        found = made((2, 2, 2, 1), "relu", (), seed, points=12)
        if found is None:
            continue
        problem = found.problem
        assert problem.point is not None
        values = [fmpq(v.numerator, v.denominator) for v in flatten(problem.point)]
        face = Face(problem.network, [[int(v) for v in x] for x in problem.data.x], ())
        face.run(values, [])
        polynomials = face_map(problem.dense, pattern(problem), 10_000)
        assert polynomials is not None
        known = rescalings(problem.network)
        fields = bounding_fields(polynomials, floats(problem), known, found.rank)
        if fields is None:
            continue
        rng = random.Random(seed)
        for field in fields:
            if any(moved(row, field) for row in polynomials.rows):
                continue  # of the hull
            seen += 1
            there = [fmpq(rng.randint(-9, 9)) for _ in values]
            base, total = face.run(there, []), [fmpq(0)] * len(problem.data.x)
            for p, monomial, c in field:
                size = fmpq(c.numerator, c.denominator)
                for q in monomial:
                    size *= there[q]
                pushed = face.run([v + (k == p) for k, v in enumerate(there)], [])
                total = [t + size * (a - b) for t, a, b in zip(total, pushed, base, strict=True)]
            assert not any(v != 0 for v in total)
    assert seen > 20


def pattern(problem: Problem, held: tuple[tuple[int, int, int], ...] = ()) -> Any:
    assert problem.point is not None
    signs = [
        np.array([[(z > 0) - (z < 0) for z in row] for row in layer], dtype=np.int8)
        for layer in evaluate(problem.dense, problem.point).preactivations
    ]
    for level, unit, i in held:
        signs[level][i, unit] = 0
    return pattern_of(problem.dense, signs)


def floats(problem: Problem) -> list[float]:
    assert problem.point is not None
    return [float(v) for v in flatten(problem.point)]


def test_held_pairs_determine_parameters() -> None:
    """On the face z of a nested pair is 0 once its bias is replaced."""
    held = ((0, 0, 1), (1, 0, 1))
    found = made((2, 2, 2, 1), "leaky_relu", held, 3, points=14)
    assert found is not None
    face = face_map(found.problem.dense, pattern(found.problem, held), 10_000)
    assert face is not None
    known = relations(face.held)
    assert len(known) == 2
    assert [on_face(z, known) for z in face.held] == [{}, {}]


def three_classes() -> Problem:
    """A bend between the inputs -1 and 1. Every input has every label, so a best fit exists."""
    counts = {-2: (2, 1, 1), -1: (2, 1, 1), 1: (1, 1, 1), 2: (1, 3, 1), 3: (1, 9, 1)}
    pairs = [
        ((F(x),), (F(label),))
        for x, row in counts.items()
        for label, count in enumerate(row)
        for _ in range(count)
    ]
    data = Dataset(tuple(x for x, _ in pairs), tuple(y for _, y in pairs))
    point = "0.99841 -0.53214 -0.0251931 1.1659502 0.2592429 -0.0877545 -0.7651414 -0.6371041"
    network = Network((1, 1, 3), "relu")
    return Problem(network, Loss.CROSS_ENTROPY, data, unflatten(numbers(point), network))


def test_the_cross_entropy_sees_differences_of_outputs() -> None:
    """Flat: the rescaling, one number added to all output weights, and one to all biases."""
    problem = three_classes()
    verdict = certify(problem)
    assert verdict.decision is Decision.LOCAL_MINIMUM_NEARBY
    assert (verdict.method, verdict.flat_dimension) == ("constant_rank", 3)
    assert verdict.strict_up_to_rescaling is Answer.NO
    proof = proved(problem)
    assert proof.minimum is not None and proof.claim.loss is not None
    rng = random.Random(0)
    with mp.workdps(60):
        landscape = Landscape(problem_to_data(problem))
        centre = [mp.mpf(v.numerator) / v.denominator for v in proof.minimum]
        lowest = mp.mpf(proof.claim.loss.lower.numerator) / proof.claim.loss.lower.denominator
        for _ in range(300):
            step = mp.mpf(10) ** -rng.choice((3, 4, 6, 9))
            assert landscape.loss([v + step * rng.uniform(-1, 1) for v in centre]) >= lowest


def test_fields_of_any_size_are_seen_to_be_independent() -> None:
    """From the fuzzer: target numbers of twelve digits make fields of very different lengths."""
    network = Network((3, 3, 2), "relu")
    point = "0 -3 0 0 0 1 -3 -3 -3/2 1/2 1 0 0 -3 0 -1 -1/5 0 1/2 1"
    data = Dataset((numbers("-3 -3 -3"),), (numbers("499999999999/1000000000000 -17/2"),))
    problem = Problem(network, Loss.SQUARED, data, unflatten(numbers(point), network))
    assert check(certificate(problem, proved(problem))).valid


def jump() -> Problem:
    """A unit without output weights, two outputs: the rank of dG is 4 here and 5 nearby.

    In the output weights and biases the loss is strictly convex, and its gradient is 0; but turned
    along the second input the unit finds something to fit: it is a saddle.
    """
    xs = [(0, 0), (0, 1), (1, 0), (2, 0), (1, 1)]
    ys = [(F(-1, 2), F(0)), (F(1, 2), F(0)), (F(0), F(0)), (F(0), F(0)), (F(0), F(0))]
    data = Dataset(tuple((F(a), F(b)) for a, b in xs), tuple(ys))
    network = Network((2, 1, 2), "relu")
    return Problem(network, Loss.SQUARED, data, unflatten(numbers("1 0 3 0 0 0 0"), network))


def test_no_side_of_a_kink_is_taken_by_rounding() -> None:
    """Biases of -1e-35 would make the first layer dead: true, and not what training came to."""
    problem = Problem(
        Network((2, 2, 2, 2), "relu"),
        Loss.SQUARED,
        dataset_from_arrays(
            [[0, 0], [-1, "-3/5"], [0, 0]], [["-16/5", "13/5"], [3, "-2/5"], ["1/5", "-2/5"]]
        ),
        unflatten(
            numbers("0 0 0 0 0 0 1 0 0 0 -2 0 2 -2/5 0 0 0 3/5"), Network((2, 2, 2, 2), "relu")
        ),
    )
    assert certify(problem).decision is Decision.UNDECIDED


def test_where_the_rank_jumps_nothing_is_proved() -> None:
    problem = jump()
    assert problem.point is not None
    assert isinstance(prove_face_minimum(Subject(problem)), Undecided)
    centre = [fmpq(v.numerator, v.denominator) for v in flatten(problem.point)]
    lower = [v + fmpq(d, 1000) for v, d in zip(centre, (0, 300, 0, 2, 0, -6, 0), strict=True)]
    assert exact_loss(problem, lower) < exact_loss(problem, centre)
    assert certify(problem).decision is not Decision.LOCAL_MINIMUM


def test_the_checker_refuses_a_rank_that_jumps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three fields that are independent, but move the outputs everywhere else."""
    problem = replace(jump())
    assert problem.point is not None
    fields = tuple(((p, (), F(1)),) for p in range(3))
    monkeypatch.setattr(kinked, "bounding_fields", lambda *_: fields)
    monkeypatch.setattr(kinked, "_rank_elsewhere", lambda *_: 0)
    proposal = Proposal(pattern(problem), np.array(floats(problem)), np.zeros(0))
    proof = prove_on(Subject(problem), proposal)
    assert isinstance(proof, Proof)
    answer = check(certificate(problem, proof))
    assert not answer.valid and answer.reason == "the rank is not bounded as claimed"


def test_the_checker_refuses_dependent_fields() -> None:
    problem = affine()
    data = certificate(problem, proved(problem))
    found = evidence(proved(problem))
    doubled = replace(found, fields=(found.fields[0], *found.fields[:-1]))
    answer = check(resigned(data, doubled))
    assert not answer.valid and "positive definite" in answer.reason


def test_the_checker_refuses_fewer_fields_and_other_free_parameters() -> None:
    problem = affine()
    data = certificate(problem, proved(problem))
    found = evidence(proved(problem))
    fewer = check(resigned(data, replace(found, fields=found.fields[1:])))
    assert not fewer.valid and fewer.reason == "the rank is not bounded as claimed"
    for shift in range(1, 12):
        free = tuple(sorted((p + shift) % 12 for p in found.free))
        if free != found.free:
            assert not check(resigned(data, replace(found, free=free))).valid


def resigned(data: dict[str, Any], changed: ConstantRank) -> dict[str, Any]:
    return signed({**data, "proof": changed.to_data()})


def test_linear_networks_with_a_bottleneck() -> None:
    """The best map of rank one, by its singular vectors, is proved; the second best is a saddle."""
    x = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    wanted = np.array([[2.0, 0.5], [1.0, -1.5]])
    data = Dataset(
        tuple(tuple(map(F, row)) for row in x.tolist()),
        tuple(tuple(map(F, row)) for row in (x @ wanted.T).tolist()),
    )
    network = Network((2, 1, 2), "identity")
    left, sizes, right = np.linalg.svd(wanted)
    found = []
    for k in (0, 1):
        values = [*(right[k] * sizes[k]), 0.0, *left[:, k], 0.0, 0.0]
        point = unflatten([F(float(v)) for v in values], network)
        found.append(certify(Problem(network, Loss.SQUARED, data, point)))
    best, second = found
    assert best.decision is Decision.LOCAL_MINIMUM_NEARBY and best.method == "constant_rank"
    assert best.flat_dimension == 2 and best.strict is Answer.NO
    assert best.loss is not None and float(best.loss) == pytest.approx(2 * sizes[1] ** 2)
    assert second.decision is Decision.NOT_LOCAL_MINIMUM
