"""What a rule is: when it is tried, and how it proves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from spurious.certify.subject import Subject
from spurious.proof import Proof, Undecided


@dataclass(frozen=True, slots=True)
class Rule:
    """A way of deciding about a point.

    Attributes:
        name: For people who read the list.
        applies: Whether the rule is for this kind of problem, and worth trying.
        prove: Decides, or says why it does not; a `ProgramError` says so, too.
    """

    name: str
    applies: Callable[[Subject], bool]
    prove: Callable[[Subject], Proof | Undecided]
