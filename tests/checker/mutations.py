"""Changes of certificates, and a forger who signs them and makes the rest of the claim fit."""

import copy
import hashlib
import json
import re
from collections.abc import Iterator
from fractions import Fraction
from functools import reduce
from typing import Any

import mpmath as mp
from tests.checker.truth import DIGITS, minimal_loss

from spurious.certify.exact_gradient import point_loss
from spurious.errors import InputError
from spurious.problem import point_from_data, problem_from_data
from spurious_checker import Result, check

Path = tuple[Any, ...]
Mutation = tuple[Path, str, Any]
"""Where, what was done, the changed certificate."""

TINY = Fraction(1, 10**12)
ENUMS: dict[Any, tuple[Any, ...]] = {
    "verdict": ("local_minimum", "not_local_minimum", "local_minimum_nearby", "undecided"),
    "strict": ("yes", "no", "unknown"),
    "strict_up_to_rescaling": ("yes", "no", "unknown"),
    "global": ("yes", "no", "unknown"),
    "activation": (
        "relu", "abs", "identity", "sigmoid", "tanh", "softplus", "softsign", "gelu", "silu", "elu",
        "mish",
    ),
    "loss": ("squared", "logistic", "cross_entropy"),
}  # fmt: skip


def signed(data: dict[str, Any]) -> dict[str, Any]:
    """The certificate with its digest computed anew, as a forger would."""
    rest = {key: value for key, value in data.items() if key != "digest"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    return {**rest, "digest": hashlib.sha256(text.encode()).hexdigest()}


def at(data: Any, path: Path) -> Any:
    return reduce(lambda part, step: part[step], path, data)


def changed(data: Any, path: Path, value: Any) -> Any:
    """A copy with another value there; what is beside the path is shared with the original."""
    if not path:
        return value
    result = copy.copy(data)
    result[path[0]] = changed(data[path[0]], path[1:], value)
    return result


def nodes(data: Any, path: Path = ()) -> Iterator[Path]:
    """The paths of everything below."""
    yield path
    if isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from nodes(value, (*path, key))


def mutations(data: Any, part: str) -> Iterator[Mutation]:
    """Every change of one part of a certificate, one at a time."""
    for path in nodes(data[part], (part,)):
        for kind, value in variants(at(data, path), path):
            if value != at(data, path):
                yield path, kind, changed(data, path, value)


def variants(value: Any, path: Path) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        yield from of_list(value)
    elif isinstance(value, dict):
        yield from of_table(value)
    elif isinstance(value, str) and path[-1] in ENUMS:
        yield from ((other, other) for other in ENUMS[path[-1]])
    elif value is None and path[-1] in ("flat_dimension", "radius", "eigenvalue_bound"):
        yield from (("0", 0 if path[-1] == "flat_dimension" else "0"), ("1", "1"))
    elif isinstance(value, int):
        yield from (("+1", value + 1), ("-1", value - 1), ("zero", 0))
    elif isinstance(value, str) and re.fullmatch(r"-?[0-9.]+(/[0-9]+)?", value):
        number = Fraction(value)
        yield from (("sign", str(-number)), ("zero", "0"), ("half", str(number / 2)))
        yield from (("+1", str(number + 1)), ("-1", str(number - 1)), ("2x", str(2 * number)))
        yield from (("+tiny", str(number + TINY)), ("-tiny", str(number - TINY)))


def of_list(values: list[Any]) -> Iterator[tuple[str, Any]]:
    if values:
        yield "drop first", values[1:]
        yield "drop last", values[:-1]
        yield "duplicate", [*values, values[-1]]
    if len(values) > 1:
        yield "swap", [values[1], values[0], *values[2:]]
        yield "reverse", values[::-1]
        yield "copy", [values[1], *values[1:]]


def of_table(values: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Tables with free keys: groups, atoms. Others are read key by key elsewhere."""
    if not values or not all(re.fullmatch("[0-9,/-]+", key) for key in values):
        return
    for key in values:
        yield f"drop {key}", {k: v for k, v in values.items() if k != key}
    keys = list(values)
    yield "rename", {str(int(k) + 1) if k.isdigit() else k: v for k, v in values.items()}
    yield "turn", dict(zip(keys, [*list(values.values())[1:], values[keys[0]]], strict=True))


HINTS = (
    (r"strict is (\w+)", "strict", str),
    (r"strict_up_to_rescaling is (\w+)", "strict_up_to_rescaling", str),
    (r"flat_dimension is (\d+)", "flat_dimension", int),
    (r"flat_dimension is (None)", "flat_dimension", lambda _: None),
)


def forge(data: Any) -> tuple[Any, Result]:
    """A changed problem, the claim made to fit it as far as the checker's answers tell how."""
    data = copy.deepcopy(data)
    fit_losses(data)
    result = check(signed(data))
    for _ in range(4):
        if result.valid:
            break
        for pattern, key, read in HINTS:
            found = re.match(pattern, result.reason)
            if found:
                data["claim"][key] = read(found[1])
        if "witness" in result.reason:
            data["claim"].update(witness_loss=None, **{"global": "unknown"})
            data["global_proof"] = None
        elif "not shown to be" in result.reason and data["claim"]["eigenvalue_bound"]:
            half = Fraction(data["claim"]["eigenvalue_bound"]) / 2
            data["claim"]["eigenvalue_bound"] = str(half)
        elif result.reason.startswith("the radius"):
            data["claim"]["radius"] = fitting_radius(data)
        result = check(signed(data))
    return signed(data), result


def fit_losses(data: Any) -> None:
    """States the losses that the changed problem has; leaves them if it is no problem at all."""
    try:
        problem = problem_from_data(data["problem"])
        claim, proof = data["claim"], data["proof"]
        if claim["witness_loss"]:
            there = point_from_data(data["global_proof"]["point"])
            claim["witness_loss"] = stated(point_loss(problem.dense, there))
        assert problem.point is not None
        if "centre" in proof or proof["rule"] in ("constant_output", "constant_units"):
            with mp.workdps(DIGITS):
                value = Fraction(mp.nstr(minimal_loss(data)[0], 60))
            exact = proof["rule"].startswith("constant") and data["problem"]["loss"] == "squared"
            width = Fraction(0) if exact else max(1, abs(value)) / 2**21
            if exact:  # the mean of rationals; 60 digits tell which
                value = value.limit_denominator(10**25)
            claim["loss"] = {"mid": str(value), "rad": str(width)}
        else:
            there = point_from_data(proof["point"]) if "point" in proof else problem.point
            claim["loss"] = stated(point_loss(problem.dense, there))
    except InputError:
        pass  # not a problem: the checker has to say so


def stated(loss: Any) -> dict[str, str]:
    width = loss.rad and loss.rad + Fraction(1, 10**15)
    return {"mid": str(loss.mid), "rad": str(width)}


def fitting_radius(data: Any) -> str:
    proof, point = data["proof"], point_numbers(data["problem"]["point"])
    there = point_numbers(proof.get("point") or proof.get("centre") or data["problem"]["point"])
    if len(there) != len(point):
        return data["claim"]["radius"]
    gap = max(abs(a - b) for a, b in zip(point, there, strict=True))
    return str((gap + Fraction(proof.get("radius", "0"))) * Fraction(5, 4))


def point_numbers(point: Any) -> list[Fraction]:
    leaves = (at(point, path) for path in nodes(point))
    return [Fraction(v) for v in leaves if isinstance(v, str | int)]
