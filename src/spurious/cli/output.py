"""Lines for programs (JSON), notes and one-line errors."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import typer


def check_command(certificate: Path) -> str:
    """How to have a certificate checked."""
    return f"spurious check {shlex.quote(str(certificate))}"


def echo_json(value: object) -> None:
    """Prints one JSON object on one line."""
    typer.echo(json.dumps(value))


def echo_error(file: str, error: Exception, as_json: bool) -> None:
    """Prints what is wrong with a file: as JSON on stdout, or as a line on stderr."""
    if as_json:
        echo_json({"file": file, "error": str(error)})
    else:
        typer.echo(f"error: {with_name(file, error)}", err=True)


def with_name(file: str, error: Exception) -> str:
    """What is wrong, with the file's name in front unless it is there."""
    text = str(error)
    return text if file in text else f"{file}: {text}"


def echo_note(text: str) -> None:
    """Prints on stderr what a user should know about the answer, in one line."""
    typer.echo(f"note: {text}", err=True)


def note_compiling() -> None:
    """Says that the engine compiles, if it has to: once on a machine, and again after an update."""
    from spurious.train.warm import is_compiled

    if not is_compiled():
        echo_note("compiling the engine, once; about twenty seconds")


def counted(count: int, noun: str) -> str:
    """`1 unit`, `2 units`, `1,000 units`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
