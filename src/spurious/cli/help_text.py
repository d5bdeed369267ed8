"""Docstrings as help."""

from __future__ import annotations

from inspect import cleandoc

__all__ = ["help_text"]


def help_text(docstring: str | None) -> str:
    """A docstring as help; paragraphs with indented lines are printed line by line."""
    paragraphs = cleandoc(docstring or "").split("\n\n")
    return "\n\n".join(f"\b\n{p}" if "\n  " in p else p for p in paragraphs)
