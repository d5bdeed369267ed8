"""Checks of the gradient that the loop has left on the parameters, beside those of the points."""

from __future__ import annotations

from typing import Final

from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.kinds import Kind
from spurious.diagnose.loop_words import CHANGE, LOOP
from spurious.diagnose.measure.origin import NOT_THEIRS, ROUNDED
from spurious.diagnose.measure.scene import Scene

MANY_TIMES: Final = 10.0
"""Times the largest gradient of any single point: a mean over points cannot be larger, and few add
up ten batches on purpose."""

FAR: Final = 0.9
"""A gradient of which points explain less than a fifth (of its square) is another loss's."""


def stale_gradients(scene: Scene) -> Finding | None:
    """Gradients left on the parameters that no batch can have given.

    By length, and where the weights before the last step are known by the length along it, of a
    gradient that is neither a batch's nor one of another loss.
    """
    seen = scene.training.origin
    if seen is None:
        return None
    added = seen.exact and NOT_THEIRS < seen.missed < FAR and seen.along > MANY_TIMES
    if not seen.reach > MANY_TIMES and not added:
        return None
    many = seen.reach if seen.reach > MANY_TIMES else seen.along
    return Finding(
        Kind.MISSING_ZERO_GRAD,
        Severity.WARNING,
        None,
        {"kept_over_largest_of_a_point": many},
        f"{CHANGE[Kind.MISSING_ZERO_GRAD]}: the gradient that is left on the parameters is "
        f"{many:.3g} times as long as that of any single point"
        f"{' in its direction' if many == seen.along else ''}, so many batches have been added up.",
        LOOP,
    )


def turned_gradient(scene: Scene) -> Finding | None:
    """A gradient whose opposite is what a batch gives."""
    seen = scene.training.origin
    if seen is None or not seen.exact or stale_gradients(scene) is not None:
        return None
    if seen.missed <= NOT_THEIRS or seen.turned > ROUNDED:
        return None
    return Finding(
        Kind.GRADIENT_SIGN_FLIPPED,
        Severity.WARNING,
        None,
        {"missed_as_it_is": seen.missed, "missed_if_turned": seen.turned},
        f"{CHANGE[Kind.GRADIENT_SIGN_FLIPPED]}: what the loop has left on the parameters is the "
        "opposite of the gradient of a batch at the weights before the last step (points miss "
        f"{seen.turned:.1%} of the opposite, {seen.missed:.0%} of what is there), so each step "
        "makes this loss larger.",
        LOOP,
    )
