"""A changed certificate, signed anew, is refused, unless what it says is still true.

What the checker accepts is judged by `truth` (another network, differences, samples) and by
`decide`, which shares no code with the checker.
"""

import copy
import json
import os
import random
from collections import Counter
from functools import cache
from typing import Any

import pytest
from tests.checker.cases import CASES, problem
from tests.checker.mutations import Mutation, at, changed, forge, mutations, nodes, signed
from tests.checker.test_kept_certificates import KEPT
from tests.checker.truth import faults

from spurious import certify, optimum
from spurious.certify.decide import decide
from spurious.certify.subject import Subject
from spurious.problem import problem_from_data
from spurious.proof import Proof
from spurious_checker import RULES, check

LINE = [["-2"], ["-1"], ["0"], ["1"], ["2"]]
GLOBAL = {
    "cell_multipliers": problem(
        (1, 1, 1), "relu", "squared", LINE, [["1"], ["0"], ["2"], ["0"], ["1"]], "0 0 0 0"
    ),
    "affine_optimum": problem(
        (1, 1, 1), "identity", "squared", LINE[:3], [["1"], ["0"], ["2"]], "1 0 1/2 3/2"
    ),
}
OLD = {"kinked_ball": KEPT["kinked_ball"]}
"""Of rules that no prover uses any more."""

SAMPLED = int(os.environ.get("SPURIOUS_TEST_MUTATIONS", "20"))
"""Changes of each kind that are tried; with a large number, all."""

NAMES = [*CASES, *GLOBAL, *OLD]

OTHER_EVIDENCE = {
    "direction": "the loss falls in other directions too",
    "transform": "the same matrix is seen to be definite in other coordinates",
    "bends": "the same, for the forms that part twins",
    "dominated": "a dependent input is a combination of others in many ways",
    "tau": "the identity at a leaf has many solutions",
    "mu": "the same",
    "epsilon": "any step around the output weights will do",
    "radius": "the evidence holds in other balls too",
    "centre": "or around other centres",
    "basis": "a space has many bases",
    "multipliers": "in any order, and more than are needed; or other ones as near to mu",
    "preconditioner": "any matrix near the inverse will do",
    "curve": "the loss falls along curves next to this one, too",
    "gates": "at any speed",
    "fields": "symmetries span a space, which has many bases",
    "global_proof": "another point has the same smaller loss",
}
"""Evidence that may change and still prove the same claim, and why."""

IMPRECISE = {
    "eigenvalue_bound": "a smaller bound is implied; a larger one must be proved",
    "radius": "up to twice what is needed",
    "loss": "any small ball around it",
    "witness_loss": "the same",
    "valley_limit": "the same",
}
"""Parts of a claim that may change and still be true, and why; all others are refused."""


@cache
def certificate(name: str) -> Any:
    if name in OLD:
        return OLD[name]
    if name == "cell_multipliers":
        found = optimum(GLOBAL[name]).verdict.certificate
    else:
        found = certify((CASES | GLOBAL)[name]).certificate
    assert found is not None
    return json.loads(json.dumps(found))


def sample(name: str, part: str, count: int) -> list[Mutation]:
    """Of all changes so many, the same ones every time; fewer where a check takes long."""
    every = list(mutations(certificate(name), part))
    most = 8 if name == "convex_ball, sigmoid" else count
    return random.Random(f"{name}, {part}").sample(every, min(most, len(every)))


def refused_by_a_rule(reason: str) -> bool:
    return bool(reason) and "digest" not in reason and "the check failed" not in reason


@pytest.mark.parametrize("name", NAMES)
def test_it_is_valid_and_true_and_proves_what_its_name_says(name: str) -> None:
    data = certificate(name)
    rules = {data["proof"]["rule"], (data["global_proof"] or {}).get("rule")}
    assert name.split(",")[0] in rules
    assert check(data).valid, check(data).reason
    assert not list(faults(data, 0))


def test_every_rule_has_a_case() -> None:
    assert {name.split(",")[0] for name in (*CASES, *OLD)} == {*RULES, "monotone_valley"}
    proofs = {(certificate(name)["global_proof"] or {}).get("rule") for name in NAMES}
    assert proofs == {
        None, "witness", "not_local_minimum", "pointwise_optimum", "affine_optimum",
        "cell_multipliers",
    }  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_without_a_new_signature_any_change_is_noticed(name: str) -> None:
    for part in ("claim", "problem", "proof"):
        for path, kind, other in sample(name, part, 4):
            assert "digest" in check(other).reason, (path, kind)


@pytest.mark.parametrize("name", NAMES)
def test_another_claim_is_refused_or_true(name: str) -> None:
    every = list(mutations(certificate(name), "claim"))
    assert len(every) >= 13  # the verdict, three answers, a loss
    for path, kind, other in every:
        result = check(signed(other))
        if result.valid:
            assert path[1] in IMPRECISE, (path, kind)
            assert not list(faults(other, 1)), (path, kind)
        else:
            assert refused_by_a_rule(result.reason), (path, kind, result.reason)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("part", ["proof", "global_proof"])
def test_other_evidence_is_refused_or_good(name: str, part: str) -> None:
    for path, kind, other in sample(name, part, SAMPLED):
        result = check(signed(other))
        if result.valid:
            assert set(path) & set(OTHER_EVIDENCE), (path, kind)
            assert not list(faults(other, 1)), (path, kind)
        else:
            assert refused_by_a_rule(result.reason), (path, kind, result.reason)


def contradiction(data: Any) -> str:
    """What `decide` says against a claim about the same problem."""
    here = problem_from_data(data["problem"])
    assert here.point is not None
    found, claim = decide(Subject(here)), data["claim"]
    if not isinstance(found, Proof):
        return ""
    minima = ("local_minimum", "local_minimum_nearby")
    verdicts = {claim["verdict"], found.claim.decision.value}
    if len(verdicts) > 1 and verdicts != {"not_local_minimum", "local_minimum_nearby"}:
        return f"decided {found.claim.decision}"
    if claim["verdict"] in minima and found.claim.decision.value == claim["verdict"]:
        for key, answer in (
            ("strict", found.claim.strict),
            ("strict_up_to_rescaling", found.claim.strict_up_to_rescaling),
        ):
            if {claim[key], answer.value} == {"yes", "no"}:
                return f"{key}: {answer}"
        flat = claim["flat_dimension"], found.claim.flat_dimension
        if None not in flat and flat[0] != flat[1]:
            return f"flat dimension {flat[1]}"
    return ""


@pytest.mark.parametrize("name", NAMES)
def test_the_claim_for_another_problem_is_refused_or_true(name: str) -> None:
    """Losses, radius and flatness are made to fit, so that the rule itself has to refuse."""
    seen = Counter[bool]()
    for path, kind, other in sample(name, "problem", SAMPLED):
        forged, result = forge(other)
        seen[result.valid] += 1
        if result.valid:
            assert not list(faults(forged, 1)), (path, kind)
            assert not contradiction(forged), (path, kind)
        else:
            assert refused_by_a_rule(result.reason), (path, kind, result.reason)
    assert seen[False] >= 3  # most changes leave a descent what it is


@pytest.mark.parametrize("name", NAMES)
def test_missing_and_superfluous_keys(name: str) -> None:
    data = certificate(name)
    for part in ("claim", "problem", "proof"):
        for key in data[part]:
            if part == "problem" and key == "witness":
                continue  # the problem's own witness is optional
            less = copy.deepcopy(data)
            del less[part][key]
            assert not check(signed(less)).valid, (part, key)
        more = copy.deepcopy(data)
        more[part]["extra"] = "1"
        assert not check(signed(more)).valid, part


@pytest.mark.parametrize("name", NAMES)
def test_nothing_in_place_of_evidence(name: str) -> None:
    data = certificate(name)
    paths = [path for path in nodes(data["proof"], ("proof",)) if len(path) == 2]
    for path in paths:
        for junk in ("1/0", 1.5, True, [[]], {"x": "1"}):
            if junk != at(data, path):
                assert not check(signed(changed(data, path, junk))).valid, (path, junk)
        if at(data, path) is not None:
            assert not check(signed(changed(data, path, None))).valid, path


def shape(name: str) -> Any:
    return certificate(name)["problem"]["network"]["widths"]


@pytest.mark.parametrize("name", [*CASES, *OLD])
def test_evidence_of_another_problem(name: str) -> None:
    for other in (*CASES, *OLD):
        if certificate(other)["problem"] != certificate(name)["problem"]:
            forged = {**certificate(name), "problem": certificate(other)["problem"]}
            same = shape(name) == shape(other)
            forged, result = forge(forged) if same else (forged, check(signed(forged)))
            if result.valid:
                assert not list(faults(forged, 1)), other
                assert not contradiction(forged), other


@pytest.mark.parametrize("junk", [None, 1, "x", [], {}, {"format": "spurious-certificate/1"}])
def test_junk(junk: Any) -> None:
    assert not check(junk).valid
