# pyright: basic
"""Checks of what a model makes of the places of a sequence."""

from __future__ import annotations

from math import nan
from typing import Final

import torch
from torch import Tensor

from spurious.diagnose import thresholds
from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.judge.causes.data import CONTRADICTION, floor_of_groups
from spurious.diagnose.kinds import Kind
from spurious.diagnose.measure.scene import FEWEST_IN_ORDER, Scene
from spurious.diagnose.measure.sequences import UNSEEN, explained_by, unseen_steps
from spurious.diagnose.measure.task import CERTAIN
from spurious.diagnose.remedy import Remedy, joined
from spurious.diagnose.treat.rehearsal import BLOWN_UP

PADDED: Final = 0.25
"""A quarter of all steps is padding."""

READ_OFF: Final = 0.5
"""A linear map of the inputs at one step explains half of the targets, on points that it was not
fitted to."""


FEWEST_STEPS: Final = 3
"""Shorter sequences say nothing about a shift."""

MOSTLY: Final = 0.95
"""Share of places that are as they are meant, but for padding."""

BEFORE: Final = 3
"""Points before each that may say what its target is."""


def one_step_sequences(scene: Scene) -> Finding | None:
    """A recurrent layer that is given one step at a time, where the points before say more."""
    single, data = scene.model.structure.one_step, scene.data
    names, x, y = list(single), data.all_features, data.all_targets
    if not names or not all(single.values()):
        return None  # one of them reads whole sequences
    if not scene.falls_short or x is None:
        return None
    if not isinstance(y, Tensor) or not y.ndim or len(x) < FEWEST_IN_ORDER or len(y) != len(x):
        return None
    x = x.flatten(1)
    windows = torch.cat([x[BEFORE - k : len(x) - k] for k in range(BEFORE + 1)], 1)
    alone, together = explained_by(x[BEFORE:], y[BEFORE:]), explained_by(windows, y[BEFORE:])
    if together < max(alone, 0.0) + READ_OFF:
        return None
    return Finding(
        Kind.ONE_STEP_SEQUENCES,
        Severity.WARNING,
        names[0],
        {"layers": names, "explained_alone": alone, "explained_with_those_before": together},
        f"Give {names[0]} sequences: each point is one of a single step, so that it remembers "
        f"nothing. The {BEFORE} points before say what is missing: a linear map of them and the "
        f"point explains {together:.0%} of the targets, of the point alone {max(alone, 0.0):.0%} "
        "(on points that it was not fitted to).",
        (),
        "x = x.flatten(1).unfold(0, 4, 1).movedim(-1, 1)  # to windows (n - 3, 4, d), batch first\n"
        "y = y[3:]",
    )


def shifted_twice(scene: Scene) -> Finding | None:
    """Targets that are the next words already, in a loss that takes the ones after them.

    For it outputs that are right one place later are better than right ones.
    """
    x, y, signs = scene.data.inputs, scene.task.targets, scene.task.signs
    if x is None or signs is None or signs.ndim != 3 or not isinstance(y, Tensor):
        return None
    if x.shape != y.shape or x.shape[1] < FEWEST_STEPS or x.is_floating_point():
        return None
    moved = float((x[:, 1:] == y[:, :-1]).double().mean())
    if moved < MOSTLY or float((x == y).double().mean()) > moved - MOSTLY / 2:
        return None  # where targets are the words themselves, the loss may well shift them
    right, later = _right_and_later(scene, signs)
    if not later < thresholds.MIDDLING * right:
        return None
    return Finding(
        Kind.WRONG_TIME_STEP,
        Severity.WARNING,
        None,
        {"loss_of_right_outputs": right, "loss_one_place_later": later},
        "Shift the words once, in the data or in the loss, unless the word after next is meant: "
        "the targets are the next words already, and the loss asks for those after them. Outputs "
        f"that are right have the loss {right:.4g}, outputs that say what comes one place later "
        f"{later:.4g}.",
        (),
        "loss(outputs, targets)  # and not (outputs[..., :-1], targets[:, 1:]) of shifted targets",
    )


def answers_are_read(scene: Scene) -> Finding | None:
    """Targets that are the words read at the same places, by a model that reads no further."""
    signs = scene.task.signs
    if not scene.model.reads_answers or signs is None or signs.ndim != 3:
        return None
    right, later = _right_and_later(scene, signs)
    if not right < thresholds.MIDDLING * later:
        return None  # the loss moves them
    return Finding(
        Kind.WRONG_TIME_STEP,
        Severity.CRITICAL,
        None,
        {"loss_of_right_outputs": right, "loss_one_place_later": later},
        "Ask each place for the next word: the targets are the words of the inputs at the same "
        "places, and the model reads each of them and none behind it, so it has nothing to do but "
        "to copy.",
        (),
        "x, y = words[:, :-1], words[:, 1:]",
    )


def _right_and_later(scene: Scene, signs: Tensor) -> tuple[float, float]:
    """The loss of right outputs, (n, K, T), and of such as are right one place later; or NaN."""
    tried = (scene.task.try_loss(CERTAIN * said) for said in (signs, signs.roll(-1, 2)))
    right, later = (nan if value is None else value for value in tried)
    return right, later


def missing_positions(scene: Scene) -> Finding | None:
    """Outputs that do not depend on the order of a sequence, where the targets do."""
    if not scene.model.order_blind or not scene.falls_short:
        return None
    floor, constant = _floor_without_order(scene), scene.landscape.constant_loss
    attends = bool(scene.model.structure.attentions)
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
        (Remedy.ADD_POSITIONS, joined((Remedy.REDRAW_WEIGHTS, Remedy.ADD_POSITIONS))),
        "z = z + positions[: z.shape[1]]  # of shape (T, d), for z of shape (n, T, d)",
    )


def _floor_without_order(scene: Scene) -> float | None:
    """The least loss of a model for which sequences are bags; None for sequences of numbers."""
    x = scene.data.inputs
    if x is None or x.is_floating_point() or x.ndim != 2:
        return None
    _, group = torch.unique(x.sort(1).values, dim=0, return_inverse=True)
    return floor_of_groups(scene, group)


def wrong_time_step(scene: Scene) -> Finding | None:
    """A step that says what the targets are, and that hardly moves the outputs."""
    steps = scene.model.time_steps
    if steps is None or not scene.falls_short:
        return None
    constant = scene.landscape.constant_loss
    if constant is not None and scene.landscape.loss > BLOWN_UP * constant:
        return None  # what is left after an explosion hardly depends on anything
    signals, explained, hidden = steps.signals, steps.explained, unseen_steps(steps.signals)
    largest = max(signals)
    if largest <= 0 or not hidden or steps.unseen < READ_OFF:
        return None
    place = max(hidden, key=lambda t: explained[t])
    seen = max(range(len(signals)), key=lambda t: signals[t])
    share = signals[place] / largest
    return Finding(
        Kind.WRONG_TIME_STEP,
        Severity.WARNING,
        None,
        {
            "step": place,
            "explained_by_the_step": explained[place],
            "explained_by_unseen_steps": steps.unseen,
            "unseen_steps": hidden,
            "signal_over_largest": share,
            "step_of_the_largest_signal": seen,
        },
        f"Look at which step the output is taken from: {len(hidden)} of {len(signals)} steps, such "
        f"as step {place}, say what the targets are (a linear map of them explains "
        f"{steps.unseen:.0%}), but the outputs hardly depend on them (the signal of that one is "
        f"{share:.1e} of that of step {seen}). The last state of the way back stands at step 0, "
        "and behind the end of a shorter sequence there is padding alone.",
        (),
        "last = torch.cat([z[:, -1, :hidden], z[:, 0, hidden:]], 1)  # of both directions\n"
        "last = z[torch.arange(len(z)), lengths - 1]  # of sequences of several lengths",
    )


def behind_padding(scene: Scene) -> Finding | None:
    """Outputs that are read behind padding, where nothing of what stands before it arrives."""
    seen = scene.model.padding
    if seen is None or not scene.falls_short or seen.share < PADDED or seen.reached >= UNSEEN:
        return None
    return Finding(
        Kind.WRONG_TIME_STEP,
        Severity.WARNING,
        None,
        {"padding": seen.share, "slope_before_over_behind": seen.reached},
        "Read what the network gives at each sequence's last step, or pad in front: "
        f"{seen.share:.0%} of all steps are the same entry at the sequences' ends, and what is "
        "read there hardly depends on what stands before it (the outputs' slope by the last step "
        f"before it is {seen.reached:.1e} of that by the last of all).",
        (),
        "last = z[torch.arange(len(z)), lengths - 1]  # or pack_padded_sequence",
    )
