"""What is said while the training engine compiles."""

from __future__ import annotations

from spurious.cli.output import echo_note

__all__ = ["note_compiling"]


def note_compiling() -> None:
    """Says that the engine compiles, if it has to: once on a machine, and again after an update."""
    from spurious.train.warm import is_compiled

    if not is_compiled():
        echo_note("compiling the engine, once; about half a minute")
