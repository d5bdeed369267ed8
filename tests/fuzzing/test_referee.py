"""A fuzzer that finds nothing is worth something only if it finds what is wrong."""

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from fuzzing.case import Case, from_data, parameters, point_data
from fuzzing.judge import judge, judge_verdict
from fuzzing.judge_minimum import minimum_faults
from fuzzing.probe import Probe
from fuzzing.shrink import shrunk
from tests.fuzzing.wrong import (
    ALIVE_CENTRE,
    COMES_ALIVE,
    MINIMUM_CLAIM,
    NEARBY_CLAIM,
    SATURATED,
    SOFTSIGN_FIT,
    TINY_BIAS,
)

from spurious import Answer, Decision, Enclosure, Verdict, certify, parse_problem
from spurious.proof import Claim, Undecided, verdict_from_certificate

SEED = "referee"


def as_verdict(problem: dict[str, Any], claim: dict[str, Any], proof: dict[str, Any]) -> Verdict:
    return verdict_from_certificate(
        {"claim": claim, "problem": problem, "proof": proof, "global_proof": None}
    )


def faults_of(case: Case, verdict: Verdict) -> str:
    return "; ".join(judge_verdict(case, verdict, Random(SEED))[0])


@pytest.mark.parametrize(
    ("problem", "parameter"), [(SATURATED, 3), (TINY_BIAS, 3)], ids=["saturated", "tiny bias"]
)
def test_no_minimum_where_a_slope_is_left(problem: dict[str, Any], parameter: int) -> None:
    proof = {"rule": "one_sided_derivatives", "units": [[{}]]}
    faults = faults_of(from_data(problem), as_verdict(problem, MINIMUM_CLAIM, proof))
    assert f"derivative is negative along a direction (parameters [{parameter}])" in faults


def test_no_minimum_nearby_where_a_dead_unit_comes_alive() -> None:
    proof = {"rule": "convex_ball", "centre": ALIVE_CENTRE, "radius": "1"}
    proof |= {"fixed": [], "transform": []}
    faults = faults_of(from_data(COMES_ALIVE), as_verdict(COMES_ALIVE, NEARBY_CLAIM, proof))
    assert "the Hessian at the centre has a negative eigenvalue" in faults


def test_a_perfect_fit_is_a_minimum_but_not_strict() -> None:
    case = from_data(SOFTSIGN_FIT)
    assert minimum_faults(Probe(case), False, True, Random(SEED)) == []
    flat = (*[Fraction(0)] * 2, Fraction(0), Fraction(1), *[Fraction(0)] * 3)
    assert Probe(case).sign(flat, Fraction(1, 8)) == 0  # the second unit has output weight 0


BENT = {
    "format": "spurious-problem/1",
    "network": {"widths": [1, 1, 1], "activation": "relu"},
    "loss": "squared",
    "data": {
        "x": [["5"], ["4"], ["3"], ["1"], ["-1"]],
        "y": [["2"], ["1"], ["0"], ["-3"], ["3"]],
    },
    "point": {"layers": [{"weight": [["1"]], "bias": ["-3"]}, {"weight": [["1"]], "bias": ["0"]}]},
}
"""A minimum that is not global (the paper's D1)."""

SLOPED = BENT | {
    "point": {"layers": [{"weight": [["1"]], "bias": ["-2"]}, {"weight": [["1"]], "bias": ["1"]}]}
}
SMOOTH = BENT | {
    "network": {"widths": [1, 1, 1], "activation": "tanh"},
    "data": {
        "x": [["-2"], ["-1"], ["0"], ["1"], ["2"]],
        "y": [["-1"], ["-4/5"], ["0"], ["1/2"], ["1"]],
    },
    "point": {
        "layers": [
            {"weight": [["0.595517665479279"]], "bias": ["-0.07349039171435366"]},
            {"weight": [["1.2104157615740323"]], "bias": ["-0.005769508878878605"]},
        ]
    },
}
"""Near a strict minimum."""

FIT = SMOOTH | {
    "data": {"x": [["-1"], ["1"], ["1"]], "y": [["1/2"], ["1/2"], ["3/2"]]},
    "point": {
        "layers": [
            {"weight": [["1"]], "bias": ["1"]},
            {"weight": [["0.51865736"]], "bias": ["0.5"]},
        ]
    },
}
"""Near a fit of the means: tanh 2 is 0.9640..."""

SADDLE = {
    "format": "spurious-problem/1",
    "network": {"widths": [2, 1, 1], "activation": "softsign"},
    "loss": "squared",
    "data": {
        "x": [
            ["-1/2", "1"],
            ["-1", "2"],
            ["0", "3/2"],
            ["-1/2", "1/2"],
            ["1", "2"],
            ["-1/5", "-3"],
        ],
        "y": [["-481/5760"], ["1643/1200"], ["1429/600"], ["28003/22400"], ["13/20"], ["-2/9"]],
    },
    "point": {
        "layers": [
            {"weight": [["1/2", "1"]], "bias": ["1/2"]},
            {"weight": [["1"]], "bias": ["1/2"]},
        ]
    },
}

KINKED = SADDLE | {
    "network": {"widths": [1, 1, 1], "activation": "relu"},
    "loss": "logistic",
    "data": {
        "x": [["-14/5"], ["6/5"], ["-7/10"], ["-14/5"], ["2/5"], ["6/5"], ["1/2"], ["-12/5"]],
        "y": [["-1"], ["-1"], ["1"], ["1"], ["1"], ["1"], ["1"], ["-1"]],
    },
    "point": {
        "layers": [
            {"weight": [["-137/100"]], "bias": ["-47/49"]},
            {"weight": [["-68/99"]], "bias": ["50/39"]},
        ]
    },
}
"""A point on the kink at the minimum nearby, whose enclosure does not have it exactly there."""

VALLEY = SATURATED | {
    "point": {"layers": [{"weight": [["-1"]], "bias": ["-5"]}, {"weight": [["1"]], "bias": ["2"]}]}
}


def with_proof(verdict: Verdict, **changes: object) -> Verdict:
    certificate = json.loads(json.dumps(verdict.certificate))
    certificate["proof"].update(changes)
    return replace(verdict, certificate=certificate)


def with_claim(verdict: Verdict, **changes: object) -> Verdict:
    certificate = json.loads(json.dumps(verdict.certificate))
    certificate["claim"].update(changes)
    return replace(verdict, certificate=certificate)


def with_witness(verdict: Verdict, point: object) -> Verdict:
    certificate = json.loads(json.dumps(verdict.certificate))
    certificate["global_proof"]["point"] = point
    return replace(verdict, certificate=certificate)


def backwards(verdict: Verdict) -> Verdict:
    assert verdict.certificate is not None
    direction = parameters(verdict.certificate["proof"]["direction"])
    return with_proof(verdict, direction=point_data([-u for u in direction], [1, 1, 1]))


def claiming(verdict: Verdict, **changes: Any) -> Verdict:
    """The verdict with other words in its claim."""
    return replace(verdict, claim=replace(verdict.claim, **changes))


FORGERIES: dict[str, tuple[dict[str, Any], Callable[[Verdict], Verdict], str]] = {
    "loss": (BENT, lambda v: claiming(v, loss=Enclosure(Fraction(17))), "loss: is 18"),
    "strict": (BENT, lambda v: claiming(v, strict=Answer.YES), "called strict"),
    "witness": (BENT, lambda v: with_witness(v, BENT["point"]), "the witness is not better"),
    "witness_loss": (
        BENT,
        lambda v: claiming(v, witness_loss=Enclosure(Fraction(1))),
        "witness_loss",
    ),
    "no certificate": (BENT, lambda v: replace(v, certificate=None), "without a certificate"),
    "no reason": (
        BENT,
        lambda v: Undecided("", claim=Claim(Decision.UNDECIDED, v.loss)),
        "undecided without a reason",
    ),
    "undecided": (
        BENT,
        lambda v: Undecided(v.reason, claim=Claim(Decision.UNDECIDED, v.loss)),
        "gap: undecided",
    ),
    "uphill": (SLOPED, backwards, "the derivative along the direction is not negative"),
    "minimum": (
        SLOPED,
        lambda v: claiming(v, decision=Decision.LOCAL_MINIMUM),
        "the one-sided derivative is negative",
    ),
    "radius": (SMOOTH, lambda v: claiming(v, radius=Fraction(1, 10**30)), "away, radius"),
    "loss nearby": (SMOOTH, lambda v: claiming(v, loss=Enclosure(Fraction(1))), "loss: is"),
    "minimum, not nearby": (
        SMOOTH,
        lambda v: claiming(v, decision=Decision.LOCAL_MINIMUM),
        "the gradient is not zero",
    ),
    "fit, flat dimension": (FIT, lambda v: claiming(v, flat_dimension=3), "flat_dimension: is 2"),
    "fit, loss": (FIT, lambda v: claiming(v, loss=Enclosure(Fraction(0))), "loss: is 0.5"),
    "fit, strict": (FIT, lambda v: claiming(v, strict=Answer.YES), "called strict"),
    "fit, radius": (FIT, lambda v: claiming(v, radius=Fraction(1, 10**30)), "away, radius"),
    "saddle, index": (
        SADDLE,
        lambda v: with_claim(v, index=2),
        "1 eigenvalues are negative, not 2",
    ),
    "saddle, loss": (SADDLE, lambda v: claiming(v, loss=Enclosure(Fraction(3))), "loss: is 3.27"),
    "kinked, radius": (KINKED, lambda v: claiming(v, radius=Fraction(1, 10**30)), "away, radius"),
    "kinked, loss": (KINKED, lambda v: claiming(v, loss=Enclosure(Fraction(1))), "loss: is"),
    "valley limit": (
        VALLEY,
        lambda v: claiming(v, valley_limit=Enclosure(Fraction(1, 100))),
        "the valley ends at",
    ),
    "valley direction": (
        VALLEY,
        lambda v: with_proof(v, direction={"weight": [["0"]], "bias": ["-1"]}),
        "do not all move towards their labels",
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forged_verdicts_are_found(name: str) -> None:
    problem, forge, expected = FORGERIES[name]
    case, verdict = from_data(problem), certify(parse_problem(json.dumps(problem)))
    assert faults_of(case, verdict) == ""
    assert expected in faults_of(case, forge(verdict))


def test_a_wrong_flat_dimension_is_found() -> None:
    """All points on one side of the kink, fitted: a line, by four parameters."""
    layers = [{"weight": [["1"]], "bias": ["10"]}, {"weight": [["1"]], "bias": ["-10"]}]
    rows = BENT["data"]["x"]
    problem = BENT | {"data": {"x": rows, "y": rows}, "point": {"layers": layers}}
    case, verdict = from_data(problem), certify(parse_problem(json.dumps(problem)))
    assert verdict.flat_dimension == 2
    wrong = claiming(verdict, flat_dimension=1)
    found = {fault for k in range(30) for fault in judge_verdict(case, wrong, Random(k))[0]}
    assert found == {"flat_dimension: is 2, not 1"}


def test_training_beats_a_point_that_is_called_global() -> None:
    """By chance, so several times; the better point is a ramp that most starts miss."""
    case, verdict = from_data(BENT), certify(parse_problem(json.dumps(BENT)))
    wrong = claiming(verdict, is_global=Answer.YES)
    found = [faults for k in range(10) for faults in judge_verdict(case, wrong, Random(k))[0]]
    assert sum(fault.startswith("called global, but training finds") for fault in found) >= 3


def test_certify_that_raises_is_at_fault() -> None:
    def broken(_: object) -> Verdict:
        raise ZeroDivisionError("by nothing")

    answer = judge(from_data(BENT), Random(SEED), broken)
    assert answer.faults == ("certify raised ZeroDivisionError: by nothing",)


def test_a_refused_certificate_is_at_fault() -> None:
    def careless(problem: Any) -> Verdict:
        verdict = certify(problem)
        assert verdict.certificate is not None
        return replace(verdict, certificate={**verdict.certificate, "digest": "0"})

    (fault,) = judge(from_data(BENT), Random(SEED), careless).faults
    assert fault.startswith("refused: ")


def test_a_faulty_problem_is_made_smaller() -> None:
    def blind(problem: Any) -> Verdict:
        """Calls everything a local minimum."""
        return claiming(certify(problem), decision=Decision.LOCAL_MINIMUM)

    case = from_data(SLOPED)
    faults = judge(case, Random(SEED), blind).faults
    smaller = shrunk(case, faults, blind)
    assert len(smaller.x) < len(case.x)
    assert judge(smaller, Random(SEED), blind).faults
