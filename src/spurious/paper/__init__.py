"""The paper's claims, C1 to C14: each tested by one file, and reported together.

Source: Swirszcz, Czarnecki, Pascanu, "Local minima in training of neural networks",
arXiv 1611.06310.
"""

from typing import TYPE_CHECKING

from spurious.late import import_late

if TYPE_CHECKING:
    from spurious.paper.claim import Budget, Claim, ClaimResult, Context, Status
    from spurious.paper.claims import CLAIMS, find_claim
    from spurious.paper.job import run_claim
    from spurious.paper.report import reproduce

__all__ = [
    "CLAIMS",
    "Budget",
    "Claim",
    "ClaimResult",
    "Context",
    "Status",
    "find_claim",
    "reproduce",
    "run_claim",
]

import_late(__name__)
