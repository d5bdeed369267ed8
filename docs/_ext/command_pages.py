"""Writes the page on the command line from the commands themselves, before the site is built."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import typer
from reference_pages import FOLDER, written

from spurious.cli.app import app as application
from spurious.cli.commands import described as called

if TYPE_CHECKING:
    from sphinx.application import Sphinx

PAGE = "command-line.rst"
INTRODUCTION = """\
Made from what the commands print with ``--help``. Statuses that all share: 130, interrupted; 141,
the output could not be written. ``--json`` prints what a command found as JSON, one object a line.
``spurious --install-completion`` sets up completion for bash, zsh, fish and PowerShell.
"""


def page() -> str:
    """The page as reStructuredText."""
    root: Any = typer.main.get_command(application)
    parts = [heading("Command line", "="), INTRODUCTION]
    for name, command in commands(root, "spurious"):
        parts += [heading(name, "-"), usage(command, name), described(command.help or "")]
        parts += options(command, name)
    return "\n".join(parts) + "\n"


def commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """All commands that do something, with their full names."""
    inner = getattr(command, "commands", {})
    if not inner:
        yield name, command
    for word, other in inner.items():
        yield from commands(other, f"{name} {word}")


def heading(text: str, line: str) -> str:
    return f"{text}\n{line * len(text)}\n"


def described(text: str) -> str:
    """Help as paragraphs; lists that it prints line by line stay lines."""
    parts: list[str] = []
    for paragraph in text.replace("\b\n", "").split("\n\n"):
        head, *lines = paragraph.splitlines()
        if not any(line.startswith("  ") for line in lines):
            parts.append(escaped(" ".join(paragraph.split())))
            continue
        shown = "\n".join(f"   {line.strip()}" for line in lines)
        language = "text" if head.startswith("Exit") else "console"
        parts.append(f"{escaped(head)}\n\n.. code-block:: {language}\n\n{shown}")
    return "\n\n".join(parts) + "\n"


def usage(command: Any, name: str) -> str:
    context = command.context_class(command, info_name=name)
    text = " ".join([name, *command.collect_usage_pieces(context)])
    return f".. code-block:: console\n\n   {text}\n"


def options(command: Any, name: str) -> Iterator[str]:
    """Arguments and options as a table of definitions."""
    context = command.context_class(command, info_name=name)
    for kind in ("argument", "option"):
        for first, about in called(command, context, kind):
            if "--help" not in first:
                yield f"``{first}``\n    {escaped(about)}\n"


def escaped(text: str) -> str:
    """Text without what reStructuredText would read as its own signs; options are code."""

    def sign(match: re.Match[str]) -> str:
        if match["option"]:
            return f"``{match['option']}``"
        return match[0] if match[0][0] == "`" else f"\\{match[0]}"

    return re.sub(r"`[^`]*`|(?P<option>(?<![\w-])--[a-z][\w-]*)|[*|\\]|_\b", sign, text)


def write_page(_: Sphinx) -> None:
    written(FOLDER / PAGE, page())


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", write_page, priority=600)  # after the other pages
    return {"parallel_read_safe": True}
