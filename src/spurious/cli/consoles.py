"""Rich consoles: for answers on stdout, for progress on stderr, and what is printed there alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

NARROWEST: Final = 60
"""Columns that tables have in any case; a narrower terminal breaks their lines."""


class _Console(Console):
    """A console that leaves it to the caller what a closed pipe means."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def answers(wide: int | None = None) -> Console:
    """A console for answers, on stdout.

    Args:
        wide: Columns where there is no terminal; default: COLUMNS or 80.
    """
    return _console(False, wide)


def messages(wide: int | None = None) -> Console:
    """A console for progress, on stderr.

    Args:
        wide: As for `answers`.
    """
    return _console(True, wide)


def _console(stderr: bool, wide: int | None) -> Console:
    console = _Console(stderr=stderr, highlight=False)
    if wide is not None and not console.is_terminal:
        return _Console(stderr=stderr, highlight=False, width=wide)
    if console.width < NARROWEST:
        return _Console(stderr=stderr, highlight=False, width=NARROWEST)
    return console


@contextmanager
def busy(what: str) -> Generator[None]:
    """Says on a terminal, on stderr, what takes a while."""
    with messages().status(what, spinner="line"):
        yield


def now_and_then(console: Console, seconds: float) -> Callable[[str], None]:
    """Prints a line of progress, unless one was printed less than so many seconds ago."""
    said = time.monotonic()

    def say(line: str) -> None:
        nonlocal said
        if time.monotonic() - said > seconds:
            said = time.monotonic()
            console.print(line, soft_wrap=True, markup=False)

    return say


def show_facts(console: Console, facts: Mapping[str, str | Text]) -> None:
    """Prints labels with what is to be said of each."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", min_width=14)
    table.add_column(overflow="fold")
    for label, text in facts.items():
        table.add_row(label, Text(text) if isinstance(text, str) else text)
    console.print(Padding.indent(table, 2))
