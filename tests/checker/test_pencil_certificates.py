"""Every hand-made certificate is valid; every material change to one of its numbers is not."""

from __future__ import annotations

import copy
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import spurious_checker
from spurious_checker import RULES, check


def _pencil() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pencil", Path(__file__).parent / "pencil.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


pencil = _pencil()
CASES: dict[str, dict[str, Any]] = pencil.CASES

Path_ = tuple[Any, ...]

# Evidence that the checker verifies afresh: another congruence, direction, basis, centre, ball
# or matrix may prove the same claim.
VERIFIED = {"transform", "direction", "radius", "centre", "basis", "bends", "preconditioner",
            "gates"}  # fmt: skip

# Changes after which the claim is still true, with the reason.
STILL_TRUE: dict[str, dict[Path_, str]] = {
    # errors of 1/10 and of -1/10 cost the same
    "dead layer": {("global_proof", "point", "layers", 1, "bias", 0): "negate"},
    # the mean of tanh(u) and tanh(-u) is 0, whatever its weight
    "slope of a unit": {("proof", "curve", 0, "layers", 1, "weight", 0, 0): "add 1"},
}


# Changes of the problem after which its claim is still true and proved: inputs of units that stay
# inactive, parameters of dead units and of units whose output or output weight is zero; the input
# of a point whose target is the output of units that see no data.
SLACK: dict[str, list[Path_]] = {
    "split pair": [  # off at -4/7, too; the other's output weight is 0
        ("data", "x", 0, 0),
        ("point", "layers", 0, "weight", 1, 0),
    ],
    "one kink": [
        ("data", "x", 4, 0),
    ],
    "split tree": [
        ("point", "layers", 1, "weight", 0, 0),
    ],
    "dominated tree": [
        ("point", "layers", 1, "weight", 0, 0),
    ],
    "two outputs": [
        ("data", "x", 3, 0),
    ],
    "logistic kink": [
        ("point", "layers", 1, "weight", 0, 0),
    ],
    "zero weight minimum": [
        ("point", "layers", 0, "bias", 0),
        ("point", "layers", 0, "bias", 1),
        ("point", "layers", 0, "weight", 0, 0),
        ("point", "layers", 0, "weight", 1, 0),
    ],
    "nearby point": [
        ("data", "x", 4, 0),
    ],
    "dead layer": [
        ("point", "layers", 0, "bias", 0),
        ("point", "layers", 0, "weight", 0, 0),
        ("point", "layers", 1, "weight", 0, 0),
    ],
    "deep classes": [
        ("data", "x", 0, 0),
    ],
    "identity network": [
        ("point", "layers", 1, "weight", 0, 0),
    ],
    "constant beside": [
        ("data", "x", 3, 0),
        ("data", "x", 3, 1),
    ],
    "constant squared": [
        ("data", "x", 0, 0),
        ("data", "x", 1, 0),
        ("point", "layers", 0, "bias", 0),
        ("point", "layers", 0, "weight", 0, 0),
        ("point", "layers", 1, "weight", 0, 0),
    ],
    "constant logistic": [
        ("data", "x", 0, 0),
        ("data", "x", 1, 0),
        ("data", "x", 2, 0),
        ("point", "layers", 0, "bias", 0),
        ("point", "layers", 0, "weight", 0, 0),
        ("point", "layers", 1, "weight", 0, 0),
    ],
    "relu ball": [
        ("data", "x", 0, 0),
        ("data", "x", 1, 0),
    ],
    "dead unit ball": [
        ("data", "x", 0, 0),
        ("data", "x", 1, 0),
    ],
    "kinked ball": [
        ("data", "x", 9, 0),
        ("data", "x", 10, 0),
        ("data", "x", 11, 0),
    ],
    "held at zero": [
        ("data", "x", 3, 0),
    ],
    "descent": [
        ("data", "x", 1, 0),
        ("point", "layers", 0, "weight", 0, 0),
        ("point", "layers", 1, "weight", 0, 0),
    ],
    "smooth descent": [
        ("point", "layers", 0, "weight", 0, 0),
        ("point", "layers", 1, "weight", 0, 0),
    ],
    "psi": [
        ("data", "x", 0, 0),
        ("point", "layers", 0, "bias", 0),
        ("point", "layers", 0, "weight", 0, 0),
    ],
    "tanh saddle": [
        ("data", "x", 0, 0),
        ("data", "x", 1, 0),
        ("point", "layers", 0, "bias", 0),
        ("point", "layers", 0, "weight", 0, 0),
        ("point", "layers", 1, "weight", 0, 0),
    ],
    "identity saddle": [
        ("data", "x", 0, 0),
        ("data", "x", 1, 0),
        ("point", "layers", 0, "bias", 0),
        ("point", "layers", 0, "weight", 0, 0),
        ("point", "layers", 1, "weight", 0, 0),
    ],
    "valley": [
        ("data", "x", 0, 0),
    ],
    "class valley": [
        ("data", "x", 0, 0),
    ],
}


def leaves(node: Any, path: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from leaves(value, (*path, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from leaves(value, (*path, index))
    else:
        yield path, node


def changed(certificate: Any, path: Path_, value: Any) -> Any:
    """A copy with another value there, or without one, signed anew."""
    certificate = node = copy.copy(certificate)
    for step in path[:-1]:  # what is beside the path is shared: `seal` copies it
        node[step] = copy.copy(node[step])
        node = node[step]
    if value is KeyError:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return pencil.seal(certificate)


def numeric(value: Any) -> bool:
    return isinstance(value, int) or (isinstance(value, str) and value.strip("-/0123456789") == "")


def new_numbers(value: Any) -> Iterator[tuple[str, Any]]:
    """Material changes of a number: the sign, a factor, a shift."""
    number = pencil.F(value)
    for name, other in (("negate", -number), ("scale 2", 2 * number), ("add 1", number + 1)):
        if other != number:
            yield name, int(other) if isinstance(value, int) else str(other)


@pytest.mark.parametrize("name", CASES)
def test_valid(name: str) -> None:
    result = check(CASES[name])
    assert result.valid, result.reason
    assert result.claim and not result.reason


def test_every_rule_has_a_case() -> None:
    assert {case["proof"]["rule"] for case in CASES.values()} == {*RULES, "monotone_valley"}


CLAIM_CHANGES: dict[str, list[Any]] = {
    "verdict": ["local_minimum", "not_local_minimum", "local_minimum_nearby", "undecided", None],
    "strict": ["yes", "no", "unknown", True, None],
    "strict_up_to_rescaling": ["yes", "no", "unknown", False],
    "flat_dimension": [None, 0, 1, 2, -1, True, "1", [1]],
    "eigenvalue_bound": [None, "0", "-1", "1000000", 3, True],
    "global": ["yes", "no", "unknown", None, True],
    "loss": [None, "18", {"mid": "0"}, {"mid": "0", "rad": "-1"}, {"mid": "x", "rad": "0"}],
    "witness_loss": [None, {"mid": "0", "rad": "0"}, {"mid": "0", "rad": "1000"}],
    "radius": [None, "0", "-1", "1/10000000000000000000000", "1/0", 1, True],
    "valley_limit": [None, {"mid": "0", "rad": "0"}, {"mid": "0", "rad": "1000"}],
}


@pytest.mark.parametrize("name", CASES)
def test_claim_fields(name: str) -> None:
    """Any other value of a claim field is refused."""
    case = CASES[name]
    for key, values in CLAIM_CHANGES.items():
        for value in values:
            now = case["claim"].get(key, ...)  # a field of the other format is refused
            if value == now and type(value) is type(now):
                continue
            assert not check(changed(case, ("claim", key), value)).valid, (key, value)


@pytest.mark.parametrize("name", CASES)
def test_balls(name: str) -> None:
    """A ball elsewhere, or a point ball for what is not rational, or one too wide, is refused."""
    case = CASES[name]
    for key in ("loss", "witness_loss", "valley_limit"):
        ball = case["claim"][key]
        if ball is None:
            continue
        mid, rad = pencil.F(ball["mid"]), pencil.F(ball["rad"])
        for other in (
            (mid + 2 * rad + pencil.F(1, 10**5), rad),
            (mid - 2 * rad - 1, rad),
            (mid, 1),
        ):
            assert not check(changed(case, ("claim", key), pencil.ball(*other))).valid
        if rad == 0 and case["problem"]["network"]["activation"] != "tanh":
            wider = pencil.ball(mid, pencil.F(1, 10**30))
            assert not check(changed(case, ("claim", key), wider)).valid


@pytest.mark.parametrize("name", CASES)
def test_proof_numbers(name: str) -> None:
    """Every number of the evidence, one at a time."""
    case = CASES[name]
    for top in ("proof", "global_proof"):
        for path, value in leaves(case[top], (top,)):
            if not numeric(value) or VERIFIED & set(path):
                continue
            for kind, other in new_numbers(value):
                result = check(changed(case, path, other))
                excused = STILL_TRUE.get(name, {}).get(path) == kind
                assert not result.valid or excused, (path, kind, other)


@pytest.mark.parametrize("name", CASES)
def test_structure(name: str) -> None:
    """Everything missing, superfluous or of another type, at every place, is refused."""
    case = CASES[name]
    for path, value in leaves(case):
        if path == ("digest",) or (path[0] == "claim" and path[1] != "loss"):
            continue
        junk: list[Any] = [[], {}, None if value is not None else [], True, 1.5, "nan", "1e5000000"]
        for other in [*junk, "inf", "1/0", "0x1", " 1", "1\n", "1_0", "\u0661", "--1", "?"]:
            assert not check(changed(case, path, other)).valid, (path, other)
        if value != "0" or "tau" not in path:  # a missing coefficient means zero
            assert not check(changed(case, path, KeyError)).valid, path


def objects(node: Any, path: Path_ = ()) -> Iterator[Path_]:
    if isinstance(node, dict):
        yield path
    children = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in children:
        if isinstance(value, dict | list):
            yield from objects(value, (*path, key))


@pytest.mark.parametrize("name", CASES)
def test_unknown_keys(name: str) -> None:
    case = CASES[name]
    for path in objects(case):
        assert not check(changed(case, (*path, "surprise"), "1")).valid, path


@pytest.mark.parametrize("name", CASES)
def test_problem_numbers(name: str) -> None:
    """Evidence for one problem is none for another: every datum, label and parameter."""
    case = CASES[name]
    valid: list[Path_] = []
    for path, value in leaves(case["problem"], ("problem",)):
        if numeric(value) and path[1] in ("data", "point"):
            other = str(pencil.F(value) + pencil.F(3, 7))
            if check(changed(case, path, other)).valid:
                valid.append(path[1:])
    assert valid == SLACK.get(name, []), valid


def test_digest() -> None:
    case = copy.deepcopy(CASES["one kink"])
    case["digest"] = case["digest"].upper() if case["digest"].upper() != case["digest"] else "0"
    assert not check(case).valid
    for value in ("", "0" * 64, None, 0):
        assert not check({**CASES["one kink"], "digest": value}).valid


@pytest.mark.parametrize("junk", [None, [], "x", 1, {}, {"format": "spurious-certificate/1"}])
def test_not_a_certificate(junk: Any) -> None:
    assert check(junk) == spurious_checker.Result(False, "", check(junk).reason)
    assert not check(junk).valid
