# pyright: basic
"""Checks of what training has made: batch statistics, tensors that nobody trains, targets."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from spurious.diagnose import thresholds
from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.judge.causes.outputs import RELATED, share_of_one
from spurious.diagnose.kinds import Kind
from spurious.diagnose.measure.baselines import normal_like, uniform_like
from spurious.diagnose.measure.neighbours import (
    MOST_NEIGHBOURS,
    explained_by_neighbours,
    explained_in_pictures,
    is_whole_grid,
    smooth_in_pictures,
    told_at_places,
    told_by_lines,
)
from spurious.diagnose.measure.scene import Scene
from spurious.diagnose.measure.task import CERTAIN
from spurious.diagnose.remedy import Remedy

TWICE: Final = 2.0
"""A loss in evaluation mode of twice that in training mode: more than the noise of a batch."""

FEWEST: Final = 64
"""Fewer points say nothing about whether targets belong to inputs."""

CHANCE: Final = 2.0
"""Standard errors of what neighbours explain by chance, which is one over the root of the number of
points."""

SURELY: Final = 3.0
"""Standard deviations of a correlation by chance, which is one over the root of the number of
points."""

COPY: Final = 0.999
"""Correlation of a column of the inputs that is the targets in other units."""

BY_CHANCE: Final = 0.2
"""What near places explain of targets of other pictures, where there are enough places to tell."""

MISSED: Final = 0.05
"""A twentieth of a change of the outputs: differences agree to a millionth where nothing is cut."""

MOVED: Final = 1e-3
"""A thousandth of a loss is more than the rounding of other outputs."""

SHIFTS: Final[tuple[int, ...]] = (-3, -2, -1, 1, 2, 3)
"""Places by which lists of inputs and targets get out of step."""


def train_eval_gap(scene: Scene) -> Finding | None:
    """Good in training mode, bad in evaluation: by statistics of batches, or by its own code."""
    constant, modes = scene.landscape.constant_loss, scene.training.modes
    if modes is None or not scene.training.begun or not constant:
        return None
    batch, kept = modes.training, modes.evaluation
    if not kept - batch > thresholds.HELPED * constant or kept < TWICE * batch:
        return None
    if modes.by_norms:
        text = (
            "Let batch normalisation's running statistics catch up (a momentum of 0.1 and more "
            f"steps, larger batches): with the statistics of the batch the loss is {batch:.4g}, "
            f"with the running ones, which evaluation uses, {kept:.4g}."
        )
    else:
        text = (
            "Let the model do in evaluation what it has learnt in training: its forward pass looks "
            f"at `self.training`, and the loss is {batch:.4g} in training mode and {kept:.4g} in "
            "evaluation. Does evaluation show a running mean of the weights that lags or is never "
            "updated, or does training see what evaluation does not (the right answer before it, "
            "words that come later)?"
        )
    lost = kept > thresholds.MIDDLING * constant
    return Finding(
        Kind.TRAIN_EVAL_GAP,
        Severity.CRITICAL if lost else Severity.WARNING,
        None,
        {"loss_in_training": batch, "loss_in_evaluation": kept, "by_statistics": modes.by_norms},
        text,
        (Remedy.FRESH_STATISTICS,) if modes.by_norms else (),
    )


def unregistered_parameters(scene: Scene) -> Finding | None:
    """Parameters that the loss depends on and that are none of the model's."""
    held = scene.training.optimiser.strangers if scene.training.optimiser is not None else 0
    if not scene.weights.unregistered or held >= len(scene.weights.unregistered):
        return None
    shapes = ", ".join(str(shape) for shape in scene.weights.unregistered[:4])
    return Finding(
        Kind.OPTIMISER_MISSES_PARAMETERS,
        Severity.WARNING,
        None,
        {"unregistered": [list(shape) for shape in scene.weights.unregistered]},
        f"Register every layer with the model: {len(scene.weights.unregistered)} parameters that "
        f"the loss depends on (of shapes {shapes}) are not among model.parameters(), so no "
        "optimiser made from those trains them. Layers in a plain list or dict are not seen by "
        "torch.",
        (),
        "self.layers = torch.nn.ModuleList(layers)  # instead of a plain list",
    )


def detached_parameters(scene: Scene) -> Finding | None:
    """Trained parameters that the loss does not depend on, as far as autograd sees."""
    lost, trained = scene.weights.unreached, scene.landscape.trained
    if trained and not scene.landscape.connected:
        return Finding(
            Kind.DETACHED_LOSS,
            Severity.CRITICAL,
            None,
            {"connected": False},
            "Keep the graph whole: as far as autograd sees, the loss depends on no trained tensor. "
            "Something between them and the loss is detached, made into a plain number or "
            "a new tensor, or run under no_grad; requires_grad_() on what comes out mends nothing.",
            (),
        )
    if not lost or not trained:
        return None
    share = sum(lost.values()) / trained
    shown = ", ".join(list(lost)[:4]) + (", ..." if len(lost) > 4 else "")
    most = share >= thresholds.ALL_THE_DIFFERENCE and scene.is_poor
    most = most or (scene.falls_short)
    return Finding(
        Kind.DETACHED_LOSS,
        Severity.WARNING if most else Severity.INFO,
        None,
        {"parameters": list(lost), "share_of_trained": share},
        f"Keep the graph whole: the loss depends on none of {len(lost)} trained tensors ({shown}), "
        f"{share:.0%} of all that is trained, as far as autograd sees. Something between them and "
        "the loss is detached, made into a plain number, or run under no_grad (or unused).",
        (),
    )


def cut_inside(scene: Scene) -> Finding | None:
    """Parameters that move the outputs by ways that autograd does not see.

    Not those with no gradient from the outputs, but one from the loss: a term of their own trains
    them (a book of codes, say), and what they add to the outputs is detached for that reason.
    """
    cut = {
        name: share
        for name, share in scene.weights.missed.items()
        if share >= MISSED and (share < 1 or name in scene.weights.unreached)
    }
    if not cut:
        return None
    shown = ", ".join(list(cut)[:4]) + (", ..." if len(cut) > 4 else "")
    return Finding(
        Kind.DETACHED_LOSS,
        Severity.WARNING,
        None,
        {"share_missed": cut},
        f"Keep the graph whole: when {shown} are moved a little, outputs change by "
        f"{max(cut.values()):.0%} otherwise than the gradient says. Something that depends on them "
        "is detached on the way (the state between two steps of a sequence, say), or made under "
        "no_grad.",
        (),
        "state = cell(x, state)  # and not state.detach(), within one sequence",
    )


def steps_inside(scene: Scene) -> Finding | None:
    """Outputs that jump: their gradient is 0 whatever the weights are."""
    if not scene.model.slopeless:
        return None
    return Finding(
        Kind.DETACHED_LOSS,
        Severity.CRITICAL,
        None,
        {"gradient": 0.0, "last_function": scene.model.structure.last},
        "Leave steps, signs, rounding and argmax out of the model, or put a smooth function (tanh, "
        "sigmoid) in their place while it is trained: other weights give other outputs, but the "
        "gradient of the outputs is exactly 0 for every weight, also of weights drawn by chance.",
        (),
    )


def no_slope(scene: Scene) -> Finding | None:
    """A loss that is flat at all outputs, and at others, though right ones have a smaller one."""
    task = scene.task
    f, good = task.outputs, task.good_outputs
    if f is None or not scene.falls_short:
        return None
    draw = uniform_like(f)
    for outputs in (f, draw):  # where the outputs are at a flat end, the loss is not to blame
        slope = task.slope_at(outputs)
        if slope is None or bool(slope.any()):
            return None
    y, signs = task.targets, task.signs
    tried = [good] if good is not None else []
    if isinstance(y, Tensor) and y.numel() == f.numel():
        tried.append(y.reshape(f.shape))
    tried += [] if signs is None else [CERTAIN * signs, (signs + 1) / 2]
    losses = [task.try_loss(outputs) for outputs in tried]
    best = min((loss for loss in losses if loss is not None), default=None)
    if best is None or not best < thresholds.MIDDLING * scene.landscape.loss:
        return None
    return share_of_one(scene, scene.landscape.loss) or Finding(
        Kind.DETACHED_LOSS,
        Severity.CRITICAL,
        None,
        {"loss": scene.landscape.loss, "loss_of_right_outputs": best},
        "Leave rounding, argmax, thresholds, counts and clamps out of the loss: its gradient by "
        f"the outputs is exactly 0 on every point, though right ones have the loss {best:.4g} "
        f"instead of {scene.landscape.loss:.4g}.",
        (),
    )


def detached_outputs(scene: Scene) -> Finding | None:
    """Outputs on which the loss depends, and by which it has no gradient on any point."""
    task = scene.task
    f = task.outputs
    if f is None or f.ndim < 2 or f.shape[1] < 2 or not f.is_floating_point():
        return None
    if not scene.training.begun or not bool(f.isfinite().all()):
        return None
    draw = normal_like(f)
    apart = draw * f.std().clamp_min(1.0)
    with torch.random.fork_rng(devices=[]):  # a loss may draw: the same each time
        slopes: list[Tensor | None] = []
        for outputs in (f, apart):
            torch.default_generator.manual_seed(0)
            slopes.append(task.slope_at(outputs))
        if any(slope is None or not bool(slope.isfinite().all()) for slope in slopes):
            return None
        flat = [
            (slope == 0).transpose(0, 1).flatten(1).all(1) for slope in slopes if slope is not None
        ]
        unseen = flat[0] & flat[1]
        if not bool(unseen.any()) or bool(unseen.all()):
            return None
        mask = unseen.reshape(1, -1, *[1] * (f.ndim - 2))
        values: list[float | None] = []
        for outputs in (f, torch.where(mask, apart, f)):
            torch.default_generator.manual_seed(0)
            values.append(task.loss_at(outputs))
    before, after = values
    if before is None or after is None or abs(after - before) <= MOVED * abs(before):
        return None
    places = [k for k, is_flat in enumerate(unseen.tolist()) if is_flat]
    if not scene.model.asks_nothing_of(places):
        return None  # their weights are trained by other outputs, or there are none
    shown = ", ".join(map(str, places[:5])) + (", ..." if len(places) > 5 else "")
    return Finding(
        Kind.DETACHED_LOSS,
        Severity.WARNING,
        None,
        {"outputs": places, "of": f.shape[1], "loss": before, "loss_of_others": after},
        f"Keep the graph whole: the loss depends on {len(places)} of {f.shape[1]} outputs "
        f"({shown}; others in their place make {after:.4g} of {before:.4g}), and its gradient by "
        "them is 0 on every point. They are detached in the loss, or made into plain numbers.",
        (),
    )


def detached_terms(scene: Scene) -> Finding | None:
    """Terms of the loss that change with the outputs and give no gradient."""
    if scene.terms is None or not scene.terms.cut:
        return None
    return Finding(
        Kind.DETACHED_LOSS,
        Severity.WARNING,
        None,
        {"terms_without_gradient": scene.terms.cut},
        f"Keep the graph whole: {scene.terms.cut} of the terms that the loss adds up change with "
        "the model's outputs and have no gradient. Something in them is detached, made into a "
        "plain number, or run under no_grad, so they are never made smaller.",
        (),
    )


def _is_a_column(x: Tensor, y: Tensor) -> bool:
    """Whether one number for each point is one of the inputs, in some units."""
    if y.numel() != len(y) or not y.is_floating_point():
        return False
    columns, y = x.flatten(1).double(), y.reshape(-1, 1).double()
    inner = slice(max(SHIFTS), -max(SHIFTS))  # without what was rolled over the end
    columns, y = columns[inner] - columns[inner].mean(0), y[inner] - y[inner].mean()
    size = columns.norm(dim=0) * y.norm()
    alike = (columns * y).sum(0).abs() / size.clamp_min(1e-30)
    return bool((alike > COPY).any())


def neighbours_say_nothing(scene: Scene) -> bool:
    """Whether near inputs have targets no more alike than others, as far as that can be asked."""
    x, y = scene.data.features, scene.task.targets
    if x is None or not isinstance(y, Tensor) or len(x) < FEWEST or not scene.task.targets_matter:
        return False
    chance = CHANCE / len(x) ** 0.5
    known = scene.data.neighbours
    if known > max(thresholds.NO_DIFFERENCE, chance) or known < -RELATED:
        return False  # a neighbour may also have the opposite target, as in a parity
    if is_whole_grid(x):
        return False  # a table to be learnt, of which neighbours need not know one another
    few = 2 * len(torch.unique(x.flatten(1), dim=0)) < len(x)
    return not few and not bool((y == y[:1]).all())  # equal inputs contradict one another


def lines_say_nothing(scene: Scene) -> bool:
    """Whether a linear map says nothing of points that it was not fitted to, but by chance."""
    x, y = scene.data.features, scene.task.targets
    if x is None or not isinstance(y, Tensor) or len(y) != len(x):
        return scene.landscape.linear_loss is None
    constant, linear = scene.landscape.constant_loss, scene.landscape.linear_loss
    if told_by_lines(x, y) >= SURELY / len(x) ** 0.5:
        return False
    if constant and linear is not None:  # fitted to all of them, it wins more than chance lets it
        count = scene.landscape.linear_dimension
        if linear < (1 - (count + SURELY * (2 * count) ** 0.5) / len(x)) * constant:
            return False
    return told_at_places(x, y) < SURELY / MOST_NEIGHBOURS**0.5


def pictures_shuffled(scene: Scene) -> Finding | None:
    """Pictures whose targets are pictures, which fit those of others as well as their own.

    Nothing is said where pairs that have nothing to do with one another explain much by chance: of
    few spots in large pictures, say. Nor where whole pictures tell something.
    """
    x, y, landscape = scene.data.all_features, scene.data.all_targets, scene.landscape
    if x is None or not isinstance(y, Tensor) or not landscape.constant_loss:
        return None
    if not scene.training.begun or not scene.is_poor or not scene.task.targets_matter:
        return None
    told = explained_in_pictures(x, y)
    chance = max((share for by, share in told.items() if by and by not in SHIFTS), default=1.0)
    if chance > BY_CHANCE or told[0] > chance:
        return None
    numbers: dict[str, object] = {
        "places_explain": told[0],
        "places_explain_of_others": chance,
        "constant_loss": landscape.constant_loss,
    }
    by = max(SHIFTS, key=lambda by: told[by])
    if told[by] > max(RELATED, 2 * chance):
        return _out_of_step(by, told[by], numbers)
    if smooth_in_pictures(y) < RELATED or not lines_say_nothing(scene):
        return None  # noise has nothing to do with anything
    if scene.data.neighbours > CHANCE / len(x) ** 0.5:
        return None
    return Finding(
        Kind.TARGETS_SHUFFLED,
        Severity.WARNING,
        None,
        numbers,
        "Check that each target belongs to its picture (do both lists of files have one order?): "
        f"what the nearest places of other pictures say of the targets ({max(told[0], 0.0):.0%} "
        f"explained) is no more than if pictures and targets are paired otherwise "
        f"({max(chance, 0.0):.0%}).",
        (),
        "pictures, targets = sorted(pictures), sorted(targets)  # both by name",
    )


def _out_of_step(by: int, explained: float, numbers: dict[str, object]) -> Finding:
    """Lists of inputs and targets of which one has to be moved."""
    return Finding(
        Kind.TARGETS_SHUFFLED,
        Severity.CRITICAL,
        None,
        numbers | {"shift": by, "neighbours_explain_shifted": explained},
        f"Put inputs and targets in step: moved by {by} places the targets fit the inputs "
        f"(nearest neighbours then explain {explained:.0%} of them), as they are not at all.",
        (),
        f"y = y.roll({by}, 0)",
    )


def targets_shuffled(scene: Scene) -> Finding | None:
    """Targets that neither neighbours nor a linear map of the inputs say anything about."""
    landscape, known = scene.landscape, scene.data.neighbours
    constant, linear = landscape.constant_loss, landscape.linear_loss
    if not constant or linear is None or not neighbours_say_nothing(scene):
        return None
    whole, others = scene.data.all_features, scene.data.all_targets
    shifts: dict[int, float] = dict.fromkeys(SHIFTS, 0.0)
    if whole is not None and isinstance(others, Tensor):  # in their order
        shifts = {by: explained_by_neighbours(whole, others.roll(by, 0)) for by in SHIFTS}
        lagged = [by for by in SHIFTS if _is_a_column(whole, others.roll(by, 0))]
        if len(lagged) > 1:  # windows of one series: earlier targets are among the inputs
            shifts = dict.fromkeys(SHIFTS, 0.0)
    by = max(shifts, key=lambda key: shifts[key])
    numbers: dict[str, object] = {
        "neighbours_explain": known,
        "linear_loss": linear,
        "constant_loss": constant,
    }
    if shifts[by] > RELATED:
        return _out_of_step(by, shifts[by], numbers)
    if not scene.is_middling or not lines_say_nothing(scene):
        return None
    return Finding(
        Kind.TARGETS_SHUFFLED,
        Severity.WARNING if scene.training.begun and scene.is_poor else Severity.INFO,
        None,
        numbers,
        "Check that each target belongs to its input (were they shuffled or sorted apart?), and "
        "whether the inputs can say anything about the targets at all: "
        f"nearest neighbours explain {max(known, 0.0):.0%} of the targets, and the best linear "
        f"predictor has the loss {linear:.4g}, a constant {constant:.4g}.",
        (),
    )
