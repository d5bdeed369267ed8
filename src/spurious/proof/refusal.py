"""What the independent checker says of a certificate before it is handed out."""

from __future__ import annotations

import warnings
from typing import Any

import spurious_checker


class RefusedCertificateWarning(UserWarning):
    """The independent checker refused a proof: a fault of this program, which should be reported.

    The verdict is then `undecided`, with the checker's words as its reason.
    """


def refusal_of(certificate: dict[str, Any]) -> str | None:
    """What the checker has against a certificate; None if it accepts it."""
    answer = spurious_checker.check(certificate)
    if answer.valid:
        return None
    reason = f"the checker refuses the proof by {certificate['proof']['rule']}: {answer.reason}"
    warnings.warn(f"{reason}; please report it", RefusedCertificateWarning, stacklevel=4)
    return reason
