"""Exit statuses, and the guard around every command."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from functools import wraps
from typing import ParamSpec

import typer

from spurious.errors import SpuriousError

__all__ = ["Status", "guarded", "worst"]

P = ParamSpec("P")


class Status(enum.IntEnum):
    """What a command's exit status means; `NO_READER`: its output could not be written."""

    OK = 0
    INVALID = 1
    BAD_INPUT = 2
    UNDECIDED = 3
    INTERRUPTED = 130
    NO_READER = 141


_SEVERITY = (Status.OK, Status.UNDECIDED, Status.INVALID, Status.BAD_INPUT)


def worst(statuses: Iterable[Status]) -> Status:
    """Of several files: bad input beats invalid, invalid beats undecided."""
    return max(statuses, key=_SEVERITY.index, default=Status.OK)


def guarded(command: Callable[P, Status]) -> Callable[P, None]:
    """Turns a command's status, its errors and an interruption into an exit without traceback."""

    @wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            status = command(*args, **kwargs)
        except SpuriousError as error:
            typer.echo(f"error: {error}", err=True)
            status = Status.BAD_INPUT
        except KeyboardInterrupt:
            typer.echo("Interrupted.", err=True)
            status = Status.INTERRUPTED
        raise typer.Exit(int(status))

    return wrapper
