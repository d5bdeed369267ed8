"""Commands: exit statuses, help from docstrings, and the guard around every one."""

from __future__ import annotations

import ast
import enum
import inspect
import re
from collections.abc import Callable, Iterable
from functools import wraps
from textwrap import dedent
from typing import Any, Final, ParamSpec

import typer
from typer.core import TyperCommand

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


_TYPE: Final = re.compile(r" <[a-z]+(\[\w+\]| range)?>")
"""What Typer adds to a name that says it already."""

_SEVERITY = (Exit.OK, Exit.UNDECIDED, Exit.INVALID, Exit.BAD_INPUT)


def worst(exits: Iterable[Exit]) -> Exit:
    """Of several files: bad input beats invalid, invalid beats undecided."""
    return max(exits, key=_SEVERITY.index, default=Exit.OK)


class _Command(TyperCommand):
    """A command whose help and errors say what was typed, not how Python holds it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            error.message = error.message.removeprefix("Value error, ")
            raise

    def format_options(self, ctx: Any, formatter: Any) -> None:
        kinds = {"Arguments": "argument", "Options": "option"}
        for title, kind in kinds.items():
            rows = described(self, ctx, kind)
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


def described(command: TyperCommand, context: Any, kind: str) -> list[tuple[str, str]]:
    """What a command takes.

    Args:
        command: The command.
        context: Its context.
        kind: `argument` or `option`.

    Returns:
        What each is called, with its values' names, and its help.
    """
    chosen = [p for p in command.get_params(context) if p.param_type_name == kind]
    records = [p.get_help_record(context) for p in chosen]
    return [(_TYPE.sub("", name), about) for name, about in filter(None, records)]


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
    app.callback(help=_help_text(about))(about)
    return app


def register(app: typer.Typer, command: Callable[..., Exit], name: str | None = None) -> None:
    """Adds a command; its docstring is its help.

    Args:
        app: Where to add it.
        command: The function.
        name: What it is called; default: as the function.
    """
    app.command(name, cls=_Command, help=_help_text(command))(_guarded(command))


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


def _help_text(about: Callable[..., object]) -> str:
    """A docstring as help; paragraphs with indented lines are printed line by line.

    `python -OO` strips docstrings; then it is read from the source.
    """
    written = about.__doc__ or _docstring_in_source(about)
    paragraphs = inspect.cleandoc(written).split("\n\n")
    return "\n\n".join(f"\b\n{p}" if "\n  " in p else p for p in paragraphs)


def _docstring_in_source(about: Callable[..., object]) -> str:
    (function,) = ast.parse(dedent(inspect.getsource(about))).body
    assert isinstance(function, ast.FunctionDef)
    return ast.get_docstring(function) or ""
