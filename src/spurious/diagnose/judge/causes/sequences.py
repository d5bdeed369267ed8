# pyright: basic
"""Checks of what a model makes of the places of a sequence."""

from __future__ import annotations

from typing import Final

import torch

from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.judge.causes.data import CONTRADICTION, floor_of_groups
from spurious.diagnose.kinds import Kind
from spurious.diagnose.measure.scene import Scene

READ_OFF: Final = 0.5
"""A linear map of the inputs at one step explains half of the targets, on points that it was not
fitted to."""

UNSEEN: Final = 1e-2
"""A step whose signal is less than a hundredth of the largest one's moves the outputs hardly."""


def missing_positions(scene: Scene) -> Finding | None:
    """Outputs that do not depend on the order of a sequence, where the targets do."""
    if not scene.order_blind or not scene.trained or not scene.is_middling:
        return None
    floor, constant = _floor_without_order(scene), scene.landscape.constant_loss
    attends = bool(scene.structure.attentions)
    contradicts = floor is not None and bool(constant) and floor >= CONTRADICTION * constant
    if not contradicts and not attends:
        return None  # the mean of words' vectors is meant to be blind to their order
    why = (
        f" Sequences with the same entries have different targets: blind to order, no model gets "
        f"below {floor:.4g} (a constant has {constant:.4g})."
        if contradicts
        else ""
    )
    return Finding(
        Kind.MISSING_POSITIONS,
        Severity.WARNING,
        None,
        {"order_blind": True, "best_loss_without_order": floor},
        "Add positions to the embeddings (along the sequence, not along the batch): the outputs "
        f"stay the same when the places of the inputs are exchanged.{why}",
        (),
        "z = z + positions[: z.shape[1]]  # of shape (T, d), for z of shape (n, T, d)",
    )


def _floor_without_order(scene: Scene) -> float | None:
    """The least loss of a model for which sequences are bags; None for sequences of numbers."""
    x = scene.inputs
    if x is None or x.is_floating_point() or x.ndim != 2:
        return None
    _, group = torch.unique(x.sort(1).values, dim=0, return_inverse=True)
    return floor_of_groups(scene, group)


def wrong_time_step(scene: Scene) -> Finding | None:
    """A step that says what the targets are, and that hardly moves the outputs."""
    steps = scene.time_steps
    if steps is None or not scene.trained or not scene.is_middling:
        return None
    signals, explained = steps.signals, steps.explained
    place = max(range(len(explained)), key=lambda t: explained[t])
    largest = max(signals)
    if explained[place] < READ_OFF or largest <= 0 or signals[place] >= UNSEEN * largest:
        return None
    seen = max(range(len(signals)), key=lambda t: signals[t])
    share = signals[place] / largest
    return Finding(
        Kind.WRONG_TIME_STEP,
        Severity.WARNING,
        None,
        {
            "step": place,
            "explained_by_the_step": explained[place],
            "signal_over_largest": share,
            "step_of_the_largest_signal": seen,
        },
        f"Look at which step the output is taken from: step {place} of {len(signals)} says what "
        f"the targets are (a linear map of it explains {explained[place]:.0%}), but the outputs "
        f"hardly depend on it (its signal is {share:.1e} of that of step {seen}). The last state "
        "of the way back stands at step 0.",
        (),
        "last = torch.cat([z[:, -1, :hidden], z[:, 0, hidden:]], 1)  # of both directions",
    )
