"""An entry of the catalogue."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

from spurious.problem import Problem

__all__ = ["Entry", "Standing", "Statement"]


class Standing(enum.StrEnum):
    """How far an entry is proved by this project."""

    CERTIFIED = "certified"
    PROVED_IN_BALLS = "proved in balls"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Statement:
    """What a computation in exact or ball arithmetic proved, where no certificate exists.

    Attributes:
        holds: Whether it was proved.
        text: What it says, with its numbers.
    """

    holds: bool
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A construction from the literature.

    Attributes:
        name: Short and unique.
        title: What it is, in a line.
        citation: Where it comes from.
        problem: Builds the problem with its point, where it can be certified.
        prove: Proves a statement, where there is no certificate for it.
        open: What is missing, where it is not proved here; empty otherwise.
    """

    name: str
    title: str
    citation: str
    problem: Callable[[], Problem] | None = None
    prove: Callable[[], Statement] | None = None
    open: str = ""
