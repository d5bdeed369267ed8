"""Every verdict on hundreds of random shallow problems, against an SMT solver."""

import json
import os
from collections import Counter
from fractions import Fraction

import pytest
from tests.oracle.problems import random_problem
from tests.oracle.smt import is_local_minimum

from spurious import Decision, certify
from spurious.problem import flatten, point_from_data, unflatten
from spurious_checker import check

CHUNK = 50
CHUNKS = int(os.environ.get("SPURIOUS_TEST_SEEDS", "600")) // CHUNK


def verdict_is_right(seed: int) -> str:
    problem = random_problem(seed)
    assert problem.point is not None
    verdict = certify(problem)
    minimum = is_local_minimum(problem, problem.point)
    context = f"seed {seed}: {verdict.decision}, {verdict.reason}"
    assert verdict.decision is not Decision.UNDECIDED, context
    certificate = json.loads(json.dumps(verdict.certificate))
    if verdict.decision is Decision.LOCAL_MINIMUM_NEARBY:
        assert not minimum, context
        proof = certificate["proof"]
        place = proof["point" if "point" in proof else "centre"]
        if isinstance(place, list):  # a certificate of format 2 holds flat points
            there = unflatten([Fraction(text) for text in place], problem.network)
        else:
            there = point_from_data(place)
        exact = "point" in proof  # else the minimum is irrational, somewhere in a tiny box
        assert not exact or is_local_minimum(problem, there), context
        pairs = zip(flatten(there), flatten(problem.point), strict=True)
        assert verdict.radius is not None
        assert max(abs(a - b) for a, b in pairs) <= verdict.radius, context
    else:
        assert (verdict.decision is Decision.LOCAL_MINIMUM) == minimum, context
    result = check(certificate)
    assert result.valid, f"{context}: {result.reason}"
    kinks = (
        "kink" if '"split"' in json.dumps(certificate) or '"tau"' in json.dumps(certificate) else ""
    )
    return f"{verdict.decision} {kinks}".strip()


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_certify_agrees_with_the_solver(chunk: int) -> None:
    kinds = Counter(verdict_is_right(seed) for seed in range(chunk * CHUNK, (chunk + 1) * CHUNK))
    minima = sum(count for kind, count in kinds.items() if kind.startswith("local_minimum"))
    assert 5 <= minima <= CHUNK - 5, kinds  # neither answer is rare
