# pyright: basic
"""Whether the functions behind the last layer can give what the targets want."""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor

from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.kinds import Kind
from spurious.diagnose.measure.scene import Scene
from spurious.diagnose.measure.structure import on_simplex
from spurious.diagnose.measure.task import LossNature, TargetForm
from spurious.diagnose.remedy import Remedy, joined

FAULT: Final = 0.05
"""A twentieth of the best constant's loss is out of reach: more than rounding and outliers."""

FEW: Final = 0.05
"""A share of rows that may be exceptions."""

OPEN: Final = 1e-6
"""Ends of a range that are not reached are kept so far away, where a loss takes logarithms."""

FEWEST: Final = 8
"""Fewer points may have outputs of one length by chance."""

VARIED: Final = 0.05
"""Outputs that are nearer to one another, in units of their length, may all be about the same."""

FLAT: Final = frozenset({"clamp", "relu", "relu6", "hardtanh"})
"""Functions that are flat somewhere, where no gradient passes."""

INF: Final = math.inf

RANGES: Final[dict[str, tuple[float, float]]] = {
    "relu": (0.0, INF),
    "relu6": (0.0, 6.0),
    "softplus": (0.0, INF),
    "abs": (0.0, INF),
    "square": (0.0, INF),
    "exp": (0.0, INF),
    "sigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "hardtanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
    "sin": (-1.0, 1.0),
    "log_softmax": (-INF, 0.0),
    "logsigmoid": (-INF, 0.0),
    "elu": (-1.7581, INF),
    "gelu": (-0.17, INF),
    "silu": (-0.2785, INF),
}
"""What each function can give (of elu and selu the wider)."""

RISING: Final = {
    "relu": lambda z: max(z, 0.0),
    "sigmoid": lambda z: 0.0 if z < -700 else 1 / (1 + math.exp(-z)),
    "tanh": math.tanh,
    "softplus": lambda z: z if z > 30 else math.log1p(math.exp(z)),
    "exp": lambda z: math.exp(z) if z < 700 else INF,
}
"""Functions that rise, whose ends on a range are those of their values."""


def range_of(functions: tuple[str, ...]) -> tuple[float, float]:
    """What functions applied one after the other can give."""
    low, high = -INF, INF
    for name in functions:
        widest = RANGES.get(name, (-INF, INF))
        rises = RISING.get(name)
        if rises is not None:
            low, high = max(rises(low), widest[0]), min(rises(high), widest[1])
        else:
            low, high = widest
    return low, high


def output_range(scene: Scene) -> Finding | None:
    """Targets that the functions behind the last layer cannot reach."""
    task, structure = scene.task, scene.model.structure
    f = task.outputs
    if f is None or task.nature in (LossNature.UNKNOWN, LossNature.LOG_PROBABILITIES):
        return None
    values = task.nature is LossNature.VALUES
    if values and f.ndim >= 2 and f.shape[1] > 1 and on_simplex(f, 1):
        return _not_shares(scene, f)
    if structure.last in ("softmax", "log_softmax"):
        return None
    twice = task.nature is LossNature.LOGITS or len(structure.ends) == 1
    if not values and structure.last == "sigmoid" and twice:
        return None  # as it should be for probabilities; for logits another check says it
    low, high = range_of(structure.ends)
    seen = scene.model.bounds if values and (low, high) == (-INF, INF) else None
    low, high = seen or (low, high)
    good, constant = task.good_outputs, scene.landscape.constant_loss
    assert good is not None
    y = good.double()
    inside = y.clamp(low, high) if values else y.clamp(low + OPEN, high - OPEN)
    best, exact = task.try_loss(inside), task.try_loss(y)
    outside = float(((y < low) | (y > high)).double().mean())
    if outside == 0 or best is None or exact is None:
        return None
    if best - exact < FAULT * (constant if constant else abs(best)):
        return None
    return _beyond(scene, y, (low, high), best) if seen is None else _outside(y, seen, best)


def flat_outputs(scene: Scene) -> Finding | None:
    """A last function that is flat on all points, where other outputs would be better."""
    task, structure = scene.task, scene.model.structure
    f, last = task.outputs, structure.last
    if f is None or last not in FLAT or scene.landscape.gradient_norm != 0:
        return None
    slope = task.slope_at(f)
    if slope is None or not bool(slope.any()):
        return None
    low, high = range_of(structure.ends)
    good = task.good_outputs
    reached = good is not None and bool(((good >= low) & (good <= high)).all())
    return Finding(
        Kind.WRONG_OUTPUT_ACTIVATION if reached else Kind.OUTPUT_RANGE,
        Severity.CRITICAL,
        None,
        {
            "last_functions": list(structure.ends),
            "least_output": float(f.min()),
            "largest_output": float(f.max()),
        },
        f"Leave out the last {last}: every output is at its flat end ({float(f.min()):.4g} to "
        f"{float(f.max()):.4g}), so no gradient passes, though other outputs would be better.",
        (Remedy.DROP_LAST_ACTIVATION,),
    )


def equal_norms(scene: Scene) -> Finding | None:
    """Outputs of one length on all points, which the targets do not have."""
    task = scene.task
    f = task.outputs
    if f is None or f.ndim != 2 or len(f) < FEWEST or on_simplex(f, 1):
        return None
    sizes, good = f.double().norm(dim=1), task.good_outputs
    length, constant = float(sizes.mean()), scene.landscape.constant_loss
    if good is None or not constant or not 0 < length < INF:
        return None
    if float(sizes.std()) > OPEN * length:
        return None
    apart = float((f.double() - f.double().mean(0)).norm(dim=1).mean())
    if apart < VARIED * length or task.nature is LossNature.LOG_PROBABILITIES:
        return None
    y = good.double()
    lengths = y.norm(dim=1, keepdim=True)
    inside = length * torch.where(lengths > 0, y / lengths.clamp_min(1e-30), f.double() / length)
    best, exact = task.try_loss(inside), task.try_loss(y)
    if best is None or exact is None or best - exact < FAULT * constant:
        return None
    return Finding(
        Kind.OUTPUT_RANGE,
        Severity.CRITICAL if best > 0.5 * constant else Severity.WARNING,
        None,
        {"length": length, "best_reachable_loss": best, "constant_loss": constant},
        f"Leave out the normalisation of the outputs, or scale them behind it: on every point they "
        f"have the length {length:.4g}, so no weights reach a loss below {best:.4g} (a constant "
        f"has {constant:.4g}).",
        (),
    )


def shut_outputs(scene: Scene) -> Finding | None:
    """Classes whose output a relu in front of the softmax holds at 0 on all points."""
    task = scene.task
    f, ends = task.outputs, scene.model.structure.ends
    inner = ends[:-1] if ends[-1:] in (("softmax",), ("log_softmax",)) else ends
    if f is None or inner[-1:] != ("relu",) or task.form is not TargetForm.CLASSES or f.ndim != 2:
        return None
    if inner is ends and task.nature is not LossNature.LOGITS:
        return None
    least = f.min(1, keepdim=True).values
    shut = (f <= least + OPEN * least.abs()).all(0)
    present = torch.bincount(task.targets.long().clamp_min(0), minlength=f.shape[1]) > 0
    names = torch.nonzero(shut & present[: f.shape[1]]).flatten().tolist()
    if not names or bool(shut.all()):
        return None  # what is shut for every class is said of the units
    return Finding(
        Kind.WRONG_OUTPUT_ACTIVATION,
        Severity.WARNING,
        None,
        {"classes": names, "last_functions": list(ends)},
        "Leave out the relu in front of the softmax: the outputs of "
        f"{len(names)} of {f.shape[1]} classes ({', '.join(map(str, names[:5]))}) are off on every "
        "point, so nothing makes them larger.",
        (Remedy.DROP_LAST_ACTIVATION,),
    )


def _beyond(scene: Scene, y: Tensor, ends: tuple[float, float], best: float) -> Finding:
    structure = scene.model.structure
    low, high = ends
    constant, values = scene.landscape.constant_loss, scene.task.nature is LossNature.VALUES
    span = f"{low:g} to {high:g}" if high < INF else f"{low:g} upwards"
    span = span if low > -INF else f"up to {high:g}"
    what = structure.last
    if len(structure.ends) > 1:
        what = f"{what} (behind a {structure.ends[-2]})"
    wanted = (
        f"targets lie between {float(y.min()):.4g} and {float(y.max()):.4g}"
        if values
        else "the loss takes outputs for "
        f"{scene.task.nature.value}, which must be able to say no as well as yes"
    )
    mend = ", or scale the targets" if values else ""
    first, second = Remedy.DROP_LAST_ACTIVATION, Remedy.STANDARDISE_TARGETS
    return Finding(
        Kind.OUTPUT_RANGE,
        Severity.CRITICAL if constant and best > 0.5 * constant else Severity.WARNING,
        None,
        {
            "last_functions": list(structure.ends),
            "share_of_targets_outside": float(((y < low) | (y > high)).double().mean()),
            "least_target": float(y.min()),
            "largest_target": float(y.max()),
            "best_reachable_loss": best,
            "constant_loss": constant,
        },
        f"Leave out the last {what}{mend}: it gives numbers from {span}, but {wanted}. "
        f"No weights reach a loss below {best:.4g}.",
        (first, second) if values else (first, Remedy.LOGITS_LOSS),
    )


def _outside(y: Tensor, bounds: tuple[float, float], best: float) -> Finding:
    """Targets outside of what outputs of copies with large random weights stay between."""
    low, high = bounds
    return Finding(
        Kind.OUTPUT_RANGE,
        Severity.WARNING,
        None,
        {
            "least_output_of_copies": low,
            "largest_output_of_copies": high,
            "share_of_targets_outside": float(((y < low) | (y > high)).double().mean()),
            "best_loss_within": best,
        },
        "Put a linear layer behind what gives the outputs, or scale the targets: the outputs of "
        f"copies with random weights, up to 100,000 times as large, lie between {low:.4g} and "
        f"{high:.4g}, but targets between {float(y.min()):.4g} and {float(y.max()):.4g}. Within "
        f"these bounds no loss is below {best:.4g}.",
        (Remedy.STANDARDISE_TARGETS, joined((Remedy.REDRAW_WEIGHTS, Remedy.STANDARDISE_TARGETS))),
    )


def _not_shares(scene: Scene, f: Tensor) -> Finding | None:
    """Outputs that add up to 1, where the targets do not."""
    y = scene.task.targets.reshape(f.shape).double()
    off = float(((y.sum(1) - 1).abs() > 1e-3).double().mean())
    if off <= FEW:
        return None
    return Finding(
        Kind.OUTPUT_RANGE,
        Severity.WARNING,
        None,
        {"rows_whose_targets_do_not_sum_to_1": off},
        "Replace the softmax by a sigmoid for each output: the outputs of a point add up to 1, "
        f"but the targets of {off:.0%} of the points do not.",
        (Remedy.SIGMOID_OUTPUT, Remedy.DROP_LAST_ACTIVATION),
    )
