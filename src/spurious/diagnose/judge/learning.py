"""Whether a copy learns."""

from __future__ import annotations

from spurious.diagnose import thresholds
from spurious.diagnose.treat.rehearsal import Rehearsals


def learns(found: Rehearsals | None) -> bool:
    """Whether the model gets better when trained on as it is."""
    return found is not None and found.as_is.gain > max(found.now, 0.0) + thresholds.LEARNT
