"""Global optima: against the atlas, and certificates against attempts to forge them."""

import copy
import random
from fractions import Fraction

import pytest

import spurious_checker
from spurious import atlas, optimum
from spurious.problem import Loss, Network, Problem, dataset, dataset_from_arrays
from spurious.proof import digest


def problem_of(seed, n, d, hidden, activation="relu"):
    rng = random.Random(seed)
    data = dataset_from_arrays(
        [[rng.randint(-5, 5) for _ in range(d)] for _ in range(n)],
        [[rng.randint(-5, 5)] for _ in range(n)],
    )
    slope = Fraction(1, 4) if activation == "leaky_relu" else None
    return Problem(Network((d, hidden, 1), activation, slope), Loss.SQUARED, data)


CASES = [
    *(problem_of(seed, 7, 1, hidden) for seed in range(3) for hidden in (1, 2)),
    *(problem_of(seed, 6, 2, 1) for seed in range(3)),
    problem_of(1, 6, 2, 2),
    problem_of(2, 5, 1, 2, "abs"),
    problem_of(3, 6, 1, 2, "leaky_relu"),
    problem_of(4, 5, 2, 1, "identity"),
]


@pytest.mark.parametrize("problem", CASES)
def test_the_optimum_is_the_lowest_of_the_atlas_and_its_certificate_holds(problem):
    found = optimum(problem)
    assert found.loss == atlas(problem).minima[0].loss
    result = spurious_checker.check(dict(found.verdict.certificate))
    assert result.valid, result.reason
    assert "global" in result.claim


def changed(certificate, change):
    forged = copy.deepcopy(certificate)
    del forged["digest"]
    change(forged)
    return spurious_checker.check({**forged, "digest": digest(forged)})


@pytest.fixture(scope="module")
def certificate():
    data = dataset("d1").data
    problem = Problem(Network((1, 2, 1), "relu"), Loss.SQUARED, data)
    return optimum(problem).verdict.certificate


def test_a_multiplier_too_few_is_noticed(certificate):
    for k in range(len(certificate["global_proof"]["multipliers"])):
        result = changed(certificate, lambda c, k=k: c["global_proof"]["multipliers"].pop(k))
        assert not result.valid
        assert "no multiplier" in result.reason


@pytest.mark.parametrize("factor", [-1, 0, 100])
def test_scaled_multipliers_are_noticed(certificate, factor):
    for k in range(len(certificate["global_proof"]["multipliers"])):

        def change(c, k=k):
            rows = c["global_proof"]["multipliers"]
            rows[k] = [str(factor * Fraction(g)) for g in rows[k]]

        assert not changed(certificate, change).valid


def test_a_multiplier_must_sum_to_zero(certificate):
    def change(c):
        row = c["global_proof"]["multipliers"][0]
        row[0] = str(Fraction(row[0]) + Fraction(1, 10**9))

    result = changed(certificate, change)
    assert not result.valid
    assert "sum to zero" in result.reason


def test_a_bad_minimum_cannot_pass_as_global(certificate):
    data = dataset("d1").data
    problem = Problem(Network((1, 2, 1), "relu"), Loss.SQUARED, data)
    bad = next(f for f in atlas(problem).minima if f.loss == 2)
    from spurious.certify import certify

    claimed = certify(Problem(problem.network, problem.loss, data, bad.point)).certificate

    def forge(c):
        c["claim"]["global"] = "yes"
        c["claim"]["witness_loss"] = None
        c["global_proof"] = copy.deepcopy(certificate["global_proof"])

    result = changed(claimed, forge)
    assert not result.valid
    assert "bound" in result.reason


def test_multipliers_of_fewer_units_do_not_prove_more(certificate):
    def widen(c):
        c["problem"]["network"]["widths"] = [1, 3, 1]
        layers = c["problem"]["point"]["layers"]
        layers[0]["weight"].append(["-1"])
        layers[0]["bias"].append("-100")
        layers[1]["weight"][0].append("1")
        c["proof"]["units"].append([{}])

    result = changed(certificate, widen)
    assert not result.valid
