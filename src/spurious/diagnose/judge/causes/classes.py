# pyright: basic
"""Checks of classes that are rare, or that the loss weighs."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.kinds import Kind
from spurious.diagnose.measure.rare import FEWEST
from spurious.diagnose.measure.scene import Scene
from spurious.diagnose.measure.task import LossNature, TargetForm

RARE: Final = 0.5
"""A class is rare if it has less than half of an even share."""

MISSED: Final = 0.1
"""Fewer than a tenth of a class's points are found: it is all but never predicted."""

TOLD_APART: Final = 0.8
"""Of a point of the class and another, the model gives the class the larger score in four of five
pairs: it could be predicted, and the model is not blind to it."""

MANY_TIMES: Final = 10.0
"""The points of one class weigh ten times as much in all as those of another, ..."""

TWICE: Final = 2.0
"""... and each of them twice as much: the weights are part of it, and not the counts alone."""

PART: Final = 0.05
"""A class of a twentieth of the points is no exception."""

NONE: Final = 1e-9
"""A gradient of less than this share of the others' is none."""


def class_imbalance(scene: Scene) -> Finding | None:
    """A rare class that is never predicted, though the model tells it from the others."""
    task = scene.task if scene.rare is None else scene.rare.task
    found = task.judged
    if found is None or not scene.training.begun:
        return None
    scores, labels = found
    counts = torch.bincount(labels, minlength=scores.shape[1])
    shares = counts / len(labels) if scene.rare is None else scene.rare.shares
    said = scores.argmax(1)
    rare: dict[int, float] = {}
    for kind in torch.nonzero(counts >= FEWEST).flatten().tolist():
        own = labels == kind
        if float(shares[kind]) * scores.shape[1] >= RARE:
            continue
        if float((said[own] == kind).double().mean()) >= MISSED:
            continue
        others = scores.clone()
        others[:, kind] = -torch.inf
        apart = told_apart(scores[:, kind] - others.amax(1), own)
        if apart >= TOLD_APART:
            rare[kind] = apart
    if not rare:
        return None
    kind = max(rare, key=lambda key: rare[key])
    return Finding(
        Kind.CLASS_IMBALANCE,
        Severity.WARNING,
        None,
        {
            "classes": list(rare),
            "shares": {k: float(shares[k]) for k in rare},
            "told_apart": dict(rare),
        },
        f"Weigh the classes in the loss, draw rare ones more often, or move the threshold: class "
        f"{kind} has {float(shares[kind]):.1%} of the targets and is all but never predicted, "
        f"though its score is the larger one for {rare[kind]:.0%} of pairs of one of its points "
        "and another.",
        (),
        "counts = torch.bincount(y.flatten())\n"
        "loss = torch.nn.CrossEntropyLoss(weight=counts.sum() / (len(counts) * counts))\n"
        "# one output: torch.nn.BCEWithLogitsLoss(pos_weight=counts[0] / counts[1])",
    )


def told_apart(scores: Tensor, own: Tensor) -> float:
    """How often one of a class's points has a larger score than another point; 1/2 by chance."""
    values, place = torch.unique(scores.double(), return_inverse=True)
    inside = torch.bincount(place[own], minlength=len(values)).double()
    outside = torch.bincount(place[~own], minlength=len(values)).double()
    below = outside.cumsum(0) - outside / 2  # a tie counts half
    return float((inside * below).sum() / (inside.sum() * outside.sum()).clamp_min(1))


def class_weights_reversed(scene: Scene) -> Finding | None:
    """Weights that make one class outweigh another, which is missed."""
    weights, found = class_weights(scene), scene.task.judged
    if weights is None or found is None or not scene.training.begun:
        return None
    scores, labels = found
    counts = torch.bincount(labels, minlength=scores.shape[1]).double()
    counted = weights.to(counts.device) > NONE * float(weights.max())
    known = torch.nonzero((counts >= FEWEST) & counted).flatten()
    if len(known) < 2:
        return None
    whole = counts * weights.to(counts.device)
    often = int(known[whole[known].argmax()])
    rare = int(known[whole[known].argmin()])
    if whole[often] < MANY_TIMES * whole[rare] or weights[often] < TWICE * weights[rare]:
        return None
    own = labels == rare
    recall = float((scores.argmax(1)[own] == rare).double().mean())
    if recall >= 0.5:
        return None  # somebody's choice, and it does no harm
    return Finding(
        Kind.CLASS_WEIGHTS_REVERSED,
        Severity.WARNING,
        None,
        {
            "counts": [int(c) for c in counts],
            "weights": [float(w) for w in weights],
            "found_of_the_light_class": recall,
        },
        f"Turn the class weights round, or leave them out: a point of class {often}, of which "
        f"there are {int(counts[often])}, has "
        f"{float(weights[often] / weights[rare].clamp_min(1e-30)):.3g} times the weight of one of "
        f"class {rare}, of which there are {int(counts[rare])} ({recall:.0%} of these are found).",
        (),
        "counts = torch.bincount(y.flatten())\n"
        "weight = counts.sum() / (len(counts) * counts)  # the rarer, the heavier",
    )


def ignored_class(scene: Scene) -> Finding | None:
    """A class of whole points that the loss gives no gradient to."""
    weights, found = class_weights(scene), scene.task.judged
    if weights is None or found is None:
        return None
    scores, labels = found
    counts = torch.bincount(labels, minlength=scores.shape[1]).double()
    ignored = (weights <= NONE * weights.max()) & (counts >= PART * len(labels))
    names = torch.nonzero(ignored).flatten().tolist()
    seen = int(((weights > NONE * weights.max()) & (counts > 0)).sum())
    if not names or not seen or (scene.task.targets.ndim > 1 and (seen > 1 or len(names) < 2)):
        return None  # of sequences, padding is ignored for good reasons
    shown, share = ", ".join(map(str, names[:5])), float(counts[ignored].sum()) / len(labels)
    if seen == 1 and len(names) > 1:
        return _all_but_one(names, share)
    return Finding(
        Kind.LABELS_OUTSIDE_LOSS,
        Severity.CRITICAL,
        None,
        {"classes": names, "share_of_points": share},
        f"Look at the loss's mask, ignore_index and weights: the points of class {shown}, "
        f"{share:.0%} of all, get no gradient whatever the outputs are, so the class is never "
        "learnt.",
        (),
    )


def _all_but_one(ignored: list[int], share: float) -> Finding:
    """A loss to which the points of one class alone count, which leaves nothing to tell apart."""
    return Finding(
        Kind.MASK_INVERTED,
        Severity.CRITICAL,
        None,
        {"classes": ignored, "share_of_points": share},
        "Turn the loss's mask round, if it has one (or look at ignore_index and class weights): "
        f"only the points of one class count, and those of the {len(ignored)} others, {share:.0%} "
        "of all, get no gradient whatever the outputs are. So there is nothing to tell apart.",
        (),
        "loss = (each * (targets != padding)).sum() / (targets != padding).sum()",
    )


def class_weights(scene: Scene) -> Tensor | None:
    """What a point of each class weighs in the loss, (K,), by gradients at even outputs."""
    task = scene.task
    f, found = task.outputs, task.judged
    level = {
        LossNature.LOGITS: lambda _: 0.0,
        LossNature.UNKNOWN: lambda _: 0.0,
        LossNature.PROBABILITIES: lambda many: 1.0 / many,
        LossNature.LOG_PROBABILITIES: lambda many: -float(torch.tensor(many).log()),
    }.get(task.nature)
    if f is None or found is None or level is None:
        return None
    scores, labels = found
    if task.nature is LossNature.UNKNOWN and not _wants_logits(scene):
        return None
    slope = task.slope_at(torch.full_like(f, level(scores.shape[1])))
    if slope is None:
        return None
    several = task.form in (TargetForm.CLASSES, TargetForm.ONE_HOT)
    norms = slope.movedim(1, -1).norm(dim=-1).flatten() if several else slope.flatten().abs()
    total = torch.zeros(scores.shape[1], dtype=torch.float64, device=norms.device)
    total.index_add_(0, labels, norms.double())
    return total / torch.bincount(labels, minlength=scores.shape[1]).clamp_min(1)


def _wants_logits(scene: Scene) -> bool:
    """Whether a loss of unknown kind falls as outputs of any size say what is right."""
    signs = scene.task.signs
    if signs is None or scene.model.structure.last in ("sigmoid", "softmax", "log_softmax"):
        return False
    losses = [scene.task.try_loss(size * signs) for size in (-4.0, -1.0, 0.0, 1.0, 4.0)]
    known = [loss for loss in losses if loss is not None]
    return len(known) == len(losses) and known == sorted(known, reverse=True)
