"""Rule `twin_units`: plateaus of minima and saddles told apart, and attempts to break it."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import arb
from tests.certify.twin_problems import (
    balls_of,
    duplicated,
    exactly_critical,
    made_to_order,
    precise_loss,
)

from spurious import Answer, Decision, certify
from spurious.catalogue.duplicated_unit import duplicated_unit
from spurious.certify.decide import conclude
from spurious.certify.optimality import Optimality, judge_optimality
from spurious.certify.rules import negative_curvature, twin_units
from spurious.certify.rules.twin_units import Merger, definite_side, split
from spurious.certify.subject import Subject
from spurious.exact import balls
from spurious.problem import (
    SMOOTH_ACTIVATIONS,
    Dataset,
    Loss,
    Network,
    Point,
    Problem,
    flatten,
    point_from_data,
    problem_to_data,
    unflatten,
)
from spurious.proof import NegativeCurvature, Proof, TwinUnits, Undecided, digest
from spurious_checker import check

F = Fraction
SINGLE = Network((1, 1, 1), "tanh")
CHEAP = ("tanh", "softsign")
"""Of these every certificate is checked; the checker is slower with the others."""

SLACK = 1e-50
"""The centre of a proof is exact to 1e-30, so its loss to far less than this."""


def shared(*shares: Fraction) -> Problem:
    """One tanh unit at a minimum with v > 0 and B positive definite, in so many shares."""
    given = duplicated_unit("plateau")
    assert given.point is not None
    w, _, b, _, v, _, c = flatten(given.point)
    return duplicated(
        replace(given, network=SINGLE, point=None, witness=None),
        unflatten([w, b, 2 * v, c], SINGLE),
        [range(len(shares))],
        shares,
    )


def twin_proof(problem: Problem, point: Point | None = None) -> Proof | Undecided | None:
    """What the rule says of a point, or how it is refuted where units may part; None if it is not
    for it."""
    subject = Subject(problem if point is None else replace(problem, point=point))
    if not twin_units.RULE.applies(subject):
        return None
    found = twin_units.RULE.prove(subject)
    refuted = negative_curvature.RULE.prove(subject) if isinstance(found, Undecided) else found
    return refuted if isinstance(refuted, Proof) else found


def centre_of(proof: Proof) -> Point:
    assert isinstance(proof.evidence, TwinUnits)
    return proof.evidence.centre


def minimum_of(problem: Problem, proof: Proof) -> Point:
    """The centre of the proof, split again."""
    assert problem.point is not None
    found = twin_units.merged(problem.dense, problem.point)
    assert isinstance(found, Merger)
    return split(centre_of(proof), found.groups, found.shares)


def assert_nothing_lower(problem: Problem, minimum: Point, rng: random.Random) -> None:
    """Descents from points around a minimum, in 300 bits, none of which gets below it."""
    with balls.precision(300):
        bottom = precise_loss(problem, balls_of(minimum))
        for size in (1e-3, 1e-6, 1e-12):
            now = [v + size * rng.uniform(-1, 1) for v in balls_of(minimum)]
            here, step, probe = precise_loss(problem, now), 1.0, size * 1e-8
            for _ in range(6):
                rises = [
                    precise_loss(problem, [*now[:p], v + probe, *now[p + 1 :]]) - here
                    for p, v in enumerate(now)
                ]
                for _ in range(6):
                    moved = [a - step * r / probe for a, r in zip(now, rises, strict=True)]
                    there = precise_loss(problem, moved)
                    assert float(there - bottom) > -SLACK
                    if balls.certainly_less(there, here):
                        now, here = moved, there
                        break
                    step /= 4


def certificate_of(problem: Problem, proof: Proof) -> dict[str, Any]:
    """The certificate, checked. A search for a better point would take long and is left out."""
    subject = Subject(problem)
    loss = proof.claim.loss or subject.loss_at(subject.values)
    optimality = Optimality(Answer.UNKNOWN)
    if proof.claim.decision is Decision.NOT_LOCAL_MINIMUM:
        optimality = judge_optimality(subject, proof, loss, None, search=False)
    certificate = dict(conclude(subject, proof, loss, optimality, 0.0).certificate or {})
    result = check(certificate)
    assert result.valid, result.reason
    return certificate


def assert_checked(problem: Problem, proof: Proof) -> None:
    """The checker accepts the certificate, and not for a pair with a weight moved across 0."""
    assert problem.point is not None
    certificate = certificate_of(problem, proof)
    found = twin_units.merged(problem.dense, problem.point)
    if not isinstance(proof.evidence, TwinUnits) or not isinstance(found, Merger):
        return
    for k, units in enumerate(found.groups):
        if problem.network.activation in CHEAP and len(units) == 2:
            weights = list(problem.point.layers[1].weight[0])
            total, product = (
                found.point.layers[1].weight[0][k],
                weights[units[0]] * weights[units[1]],
            )
            for j, share in zip(units, (1, 1) if product < 0 else (3, -1), strict=True):
                weights[j] = total * F(share, 2)
            last = replace(problem.point.layers[1], weight=(tuple(weights),))
            other = replace(problem, point=Point((problem.point.layers[0], last)))
            forged = {**without_digest(certificate), "problem": problem_to_data(other)}
            result = check({**forged, "digest": digest(forged)})
            assert not result.valid and "definite" in result.reason


def without_digest(certificate: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in certificate.items() if key != "digest"}


def assert_flat(problem: Problem, proof: Proof) -> None:
    """Other shares, the same loss: with a common change of all shares the point stays a minimum."""
    assert problem.point is not None
    found = twin_units.merged(problem.dense, problem.point)
    assert isinstance(found, Merger)
    shares = list(found.shares)
    for units in found.groups:
        if len(units) > 1:
            shares[units[0]] += F(1, 1000)
            shares[units[1]] -= F(1, 1000)
    other = split(centre_of(proof), found.groups, shares)
    with balls.precision(300):
        one, two = (precise_loss(problem, balls_of(p)) for p in (minimum_of(problem, proof), other))
        assert abs(float(one - two)) < SLACK


def expected(sign: int, weights: Sequence[float]) -> int:
    """1 if the form of the parting is positive definite, by eigenvalues; -1 if it can be negative.

    Args:
        sign: Of B: 1, -1, or 0 for neither.
        weights: The output weights of the twins.
    """
    v = np.array(weights)
    across = np.linalg.svd(v[None])[2][1:]  # t with sum v_j t_j = 0
    values = np.linalg.eigvalsh(across @ np.diag(v) @ across.T)
    return 1 if sign and (sign * values > 0).all() else -1


@pytest.mark.parametrize("activation", SMOOTH_ACTIVATIONS)
@pytest.mark.parametrize(
    ("units", "inputs", "groups"),
    [(1, 1, [[0, 1]]), (1, 2, [[0, 1, 2]]), (2, 1, [[2, 0], [1]]), (2, 1, [[0, 2], [3, 1]])],
)
def test_random_problems(activation: str, units: int, inputs: int, groups: list[list[int]]) -> None:
    seen: Counter[int] = Counter()
    for seed in range(7):
        rng = random.Random(seed)
        signs = [rng.choice([-1, 1, 1, -1, 0]) for _ in range(units)]
        merged, small, lowest = made_to_order(seed, activation, units, inputs, signs)
        if lowest < 1e-6:
            continue
        shares = [F(1)] * sum(map(len, groups))
        forms: list[int] = []
        for sign, v, members in zip(signs, small.layers[1].weight[0], groups, strict=True):
            if len(members) > 1:
                for j in members[1:]:
                    shares[j] = F(rng.choice([-3, 1, 2, 2, 3, 15]), 10)
                shares[members[0]] = 1 - sum(shares[j] for j in members[1:])
                forms.append(expected(sign, [float(shares[j] * v) for j in members]))
        if any(share == 0 for share in shares):
            continue
        problem = duplicated(merged, small, groups, shares)
        assert problem.point is not None
        found = twin_proof(problem)
        assert isinstance(found, Proof), (seed, found)
        seen[min(forms)] += 1
        if seed % 3 == 0 or activation in CHEAP:
            assert_checked(problem, found)
        if min(forms) < 0:
            assert found.claim.decision is Decision.NOT_LOCAL_MINIMUM
            assert isinstance(found.evidence, NegativeCurvature)
            continue
        assert found.claim.decision is Decision.LOCAL_MINIMUM_NEARBY
        assert found.claim.flat_dimension == sum(len(members) - 1 for members in groups)
        if seed % 3 == 0:
            assert_nothing_lower(problem, minimum_of(problem, found), rng)
            assert_flat(problem, found)
    assert seen[1] and seen[-1], seen


@pytest.mark.parametrize(
    "shares",
    [[F(1, 10**6), 1 - F(1, 10**6)], [F(1, 2), F(1, 2)], [F(1, 3), F(1, 3), F(1, 3)]],
)
def test_shares_between_0_and_1_are_minima(shares: list[Fraction]) -> None:
    problem = shared(*shares)
    verdict = certify(problem)
    assert verdict.decision is Decision.LOCAL_MINIMUM_NEARBY
    assert verdict.strict is Answer.NO and verdict.is_global is Answer.NO
    assert verdict.flat_dimension == len(shares) - 1
    assert verdict.radius is not None and verdict.radius < F(1, 10**12)
    assert check(dict(verdict.certificate or {})).valid


@pytest.mark.parametrize(
    "shares",
    [
        [F(-1, 10**6), 1 + F(1, 10**6)],
        [F(3, 2), F(-1, 2)],
        [F(-1000), F(1001)],
        [F(1, 2), F(1, 2), F(-1), F(1)],
    ],
)
def test_shares_outside_are_saddles(shares: list[Fraction]) -> None:
    verdict = certify(shared(*shares))
    assert verdict.decision is Decision.NOT_LOCAL_MINIMUM
    assert verdict.method == "negative_curvature"
    assert "merging the equal units" in verdict.reason
    assert check(dict(verdict.certificate or {})).valid


def test_a_share_of_0_is_no_minimum() -> None:
    """Saddles come as close as one likes."""
    for shares in ([F(0), F(1)], [F(1), F(0)], [F(1, 2), F(1, 2), F(0)]):
        verdict = certify(shared(*shares))
        assert verdict.decision in (Decision.NOT_LOCAL_MINIMUM, Decision.UNDECIDED)
        assert verdict.method != "twin_units"
        assert "output weight or their sum is 0" in verdict.reason


def test_weights_that_add_up_to_0() -> None:
    problem = shared(F(1, 2), F(1, 2))
    assert problem.point is not None
    values = list(flatten(problem.point))
    values[5] = -values[4]
    found = twin_proof(problem, unflatten(values, problem.network))
    assert isinstance(found, Undecided) and "sum is 0" in found.reason


def test_a_large_share_of_a_small_weight_is_not_nearby() -> None:
    """The merged minimum is near, its parts are not: the radius grows with the shares."""
    problem = shared(F(1, 2), F(1, 2))
    assert problem.point is not None
    small = list(flatten(problem.point))
    w, _, b, _, v, _, c = small
    merged = replace(problem, network=SINGLE, point=None)
    off = unflatten([w, b, 2 * v + F(1, 1000), c], SINGLE)
    for big, decision in ((F(3), Decision.NOT_LOCAL_MINIMUM), (F(1, 4), None)):
        moved = duplicated(merged, off, [[0, 1]], [big, 1 - big])
        found = twin_proof(moved, moved.point or off)
        assert found is not None
        if decision is not None:
            assert isinstance(found, Proof) and found.claim.decision is decision
        else:
            assert isinstance(found, Proof) and found.claim.radius is not None
            assert F(1, 2000) < found.claim.radius < F(2, 1000)


@pytest.mark.parametrize("hair", [F(1, 10**9), F(1, 10**40)])
def test_units_that_differ_by_a_hair_are_no_twins(hair: Fraction) -> None:
    problem = shared(F(1, 2), F(1, 2))
    assert problem.point is not None
    for p in (0, 2):
        values = list(flatten(problem.point))
        values[p] += hair
        point = unflatten(values, problem.network)
        assert twin_proof(problem, point) is None
        assert certify(replace(problem, point=point)).method != "twin_units"


def test_the_logistic_loss() -> None:
    """Each input of the catalogue's data 100 times, with so many labels 1: as little is fitted."""
    given = duplicated_unit("plateau")
    labels = [(F(s),) for k in (37, 1, 53, 25, 52, 61, 73) for s in [1] * k + [-1] * (100 - k)]
    data = Dataset(tuple(x for x in given.data.x for _ in range(100)), tuple(labels))
    small = unflatten(
        [F(v) for v in ("0.95837614", "0.03017946", "1.00174743", "0.00318763")], SINGLE
    )
    merged = Problem(SINGLE, Loss.LOGISTIC, data)
    for shares, decision in (
        ((F(1, 3), F(2, 3)), Decision.LOCAL_MINIMUM_NEARBY),
        ((F(4, 3), F(-1, 3)), Decision.NOT_LOCAL_MINIMUM),
    ):
        problem = duplicated(merged, small, [[0, 1]], shares)
        assert problem.point is not None
        found = twin_proof(problem)
        assert isinstance(found, Proof) and found.claim.decision is decision
        assert certificate_of(problem, found)


@pytest.mark.parametrize("side", [1, -1])
def test_an_exactly_critical_point(side: int) -> None:
    """softsign is rational: the point is a minimum itself, or a saddle with gradient 0."""
    for share, decision in (
        (F(1, 3), Decision.LOCAL_MINIMUM),
        (F(4, 3), Decision.NOT_LOCAL_MINIMUM),
    ):
        merged, small = exactly_critical(side)
        problem = duplicated(merged, small, [[0, 1]], [share, 1 - share])
        verdict = certify(problem)
        assert verdict.decision is decision, verdict.reason
        assert check(dict(verdict.certificate or {})).valid
        if share < 1:
            assert verdict.method == "twin_units" and verdict.radius is None
            assert verdict.flat_dimension == 1 and verdict.strict is Answer.NO


@pytest.mark.parametrize("share", [F(1, 3), F(4, 3)])
def test_a_twin_where_the_second_derivative_jumps(share: Fraction) -> None:
    """One input is moved so that z = 0 there: nothing is claimed by the rule."""
    merged, small = exactly_critical(1, kink=True)
    problem = duplicated(merged, small, [[0, 1]], [share, 1 - share])
    assert problem.point is not None
    found = twin_proof(problem)
    assert isinstance(found, Undecided) and "jumps" in found.reason, found
    assert certify(problem).decision is Decision.UNDECIDED


def test_other_networks_are_left_alone() -> None:
    for widths, activation in (((1, 2, 1), "relu"), ((1, 2, 2), "tanh"), ((1, 2, 2, 1), "tanh")):
        network = Network(widths, activation)
        point = unflatten([F(1)] * network.parameter_count, network)
        targets = tuple(row * widths[-1] for row in duplicated_unit("saddle").data.y)
        data = replace(duplicated_unit("saddle").data, y=targets)
        assert twin_proof(Problem(network, Loss.SQUARED, data), point) is None


def test_signs_of_the_form_by_eigenvalues() -> None:
    rng = random.Random(4)
    for _ in range(300):
        weights = [F(rng.choice([-3, -2, -1, 1, 2, 3])) for _ in range(rng.randint(2, 5))]
        if sum(weights) != 0:
            floats = [float(v) for v in weights]
            side = definite_side(weights)
            assert side == next((s for s in (1, -1) if expected(s, floats) > 0), 0)


def test_the_same_network_written_differently() -> None:
    """Units and data in another order, inputs moved and scaled: the same verdict and loss."""
    for shares in ([F(1, 4), F(3, 4)], [F(5, 4), F(-1, 4)]):
        problem = shared(*shares)
        assert problem.point is not None
        w, _, b, _, v1, v2, c = flatten(problem.point)
        x = tuple((2 * a + 1,) for (a,) in problem.data.x[::-1])
        data = replace(problem.data, x=x, y=problem.data.y[::-1])
        values = [w / 2, w / 2, b - w / 2, b - w / 2, v2, v1, c]
        other = replace(problem, data=data, point=unflatten(values, problem.network))
        one, two = certify(problem), certify(other)
        assert one.decision == two.decision and one.flat_dimension == two.flat_dimension
        assert one.loss is not None and two.loss is not None
        assert abs(one.loss.mid - two.loss.mid) < F(1, 10**15)


def test_the_direction_of_a_saddle_leads_down() -> None:
    problem = duplicated_unit("saddle")
    assert problem.point is not None
    verdict = certify(problem)
    direction = flatten(point_from_data((verdict.certificate or {})["proof"]["direction"]))
    with balls.precision(300):
        start = balls_of(problem.point)
        here = precise_loss(problem, start)
        ends = [
            precise_loss(
                problem,
                [
                    a + side * arb(d.numerator) / d.denominator
                    for a, d in zip(start, direction, strict=True)
                ],
            )
            for side in (1e-3, -1e-3)
        ]
        assert all(balls.certainly_less(end, here) for end in ends)
