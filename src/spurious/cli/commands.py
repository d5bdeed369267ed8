"""Commands: exit statuses, help from docstrings, and the guard around every one."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from functools import wraps
from inspect import cleandoc
from typing import ParamSpec

import typer

from spurious.errors import SpuriousError

P = ParamSpec("P")


class Exit(enum.IntEnum):
    """What a command's exit status means; `NO_READER`: its output could not be written."""

    OK = 0
    INVALID = 1
    BAD_INPUT = 2
    UNDECIDED = 3
    INTERRUPTED = 130
    NO_READER = 141


_SEVERITY = (Exit.OK, Exit.UNDECIDED, Exit.INVALID, Exit.BAD_INPUT)


def worst(exits: Iterable[Exit]) -> Exit:
    """Of several files: bad input beats invalid, invalid beats undecided."""
    return max(exits, key=_SEVERITY.index, default=Exit.OK)


def group(about: Callable[..., None]) -> typer.Typer:
    """An application for commands.

    Args:
        about: A function of its options; the docstring is its help.
    """
    app = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(help=help_text(about.__doc__))(about)
    return app


def register(app: typer.Typer, command: Callable[..., Exit], name: str | None = None) -> None:
    """Adds a command; its docstring is its help.

    Args:
        app: Where to add it.
        command: The function.
        name: What it is called; default: as the function.
    """
    app.command(name, help=help_text(command.__doc__))(_guarded(command))


def _guarded(command: Callable[P, Exit]) -> Callable[P, None]:
    """Turns a command's status, its errors and an interruption into an exit without traceback."""

    @wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            status = command(*args, **kwargs)
        except SpuriousError as error:
            typer.echo(f"error: {error}", err=True)
            status = Exit.BAD_INPUT
        except KeyboardInterrupt:
            typer.echo("Interrupted.", err=True)
            status = Exit.INTERRUPTED
        raise typer.Exit(int(status))

    return wrapper


def help_text(docstring: str | None) -> str:
    """A docstring as help; paragraphs with indented lines are printed line by line."""
    paragraphs = cleandoc(docstring or "").split("\n\n")
    return "\n\n".join(f"\b\n{p}" if "\n  " in p else p for p in paragraphs)
