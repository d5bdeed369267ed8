"""Rule `kinked`: minima on kinks made to order, and points that just miss a hypothesis."""

import random
from fractions import Fraction
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest
from flint import fmpq
from tests.certify.face_problems import Held, Made, exact_loss, made
from tests.checker.cases import CASES, problem
from tests.checker.mutations import signed
from tests.checker.test_kept_certificates import KEPT

from spurious import Answer, Decision, certify
from spurious.certify.evaluate import evaluate
from spurious.certify.face_box import FaceBox
from spurious.certify.face_search import Proposal
from spurious.certify.pattern import pattern_of
from spurious.certify.rules import one_sided_derivatives
from spurious.certify.rules.kinked import prove_face_minimum, prove_on
from spurious.certify.rules.one_sided_derivatives import Minimum, UnitDescends
from spurious.certify.subject import Subject
from spurious.problem import Problem, flatten, problem_from_data
from spurious.proof import (
    ConstantRank,
    Kinked,
    Proof,
    Undecided,
    certificate_data,
    evidence_from_data,
)
from spurious_checker import check

NESTED = ((0, 0, 1), (1, 0, 1))
SPECS: dict[str, tuple[tuple[int, ...], str, Held, int, int]] = {
    "one input": ((1, 2, 1), "relu", ((0, 0, 1),), 12, 0),
    "two inputs": ((2, 2, 1), "relu", ((0, 0, 1),), 12, 3),
    "two outputs": ((2, 2, 2), "relu", ((0, 0, 1), (0, 1, 2)), 12, 4),
    "abs": ((2, 2, 1), "abs", ((0, 0, 1), (0, 1, 3)), 12, 0),
    "leaky": ((2, 3, 2), "leaky_relu", ((0, 0, 1),), 12, 2),
    "nested, leaky": ((2, 2, 2, 1), "leaky_relu", NESTED, 14, 3),
    "nested, one input": ((1, 2, 2, 1), "leaky_relu", NESTED, 14, 1),
    "nested, abs": ((2, 2, 2, 1), "abs", NESTED, 16, 1),
    "nested, relu": ((2, 2, 2, 2), "relu", NESTED, 12, 10),
    "nested, two above": ((2, 2, 2, 1), "leaky_relu", (*NESTED, (1, 1, 1)), 16, 20),
}


@cache
def case(name: str, edge: str = "inside") -> Made:
    widths, activation, held, points, seed = SPECS[name]
    found = made(widths, activation, held, seed, points=points, edge=edge)
    assert found is not None
    return found


def proved(problem: Problem) -> Proof:
    found = prove_face_minimum(Subject(problem))
    assert isinstance(found, Proof), found
    return found


def evidence(proof: Proof) -> Kinked | ConstantRank:
    assert isinstance(proof.evidence, Kinked | ConstantRank)
    return proof.evidence


def certificate(problem: Problem, proof: Proof) -> dict[str, Any]:
    return certificate_data(problem, proof.claim, proof.evidence, None)


def directly(found: Made, held: Held) -> Proof | Undecided:
    """The proof on the face of these pairs at the point, without a search."""
    problem = found.problem
    assert problem.point is not None
    evaluation = evaluate(problem.dense, problem.point)
    signs = [
        np.array([[(z > 0) - (z < 0) for z in row] for row in layer], dtype=np.int8)
        for layer in evaluation.preactivations
    ]
    for level, unit, i in held:
        signs[level][i, unit] = 0
    values = np.array([float(v) for v in flatten(problem.point)])
    mu = np.array([float(m) for m in found.multipliers])
    return prove_on(Subject(problem), Proposal(pattern_of(problem.dense, signs), values, mu))


@pytest.mark.parametrize("name", SPECS)
def test_a_minimum_made_to_order_is_proved_and_checked(name: str) -> None:
    found, held = case(name), SPECS[name][2]
    proof = proved(found.problem)
    assert len(evidence(proof).multipliers) == len(held)
    assert proof.minimum is not None
    assert Subject(found.problem).distance(proof.minimum) < 1e-12
    assert proof.claim.decision is Decision.LOCAL_MINIMUM_NEARBY
    count, units = found.problem.network.parameter_count, sum(found.problem.network.hidden)
    assert proof.claim.flat_dimension == count - found.rank
    assert proof.claim.strict is Answer.NO
    strict = Answer.YES if count - found.rank == units else Answer.NO
    assert proof.claim.strict_up_to_rescaling is strict
    answer = check(certificate(found.problem, proof))
    assert answer.valid, answer.reason


def test_evidence_is_read_as_it_was_written() -> None:
    for name in ("two outputs", "nested, one input"):
        found = proved(case(name).problem).evidence
        assert evidence_from_data(found.to_data()) == found


@pytest.mark.parametrize("name", ["two outputs", "leaky", "nested, abs", "nested, relu"])
def test_no_point_around_a_proved_minimum_is_lower(name: str) -> None:
    """3,000 of them, exactly, at distances from 1e-3 to 1e-12 and along the axes."""
    problem = case(name).problem
    proved(problem)
    assert problem.point is not None
    centre = [fmpq(v.numerator, v.denominator) for v in flatten(problem.point)]
    lowest, rng = exact_loss(problem, centre), random.Random(name)
    for trial in range(3_000):
        step = fmpq(1, 10 ** rng.choice((3, 4, 6, 9, 12)))
        if trial < 2 * len(centre):
            moves = [(k == trial // 2) * (-1) ** trial for k in range(len(centre))]
        else:
            moves = [rng.randint(-20, 20) * (rng.random() < 0.7) for _ in centre]
        values = [v + step * m / 20 for v, m in zip(centre, moves, strict=True)]
        assert exact_loss(problem, values) >= lowest


@pytest.mark.parametrize("edge", ["upper", "outside"])
@pytest.mark.parametrize("name", ["one input", "two inputs", "two outputs", "abs", "leaky"])
def test_a_slope_on_or_beyond_the_edge_is_not_proved(name: str, edge: str) -> None:
    """mu = p D, or more: in Griewank and Walther's words |tau| = Gamma, or more."""
    widths, activation, held, points, _ = SPECS[name]
    seen = 0
    for seed in range(6):
        found = made(widths, activation, held, seed, points=points, edge=edge)
        if found is None:
            continue
        seen += 1
        assert isinstance(directly(found, held), Undecided)
        other = prove_face_minimum(Subject(found.problem))
        if isinstance(other, Proof):  # there may be one beside the kink
            assert len(evidence(other).multipliers) < len(held)
    assert seen or edge == "outside"


@pytest.mark.parametrize("edge", ["upper", "outside"])
@pytest.mark.parametrize("name", ["one input", "two inputs"])
def test_the_checker_refuses_a_slope_on_or_beyond_the_edge(
    name: str, edge: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = case(name, edge)
    monkeypatch.setattr(FaceBox, "stays", lambda _: True)
    proof = directly(found, SPECS[name][2])
    assert isinstance(proof, Proof)
    answer = check(certificate(found.problem, proof))
    assert not answer.valid
    assert answer.reason == "a held pair may leave its kink"


@pytest.mark.parametrize("edge", ["inside", "upper", "outside"])
@pytest.mark.parametrize("widths", [(1, 2, 1), (2, 2, 1), (1, 3, 1)])
@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "abs"])
def test_theorem_1_agrees(widths: tuple[int, ...], activation: str, edge: str) -> None:
    """At the exact point Theorem 1 decides; it has to say what was built, and what is proved."""
    seen = 0
    for seed, held in product(range(8), (((0, 0, 1),), ((0, 0, 1), (0, 1, 2)))):
        found = made(widths, activation, held, seed, points=11, edge=edge)
        if found is None:
            continue
        seen += 1
        subject = Subject(found.problem)
        exact = one_sided_derivatives.first_order(subject)
        expected = UnitDescends if edge == "outside" else Minimum
        assert isinstance(exact, expected)
        proof = directly(found, held)
        if edge != "inside":
            assert isinstance(proof, Undecided)
        elif isinstance(proof, Proof) and isinstance(exact, Minimum):
            flat = one_sided_derivatives.minimum(subject.evaluation, exact).claim.flat_dimension
            assert flat in (None, proof.claim.flat_dimension)
    assert seen >= (2 if edge == "inside" else 1)


def test_it_proves_what_kinked_ball_proved() -> None:
    """The certificate of version 0.1, whose rule is only read now."""
    old = KEPT["kinked_ball"]
    problem = problem_from_data(old["problem"])
    new = proved(problem)
    assert isinstance(new.evidence, Kinked) and new.claim.loss is not None
    assert abs(Fraction(old["claim"]["loss"]["mid"]) - new.claim.loss.mid) < 1e-25
    assert new.claim.flat_dimension == old["claim"]["flat_dimension"]
    assert new.claim.strict_up_to_rescaling.value == old["claim"]["strict_up_to_rescaling"]
    assert check(certificate(problem, new)).valid


def test_a_minimum_is_found_from_as_far_as_counts_as_near() -> None:
    """With its output weight the minimum is at an eighth of the limit, with some others beyond."""
    far = problem(
        (1, 1, 1), "relu", "logistic",
        [["1"], ["0"], ["3"], ["2"], ["2"], ["4"], ["-4"], ["-2"], ["-2"]],
        [["-1"], ["1"], ["1"], ["1"], ["1"], ["-1"], ["1"], ["-1"], ["1"]],
        "0.12501017 -0.001301269 -1.935115717 1.043094362",
    )  # fmt: skip
    proof = proved(far)
    assert len(evidence(proof).multipliers) == 1
    assert check(certificate(far, proof)).valid


def test_dependent_gradients_prove_nothing() -> None:
    """w = b = 0: three inputs on one kink of a unit with two parameters. It is a minimum."""
    problem = CASES["one_sided_derivatives, zero unit"]
    assert certify(problem).decision is Decision.LOCAL_MINIMUM
    held = ((0, 0, 0), (0, 0, 1), (0, 0, 2))
    assert isinstance(directly(Made(problem, [], [Fraction(1, 4)] * 3, 0), held), Undecided)


def test_what_holds_at_the_centre_alone_is_not_enough() -> None:
    """In a wide box some pre-activation changes its sign, or a slope leaves its bounds."""
    problem = case("two inputs").problem
    data = certificate(problem, proved(problem))
    for radius in ("1/1000", "1/10", "1", "10"):
        wide = {**data, "proof": {**data["proof"], "radius": radius}}
        wide["claim"] = {**data["claim"], "radius": radius}
        answer = check(signed(wide))
        assert not answer.valid and "digest" not in answer.reason


@pytest.mark.parametrize(
    ("widths", "held", "seed", "points", "equal"),
    [
        ((2, 2, 2), ((0, 0, 1),), 0, 10, True),
        ((2, 2, 1), ((0, 0, 1),), 3, 12, True),
        ((2, 2, 2, 2), ((1, 0, 1),), 7, 18, False),
        ((2, 3, 2, 1), ((1, 0, 1),), 259, 18, False),
    ],
)
def test_alike_points_are_one_pair(
    widths: tuple[int, ...], held: Held, seed: int, points: int, equal: bool
) -> None:
    """Equal inputs, or points for which the whole first layer is off: one multiplier for all."""
    twins = (1, 2) if equal else (1,)
    found = made(widths, "relu", held, seed, points=points, twins=twins, equal=equal)
    assert found is not None
    proof = proved(found.problem)
    assert len(evidence(proof).multipliers) == 1
    assert proof.claim.flat_dimension == found.problem.network.parameter_count - found.rank
    answer = check(certificate(found.problem, proof))
    assert answer.valid, answer.reason
