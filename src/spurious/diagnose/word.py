"""Closed sets of words that people read and compare with texts."""

from __future__ import annotations

import enum


class Word(enum.StrEnum):
    """Base of the kinds of findings and of the remedies."""

    def __repr__(self) -> str:
        """The plain word: lists of them are read, and compared with texts."""
        return repr(self.value)
