"""`spurious check`: has the independent checker verify certificates."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from spurious.cli.commands import Exit, worst
from spurious.cli.options import AsJsonLines
from spurious.cli.output import echo_error, echo_json
from spurious.errors import InputError


def check(
    files: Annotated[list[str], typer.Argument(metavar="CERTIFICATE", help="Certificate files.")],
    as_json: AsJsonLines = False,
) -> Exit:
    """Verify certificates independently.

    The checker shares no code with the prover. It is the single file spurious_checker.py and needs
    nothing but Python.

    Example:
      spurious check certificates/problem.certificate.json

    Exit status:
      0    every certificate is valid
      1    a certificate is invalid
      2    a file is no certificate
      130  interrupted
    """
    return worst([_check_file(file, as_json) for file in files])


def _check_file(file: str, as_json: bool) -> Exit:
    """Verifies one certificate and prints the answer."""
    import spurious_checker

    start = time.perf_counter()
    try:
        result = spurious_checker.check_file(file)
    except spurious_checker.BadInput as error:
        echo_error(file, InputError(f"{file}: {error}, expected a certificate"), as_json)
        return Exit.BAD_INPUT
    seconds = time.perf_counter() - start
    if as_json:
        echo_json(
            {
                "file": file,
                "valid": result.valid,
                "claim": result.claim,
                "reason": result.reason,
                "seconds": round(seconds, 6),
            }
        )
    else:
        from spurious.cli.display import show_check

        show_check(file, result.valid, result.claim, result.reason, seconds)
    return Exit.OK if result.valid else Exit.INVALID
