"""The table of checks: each looks at values and says what is wrong, or None."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, TypeAlias

from spurious.diagnose import (
    checks_data,
    checks_inside,
    checks_loss,
    checks_optimiser,
    checks_outputs,
    checks_structure,
    checks_training,
)
from spurious.diagnose.finding import Finding

if TYPE_CHECKING:
    from spurious.diagnose.scene import Scene

__all__ = ["CHECKS", "cause_findings"]

Check: TypeAlias = "Callable[[Scene], Finding | None]"

CHECKS: Final[tuple[Check, ...]] = (
    *checks_outputs.CHECKS,
    *checks_loss.CHECKS,
    *checks_data.CHECKS,
    *checks_training.CHECKS,
    *checks_structure.CHECKS,
    *checks_optimiser.CHECKS,
    *checks_inside.CHECKS,
)


def cause_findings(scene: Scene) -> Iterator[Finding]:
    """What the checks find."""
    for check in CHECKS:
        found = check(scene)
        if found is not None:
            yield found
