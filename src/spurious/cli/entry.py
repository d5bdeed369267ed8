"""The entry point: runs the application and turns every way of stopping into an exit status."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import cast

from spurious.cli.commands import Exit
from spurious.files import private_folder


class _LostOutputError(Exception):
    """What was to be printed cannot be written, for another reason than a reader gone away."""


class _Stdout(io.TextIOWrapper):
    """Standard output that tells its own errors from those of other files."""

    def __init__(self, plain: io.TextIOWrapper) -> None:
        encoding, buffered = plain.encoding, plain.line_buffering
        super().__init__(
            plain.detach(), encoding, errors="backslashreplace", line_buffering=buffered
        )

    def write(self, text: str, /) -> int:
        with _told():
            return super().write(text)

    def flush(self) -> None:
        with _told():
            super().flush()


@contextmanager
def _told() -> Generator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _LostOutputError(error.strerror) from None


def main() -> None:
    """Runs `spurious` on the arguments of this process, then exits.

    Raises:
        SystemExit: Always, with the status of `spurious.cli.commands`.
    """
    _open_streams()
    _place_for_caches()
    stdout, stderr = cast(object, sys.stdout), cast(object, sys.stderr)
    if type(stderr) is io.TextIOWrapper:
        stderr.reconfigure(errors="backslashreplace")
    if type(stdout) is io.TextIOWrapper:
        sys.stdout = stdout = _Stdout(stdout)
    try:
        status: object = _run()
        sys.stdout.flush()
    except KeyboardInterrupt:  # before a command has begun, while it is imported
        sys.stderr.write("Interrupted.\n")
        status = int(Exit.INTERRUPTED)
    except BrokenPipeError:
        status = int(Exit.NO_READER)
    except _LostOutputError as error:
        sys.stderr.write(f"error: stdout: cannot be written ({error})\n")
        status = int(Exit.NO_READER)
    if sys.stdout is not stdout:  # Typer puts a wrapper there when the reader has gone away
        status = int(Exit.NO_READER)
    if status in (Exit.INTERRUPTED, Exit.NO_READER):
        _silence()
        if "jax" in sys.modules:  # its threads still run, and crash while Python shuts down
            os._exit(int(status))
    sys.exit(status)  # pyright: ignore[reportArgumentType]


def _open_streams() -> None:
    """Gives closed streams a place: who has closed stdout wants files or the status alone."""
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            if nowhere != descriptor:  # else a file opened later would get its number
                os.dup2(nowhere, descriptor)
            stream = open(descriptor, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)


def _place_for_caches() -> None:
    """Gives Matplotlib a place for its cache where the home cannot be written, as in containers.

    It would make one at every start, and say so in three lines.
    """
    home = os.path.expanduser("~")  # noqa: PTH111  (which never fails)
    if "MPLCONFIGDIR" not in os.environ and not os.access(home, os.W_OK):
        folder = private_folder("matplotlib")
        if folder:
            os.environ["MPLCONFIGDIR"] = folder


def _run() -> object:
    """The application's exit status, as `sys.exit` takes it."""
    from spurious.cli.app import app

    try:
        app(prog_name="spurious")
    except SystemExit as stop:
        return stop.code
    return int(Exit.OK)


def _silence() -> None:
    """Sends what is still buffered nowhere, so that nothing fails while Python shuts down."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
