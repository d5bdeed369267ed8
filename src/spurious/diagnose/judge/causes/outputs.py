# pyright: basic
"""Checks of outputs against the loss and the targets, on values."""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor

from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.kinds import Kind
from spurious.diagnose.measure.baselines import normal_like, uniform_like
from spurious.diagnose.measure.scene import Scene
from spurious.diagnose.measure.structure import on_simplex
from spurious.diagnose.measure.task import INSIDE, LossNature, TargetForm
from spurious.diagnose.remedy import Remedy, joined

EQUAL: Final = 1e-6
"""Losses that differ by less than this share are equal but for rounding."""

MINDS: Final = 0.25
"""Right outputs of other points are wrong for half of two classes, and for more of several."""

SQUASHING: Final = ("sigmoid", "softmax")
"""Functions that give numbers from 0 to 1 alone."""

BETWEEN_SIGNS: Final = ("tanh", "hardtanh", "softsign")
"""Functions that give numbers from -1 to 1 alone."""

RELATED: Final = 0.3
"""What neighbours explain of targets that belong to their inputs, and not by chance."""

CERTAINTIES: Final = (1.0, 0.2, 0.04)
"""How sure outputs are that say what the targets say, or the opposite: a loss may have its least
value where they are not quite (with a term of entropy)."""

SIZES: Final = (1.0, 4.0, 16.0, 64.0)
"""Sizes of right logits, up to certainty."""

HIGH: Final = 0.3
"""A third of the constant's loss remains for outputs that are right and certain."""

FAR: Final = 3.0
"""Outputs whose mean is three spreads of the targets away from theirs are none of them."""

UNEVEN: Final = 0.2
"""Gradients of points that count alike differ by a fifth at most: by how batches are made up."""

FEW: Final = 0.05
"""A share of entries that may be exceptions."""


def softmax_over_one_unit(scene: Scene) -> Finding | None:
    """A softmax whose every sum has one term is 1 for all inputs."""
    structure = scene.model.structure
    f, line = scene.task.outputs, scene.in_the_loss.softmax_of_one
    if line and f is not None and (f.numel() == len(f) or f.shape[1] == 1):
        return _softmax_in_the_loss(scene, line)
    alone = [s for s in structure.softmaxes.values() if s.size == 1]
    if f is None or structure.last not in ("softmax", "log_softmax"):
        return _softmax_inside(alone[0].where) if alone and scene.is_middling else None
    level = 0.0 if structure.last == "log_softmax" else 1.0
    if not alone or not bool((f == level).all()):
        return None
    return Finding(
        Kind.SOFTMAX_OVER_ONE_UNIT,
        Severity.CRITICAL,
        alone[-1].where,
        {"softmax_over": 1, "output": level, "loss": scene.landscape.loss},
        "Replace the softmax by a sigmoid (or leave it out, with a loss of logits): a softmax over "
        f"one output is {level:g} whatever the input, so nothing can be learnt.",
        (Remedy.SIGMOID_OUTPUT, Remedy.DROP_LAST_ACTIVATION),
    )


def _softmax_in_the_loss(scene: Scene, line: str) -> Finding:
    """A cross entropy of classes, or a softmax of its own, over the only output."""
    return Finding(
        Kind.SOFTMAX_OVER_ONE_UNIT,
        Severity.CRITICAL,
        None,
        {"softmax_over": 1, "line": line, "loss": scene.landscape.loss},
        f"Use a loss for one output that says yes or no (BCEWithLogitsLoss), or give the model an "
        f"output for each class: {line} takes a softmax over one output, which is 1 whatever that "
        "output is, so nothing can be learnt.",
        (Remedy.LOGITS_LOSS,),
    )


def share_of_one(scene: Scene, value: float) -> Finding | None:
    """A flat loss of each output's share in the sum of a point's outputs, of which there is one.

    With another output beside it, which need not have a meaning, the loss has a slope.
    """
    f = scene.task.outputs
    if f is None or f.ndim != 2 or f.shape[1] != 1:
        return None
    draw = uniform_like(f)
    slope = scene.task.slope_at(torch.cat([draw, 1 - draw], 1))
    if slope is None or not bool(slope.isfinite().all()) or not bool(slope.any()):
        return None
    return Finding(
        Kind.SOFTMAX_OVER_ONE_UNIT,
        Severity.CRITICAL,
        None,
        {"outputs": 1, "loss": value},
        "Give the model an output for each class, or use a loss for one output that says yes or no "
        f"(BCEWithLogitsLoss): the loss is flat, {value:.4g}, whatever the one output of a point "
        "is, and is not with another output beside it. It looks at each output's share in the sum "
        "of its point's outputs.",
        (Remedy.LOGITS_LOSS,),
    )


def _softmax_inside(where: str) -> Finding:
    """A softmax between layers whose every sum has one term."""
    return Finding(
        Kind.SOFTMAX_OVER_ONE_UNIT,
        Severity.WARNING,
        where,
        {"softmax_over": 1},
        f"Give the softmax in {where} the axis over which it should choose: it runs over an axis "
        "of length 1, so all it gives is 1 and nothing before it is learnt.",
        (),
    )


def probabilities_to_logits_loss(scene: Scene) -> Finding | None:
    """Outputs that are probabilities already, in a loss that applies a softmax or sigmoid."""
    task = scene.task
    f, last = task.outputs, scene.model.structure.last
    if f is None or task.nature is not LossNature.LOGITS:
        return None
    rows = f.ndim >= 2 and f.shape[1] > 1 and on_simplex(f, 1)
    inside = bool(((f >= 0) & (f <= 1)).all())
    squashed = last in ("sigmoid", "softmax") and inside
    if not rows and not squashed:
        return None
    what = "softmax" if rows else "sigmoid"
    signs = task.signs
    assert signs is not None
    best = task.try_loss((signs + 1) / 2)
    return Finding(
        Kind.PROBABILITIES_TO_LOGITS_LOSS,
        Severity.WARNING,
        None,
        {"least_output": float(f.min()), "largest_output": float(f.max()), "best_loss": best},
        f"Leave out the last {what}: the loss applies it itself, so it is applied twice. "
        f"The loss cannot fall below {_number(best)} however sure the model is, and gradients are "
        "small.",
        (Remedy.DROP_LAST_ACTIVATION,),
    )


def logits_to_probability_loss(scene: Scene) -> Finding | None:
    """Raw outputs in a loss that takes logarithms of them, or takes them for logarithms."""
    task = scene.task
    f = task.outputs
    if f is None or not f.is_floating_point() or scene.model.softmaxes_over_points:
        return None
    evidence = {"least_output": float(f.min()), "largest_output": float(f.max())}
    if task.nature is LossNature.LOG_PROBABILITIES:
        sums = f.double().exp().sum(1)
        if bool(((sums - 1).abs() < 1e-2).all()):
            return None
        given = "probabilities" if on_simplex(f, 1) else "raw outputs"
        text = (
            f"Give the loss log_softmax of the outputs (or use cross entropy): it takes {given} "
            "for logarithms of probabilities, and falls for ever as they grow."
        )
        return Finding(
            Kind.LOGITS_TO_PROBABILITY_LOSS, Severity.CRITICAL, None, evidence, text,
            (Remedy.LOG_SOFTMAX_OUTPUT,),
        )  # fmt: skip
    outside = (f < 0) | (f > 1)
    share = float(outside.double().mean())
    if task.nature is not LossNature.PROBABILITIES or share < FEW:
        return None
    value = task.try_loss(f)
    clamped = task.try_loss(f.clamp(0, 1))
    broken = value is None or not abs(value) < float("inf")
    cut = value is not None and clamped is not None and _equal(value, clamped)
    cut = cut or _share_cut_off(scene, f, outside) >= FEW
    beyond = not broken and not cut and _rewards_beyond(scene)
    if not broken and not cut and not beyond:
        return None
    classes = task.form in (TargetForm.CLASSES, TargetForm.ONE_HOT)
    mend = "softmax" if classes else "sigmoid"
    effect = (
        "the logarithm of a negative number is NaN"
        if broken
        else "outputs beyond 0 and 1 have a smaller loss than right ones"
        if beyond
        else "what is outside is cut off and gets no gradient"
    )
    return Finding(
        Kind.LOGITS_TO_PROBABILITY_LOSS,
        Severity.CRITICAL,
        None,
        evidence | {"share_outside": share, "loss": scene.landscape.loss},
        f"Use the loss for logits, or put a {mend} behind the model: the loss takes outputs for "
        f"probabilities, and {share:.0%} of them are not between 0 and 1; {effect}.",
        (f"{mend}_output",),
    )


def _rewards_beyond(scene: Scene) -> bool:
    """Whether outputs that are right and go beyond 0 and 1 have a smaller loss than right ones."""
    task = scene.task
    if task.signs is None:
        return False
    right = task.try_loss((task.signs + 1) / 2)
    tried = [task.try_loss((task.signs + 1) / 2 + size * task.signs) for size in (0.3, 1.0)]
    known = [value for value in tried if value is not None]
    return right is not None and len(known) == len(tried) and min(known) < right - FEW


def _share_cut_off(scene: Scene, f: Tensor, outside: Tensor) -> float:
    """Share of the points with outputs that are no probabilities and have no gradient at all.

    Of those whose class is not the one that the outputs say.
    """
    slope, judged = scene.task.slope_at(f), scene.task.judged
    if slope is None or judged is None or f.ndim != 2 or len(judged[1]) != len(f):
        return 0.0
    wrong = judged[0].argmax(1) != judged[1]
    cut = ~slope.any(1) & outside.any(1) & wrong
    return float(cut.double().mean())


def wrong_output_activation(scene: Scene) -> Finding | None:
    """Sigmoids in a loss for classes that exclude one another and that divides by their sum."""
    task, structure = scene.task, scene.model.structure
    f = task.outputs
    exclusive = task.form in (TargetForm.CLASSES, TargetForm.ONE_HOT)
    if f is None or not exclusive or f.ndim != 2 or on_simplex(f, 1):
        return None
    if structure.last not in ("sigmoid", "relu") or f.shape[1] < 3:
        return None
    factors = torch.linspace(0.4, 0.9, len(f), dtype=f.dtype, device=f.device)[:, None]
    once, again = task.try_loss(f), task.try_loss(f * factors)
    divides = once is not None and again is not None and _equal(once, again)
    top = task.try_loss(torch.ones_like(f) * (1 - 1e-6))
    ignores = top is not None and abs(top) < 1e-3 and task.nature is LossNature.PROBABILITIES
    if not divides and not ignores:
        return None
    why = (
        "the loss divides the outputs by their sum, so only their ratios count"
        if divides
        else "the loss does not punish large outputs for the wrong classes"
    )
    return Finding(
        Kind.WRONG_OUTPUT_ACTIVATION,
        Severity.WARNING,
        None,
        {
            "last_function": structure.last,
            "loss": once,
            "loss_of_scaled_outputs": again,
        },
        f"Replace the last {structure.last} by a softmax: each point has one class, and {why}.",
        (Remedy.SOFTMAX_OUTPUT,),
    )


def shared_among_labels(scene: Scene) -> Finding | None:
    """A softmax, in the model or in the loss, for points of which several labels may hold."""
    task = scene.task
    f = task.outputs
    if f is None or task.form is not TargetForm.SETS or f.ndim != 2:
        return None
    off = float((task.targets.sum(1) != 1).double().mean())
    if off <= FEW:
        return None
    inside = on_simplex(f, 1)
    shift = torch.linspace(-1, 1, len(f), dtype=f.dtype, device=f.device)[:, None]
    once, again = task.try_loss(f), task.try_loss(f + shift)
    in_loss = once is not None and again is not None and _near(once, again)
    if not inside and not in_loss:
        return None
    return Finding(
        Kind.WRONG_OUTPUT_ACTIVATION if inside else Kind.WRONG_LOSS,
        Severity.WARNING,
        None,
        {"rows_without_a_single_label": off, "softmax": "model" if inside else "loss"},
        "Use a sigmoid for each label, with the binary cross entropy (BCEWithLogitsLoss of raw "
        f"outputs), instead of the softmax in the {'model' if inside else 'loss'}: it shares one "
        f"whole among the labels, and {off:.0%} of the points have several labels or none.",
        (Remedy.LOGITS_LOSS, joined((Remedy.REDRAW_WEIGHTS, Remedy.LOGITS_LOSS))),
        "loss = torch.nn.BCEWithLogitsLoss()  # of raw outputs; sigmoid(outputs) > 0.5 to predict",
    )


def squashed_in_the_loss(scene: Scene) -> Finding | None:
    """A loss of logits that even certain outputs hardly make smaller: it squashes them twice."""
    task = scene.task
    signs, constant = task.signs, scene.landscape.constant_loss
    if signs is None or not constant or task.nature is not LossNature.UNKNOWN:
        return None
    if bool((signs == signs[:1]).all()) or not scene.falls_short:
        return None
    tried = [task.try_loss(size * signs) for size in SIZES]
    losses = [value for value in tried if value is not None]
    if len(losses) < len(SIZES) or losses != sorted(losses, reverse=True):
        return None
    if losses[-1] < HIGH * constant or losses[0] - losses[-1] < FEW * constant:
        return None
    if abs(losses[-1] - losses[-2]) > EQUAL * constant:
        return None
    return Finding(
        Kind.PROBABILITIES_TO_LOGITS_LOSS,
        Severity.WARNING,
        None,
        {"sizes": list(SIZES), "losses": losses, "constant_loss": constant},
        "Leave out a sigmoid or softmax between the outputs and the loss: it seems to be applied "
        f"twice. However sure right outputs are, the loss stays above {losses[-1]:.4g} (a constant "
        f"has {constant:.4g}), and gradients are small.",
        (),
    )


def gradient_sign_flipped(scene: Scene) -> Finding | None:
    """A loss that is larger for right outputs than for wrong ones."""
    task = scene.task
    f, signs = task.outputs, task.signs
    if f is None or task.nature is not LossNature.UNKNOWN:
        return None
    if not task.targets_matter:
        return _flees(scene, f)
    of_signs: list[tuple[float | None, float | None]] = []
    if signs is not None:
        said = [[_saying(scene, way, size) for way in (signs, -signs)] for size in CERTAINTIES]
        of_signs = [(task.try_loss(good), task.try_loss(bad)) for good, bad in said]
    of_values: list[tuple[float | None, float | None]] = []
    y = task.targets
    squashed = scene.model.structure.last in SQUASHING  # so it gives no such numbers
    beyond = signs is None or not squashed
    if beyond and isinstance(y, Tensor) and y.is_floating_point() and y.numel() == f.numel():
        y = y.reshape(f.shape).double()
        shift = float(y.std()) or 1.0 if y.numel() > 1 else 1.0
        of_values = [(task.try_loss(y), task.try_loss(y + way * shift)) for way in (-1, 1)]
    bottomless = signs is None or all(  # as no loss of other labels, or of distances, is
        good is not None and bad is not None and bad < 0 for good, bad in of_signs
    )
    pairs = of_signs if of_signs and bottomless else of_signs + of_values
    known = [(good, bad) for good, bad in pairs if good is not None and bad is not None]
    usual = abs(task.try_loss(normal_like(f)) or 0.0)  # smaller differences are rounding
    usual = usual if usual < math.inf else 0.0
    if not known or not all(good > bad + EQUAL * max(abs(bad), usual) for good, bad in known):
        return None
    good, bad = known[0]
    if signs is not None and not _minds_points(scene, signs, good, bad):
        return None
    if signs is not None and _weighs_points(scene, f, signs):
        return None
    if not bottomless and not _may_be_turned(scene, f):
        return None
    return Finding(
        Kind.GRADIENT_SIGN_FLIPPED,
        Severity.CRITICAL if bottomless else Severity.WARNING,
        None,
        {"loss_of_right_outputs": good, "loss_of_wrong_outputs": bad, "bounded": not bottomless},
        f"Turn the loss's sign: outputs that equal the targets have the loss {good:.4g}, wrong "
        f"ones {bad:.4g}. "
        + (
            "Training makes the model worse."
            if bottomless
            else "Or do the targets say the opposite of what the outputs are to say?"
        ),
        (),
    )


def _saying(scene: Scene, signs: Tensor, certainty: float) -> Tensor:
    """Outputs that say what signs say, so surely: logits, or numbers that a last function gives."""
    if scene.model.structure.last in SQUASHING:
        far = certainty * (0.5 - INSIDE)
        return torch.where(signs > 0, 0.5 + far, 0.5 - far)
    most = 1.0 if scene.model.structure.last in BETWEEN_SIGNS else CERTAIN_HALF
    return certainty * most * signs


def _flees(scene: Scene, f: Tensor) -> Finding | None:
    """A loss without targets that is smaller the further the outputs are from what is real.

    So it is of a generator that goes down what a critic gives for what is real.
    """
    task = scene.task
    y, now = task.targets, scene.landscape.loss
    if not scene.training.begun or not isinstance(y, Tensor) or y.shape != f.shape or f.ndim < 2:
        return None
    real, made = y.double().flatten(1), f.double().flatten(1)
    way = made.mean(0) - real.mean(0)
    spread = float((real - real.mean(0)).pow(2).sum(1).mean().sqrt())
    at_real, slope = task.try_loss(y), task.slope_at(f)
    if at_real is None or slope is None or float(way.norm()) < FAR * spread:
        return None
    along = float(slope.double().flatten(1).sum(0) @ way)
    if not at_real > now or along >= 0:
        return None
    return Finding(
        Kind.GRADIENT_SIGN_FLIPPED,
        Severity.WARNING,
        None,
        {
            "loss_of_targets": at_real,
            "loss": now,
            "distance_of_means": float(way.norm()),
            "spread_of_targets": spread,
        },
        "Turn the loss's sign: it does not look at the targets, it is "
        f"{at_real:.4g} at the targets and {now:.4g} at the outputs, whose mean is "
        f"{float(way.norm()) / max(spread, 1e-30):.3g} times the targets' spread away from theirs, "
        "and descent leads further away.",
        (),
    )


def _minds_points(scene: Scene, signs: Tensor, good: float, bad: float) -> bool:
    """Whether right outputs of other points make a difference: else the loss compares others."""
    if len(signs) < 4 or bool((signs == signs[:1]).all()):
        return True
    order = torch.randperm(len(signs), generator=torch.Generator().manual_seed(0))
    other = scene.task.try_loss(_saying(scene, signs[order.to(signs.device)], CERTAINTIES[0]))
    return other is None or abs(good - other) > MINDS * abs(good - bad)


def _may_be_turned(scene: Scene, f: Tensor) -> bool:
    """Whether outputs are to say what targets say, where a loss that is never below 0 is turned.

    They are shares, then: distances and energies are small for what is so. And of several classes
    the targets may be those that are excluded: then the inputs do not tell them.
    """
    if scene.model.structure.last not in SQUASHING:
        return False
    several = scene.task.form in (TargetForm.CLASSES, TargetForm.ONE_HOT) and f.shape[1] > 2
    return not several or scene.data.neighbours >= RELATED


def _weighs_points(scene: Scene, f: Tensor, signs: Tensor) -> bool:
    """Whether points of one class count differently, as what actions were worth does.

    Some of that may be negative, so that what is done is not what is to be done again.
    """
    slope = scene.task.slope_at(torch.full_like(f, 0.5))
    if slope is None or not bool(slope.isfinite().all()) or len(f) != len(signs):
        return False
    sizes = slope.flatten(1).double().norm(dim=1)
    for which in torch.unique(signs.flatten(1), dim=0):
        own = sizes[(signs.flatten(1) == which).all(1)]
        own = own[own > 0]  # points that are left out do not count at all
        if len(own) and float(own.max() - own.min()) > UNEVEN * float(own.max()):
            return True
    return False


CERTAIN_HALF: Final = 5.0
"""A logit that means 99 %, small enough not to overflow in any loss."""


def _equal(one: float, other: float) -> bool:
    return abs(one - other) <= EQUAL * max(abs(one), abs(other))


def _near(one: float, other: float) -> bool:
    """Equal but for the rounding of shifted single-precision numbers."""
    return abs(one - other) <= 1e-4 * max(abs(one), abs(other))


def _number(value: float | None) -> str:
    return "its value for certain outputs" if value is None else f"{value:.4g}"
