"""What an atlas is made of, piece by piece: each can be made by itself, by any process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class BranchTask:
    """Solve the cells of one branch.

    Attributes:
        first: The branch's first region.
    """

    first: int

    @property
    def key(self) -> str:
        """The task's name in a journal."""
        return f"branch {self.first}"


@dataclass(frozen=True, slots=True)
class FitTask:
    """Find the minima that have one fitted vector.

    Attributes:
        support: A support of the fit, as a set of bits.
    """

    support: int

    @property
    def key(self) -> str:
        """The task's name in a journal."""
        return f"fit {self.support:x}"


AtlasTask: TypeAlias = BranchTask | FitTask
