"""Writes certificates in the format of `docs/certificates.md`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from flint import fmpq

from spurious.certify.outcome import Proof
from spurious.exact import balls
from spurious.exact.balls import OutOfRangeError
from spurious.exact.rationals import fraction
from spurious.exact.softmax_numbers import UNIT, Exact
from spurious.problem import Problem, problem_to_data
from spurious.verdict import Enclosure

if TYPE_CHECKING:
    from spurious.certify.optimality import Optimality

FORMAT = "spurious-certificate/1"

PROGRAM_FORMAT = "spurious-certificate/2"

AS_PROGRAM = ("interpolation",)
"""Rules whose certificates are about the problem as a program, in format 2."""


def assemble(
    problem: Problem, proof: Proof, loss: Enclosure, optimality: Optimality
) -> dict[str, Any]:
    """The certificate of a decided point, as JSON data.

    Raises:
        OutOfRangeError: a number is too long to be written in decimal.
    """
    as_program = proof.evidence["rule"] in AS_PROGRAM
    try:
        return (_assemble_as_program if as_program else _assemble)(problem, proof, loss, optimality)
    except ValueError as error:  # Python refuses to print integers of more than 4300 digits
        raise OutOfRangeError(f"a number of the certificate is too long: {error}") from error


def _assemble(
    problem: Problem, proof: Proof, loss: Enclosure, optimality: Optimality
) -> dict[str, Any]:
    claim = {
        "verdict": proof.decision.value,
        "strict": proof.strict.value,
        "strict_up_to_rescaling": proof.strict_up_to_rescaling.value,
        "flat_dimension": proof.flat_dimension,
        "eigenvalue_bound": _text(proof.eigenvalue_bound),
        "global": optimality.is_global.value,
        "loss": ball_data(loss),
        "witness_loss": ball_data(optimality.witness_loss),
        "radius": _text(proof.radius),
        "valley_limit": ball_data(proof.valley_limit),
    }
    return sealed(
        {
            "format": FORMAT,
            "claim": claim,
            "problem": problem_to_data(problem),
            "proof": dict(proof.evidence),
            "global_proof": None if optimality.evidence is None else dict(optimality.evidence),
        }
    )


def _assemble_as_program(
    problem: Problem, proof: Proof, loss: Enclosure, optimality: Optimality
) -> dict[str, Any]:
    claim = {
        "verdict": proof.decision.value,
        "strict": proof.strict.value,
        "index": None,
        "flat_dimension": proof.flat_dimension,
        "eigenvalue_bound": _text(proof.eigenvalue_bound),
        "global": optimality.is_global.value,
        "loss": ball_data(loss),
        "witness_loss": ball_data(optimality.witness_loss),
        "radius": _text(proof.radius),
    }
    return sealed(
        {
            "format": PROGRAM_FORMAT,
            "claim": claim,
            "problem": problem_to_data(problem),
            "proof": dict(proof.evidence),
            "global_proof": None if optimality.evidence is None else dict(optimality.evidence),
        }
    )


def sealed(certificate: dict[str, Any]) -> dict[str, Any]:
    """A certificate with its digest."""
    return {**certificate, "digest": digest(certificate)}


def digest(certificate: Mapping[str, Any]) -> str:
    """SHA-256 of a certificate without its digest, written as compact JSON with sorted keys."""
    text = json.dumps(certificate, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def ball_data(value: Enclosure | None) -> dict[str, str] | None:
    """An enclosure as `{"mid": ..., "rad": ...}`."""
    return None if value is None else {"mid": str(value.mid), "rad": str(value.rad)}


def exact_data(value: Exact) -> str | dict[str, str]:
    """A softmax number: a rational string, or coefficients by atom."""
    if isinstance(value, fmpq):
        return balls.written(fraction(value))
    return {
        ("1" if atom == UNIT else _atom(atom)): balls.written(fraction(coefficient))
        for atom, coefficient in value.terms.items()
    }


def _atom(entries: tuple[fmpq, ...]) -> str:
    """The key of an atom; a single entry 1 is written 1/1, since the key "1" is the number one."""
    text = ",".join(balls.written(fraction(entry)) for entry in entries)
    return "1/1" if text == "1" else text


def leaf_data(tree: Mapping[str, Any]) -> dict[str, Any]:
    """A tree of rule `one_sided_derivatives` as JSON data; empty parts are left out."""
    if "split" in tree:
        return {
            "split": tree["split"],
            "plus": leaf_data(tree["plus"]),
            "minus": leaf_data(tree["minus"]),
        }
    data: dict[str, Any] = {}
    if tree.get("dominated"):
        data["dominated"] = {
            str(r): {str(s): balls.written(fraction(m)) for s, m in row.items()}
            for r, row in tree["dominated"].items()
        }
    for name in ("tau", "mu"):
        if tree.get(name):
            data[name] = {str(r): exact_data(value) for r, value in tree[name].items()}
    return data


def _text(value: Fraction | None) -> str | None:
    return None if value is None else str(value)
