# pyright: basic
"""What the gradient that training has left is made of: a usual one is a mean over some points.

The gradients of all points by themselves, at the weights before the last step, span a cone, and the
gradient of any batch lies in it, with weights that add up to 1. By non-negative least squares
(Lawson & Hanson 1974) one sees if the gradient that was left does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import torch
from scipy.optimize import nnls
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.dropout import _DropoutNd

from spurious.diagnose.measure.batches import Batch, Sample, picked
from spurious.diagnose.measure.left import Left
from spurious.diagnose.measure.objective import output_tensor
from spurious.diagnose.measure.preserve import examined, set_training

MOST_POINTS: Final = 1024
"""Points whose gradients are taken; where there are more, a gradient may be one of the others."""

WORK: Final = 40_000
"""Nodes of graphs that are gone through for it, one second or so."""

ROWS: Final = 1024
"""Numbers to which longer gradients are added up, with signs drawn by chance."""

MEAN: Final = 1e-3
"""A loss that is the mean, or the sum, of its points' losses to this share."""

NUDGE: Final = 1e-7
"""Weights of single precision are known to this share."""

LIGHT: Final = 1e-3
"""What a unit of weight costs beside the gradient's length: of combinations that are as near, the
one that adds up to least is taken."""

ROUNDED: Final = 0.005
"""A combination that misses so little is the gradient, but for rounding: single precision leaves a
thousandth at most of what is found in usual loops."""

NOT_THEIRS: Final = 0.05
"""Ten times as much is missed of no gradient that the points gave."""

TINY: Final = 1e-30
"""Instead of a length of 0."""

ITERATIONS: Final = 10
"""Iterations for each column, at most."""


@dataclass(frozen=True)
class Origin:
    """The gradient that was left, beside what the points give.

    Attributes:
        missed: Share of its length that the nearest combination misses, of points with weights of
            0 or more, and of penalties on weights; 1 if the gradient is not `exact`.
        turned: The same of the opposite of the gradient, if it is not theirs as it is; else 1.
            Where there are more points than numbers in a gradient, a combination holds it by
            chance; then beside the mean of all points.
        share: Length in units of that of the mean over all points, at the weights that explain
            more; a batch's is longer, but for chance.
        exact: Whether the weights of that moment and all points are known, and nothing is drawn by
            chance: then a gradient that the points do not explain is not of this loss on them.
        reach: Length in units of the longest gradient of a point; of a loss that adds up, of that
            times the number of points.
        along: The same by the longest that a point's gradient reaches in this direction; 0 if
            none does.
    """

    missed: float
    turned: float
    share: float
    exact: bool
    reach: float
    along: float


def origin_of(
    model: nn.Module, left: Left, sample: Sample, loss: Callable[..., Tensor], nodes: int
) -> Origin | None:
    """Compares the gradient that was left with those of the points; None where that says nothing.

    So it is with batch normalisation, where points have no gradients of their own; where the loss
    of some points is no mean or sum of theirs; and of gradients that are rounding.

    Args:
        model: Put back as it was.
        left: What training has left.
        sample: The points.
        loss: As for `diagnose`.
        nodes: In the loss's graph, which say what a pass costs.
    """
    if (
        not left.gradients
        or left.of_signs
        or any(isinstance(m, _NormBase) for m in model.modules())
    ):
        return None
    most = min(max(WORK // max(nodes, 1), 2), MOST_POINTS)
    batch = _all_points(sample)
    known = batch is not None and batch.size <= most
    batch = batch if batch is not None and known else sample.batches[0]
    batch = picked(batch, list(range(min(batch.size, most))), None)
    try:
        known = known and left.exact and not _draws(model, batch)
        with left.undone(model):
            before = _beside(model, left, batch, loss, known)
        if before is None or before.missed <= ROUNDED or not left.steps:
            return before
        now = _beside(model, left, batch, loss, known)
    except Exception:  # a model or a loss that does not take single points, or no end of nnls
        return None
    if now is None:
        return None
    return replace(
        min(now, before, key=lambda one: one.missed),
        turned=min(now.turned, before.turned),
        reach=min(now.reach, before.reach),
        along=min(now.along, before.along),
    )


def _all_points(sample: Sample) -> Batch | None:
    """All points there are, in one batch; None if not all are known, or they are of many forms."""
    if sample.whole is not None:
        x, y = sample.whole
        return Batch((x,), {}, y, len(x))
    if not sample.complete:
        return None
    if len(sample.batches) == 1:
        return sample.batches[0]
    x, y = sample.inputs, sample.targets
    return Batch((x,), {}, y, len(x)) if x is not None and isinstance(y, Tensor) else None


def _draws(model: nn.Module, batch: Batch) -> bool:
    """Whether values are drawn by chance in training."""
    if any(isinstance(m, _DropoutNd) and m.p > 0 for m in model.modules()):
        return True
    with examined(model), torch.no_grad():
        set_training(model)
        few = picked(batch, [0, batch.size - 1], None)
        one, two = (output_tensor(model(*few.args, **few.kwargs)) for _ in range(2))
    return one is None or two is None or not torch.equal(one, two)


class Columns:
    """Gradients as columns of numbers, longer ones added up to `ROWS` with random signs."""

    def __init__(self, parameters: list[Tensor]) -> None:
        self.parameters, self.size = parameters, sum(p.numel() for p in parameters)
        draw = torch.Generator().manual_seed(0)
        self.rows = min(self.size, ROWS)
        self.place = torch.randint(0, self.rows, (self.size,), generator=draw)
        self.sign = torch.randint(0, 2, (self.size,), generator=draw).double() * 2 - 1

    def of(self, gradients: Any) -> Tensor:
        """One column, (rows,); what has no gradient has 0."""
        parts = [
            (torch.zeros_like(p) if g is None else g).detach().cpu().reshape(-1)
            for g, p in zip(gradients, self.parameters, strict=True)
        ]
        flat = torch.cat(parts).double()
        if self.rows == self.size:
            return flat
        short = torch.zeros(self.rows, dtype=torch.float64)
        return short.index_add(0, self.place, flat * self.sign)

    def penalties(self) -> Iterator[Tensor]:
        """Gradients of squares and of absolute values of each tensor's weights."""
        for k, p in enumerate(self.parameters):
            for slope in (p, p.sign()):
                yield self.of([slope if j == k else None for j in range(len(self.parameters))])


def _beside(
    model: nn.Module, left: Left, batch: Batch, loss: Callable[..., Tensor], known: bool
) -> Origin | None:
    """The gradient beside those of the points at the present weights."""
    named = dict(model.named_parameters())
    columns = Columns([named[name] for name in left.gradients])
    wanted = columns.of(left.gradients.values())
    losses: list[float] = []
    found: list[Tensor] = []
    with examined(model), torch.enable_grad():
        whole = float(loss(model(*batch.args, **batch.kwargs), batch.targets).detach())
        for k in range(batch.size):
            value, column = _single(model, picked(batch, [k], None), loss, columns)
            losses.append(value)
            found.append(column)
    summed = _is(whole, sum(losses))
    if not summed and not _is(whole, sum(losses) / len(losses)):
        return None
    points = torch.stack(found, 1) * (batch.size if summed else 1)
    size = float(wanted.norm())
    apart = float((_nudged(model, batch, loss, columns) - points.mean(1)).norm())
    if not apart <= ROUNDED * size < float("inf"):
        return None
    wanted, points = wanted / size, points / size
    missed = turned = 1.0
    if known:
        cone = torch.cat([points, *(column[:, None] for column in columns.penalties())], 1)
        missed = _nearest(cone, wanted, batch.size)
        if missed > NOT_THEIRS and cone.shape[1] <= columns.rows:
            turned = _nearest(cone, -wanted, batch.size)
        elif missed > NOT_THEIRS:
            turned = _across(-wanted, points.mean(1))
    longest = float((wanted @ points).max())
    return Origin(
        missed=missed,
        turned=turned,
        share=1 / max(float(points.mean(1).norm()), TINY),
        exact=known,
        reach=1 / float(points.norm(dim=0).max()),
        along=1 / longest if longest > 0 else 0.0,
    )


def _single(
    model: nn.Module, point: Batch, loss: Callable[..., Tensor], columns: Columns
) -> tuple[float, Tensor]:
    """The loss of a point, and its gradient as a column."""
    value = loss(model(*point.args, **point.kwargs), point.targets)
    slopes = torch.autograd.grad(value, columns.parameters, allow_unused=True)
    return float(value.detach()), columns.of(slopes)


def _nudged(
    model: nn.Module, batch: Batch, loss: Callable[..., Tensor], columns: Columns
) -> Tensor:
    """The gradient of the batch at weights that are the same but for rounding."""
    kept = [p.detach().clone() for p in columns.parameters]
    draw = torch.Generator().manual_seed(0)
    try:
        with torch.no_grad():
            for p in columns.parameters:
                noise = torch.randn(p.shape, generator=draw).to(p)
                p.mul_(1 + NUDGE * noise)
        with examined(model), torch.enable_grad():
            return _single(model, batch, loss, columns)[1]
    finally:
        with torch.no_grad():
            for p, old in zip(columns.parameters, kept, strict=True):
                p.copy_(old)


def _is(one: float, other: float) -> bool:
    return abs(one - other) <= MEAN * abs(one)


def _across(wanted: Tensor, line: Tensor) -> float:
    """Share of a vector of length 1 that a ray misses."""
    size = float(line.norm())
    along = max(float(wanted @ line) / size, 0.0) if size > 0 else 0.0
    return max(1 - along**2, 0.0) ** 0.5


def _nearest(columns: Tensor, wanted: Tensor, points: int) -> float:
    """What the nearest combination misses of a vector of length 1."""
    cost = torch.zeros(1, columns.shape[1], dtype=torch.float64)
    cost[:, :points] = LIGHT
    rows = torch.cat([columns, cost]).numpy()
    found, _ = nnls(
        rows, torch.cat([wanted, torch.zeros(1)]).numpy(), maxiter=ITERATIONS * rows.shape[1]
    )
    return float(np.linalg.norm(columns.numpy() @ found - wanted.numpy()))
