"""Checks of a loss's slope: does it look at the targets, and at all points alike?"""

from __future__ import annotations

from typing import Final

from torch import Tensor

from spurious.diagnose import thresholds
from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.kinds import Kind
from spurious.diagnose.measure.baselines import uniform_like
from spurious.diagnose.measure.scene import Scene
from spurious.diagnose.measure.task import TargetForm
from spurious.diagnose.measure.wanted import slope_at

AGREES: Final = 1e-3
"""Losses that agree to a thousandth are the same."""

ROUNDED: Final = 1e-5
"""Slopes that agree to a hundred-thousandth are the same but for rounding."""

NEARLY_ALL: Final = 0.9
"""Share of the points that is nearly all of them."""

SMALL_TARGET: Final = 0.1
"""Targets of less than a tenth of the usual size weigh more than ten times as much where errors are
divided by them."""


def targets_without_slope(scene: Scene) -> Finding | None:
    """Targets that change the loss, and not its gradient by the outputs, whatever these are.

    As in mean(f - y): nothing about the targets is learnt.
    """
    task = scene.task
    f, y = task.outputs, task.targets
    if f is None or not isinstance(y, Tensor) or not y.is_floating_point() or y.numel() < 2:
        return None
    if not f.is_floating_point() or task.loss_draws or task.targets_are_equal:
        return None
    spread = y.max() - y.min()
    others = (y.flip(0), y.flip(0) - spread, y + spread)
    changes = False
    slopes: list[Tensor] = []
    draw = (y.min() + spread * uniform_like(f)).to(f)  # outputs on both sides of targets
    for outputs in (f, draw, draw.flip(0), 2 * uniform_like(f) - 1):
        now, slope = task.try_loss(outputs), task.slope_at(outputs)
        if now is None or slope is None or not bool(slope.isfinite().all()):
            return None
        for targets in others:
            value, moved = (
                task.try_loss(outputs, targets),
                slope_at(task.loss, outputs, targets),
            )
            if value is None or moved is None or not _equal(moved, slope):
                return None
            changes |= abs(value - now) > AGREES * abs(now)
        slopes.append(slope)
    if not changes or not any(bool(slope.any()) for slope in slopes):
        return None
    endless = all(_equal(slope, slopes[0]) for slope in slopes)
    return Finding(
        Kind.WRONG_LOSS,
        Severity.CRITICAL if endless else Severity.WARNING,
        None,
        {"falls_without_end": endless},
        "Use a loss whose slope looks at the targets: other targets change this one, but its "
        "gradient by the outputs is the same for all that were tried, so nothing about them can be "
        "learnt. "
        + (
            "It is the same for all outputs, too: they are pushed on for ever. Is a square or an "
            "absolute value missing?"
            if endless
            else "Do they only stand in a term of their own?"
        ),
        (),
        "loss = (outputs - targets).square().mean()",
    )


def _equal(one: Tensor, other: Tensor) -> bool:
    """Whether two slopes are the same but for rounding, however small they are."""
    apart, size = ((slope.double() ** 2).sum() for slope in (one - other, other))
    return float(apart) <= ROUNDED**2 * float(size)


def relative_errors(scene: Scene) -> Finding | None:
    """Errors divided by targets of which some are nearly 0: few points decide nearly all."""
    task = scene.task
    f, y = task.outputs, task.targets
    if f is None or task.form is not TargetForm.REAL or not scene.falls_short:
        return None
    size = y.reshape(f.shape).abs().double()
    usual = float(size.mean())
    small = size < SMALL_TARGET * usual
    many = float(small.double().mean())
    if not 0 < many < NEARLY_ALL:
        return None
    above = (y.reshape(f.shape) + usual).to(f.dtype)
    slope = task.slope_at(above)
    if slope is None or not bool(slope.isfinite().all()):
        return None
    weight, worth = slope.abs().double(), slope.abs().double() * size
    known = worth[~small]
    middle = float(known.median())
    if (
        not middle > 0
        or float(((known - middle).abs() <= 0.05 * middle).double().mean()) < NEARLY_ALL
    ):
        return None
    share = float(weight[small].sum() / weight.sum())
    if share < thresholds.MIDDLING:
        return None
    return Finding(
        Kind.WRONG_LOSS,
        Severity.WARNING,
        None,
        {"share_of_small_targets": many, "share_of_the_gradient": share},
        "Do not divide errors by the targets: the slope of each point's loss is in proportion to 1 "
        f"over its target, and {many:.0%} of the targets, less than a tenth of the usual size, "
        f"have {share:.0%} of the gradient.",
        (),
        "loss = (outputs - targets).abs().mean()  # or / targets.abs().mean(), the same for all",
    )
