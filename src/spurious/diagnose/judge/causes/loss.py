"""Checks of a loss by itself: whether outputs that are right are worth anything to it."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from spurious.diagnose import thresholds
from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.judge.causes.outputs import share_of_one
from spurious.diagnose.kinds import Kind
from spurious.diagnose.measure.baselines import best_outputs, uniform_like
from spurious.diagnose.measure.neighbours import told_by_neighbours
from spurious.diagnose.measure.reshapes import Transposing
from spurious.diagnose.measure.scene import Scene
from spurious.diagnose.measure.structure import on_simplex
from spurious.diagnose.measure.task import LossNature, TargetForm
from spurious.diagnose.remedy import Remedy, joined

LEVELS: Final = ((0.0, 1.0), (-1.0, 1.0), (1e-4, 1 - 1e-4), (-5.0, 5.0))
"""Outputs for what is not so and what is: numbers, signs, probabilities, logits."""

NEARLY_ALL: Final = 0.9
"""Share of places that are right: descent from an even start that is led elsewhere is not."""

FEWEST_KINDS: Final = 4
"""Of three numbers most are neighbours, so that their order cannot be seen."""

POINTS_OF_A_KIND: Final = 8
"""Numbers that fewer points share may be quantities."""

UNORDERED: Final = 0.6
"""Of ten classes in any order near ones are 1 apart in these units, of ten steps of a quantity a
quarter: the middle."""

SURELY: Final = 3.0
"""Standard deviations of a ratio of variances that chance does not make."""

TEMPERATURES: Final = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 20.0)
"""What logits are divided by in distillation."""

SURE: Final = 1000.0
"""Times logits that say the targets: certainty."""

AGREES: Final = 1e-3
"""Losses that agree to a thousandth are the same but for the rounding of small shares."""

LEAST_SHARE: Final = 1e-6
"""Smaller shares are taken for this one, whose logarithm is finite."""

SLACK: Final = 1e-6
"""Losses that differ by less than this share are equal but for rounding."""


def wrong_loss(scene: Scene) -> Finding | None:
    """A loss for which outputs that are the same on all points are as good as the right ones.

    Right outputs are written in each of the usual ways; in each the same number for every point
    and class, the largest or the smallest, must be worse.
    """
    task = scene.task
    f = task.outputs
    if f is None or not f.is_floating_point() or task.nature is LossNature.VALUES:
        return None
    pairs = list(_right_and_constant(scene))
    if not pairs or any(constant > right + SLACK * abs(right) for right, constant in pairs):
        return None
    several = f.ndim >= 2 and f.shape[1] > 1
    if several and _rewards_on_simplex(scene):
        usual = task.usual_outputs
        if usual is None or on_simplex(usual, 1):
            return None
        if task.nature is LossNature.LOG_PROBABILITIES:
            return None
        return Finding(
            Kind.WRONG_OUTPUT_ACTIVATION,
            Severity.CRITICAL,
            None,
            {"last_function": scene.model.structure.last, "losses": pairs[0]},
            "Put a softmax behind the last layer: this loss is for outputs that add up to 1. For "
            "the outputs as they are it is no larger if every one is as large as can be, whatever "
            "the targets are.",
            (Remedy.SOFTMAX_OUTPUT,),
        )
    right, constant = pairs[0]
    if scene.model.reshapes:
        with Transposing():
            turned = list(_right_and_constant(scene))
        if any(constant > right + SLACK * abs(right) for right, constant in turned):
            return _axes(scene, turned)
    if _prefers_right(scene):
        return None
    return Finding(
        Kind.WRONG_LOSS,
        Severity.CRITICAL,
        None,
        {"loss_of_right_outputs": right, "loss_of_one_constant": constant},
        "Use another loss: this one is no larger for outputs that are the same on all points "
        f"({constant:.4g}) than for right ones ({right:.4g}), so there is nothing to learn. "
        + (
            "For one output that says yes or no, binary cross entropy; a cross entropy of classes "
            "needs an output for each."
            if not several
            else "Are outputs and targets in the order that it wants?"
        ),
        (Remedy.LOGITS_LOSS,),
    )


def divergence_of_shares(scene: Scene) -> Finding | None:
    """A divergence (`kl_div`) that wants logarithms of shares, and is given the shares.

    For outputs that say the targets it is then the mean of y (log y - y), and the surer the outputs
    are, the smaller.
    """
    task = scene.task
    f, y = task.outputs, task.targets
    if f is None or not _is_distribution(y, f) or task.nature is not LossNature.UNKNOWN:
        return None
    shares = y.double().clamp_min(LEAST_SHARE)
    each = float((y.double() * (shares.log() - y.double())).sum())
    meant = [each / many for many in (1, len(y), y.numel())]  # sum, batchmean, mean
    tried = [task.try_loss(size * shares.log()) for size in TEMPERATURES]
    known = [
        (now, value)
        for now in tried
        for value in meant
        if now is not None and abs(now - value) <= AGREES * abs(value)
    ]
    if not known:
        return None
    sure = task.try_loss(SURE * shares.log())
    if sure is None or not sure < known[0][0]:
        return None
    return Finding(
        Kind.WRONG_LOSS,
        Severity.CRITICAL,
        None,
        {"loss_of_right_outputs": known[0][0], "loss_of_sure_outputs": sure},
        "Give the divergence logarithms of probabilities, log_softmax and not softmax: for outputs "
        f"that say the targets it is {known[0][0]:.4g}, as kl_div is of probabilities, and for "
        f"outputs that are sure of the likeliest class {sure:.4g}. So it does not ask for these "
        "targets.",
        (),
        "loss = F.kl_div(F.log_softmax(outputs, 1), targets, reduction='batchmean')",
    )


def no_outputs_in_the_loss(scene: Scene) -> Finding | None:
    """A loss that is the same number for all outputs tried, without a gradient."""
    task = scene.task
    f = task.outputs
    if f is None or not f.is_floating_point() or scene.landscape.gradient_norm != 0:
        return None
    if scene.in_the_loss.softmax_of_one:
        return None  # which says why
    draw = uniform_like(f)
    good = task.good_outputs
    others = (draw, draw**2, 1 - draw, *(() if good is None else (good, good.flip(0))))
    tried = [task.try_loss(outputs) for outputs in (f, *others)]
    if tried[0] is None or any(value != tried[0] for value in tried):
        return None
    slope = task.slope_at(draw)
    if slope is not None and bool(slope.any()):
        return None
    return share_of_one(scene, tried[0]) or Finding(
        Kind.DETACHED_LOSS,
        Severity.CRITICAL,
        None,
        {"loss": tried[0], "outputs_tried": len(tried)},
        f"Let the loss depend on the outputs: it is {tried[0]:.4g} for those of the model and for "
        "any others tried, and has no gradient. Does it look at something else, or does it leave "
        "all points out (zero_infinity in a CTC loss whose targets are longer than the outputs)?",
        (),
    )


def stretched_in_the_loss(scene: Scene) -> Finding | None:
    """Numbers of each point, (n,) and (n, 1), that the loss combines to (n, n)."""
    line = scene.in_the_loss.all_pairs
    if not line or not scene.falls_short:
        return None
    return Finding(
        Kind.BROADCAST_TARGETS,
        Severity.WARNING,
        None,
        {"line": line},
        f"Give both one shape in {line}: one has the shape (n,) and the other (n, 1), "
        "of n points, so that each point's number is combined with those of all points, (n, n).",
        (),
        "a = a.reshape(b.shape)  # or keepdim=False, squeeze(1)",
    )


def one_output_for_all(scene: Scene) -> Finding | None:
    """One output of each point beside its k targets, which no number suits."""
    task = scene.task
    line, f, y = scene.in_the_loss.one_for_all, task.outputs, task.targets
    constant = scene.landscape.constant_loss
    if not line or f is None or not constant or not isinstance(y, Tensor) or y.ndim != 2:
        return None
    if f.numel() != len(f) or y.shape[1] < 2 or not scene.is_poor or _repeats(y.double()):
        return None
    least = best_outputs(task.loss, f, y)
    if least is None or least < thresholds.POOR * constant:
        return None
    return Finding(
        Kind.BROADCAST_TARGETS,
        Severity.CRITICAL,
        None,
        {"line": line, "targets_of_a_point": y.shape[1], "best_reachable_loss": least},
        f"Give the model {y.shape[1]} outputs, or each point one target: in {line} the one output "
        f"of each point meets all {y.shape[1]} of its targets, and is stretched to fit. No outputs "
        f"at all have a loss below {least:.4g}; a constant has {constant:.4g}.",
        (),
        f"torch.nn.Linear(d, {y.shape[1]})  # or y = y[:, 1:], or y.argmax(1)",
    )


def _repeats(y: Tensor) -> bool:
    """Whether columns of targets, (n, k), measure one thing: their means vary more than by chance.

    By the F test of an analysis of variance, three standard deviations beyond 1.
    """
    within = float(y.var(1).mean()) / y.shape[1]
    return float(y.mean(1).var()) > (1 + SURELY * (2 / len(y)) ** 0.5) * within


def _axes(scene: Scene, turned: list[tuple[float, float]]) -> Finding:
    """Axes that are reshaped in the loss, and that it wants permuted."""
    shown = ", ".join(f"{before} to {after}" for before, after in scene.model.reshapes[:3])
    right, constant = min(turned, key=lambda pair: pair[0] - pair[1])
    return Finding(
        Kind.WRONG_AXIS,
        Severity.CRITICAL,
        None,
        {"loss_of_right_outputs": right, "loss_of_one_constant": constant},
        f"Permute the axes in front of the loss instead of reshaping ({shown}): as it is, right "
        "outputs have no smaller loss than outputs that are the same on all points; with the axes "
        f"permuted it is {right:.4g} instead of {constant:.4g}.",
        (Remedy.PERMUTE_AXES, joined((Remedy.REDRAW_WEIGHTS, Remedy.PERMUTE_AXES))),
        "loss(outputs.transpose(1, 2), targets)  # (n, T, K) and (n, T); not outputs.view(n, K, T)",
    )


def ignored_outputs(scene: Scene) -> Finding | None:
    """Outputs that have targets of their own and that the loss does not look at."""
    task = scene.task
    f, y = task.outputs, task.targets
    if f is None or not isinstance(y, Tensor) or f.ndim < 2 or f.shape[1] < 2:
        return None
    if y.shape != f.shape or not f.is_floating_point() or not bool(f.isfinite().all()):
        return None
    draw = uniform_like(f)
    unseen = torch.ones(f.shape[1], dtype=torch.bool, device=f.device)
    for outputs in (f + 0.1 * (draw + 0.1), draw - 0.5, f.std().clamp_min(1.0) * (2 * draw - 1)):
        slope = task.slope_at(outputs)  # a margin that is reached has none
        if slope is None:
            return None
        unseen &= ~(slope != 0).transpose(0, 1).flatten(1).any(1)
    varied = (y != y[:1]).flatten(2).any(2).any(0) if f.ndim > 2 else (y != y[:1]).any(0)
    places = [k for k, wanted in enumerate(unseen & varied) if bool(wanted)]
    if not places or bool(unseen.all()):
        return None
    return Finding(
        Kind.WRONG_LOSS,
        Severity.CRITICAL,
        None,
        {"outputs": places, "of": f.shape[1]},
        f"Give the loss all outputs: {len(places)} of {f.shape[1]} "
        f"({', '.join(map(str, places[:5]))}) change it on no point, though their targets differ "
        "from point to point.",
        (),
    )


def numbers_of_classes(scene: Scene) -> Finding | None:
    """One output for numbers that stand for classes, whose order says nothing.

    Neighbours tell them far better than rounded outputs do, and where points of two classes are
    near one another, their numbers are not.
    """
    task = scene.task
    f, y, x = task.outputs, task.targets, scene.data.features
    if f is None or x is None or task.nature is not LossNature.VALUES or f.numel() != len(f):
        return None
    y = y.reshape(-1).double()
    kinds = set(y.tolist())
    if not scene.training.begun or len(y) != len(f) or bool((y != y.round()).any()):
        return None
    if not FEWEST_KINDS <= len(kinds) <= len(y) // POINTS_OF_A_KIND:
        return None
    told, far = told_by_neighbours(x, y)
    right = float((f.double().reshape(-1).round() == y).double().mean())
    if told < right + thresholds.HELPED or told < thresholds.ALL_THE_DIFFERENCE or far < UNORDERED:
        return None
    return Finding(
        Kind.WRONG_LOSS,
        Severity.WARNING,
        None,
        {
            "kinds": len(kinds),
            "right_by_rounding": right,
            "right_by_neighbours": told,
            "distance_of_near_others": far,
        },
        f"Use an output and a cross entropy for each class, if the {len(kinds)} whole numbers that "
        f"are asked for name classes: rounded outputs are right on {right:.0%} of the points, "
        f"nearest neighbours on {told:.0%}, and near points of different numbers have numbers "
        "as far apart as any, so their order says nothing.",
        (),
        "model[-1] = torch.nn.Linear(d, K)\nloss = torch.nn.CrossEntropyLoss()  # labels from 0 on",
    )


def _right_and_constant(scene: Scene) -> list[tuple[float, float]]:
    """Losses of right outputs, in each of the usual ways, and of the best constant of that way."""
    task = scene.task
    f, y, signs = task.outputs, task.targets, task.signs
    assert f is not None
    found: list[tuple[float, float]] = []
    if signs is not None:
        if bool((signs == signs[:1]).all()):
            return []  # one class: a constant is right
        for low, high in LEVELS:
            said = [torch.where(way > 0, high, low) for way in _meanings(signs)]
            right, *others = (task.try_loss(outputs) for outputs in said)
            same = [task.try_loss(torch.full_like(signs, level)) for level in (low, high)]
            alike = min((v for v in same if v is not None and v == v), default=None)
            if right is None or right != right or alike is None:
                continue
            least = alike - thresholds.HELPED * abs(alike)
            right = min([right, *(v for v in others if v is not None and v < least)])
            found.append((right, alike))
        return found
    if _is_distribution(y, f):
        shares = y.reshape(f.shape)
        ways = [task.try_loss(shares), task.try_loss(-shares)]  # or they may be costs
        known, same = (
            [way for way in ways if way is not None],
            task.try_loss(torch.ones_like(f)),
        )
        if known and same is not None:
            found.append((min(known), same))
    return found


def _meanings(signs: Tensor) -> list[Tensor]:
    """What right outputs may be: what targets say, the opposite, or what the places beside say.

    A distance, or a cost, is small for what is so, and a loss may move the words of a sequence.
    """
    beside = [signs.roll(by, 2) for by in (-1, 1)] if signs.ndim == 3 else []
    return [signs, -signs, *beside]


def _prefers_right(scene: Scene) -> bool:
    """Whether descent from outputs of 0 leads to right ones, on nearly all points and places.

    The least loss may still be that of outputs that are not sure (with a term of entropy).
    """
    task = scene.task
    f, signs = task.outputs, task.signs
    if f is None or signs is None:
        return False
    slope = task.slope_at(torch.zeros_like(f))
    if slope is None or not bool(slope.isfinite().all()):
        return False
    if task.form in (TargetForm.CLASSES, TargetForm.ONE_HOT):
        right = slope.argmin(1) == signs.argmax(1)
    else:
        right = slope.sign() == -signs
    return float(right.double().mean()) >= NEARLY_ALL


def _is_distribution(targets: object, outputs: Tensor) -> bool:
    """Whether targets are rows of probabilities, not all the same."""
    if not isinstance(targets, Tensor) or targets.shape != outputs.shape or targets.ndim != 2:
        return False
    return on_simplex(targets, 1) and not bool((targets == targets[:1]).all())


def _rewards_on_simplex(scene: Scene) -> bool:
    """Whether, of outputs that add up to 1, the right ones are better than even ones."""
    task = scene.task
    f, signs = task.outputs, task.signs
    assert f is not None
    exclusive = task.form in (TargetForm.CLASSES, TargetForm.ONE_HOT)
    if signs is not None and not exclusive:
        return False
    near = (signs + 1) / 2 if signs is not None else task.targets.reshape(f.shape)
    near = 0.98 * near + 0.02 / f.shape[1]
    right = task.try_loss(near)
    even = task.try_loss(torch.full_like(near, 1 / f.shape[1]))
    return right is not None and even is not None and right < even - SLACK * abs(even)
