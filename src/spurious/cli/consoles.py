"""Rich consoles: for answers on stdout, and for progress on stderr."""

from __future__ import annotations

from rich.console import Console

__all__ = ["answers", "messages"]


class _Console(Console):
    """A console that leaves it to the caller what a closed pipe means."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def answers(wide: int | None = None) -> Console:
    """For answers.

    Args:
        wide: Columns where there is no terminal; default: COLUMNS or 80.
    """
    return _made(False, wide)


def messages(wide: int | None = None) -> Console:
    """For progress, on stderr.

    Args:
        wide: As for `answers`.
    """
    return _made(True, wide)


def _made(stderr: bool, wide: int | None) -> Console:
    console = _Console(stderr=stderr, highlight=False)
    if wide is None or console.is_terminal:
        return console
    return _Console(stderr=stderr, highlight=False, width=wide)
