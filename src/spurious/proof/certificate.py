"""Certificates as files hold them (`docs/certificates.md`)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from spurious.exact.balls import OutOfRangeError
from spurious.problem import Problem, ProgramProblem, any_problem_to_data
from spurious.proof.claim import Claim
from spurious.proof.evidence import Evidence, evidence_from_data
from spurious.proof.verdict import Decided

DENSE: Final = "spurious-certificate/1"
PROGRAM: Final = "spurious-certificate/2"

DENSE_CLAIMS: Final = (
    "verdict", "strict", "strict_up_to_rescaling", "flat_dimension", "eigenvalue_bound", "global",
    "loss", "witness_loss", "radius", "valley_limit",
)  # fmt: skip
PROGRAM_CLAIMS: Final = (
    "verdict", "strict", "index", "eigenvalue_bound", "global", "loss", "witness_loss", "radius",
)  # fmt: skip


def certificate_data(
    problem: Problem | ProgramProblem,
    claim: Claim,
    evidence: Evidence,
    global_evidence: Evidence | None,
) -> dict[str, Any]:
    """The certificate of a decided point, as JSON data.

    Args:
        problem: The problem with its point.
        claim: What is claimed, loss included.
        evidence: What proves the decision.
        global_evidence: What proves that the point is, or is not, a global minimum.

    Raises:
        OutOfRangeError: a number is too long to be written in decimal.
    """
    program = isinstance(problem, ProgramProblem) or evidence.of_programs
    claims = (*PROGRAM_CLAIMS, *evidence.claims) if program else DENSE_CLAIMS
    try:
        data = claim.to_data()
        written = {
            "format": PROGRAM if program else DENSE,
            "claim": {key: data[key] for key in claims},
            "problem": any_problem_to_data(problem),
            "proof": evidence.to_data(),
            "global_proof": None if global_evidence is None else global_evidence.to_data(),
        }
        return {**written, "digest": digest(written)}
    except ValueError as error:  # Python refuses to print integers of more than 4300 digits
        raise OutOfRangeError(f"a number of the certificate is too long: {error}") from error


def verdict_from_certificate(data: Mapping[str, Any]) -> Decided:
    """The verdict that a certificate is about. Whether it is true only `spurious check` can say.

    Args:
        data: A certificate as JSON data.

    Raises:
        KeyError: a field is missing, or the rule is unknown.
    """
    return Decided(
        "read from a certificate",
        claim=Claim.from_data(data["claim"]),
        evidence=evidence_from_data(data["proof"]),
        certificate=data,
    )


def digest(written: Mapping[str, Any]) -> str:
    """SHA-256 of a certificate without its digest, written as compact JSON with sorted keys."""
    text = json.dumps(written, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()
