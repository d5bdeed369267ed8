"""Lines for programs (JSON) and one-line errors."""

from __future__ import annotations

import json

import typer

__all__ = ["counted", "echo_error", "echo_json", "echo_note", "with_name"]


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


def counted(count: int, noun: str) -> str:
    """`1 unit`, `2 units`, `1,000 units`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
