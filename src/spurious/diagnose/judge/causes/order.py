# pyright: basic
"""Checks of what the order of the data has left behind."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from spurious.diagnose import thresholds
from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.kinds import Kind
from spurious.diagnose.loop_words import CHANGE, LOOP
from spurious.diagnose.measure.neighbours import columns_of
from spurious.diagnose.measure.scene import FEWEST_IN_ORDER, Scene

LAST: Final = 0.1
"""The part of the points that is at the end: what training without shuffling saw last."""

FEWEST_LEARNT: Final = 4
"""Fewer points at the beginning may be right by chance."""

VARIED: Final = 0.25
"""Targets of the first points that vary a quarter as much as all: a constant does not suit them."""

COMMONER: Final = 2.0
"""Of classes as common as others, the last points have at most half of the others' loss."""

CHANCE: Final = 1e-3
"""Probability that points that are right at random all stand at the beginning."""


def unshuffled_data(scene: Scene) -> Finding | None:
    """Sorted classes of which the last alone are known."""
    losses = _losses_in_order(scene)
    if losses is None or not scene.training.begun or scene.task.judged is None:
        return None  # numbers on a grid are in order, and their losses are not alike anyhow
    explained = scene.order_explains
    last = max(int(LAST * len(losses)), 1)
    end, before = float(losses[-last:].mean()), float(losses[:-last].mean())
    if explained < thresholds.SORTED or end > 0.5 * before:
        return None
    if not _taken_for_the_last(scene, last):
        return None  # what comes last may be a class that is easier than the others
    if _is_commoner(scene, last, end / before):
        return None  # or one that is commoner than the others
    return Finding(
        Kind.UNSHUFFLED_DATA,
        Severity.WARNING,
        None,
        {"order_explains": explained, "loss_of_the_last": end, "loss_before": before},
        "Shuffle the data (DataLoader(..., shuffle=True)): in their order the targets are sorted "
        f"(each says {explained:.0%} of the next), and only what comes last is known: the last "
        f"{LAST:.0%} of the points have the loss {end:.4g}, those before {before:.4g}.",
        LOOP,
        "loader = torch.utils.data.DataLoader(dataset, batch_size=64, shuffle=True)",
    )


def _taken_for_the_last(scene: Scene, last: int) -> bool:
    """Whether most points of other classes are given one of those that come last."""
    assert scene.task.judged is not None
    scores, labels = scene.task.judged
    if len(labels) != len(scene.data.places):
        return False
    said, labels = scene.data.in_order(scores.argmax(1)), scene.data.in_order(labels)
    ends = torch.unique(labels[-last:])
    others = ~torch.isin(labels, ends)
    taken = torch.isin(said[others], ends)
    return bool(others.any()) and float(taken.double().mean()) >= thresholds.MIDDLING


def _is_commoner(scene: Scene, last: int, share: float) -> bool:
    """Whether a constant's loss, too, is so much smaller of the last points than of the others.

    That is cross entropy of the classes' frequencies, which knows what is common.
    """
    assert scene.task.judged is not None
    labels = scene.data.in_order(scene.task.judged[1])
    _, which, counts = torch.unique(labels, return_inverse=True, return_counts=True)
    surprise = -(counts[which].double() / len(labels)).log()
    usual = float(surprise[-last:].mean() / surprise[:-last].mean())
    return usual <= COMMONER * share


def same_batch(scene: Scene) -> Finding | None:
    """The first points are learnt by heart and no others."""
    losses, constant = _losses_in_order(scene), scene.landscape.constant_loss
    if losses is None or not scene.training.begun or not constant:
        return None
    known = losses < thresholds.GOOD * constant
    count = int(known.int().cumprod(0).sum())
    if count < FEWEST_LEARNT or 2 * count > len(known):
        return None
    y = columns_of(scene.data.in_order(scene.task.targets))
    spread = float((y - y.mean(0)).pow(2).mean())
    if float((y[:count] - y[:count].mean(0)).pow(2).mean()) < VARIED * spread:
        return None  # one constant suits them all
    rest = float(known[count:].double().mean())
    if rest**count > CHANCE or float(losses[count:].mean()) < thresholds.POOR * constant:
        return None
    return Finding(
        Kind.SAME_BATCH,
        Severity.WARNING,
        None,
        {"points_learnt": count, "points": len(losses), "share_of_the_others": rest},
        f"{CHANGE[Kind.SAME_BATCH]}: the first {count} points are learnt by heart and of the "
        f"{len(losses) - count} others {rest:.0%}, as if training had seen the first batch alone "
        "(next(iter(loader)) in the loop gives that).",
        LOOP,
        "for x, y in loader:  # instead of next(iter(loader)) at each step",
    )


def _losses_in_order(scene: Scene) -> Tensor | None:
    """The loss of each point by itself, in the order in which the data were given."""
    found = scene.task.point_losses
    if found is None or len(found) < FEWEST_IN_ORDER or len(found) != len(scene.data.places):
        return None
    return scene.data.in_order(found)
