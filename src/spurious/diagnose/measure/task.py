# pyright: basic
"""What is asked of a model: its outputs, the targets, and what the loss between them means."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from math import isfinite
from typing import Any, Final

import torch
from torch import Tensor

from spurious.diagnose import thresholds
from spurious.diagnose.measure.baselines import draws, normal_like, uniform_like
from spurious.diagnose.measure.edges import Edge, KeptFromZero
from spurious.diagnose.measure.structure import on_simplex
from spurious.diagnose.measure.wanted import slope_at, wanted_size

CERTAIN: Final = 20.0
"""A logit that means certainty: sigmoid(-20) is 2e-9."""

INSIDE: Final = 1e-6
"""Probabilities are kept so far from 0 and 1 where a loss takes their logarithm."""

OVERLAP: Final = 0.9
"""A loss of an overlap, 1 minus it, of probabilities that are all wrong, but for what keeps it
finite."""

SHIFT: Final = 1e-4
"""Losses that agree to within this count as equal; single precision gives seven digits."""

MOST_CLASSES: Final = 4096
"""Class indices are not turned into rows of more entries."""


class TargetForm(enum.Enum):
    """What targets look like beside the outputs."""

    CLASSES = "class indices"
    ONE_HOT = "rows with a single 1"
    TWO_VALUED = "two numbers"
    SETS = "rows of 0 and 1"
    REAL = "real numbers"
    OTHER = "something else"


class LossNature(enum.Enum):
    """What a loss takes outputs for, found by trying values on it."""

    VALUES = "values to be equal to the targets"
    LOGITS = "logits"
    PROBABILITIES = "probabilities"
    LOG_PROBABILITIES = "logarithms of probabilities"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Task:
    """Outputs and targets, with a loss that can be tried on other outputs.

    Attributes:
        outputs: Of the model on all points, (n, ...), or None if they are no tensor.
        targets: (n, ...), or None.
        loss: Of outputs and targets, a scalar tensor; may raise.
        usual_outputs: As `outputs`, but of a copy that starts afresh where these are not finite.
        loss_has_weights: Whether the loss holds parameters of its own: of an opponent, say.
    """

    outputs: Tensor | None
    targets: Any
    loss: Callable[[Any, Any], Tensor] = field(repr=False)
    usual_outputs: Tensor | None = None
    loss_has_weights: bool = False

    def try_loss(self, outputs: Tensor, targets: Any = None) -> float | None:
        """The loss of other outputs; None if the loss does not take them, or draws its value."""
        return None if self.loss_draws else self.loss_at(outputs, targets)

    @cached_property
    def loss_draws(self) -> bool:
        """Whether the loss of the same outputs is another one each time."""
        return self.outputs is not None and draws(self.loss, self.outputs, self.targets)

    def loss_at(self, outputs: Tensor, targets: Any = None) -> float | None:
        """The same of a loss that may draw its value."""
        targets = self.targets if targets is None else targets
        like = self.outputs.dtype if self.outputs is not None else outputs.dtype
        try:
            with torch.no_grad():
                return float(self.loss(outputs.to(like), targets).detach())
        except Exception:
            return None

    def slope_at(self, outputs: Tensor) -> Tensor | None:
        """The loss's gradient by other outputs; None if the loss does not take them alone."""
        return slope_at(self.loss, outputs, self.targets)

    def _has_slope(self, outputs: Tensor) -> bool:
        slope = self.slope_at(outputs)
        return slope is not None and bool((slope != 0).any())

    @cached_property
    def targets_matter(self) -> bool:
        """Whether the loss changes if the points exchange their targets."""
        f, y = self.outputs, self.targets
        if f is None or not isinstance(y, Tensor) or not y.ndim or len(y) < 2:
            return True
        draw = torch.randn(f.shape, generator=torch.Generator().manual_seed(0)).to(f.device)
        for outputs in (f, draw) if f.is_floating_point() else (f,):
            losses = [self.try_loss(outputs, moved) for moved in (y, y.roll(1, 0), y.flip(0))]
            known = [value for value in losses if value is not None]
            if len(known) < len(losses) or max(known) != min(known):
                return True
        return self.targets_are_equal

    @cached_property
    def targets_are_equal(self) -> bool:
        """Whether all points have the same target."""
        y = self.targets
        return isinstance(y, Tensor) and y.ndim > 0 and bool((y == y[:1]).all())

    @cached_property
    def form(self) -> TargetForm:
        """What the targets are."""
        f, y = self.outputs, self.targets
        if f is None or not isinstance(y, Tensor) or y.numel() == 0:
            return TargetForm.OTHER
        if not y.is_floating_point() and f.ndim >= 2 and y.shape == (len(f), *f.shape[2:]):
            return TargetForm.CLASSES if f.shape[1] > 1 else TargetForm.OTHER
        if y.numel() != f.numel() or not bool(torch.isfinite(y.double()).all()):
            return TargetForm.OTHER
        values = torch.unique(y)
        rows = y.ndim >= 2 and y.shape[1] > 1
        if rows and len(values) <= 2 and bool(((values == 0) | (values == 1)).all()):
            single = bool((y.sum(1) == 1).all())
            return TargetForm.ONE_HOT if single else TargetForm.SETS
        return TargetForm.TWO_VALUED if len(values) == 2 else TargetForm.REAL

    @cached_property
    def signs(self) -> Tensor | None:
        """The targets as -1 and 1 in the outputs' shape; None if they are no classes."""
        f, y = self.outputs, self.targets
        if f is None:
            return None
        if self.form is TargetForm.CLASSES:
            good = (y >= 0) & (y < f.shape[1])
            if f.shape[1] > MOST_CLASSES or not bool(good.all()):
                return None
            hot = torch.nn.functional.one_hot(y.long(), f.shape[1]).movedim(-1, 1)
            return 2.0 * hot - 1.0
        if self.form in (TargetForm.ONE_HOT, TargetForm.SETS, TargetForm.TWO_VALUED):
            return torch.where(y.reshape(f.shape) > y.double().mean(), 1.0, -1.0)
        return None

    @cached_property
    def judged(self) -> tuple[Tensor, Tensor] | None:
        """Scores of the classes, (m, K), and labels, (m,), of all points and places.

        One output counts as the scores of no and of yes, and so does each of several labels. None
        if the targets are no classes.
        """
        f, y, signs = self.outputs, self.targets, self.signs
        if f is None or signs is None or not bool(f.isfinite().all()):
            return None
        if self.form in (TargetForm.CLASSES, TargetForm.ONE_HOT):
            labels = y if self.form is TargetForm.CLASSES else y.argmax(1)
            return f.movedim(1, -1).reshape(-1, f.shape[1]), labels.reshape(-1).long()
        if self.form not in (TargetForm.TWO_VALUED, TargetForm.SETS):
            return None
        middle = 0.5 if self.nature is LossNature.PROBABILITIES else 0.0
        if self.nature is LossNature.VALUES:
            middle = (float(y.min()) + float(y.max())) / 2
        above = f.reshape(-1, 1) - middle
        return torch.cat([-above, above], 1), (signs.reshape(-1) > 0).long()

    @cached_property
    def point_losses(self) -> Tensor | None:
        """The loss of each point by itself, (n,); None if the loss does not take single points."""
        f, y = self.outputs, self.targets
        if f is None or not isinstance(y, Tensor) or not y.ndim or len(y) != len(f):
            return None
        found = [self.try_loss(f[k : k + 1], y[k : k + 1]) for k in range(len(f))]
        known = [value for value in found if value is not None and value == value]
        return torch.tensor(known, dtype=torch.float64) if len(known) == len(f) else None

    @cached_property
    def compares_points(self) -> bool:
        """Whether points by themselves have next to no loss: pairs or triplets of them have it."""
        single, f = self.point_losses, self.outputs
        whole = None if f is None else self.try_loss(f)
        if f is not None and whole is not None and isfinite(whole) and single is None:
            alone = self.try_loss(f[:1], self.targets[:1])
            return alone is not None and not isfinite(alone)
        if single is None or whole is None:
            return False
        return float(single.abs().sum()) < thresholds.GOOD * abs(whole)

    @cached_property
    def nature(self) -> LossNature:
        """What the loss takes outputs for."""
        f = self.outputs
        if f is None or not f.is_floating_point() or self.targets is None:
            return LossNature.UNKNOWN
        if not any(self._has_slope(outputs) for outputs in (f, uniform_like(f), normal_like(f))):
            return LossNature.UNKNOWN  # a number that only measures: it takes outputs for nothing
        if self.form is not TargetForm.CLASSES and self._compares_values():
            return LossNature.VALUES
        signs = self.signs
        if signs is None:
            shares = isinstance(self.targets, Tensor) and self.targets.shape == f.shape
            if shares and on_simplex(self.targets) and self._falls_with_outputs(f):
                return LossNature.LOG_PROBABILITIES
            return LossNature.UNKNOWN
        if self.form is TargetForm.CLASSES and self._falls_with_outputs(signs):
            return LossNature.LOG_PROBABILITIES
        sure, wrong = self.try_loss(CERTAIN * signs), self.try_loss(-CERTAIN * signs)
        share = (signs + 1) / 2
        inside = self.try_loss(share.clamp(INSIDE, 1 - INSIDE))
        outside = self.try_loss((1 - share).clamp(INSIDE, 1 - INSIDE))
        bad = outside if inside is not None and abs(inside) < 0.01 else None
        if bad is not None and bad > 1:
            return LossNature.PROBABILITIES
        if sure is not None and wrong is not None and abs(sure) < 0.01 and wrong > 1:
            return LossNature.LOGITS
        if bad is not None and bad > OVERLAP:  # what two sets have in common is 1 at most
            return LossNature.PROBABILITIES
        return LossNature.UNKNOWN

    @cached_property
    def edge_when_sure(self) -> Edge | None:
        """Where the loss is NaN or infinite for probabilities of exactly 0 and 1, all right.

        None if it is not, or is so too once arguments are kept from 0.
        """
        if self.signs is None or self.nature is not LossNature.PROBABILITIES:
            return None
        sure, edges = (self.signs + 1) / 2, list[Edge]()
        value = self.try_loss(sure)
        with KeptFromZero(edges):
            kept = self.try_loss(sure)
        if value is None or isfinite(value) or kept is None or not isfinite(kept):
            return None
        return edges[0] if edges else None

    @cached_property
    def wanted(self) -> float | None:
        """The usual size of the outputs that the loss wants; None if it has no such size."""
        f = self.outputs
        if f is None or not f.is_floating_point() or self.loss_draws:
            return None
        return wanted_size(self.loss, f, self.targets)

    @property
    def good_outputs(self) -> Tensor | None:
        """Outputs that say what the targets say, as the loss takes them."""
        if self.outputs is None or self.nature is LossNature.UNKNOWN:
            return None
        if self.nature is LossNature.VALUES:
            return self.targets.reshape(self.outputs.shape).to(self.outputs.dtype)
        if self.signs is None:
            return self.targets.clamp_min(INSIDE).log()
        if self.nature is LossNature.LOGITS:
            return CERTAIN * self.signs
        share = ((self.signs + 1) / 2).clamp(INSIDE, 1 - INSIDE)
        return share.log() if self.nature is LossNature.LOG_PROBABILITIES else share

    def _compares_values(self) -> bool:
        """Whether outputs that equal the targets are better than any shifted a little."""
        f, y = self.outputs, self.targets
        assert f is not None
        if not isinstance(y, Tensor) or y.numel() != f.numel() or not y.is_floating_point():
            return False
        y = y.reshape(f.shape).double()
        size = float(y.std()) if y.numel() > 1 else 0.0
        size = size or float(y.abs().max()) or 1.0
        best = self.try_loss(y)
        if best is None or best < 0:
            return False
        moved = [self.try_loss(y + way * size) for way in (-2.0, -0.3, 0.3, 2.0)]
        if bool(((y >= 0) & (y <= 1)).all()):  # a score of shares is no distance beyond them
            moved += [self.try_loss(1 - y), self.try_loss((y + 0.5) / 2)]
        if self.signs is not None:  # a loss of probabilities does not mind outputs beyond 0 and 1
            moved.append(self.try_loss(y + self.signs * size))
        return all(value is not None and value > best for value in moved)

    def _falls_with_outputs(self, like: Tensor) -> bool:
        """Whether 1 more in all outputs is 1 less of loss, or 1 less of a mean over the classes.

        Then the loss is the negative of the target's output, or of the targets' mean of them.
        """
        level = self.try_loss(torch.zeros_like(like))
        higher = self.try_loss(torch.ones_like(like))
        if level is None or higher is None:
            return False
        return any(abs((level - higher) * many - 1) < SHIFT for many in (1, like.shape[-1]))
