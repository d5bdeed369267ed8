"""The entry point: runs the application and turns every way of stopping into an exit status."""

from __future__ import annotations

import io
import os
import sys

from spurious.cli.statuses import Status

__all__ = ["main"]


def main() -> None:
    """Runs `spurious` on the arguments of this process, then exits.

    Raises:
        SystemExit: Always, with the status of `spurious.cli.statuses`.
    """
    stdout = sys.stdout
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        status: object = _run()
        sys.stdout.flush()
    except (KeyboardInterrupt, BrokenPipeError):
        status = int(Status.INTERRUPTED)
    if sys.stdout is not stdout:  # Typer puts a wrapper there when the reader has gone away
        status = int(Status.INTERRUPTED)
    if status == Status.INTERRUPTED:
        _silence()
        if "jax" in sys.modules:  # its threads still run, and crash while Python shuts down
            os._exit(int(Status.INTERRUPTED))
    sys.exit(status)  # pyright: ignore[reportArgumentType]


def _run() -> object:
    """The application's exit status, as `sys.exit` takes it."""
    from spurious.cli.app import app

    try:
        app(prog_name="spurious")
    except SystemExit as stop:
        return stop.code
    return int(Status.OK)


def _silence() -> None:
    """Sends what is still buffered nowhere, so that nothing fails while Python shuts down."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
