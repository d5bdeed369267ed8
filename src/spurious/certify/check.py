"""The independent checker, asked from Python."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import spurious_checker
from spurious.errors import InputError
from spurious.proof import Verdict


@dataclass(frozen=True, slots=True)
class Check:
    """What the checker says of a certificate.

    Attributes:
        valid: Whether the evidence proves the claim.
        claim: What is claimed, in words.
        reason: Why it is invalid; "" if it is valid.
    """

    valid: bool
    claim: str
    reason: str

    def __bool__(self) -> NoReturn:
        """Always raises.

        Raises:
            TypeError: every time; look at `valid`.
        """
        raise TypeError("a Check has no truth value: look at its attribute valid")


def check(given: Verdict | Mapping[str, Any] | str | os.PathLike[str]) -> Check:
    """Has `spurious_checker` verify a certificate; it shares no code with what proves.

    Args:
        given: A verdict, a certificate as JSON data, or the path of a certificate file.

    Raises:
        InputError: There is no certificate, or it is malformed.

    Examples:
        >>> import spurious
        >>> verdict = spurious.certify(spurious.problem([0, 1], [0, 1], point=[([[1]], [0])]))
        >>> spurious.check(verdict).valid
        True
    """
    if isinstance(given, Verdict):
        if given.certificate is None:
            raise InputError(f"verdict: found no certificate, as it is {given.decision}")
        given = given.certificate
    try:
        if isinstance(given, Mapping):
            found = spurious_checker.check(dict(given))
        else:
            found = spurious_checker.check_file(os.fspath(given))
    except spurious_checker.BadInput as error:
        name = "certificate" if isinstance(given, Mapping) else os.fspath(given)
        raise InputError(f"{name}: {error}, expected a certificate") from None
    return Check(found.valid, found.claim or "", found.reason or "")
