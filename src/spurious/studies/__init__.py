"""The paper's claims, C1 to C14: each tested by one study, and reported together.

Source: Swirszcz, Czarnecki, Pascanu, "Local minima in training of neural networks",
arXiv 1611.06310.
"""

from typing import TYPE_CHECKING

from spurious.late import import_late

if TYPE_CHECKING:
    from spurious.studies.claims import CLAIMS, find_claim
    from spurious.studies.index import STUDIES
    from spurious.studies.report.claim import (
        Budget,
        Claim,
        ClaimResult,
        Context,
        Status,
        Study,
    )
    from spurious.studies.report.job import run_claim
    from spurious.studies.report.reproduce import reproduce

__all__ = [
    "CLAIMS",
    "STUDIES",
    "Budget",
    "Claim",
    "ClaimResult",
    "Context",
    "Status",
    "Study",
    "find_claim",
    "reproduce",
    "run_claim",
]

import_late(__name__)
