# pyright: basic
"""Checks of targets and inputs, on values."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Final

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from spurious.diagnose import thresholds
from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.judge.causes.outputs import SQUASHING, gradient_sign_flipped
from spurious.diagnose.kinds import Kind
from spurious.diagnose.measure.baselines import best_of_groups
from spurious.diagnose.measure.scene import Scene
from spurious.diagnose.measure.structure import on_simplex
from spurious.diagnose.measure.task import LossNature, TargetForm

CONTRADICTION: Final = 0.9
"""Equal inputs with different targets matter if they keep nine tenths of a constant's loss."""

BELOW: Final = 1e-3
"""A loss that is lower than the least one by more than rounding refutes that."""

ROUNDED: Final = 1e-5
"""Single precision leaves a millionth after some operations."""

FEWEST: Final = 8
"""Fewer points say nothing about a data set."""

NIL: Final = 1e-3
"""A loss that is 0 but for what keeps logarithms finite."""

SURER: Final = (
    ((1e-3, 1 - 1e-3), (1e-6, 1 - 1e-6)),
    ((-15.0, 15.0), (-30.0, 30.0)),
)
"""Outputs for no and yes, and such that are twice as sure: as probabilities, and as logits."""

FALLS: Final = 0.25
"""Of a loss that falls without end, outputs twice as sure have at least a quarter more of it."""

NEARLY: Final = 0.9
"""Inputs of which nine tenths are the same have been lost on their way."""

ALONE: Final = 0.01
"""The mean of the losses of single points is the loss, to a hundredth."""

MOST_LABELS: Final = 100
"""Larger numbers are not tried one by one."""


def labels_outside_loss(scene: Scene) -> Finding | None:
    """Targets for which a loss of probabilities or of +-1 has no minimum, or no gradient."""
    task = scene.task
    f, y = task.outputs, task.targets
    if f is None or not isinstance(y, Tensor) or y.numel() != f.numel() or y.numel() < 2:
        return None
    if task.nature is LossNature.VALUES or not f.is_floating_point():
        return None
    if gradient_sign_flipped(scene) is not None:
        return None  # no loss of classes: it is largest where the outputs equal the targets
    if f.ndim > 1 and on_simplex(f, 1):
        return None  # it can be given no outputs but shares
    values = y.reshape(f.shape).double()
    low, high = float(values.min()), float(values.max())
    evidence: dict[str, object] = {"least_target": low, "largest_target": high}
    if low < 0 or high > 1:
        found = _negative_loss(scene, values)
        if found is not None:
            return Finding(
                Kind.LABELS_OUTSIDE_LOSS,
                Severity.CRITICAL,
                None,
                evidence | {"loss_of_some_outputs": found},
                "Use one output and a cross entropy for each class, or targets between 0 and 1: "
                f"targets go from {low:.4g} to {high:.4g}, where this loss has no minimum (it is "
                f"{found:.4g} for some outputs and falls without end).",
                (),
            )
    return _unseen_class(scene, values, evidence)


def unsigned_labels(scene: Scene) -> Finding | None:
    """Targets 0 and 1 in a loss of torch's that is defined for 1 and -1 alone."""
    name, line = scene.in_the_loss.unsigned
    if not name:
        return None
    return Finding(
        Kind.LABELS_OUTSIDE_LOSS,
        Severity.WARNING if scene.training.begun else Severity.INFO,  # 0 may leave out, on purpose
        None,
        {"function": name, "line": line},
        f"Give {name} targets 1 and -1, for which alone it is defined, in {line}: it gets 1 and 0.",
        (),
        "y = 2 * y - 1  # 0 and 1 become -1 and 1",
    )


def multiplied_labels(scene: Scene) -> Finding | None:
    """Targets 0 and 255, say, in a loss that takes outputs for probabilities or logits of 0 and 1.

    With other targets it is none of these.
    """
    task = scene.task
    if task.form is not TargetForm.TWO_VALUED or task.nature is not LossNature.UNKNOWN:
        return None
    y = task.targets
    high = float(y.max())
    if float(y.min()) != 0 or high <= 1:
        return None
    usual = replace(task, targets=y / high)
    if usual.nature not in (LossNature.PROBABILITIES, LossNature.LOGITS):
        return None
    assert task.outputs is not None and usual.good_outputs is not None
    right, same = usual.good_outputs, torch.ones_like(task.outputs)
    losses = [one.try_loss(outputs) for one in (task, usual) for outputs in (right, same)]
    known = [f"{value:.4g}" for value in losses if value is not None]
    if len(known) < len(losses):
        return None
    good, bad = losses[0] or 0.0, losses[1] or 0.0
    if 0 <= good <= thresholds.GOOD * bad:
        return None  # this loss, too, tells right outputs from others
    return Finding(
        Kind.LABELS_OUTSIDE_LOSS,
        Severity.CRITICAL,
        None,
        {"least_target": 0.0, "largest_target": high, "nature": usual.nature.value},
        f"Divide the targets by {high:g}: they are 0 and {high:g}, and this is a loss of "
        f"{usual.nature.value} for 0 and 1. Right outputs have {known[0]} by it, outputs that are "
        f"1 on all points {known[1]}; with targets 0 and 1 they have {known[2]} and {known[3]}.",
        (),
        f"y = (y > 0).float()  # and not 0 and {high:g}",
    )


def labels_without_output(scene: Scene) -> Finding | None:
    """Class numbers for which there is no output, and a loss that is NaN or infinite by them."""
    task = scene.task
    f, y = task.usual_outputs, task.targets
    if f is None or not isinstance(y, Tensor) or y.is_floating_point() or f.ndim < 2:
        return None
    if y.shape != (len(f), *f.shape[2:]) or f.shape[1] < 2 or not y.numel():
        return None
    strange = (y < 0) | (y >= f.shape[1])
    if not bool(strange.any()):
        return None
    if len(torch.unique(y)) > f.shape[1] + 1 and not _numbers_outputs(scene, f):
        return None  # so many numbers may be counts or quantities, and outputs none of classes
    now, inside = task.try_loss(f), task.try_loss(f, y.clamp(0, f.shape[1] - 1))
    if now is None or math.isfinite(now) or inside is None or not math.isfinite(inside):
        return None
    return Finding(
        Kind.LABELS_OUTSIDE_LOSS,
        Severity.CRITICAL,
        None,
        {"labels": sorted(set(y[strange].tolist()))[:5], "outputs": f.shape[1], "loss": now},
        f"Number the classes from 0 to {f.shape[1] - 1}: there are {f.shape[1]} outputs, and "
        f"{float(strange.double().mean()):.0%} of the labels ({int(y.min())} to {int(y.max())}) "
        f"have none. The loss is {now:g} with them, and {inside:.4g} without.",
        (),
        "y = y - y.min()  # or as many outputs as there are classes",
    )


def _numbers_outputs(scene: Scene, f: Tensor) -> bool:
    """Whether a loss is finite for each number that an output has, and for none from there on."""
    y = scene.task.targets
    largest = int(y.max())
    if largest > MOST_LABELS:
        return False
    tried = [scene.task.try_loss(f, torch.full_like(y, k)) for k in range(largest + 1)]
    finite = [value is not None and math.isfinite(value) for value in tried]
    return finite == [k < f.shape[1] for k in range(largest + 1)]


def _negative_loss(scene: Scene, values: Tensor) -> float | None:
    """A negative loss of some outputs that suit both logits and probabilities.

    As far again it is lower still: other losses below 0 may have a minimum (a cosine's is -1).
    """
    task = scene.task
    middle = (float(values.min()) + float(values.max())) / 2
    up = values > min(max(middle, 0.5), 0.999)
    same = torch.ones_like(up)
    inside = values.clamp(0, 1).to(task.targets.dtype).reshape(task.targets.shape)
    found: list[float] = []
    for way in (up, same):
        for near, far in SURER[: 1 if scene.model.structure.last in SQUASHING else None]:
            first, then = (torch.where(way, high, low) for low, high in (near, far))
            before, now, usual = (
                task.try_loss(first),
                task.try_loss(then),
                task.try_loss(then, inside),
            )
            if before is None or now is None or usual is None or usual <= -NIL:
                continue
            if now < min(-NIL, before - FALLS * abs(now)):
                found.append(now)
    return min(found, default=None)


def _unseen_class(scene: Scene, values: Tensor, evidence: dict[str, object]) -> Finding | None:
    """Targets 0 and 1 in a loss of -1 and 1: the points with 0 do not count."""
    task = scene.task
    if task.form is not TargetForm.TWO_VALUED or float(values.min()) != 0:
        return None
    zero = values == 0
    base = torch.where(zero, 0.0, 3.0)
    losses = [task.try_loss(torch.where(zero, shift, base)) for shift in (-3.0, 0.0, 3.0)]
    known = [value for value in losses if value is not None]
    if len(known) < 3 or max(known) - min(known) > 1e-6 * abs(known[0]):
        return None
    signed = torch.where(zero, -1.0, 1.0).to(task.targets.dtype).reshape(task.targets.shape)
    right = task.try_loss(torch.where(zero, -3.0, 3.0), signed)
    same = task.try_loss(torch.full_like(base, 3.0), signed)
    if right is None or same is None or not -NIL < right < same:
        return None  # this loss is not for -1 and 1 either
    other = task.try_loss(torch.where(zero, base, -base))
    if other is None or abs(other - known[0]) <= 1e-6 * abs(other):
        return None
    return Finding(
        Kind.LABELS_OUTSIDE_LOSS,
        Severity.CRITICAL,
        None,
        evidence,
        "Give this loss targets -1 and 1: the points whose target is 0 have the same loss whatever "
        "the output.",
        (),
    )


def one_class_targets(scene: Scene) -> Finding | None:
    """All targets are the same."""
    y = scene.task.targets
    if not isinstance(y, Tensor) or not y.ndim or len(y) < 2:
        return None
    if not bool((y == y[:1]).all()) or (y.ndim > 1 and y[0].numel() > 1 and not _labels(scene)):
        return None
    if not _constant_suits(scene):
        return None
    which = f" ({float(y.reshape(len(y), -1)[0, 0]):g})" if y[0].numel() == 1 else ""
    part = "" if scene.data.complete else " looked at; are the data sorted, without being shuffled?"
    return Finding(
        Kind.ONE_CLASS_TARGETS,
        Severity.CRITICAL,
        None,
        {"points": len(y), "targets": 1},
        f"Mend the targets: all {len(y)} are the same{which}{part}"
        f"{'.' if not part else ''} A constant is all there is to learn, and it says nothing about "
        "other data.",
        (),
    )


def _labels(scene: Scene) -> bool:
    return scene.task.form in (TargetForm.CLASSES, TargetForm.ONE_HOT, TargetForm.SETS)


def _constant_suits(scene: Scene) -> bool:
    """Whether a loss of equal targets asks for nothing but a constant, as far as can be tried.

    Not if it does not look at the targets; if it is not the mean or the sum of what single points
    have, but compares them with one another; if what gives the outputs is not trained, but judges
    what others make (an opponent), or the loss holds one; or if a constant cannot be learnt (of
    differences of scores).
    """
    task = scene.task
    if scene.bars_constants or task.loss_has_weights:
        return False
    if not math.isfinite(scene.landscape.loss):
        return True
    f, y = task.outputs, task.targets
    if f is None:
        return False
    now = task.try_loss(f)
    others = (y + 1, y * 0) if y.is_floating_point() else ((y + 1) % 2, y * 0)
    if now is not None and all(task.try_loss(f, other) == now for other in others):
        return False
    single = task.point_losses
    if single is None or now is None:
        return False
    return any(abs(whole - now) <= ALONE * abs(now) for whole in (single.mean(), single.sum()))


def constant_inputs(scene: Scene) -> Finding | None:
    """All inputs are the same, or nearly all, though their targets are not."""
    x, y = scene.data.inputs, scene.task.targets  # words, too
    if x is None or len(x) < FEWEST or not bool(torch.isfinite(x).all()):
        return None
    rows, group, counts = torch.unique(
        x.detach().reshape(len(x), -1), dim=0, return_inverse=True, return_counts=True
    )
    many = int(counts.max())
    if many < NEARLY * len(x):
        return None
    same = group == counts.argmax()
    if isinstance(y, Tensor) and y.ndim and bool((y[same] == y[same][:1]).all()):
        return None
    if len(rows) > 1:  # those that are not the same may hold what is to be told
        floor, constant = floor_of_groups(scene, group), scene.landscape.constant_loss
        if floor is None or not constant or floor < CONTRADICTION * constant:
            return None
    who = f"all {len(x)}" if many == len(x) else f"{many} of {len(x)}"
    return Finding(
        Kind.CONSTANT_INPUTS,
        Severity.CRITICAL,
        None,
        {"points": len(x), "different_inputs": len(rows), "of_the_commonest": many},
        f"Mend the inputs: {who} are the same, so the model cannot tell the points apart.",
        (),
    )


def contradicting_targets(scene: Scene) -> Finding | None:
    """Equal inputs with different targets, and the least loss that they leave.

    It is said where it is most of a constant's; of what is left half where training has come to it.
    """
    x, constant = scene.data.features, scene.landscape.constant_loss
    if x is None or not constant:
        return None
    flat = x.detach().flatten(1).double()
    found = _contradiction(scene, flat, "equal inputs", "No model")
    single = x.dtype is not torch.float64  # such numbers are told apart as they are meant
    if found is None and single and bool(flat.isfinite().all()):
        near, who = "inputs that are equal but for rounding", "No model that takes these for equal"
        found = _contradiction(scene, _rounded(flat), near, who)
    return found


def _rounded(rows: Tensor) -> Tensor:
    """Rows in whole steps of `ROUNDED` of how far the numbers of a column usually are apart."""
    usual = (rows - rows.median(0).values).abs().median(0).values
    return torch.where(usual > 0, (rows / (ROUNDED * usual).clamp_min(1e-300)).round(), rows)


def _contradiction(scene: Scene, rows: Tensor, equal: str, who: str) -> Finding | None:
    """The same of points that have equal rows, (n, d)."""
    _, group = torch.unique(rows, dim=0, return_inverse=True)
    count, now = int(group.max()) + 1, scene.landscape.loss
    floor, constant = floor_of_groups(scene, group), scene.landscape.constant_loss
    if count < 2 or floor is None or not constant or floor < thresholds.MIDDLING * constant:
        return None
    if now < (1 - BELOW) * floor:
        return None  # the model does tell these inputs apart
    there, most = (
        scene.training.begun and now <= floor + thresholds.GOOD * (constant - floor),
        CONTRADICTION * constant,
    )
    if floor < most and not there:
        return None
    come = f", and training has come to {now:.4g}" if there else ""
    return Finding(
        Kind.CONTRADICTING_TARGETS,
        Severity.INFO if floor < most else Severity.WARNING,  # so it is of noise, too
        None,
        {
            "different_inputs": count,
            "points": len(rows),
            "best_reachable_loss": floor,
            "arrived": there,
        },
        f"Look at the data: the {len(rows)} points have {count} different inputs, and {equal} "
        f"have different targets. {who} reaches a loss below {floor:.4g}; a constant has "
        f"{constant:.4g}{come}.",
        (),
    )


def floor_of_groups(scene: Scene, group: Tensor) -> float | None:
    """The least loss of a model that gives one output for each group of points, (n,).

    None if no group has different targets, or most groups have one point.
    """
    task = scene.task
    y, f, n = task.targets, task.outputs, len(group)
    count = int(group.max()) + 1
    if f is None or not isinstance(y, Tensor) or n < FEWEST or count > n // 2:
        return None
    first = torch.full((count,), n, device=group.device).scatter_reduce(
        0, group, torch.arange(n, device=group.device), "amin"
    )
    if bool((y == y[first[group]]).all()):
        return None
    return best_of_groups(task.loss, f, y, group)


class _Alignments(TorchFunctionMode):
    """Notes the blank of a CTC loss, and whether it is among the labels."""

    def __init__(self) -> None:
        super().__init__()
        self.blank: int | None = None
        self.share = 0.0

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: Any = None):
        if func is torch.nn.functional.ctc_loss:
            names = ("log_probs", "targets", "input_lengths", "target_lengths", "blank")
            given = dict(zip(names, args, strict=False)) | (kwargs or {})
            labels, lengths = given["targets"], torch.as_tensor(given["target_lengths"])
            blank = given.get("blank", 0)
            if labels.ndim == 2:  # padded
                labels = labels[torch.arange(labels.shape[1]) < lengths.cpu().reshape(-1, 1)]
            if labels.numel() and bool((labels == blank).any()):
                self.blank, self.share = blank, float((labels == blank).double().mean())
        return func(*args, **(kwargs or {}))


def blank_among_labels(scene: Scene) -> Finding | None:
    """A label that a CTC loss takes for no sign at all."""
    task = scene.task
    if task.outputs is None:
        return None
    with _Alignments() as seen:
        task.try_loss(task.outputs)
    if seen.blank is None:
        return None
    return Finding(
        Kind.LABELS_OUTSIDE_LOSS,
        Severity.CRITICAL,
        None,
        {"blank": seen.blank, "share_of_labels": seen.share},
        f"Keep the number {seen.blank} free for the blank, or name another one: {seen.share:.0%} "
        "of the labels are what the CTC loss takes for no sign at all, which no alignment can "
        "tell from a pause.",
        (),
        "loss = torch.nn.CTCLoss(blank=K)  # labels 0 to K - 1, and K + 1 outputs",
    )
