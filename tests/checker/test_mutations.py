"""Anything changed is noticed, and a false claim is rejected however it is signed."""

import copy
import hashlib
import json
from collections.abc import Iterator
from fractions import Fraction
from functools import cache, reduce
from typing import Any

import pytest
from tests.checker.cases import CASES

from spurious import certify
from spurious_checker import RULES, check

SLACK = ("direction", "transform", "dominated", "tau", "mu", "epsilon", "basis", "radius", "bends")
"""Evidence that may change and still prove the same claim: another descent direction, say."""


@cache
def certificate(name: str) -> Any:
    verdict = certify(CASES[name])
    assert verdict.certificate is not None, verdict.reason
    return json.loads(json.dumps(verdict.certificate))


def signed(data: dict[str, Any]) -> dict[str, Any]:
    """The certificate with its digest computed anew, as a forger would."""
    rest = {key: value for key, value in data.items() if key != "digest"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    return {**rest, "digest": hashlib.sha256(text.encode()).hexdigest()}


def claimed(data: Any) -> tuple[Any, ...]:
    return tuple(data["claim"][key] for key in ("verdict", "global", "loss"))


def leaves(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield from leaves(value, (*path, key))
    elif isinstance(data, list):
        for i, value in enumerate(data):
            yield from leaves(value, (*path, i))
    else:
        yield path, data


def changed(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    result = copy.deepcopy(data)
    target = result
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    return result


def variants(value: Any) -> Iterator[Any]:
    """Other values of the same kind, far away."""
    if value is None:
        yield from ("0", "1", "no")
    elif isinstance(value, int):
        yield from (value + 1, value - 1, True)
    elif isinstance(value, str):
        try:
            number = Fraction(value)
        except ValueError:
            yield from (f"{value}x", "yes", "no", "unknown", "local_minimum", "not_local_minimum")
        else:
            yield from (str(number + 1), str(-number - 1), str(number * 3 + 7))


def materially(value: Any) -> list[Any]:
    return [other for other in variants(value) if other != value]


@pytest.mark.parametrize("name", CASES)
def test_it_is_valid_and_proves_what_its_name_says(name: str) -> None:
    data = certificate(name)
    assert data["proof"]["rule"] == name.split(",")[0]
    assert check(data).valid, check(data).reason


def test_every_rule_has_a_case() -> None:
    assert {name.split(",")[0] for name in CASES} == set(RULES)


@pytest.mark.parametrize("name", CASES)
def test_every_change_is_noticed(name: str) -> None:
    data = certificate(name)
    for path, value in leaves(data):
        for other in materially(value):
            assert not check(changed(data, path, other)).valid, (path, value, other)


@pytest.mark.parametrize("name", CASES)
def test_no_other_claim_can_be_forged(name: str) -> None:
    data = certificate(name)
    for path, value in leaves(data["claim"], ("claim",)):
        for other in materially(value):
            forged = signed(changed(data, path, other))
            assert not check(forged).valid, (path, value, other)


@pytest.mark.parametrize("name", CASES)
def test_evidence_is_needed(name: str) -> None:
    data = certificate(name)
    for path, value in leaves(data["proof"], ("proof",)):
        if any(step in SLACK for step in path):
            continue
        for other in materially(value):
            forged = signed(changed(data, path, other))
            assert not check(forged).valid, (path, value, other)


@pytest.mark.parametrize("name", CASES)
def test_slack_in_the_evidence_never_changes_the_claim(name: str) -> None:
    data = certificate(name)
    paths = [p for p, _ in leaves(data["proof"], ("proof",)) if any(step in SLACK for step in p)]
    paths += [p for p, _ in leaves(data["global_proof"], ("global_proof",))]
    for path in paths[:: 1 + len(paths) // 30]:
        value = reduce(lambda part, step: part[step], path, data)
        for other in [*materially(value), "1/0", None, 1.5]:
            result = check(signed(changed(data, path, other)))
            assert not result.valid or result.claim == check(data).claim


@pytest.mark.parametrize("name", CASES)
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


@pytest.mark.parametrize("name", CASES)
def test_evidence_of_another_problem(name: str) -> None:
    data = certificate(name)
    for other in CASES:
        if other != name and certificate(other)["problem"] != data["problem"]:
            forged = {**data, "problem": certificate(other)["problem"]}
            true = claimed(data) == claimed(certificate(other))
            assert true or not check(signed(forged)).valid, other


@pytest.mark.parametrize("junk", [None, 1, "x", [], {}, {"format": "spurious-certificate/1"}])
def test_junk(junk: Any) -> None:
    assert not check(junk).valid
