"""The command line: parse, call, print. Nothing heavy is imported before a command needs it."""

from spurious.cli.entry import main

__all__ = ["main"]
