# pyright: basic
"""The loss of a model on a sample of points, as a function of its parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final

import torch
from torch import Tensor, nn

from spurious.diagnose.measure.batches import Batch, Sample
from spurious.diagnose.measure.preserve import examined, set_training
from spurious.errors import InputError

SUMMED: Final = 1.5
"""A loss is taken for a sum over points if twice the points make it larger than by this factor."""

EVENLY: Final = 0.1
"""A sum grows by as much for the third copy of the points as for the second, to a tenth."""

SAME: Final = 0.02
"""Losses that agree to a fiftieth are the same but for batches of different weights."""

Vector = list[Tensor]
Slopes = tuple[Tensor | None, ...]


class Objective:
    """A model, a loss and points.

    Attributes:
        model: The model, used as it is.
        sample: The points.
        names: Names of the parameters that can be trained.
        parameters: These parameters.
        around: Entered around forward passes.
    """

    def __init__(self, model: nn.Module, loss: Callable[..., Any] | None, sample: Sample) -> None:
        trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
        self.model, self.loss, self.sample = model, loss, sample
        self.names, self.parameters = tuple(trained), tuple(trained.values())
        self.around: Callable[[], AbstractContextManager[Any]] = nullcontext
        self._summed: bool | None = None
        self._twice = False
        self._needs_graph = False

    def forward(self, batch: Batch) -> Any:
        """The model's outputs."""
        with self.around():
            return self.model(*batch.args, **batch.kwargs)

    def first_forward(self, batch: Batch) -> Any:
        """The same, where it may not have been shown yet that model and data go together.

        Raises:
            InputError: The model raises; its own error is the cause.
        """
        try:
            return self.forward(batch)
        except Exception as error:
            raise InputError(
                f"model: raised {_one_line(error)} on a batch of {batch.size} points"
            ) from error

    def first_loss(self, outputs: Any, targets: Any) -> Tensor:
        """The same for the loss.

        Raises:
            InputError: The loss raises, or is no real scalar.
        """
        try:
            return self.loss_of(outputs, targets)
        except InputError:
            raise
        except Exception as error:
            raise InputError(
                f"loss: raised {_one_line(error)} on {_form(outputs)} and {_form(targets)}"
            ) from error

    def loss_of(self, outputs: Any, targets: Any) -> Tensor:
        """The loss of outputs, a scalar tensor.

        Raises:
            InputError: The loss is none, or missing.
        """
        if self.loss is None:
            value = outputs.get("loss") if isinstance(outputs, Mapping) else None
            value = getattr(outputs, "loss", None) if value is None else value
            if value is None:
                raise InputError(
                    "loss: found None, and the model's output has no field loss; expected a "
                    "function of (outputs, targets) such as torch.nn.CrossEntropyLoss()"
                )
        else:
            value = self.loss(outputs, targets)
        if not isinstance(value, Tensor) or value.numel() != 1:
            found = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
            raise InputError(
                f"loss: found {found}, expected a function that returns a scalar tensor"
            )
        if value.is_complex():
            raise InputError("loss: found a complex number, expected a real one")
        return value.reshape(()) if value.ndim else value

    def weight(self, batch: Batch) -> float:
        """The share of a batch's loss in the whole: of its points, or 1 for a loss that adds up."""
        return 1.0 if self._summed else batch.size / self.sample.size

    def note_reduction(self, outputs: Any, targets: Any) -> None:
        """Finds out whether the loss is a sum over points or a mean."""
        tensors = isinstance(outputs, Tensor) and isinstance(targets, Tensor)
        if self._summed is None:
            self._summed = False
            if tensors and outputs.ndim and targets.ndim:
                try:
                    with torch.no_grad():
                        once = float(self.loss_of(outputs, targets).detach())
                        twice, thrice = (
                            float(
                                self.loss_of(
                                    torch.cat([outputs] * many), torch.cat([targets] * many)
                                ).detach()
                            )
                            for many in (2, 3)
                        )
                except Exception:  # a loss that wants a certain number of points is no sum
                    return
                grows = once != 0 and twice / once > SUMMED
                evenly = abs(thrice - once - 2 * (twice - once)) <= EVENLY * abs(twice - once)
                self._summed = grows and evenly  # not as a logarithm of the number of points

    def broadcast(self, outputs: Any, targets: Any) -> str:
        """Shapes such as (n, 1) and (n,), or (n, 1, d) and (n, d), that the loss broadcasts; or "".

        It does if it stays the same when outputs that grow with the targets meet the targets of
        the points in the reverse order.
        """
        if self.loss is None or not isinstance(outputs, Tensor) or not isinstance(targets, Tensor):
            return ""
        n = len(targets) if targets.ndim else 0
        shapes = tuple(outputs.shape), tuple(targets.shape)
        if n < 2 or not targets.is_floating_point() or not _stretches(*shapes):
            return ""
        y = targets.detach().double()
        place = y.flatten().argsort()
        f = torch.empty_like(y).flatten()
        f[place] = torch.linspace(0.1, 0.9, len(f), dtype=y.dtype, device=y.device)
        order = y.flatten(1).mean(1).argsort() if y.ndim > 1 else y.argsort()
        reverse = torch.empty_like(y)
        reverse[order] = y[order].flip(0)
        if bool((reverse == y).all()):
            return ""
        try:
            with torch.no_grad():
                once, again = (
                    float(self.loss_of(f.reshape(shapes[0]), way)) for way in (y, reverse)
                )
        except Exception:  # a loss that refuses these shapes, or double precision
            return ""
        same = abs(once - again) <= 1e-9 * max(abs(once), abs(again))
        return f"outputs {shapes[0]} with targets {shapes[1]}" if same else ""

    def gradient(self) -> tuple[float, Vector]:
        """The loss and its gradient with respect to `parameters`."""
        total, sums = 0.0, [torch.zeros_like(p) for p in self.parameters]
        for batch in self.sample.batches:
            with torch.enable_grad():
                loss = self._weighted(batch)
                found = torch.autograd.grad(loss, self.parameters, allow_unused=True)
            total += float(loss.detach())
            for one, part in zip(sums, found, strict=True):
                if part is not None:
                    one += part
        return total, sums

    def _weighted(self, batch: Batch) -> Tensor:
        """A batch's part of the loss."""
        loss, weight = self.loss_of(self.forward(batch), batch.targets), self.weight(batch)
        return loss if weight == 1 else loss * weight

    def value_as_shown(self) -> float:
        """The loss in evaluation mode (but for batch normalisation), its kind found out anew."""
        batch = self.sample.batches[0]
        set_training(self.model)
        with examined(self.model):
            self.note_reduction(self.forward(batch), batch.targets)
            return self.value()

    def value(self) -> float:
        """The loss."""
        return sum(
            self._value(self.forward, b.targets, b) * self.weight(b) for b in self.sample.batches
        )

    def _value(self, forward: Callable[[Batch], Any], targets: Any, batch: Batch) -> float:
        """The loss of a batch, without a graph unless the loss itself differentiates."""
        if not self._needs_graph:
            try:
                with torch.no_grad():
                    return float(self.loss_of(forward(batch), targets).detach())
            except RuntimeError:
                self._needs_graph = True
        with torch.enable_grad():
            return float(self.loss_of(forward(batch), targets).detach())

    def slopes(self, batch: Batch) -> Slopes:
        """The gradient of a batch's part of the loss, with a graph of its own."""
        with torch.enable_grad():
            found = torch.autograd.grad(
                self._weighted(batch), self.parameters, create_graph=True, allow_unused=True
            )
        self._check_twice(found)
        return found

    def product(self, vector: Vector, slopes: Callable[[Batch], Slopes] | None = None) -> Vector:
        """The Hessian times a vector, by differentiating twice.

        Args:
            vector: What it is multiplied with.
            slopes: Gives `slopes`, perhaps made before.
        """
        sums = [torch.zeros_like(p) for p in self.parameters]
        for batch in self.sample.batches:
            first = (slopes or self.slopes)(batch)
            with torch.enable_grad():
                along = [(g * v).sum() for g, v in zip(first, vector, strict=True) if g is not None]
                total = torch.stack(along).sum() if along else None
                del first, along
                if total is None or not total.requires_grad:
                    continue
                second = torch.autograd.grad(
                    total, self.parameters, allow_unused=True, retain_graph=slopes is not None
                )
                del total
            for one, part in zip(sums, second, strict=True):
                if part is not None:
                    one += part
        return sums

    def _check_twice(self, gradients: Any) -> None:
        """Looks once for functions that torch cannot differentiate twice and treats as constants.

        Raises:
            RuntimeError: There is one.
        """
        if self._twice:
            return
        nodes = [g.grad_fn for g in gradients if g is not None and g.grad_fn is not None]
        seen = set(nodes)
        while nodes:
            node = nodes.pop()
            if node.name().endswith("Error"):
                raise RuntimeError("a function of the model can be differentiated only once")
            below = {f for f, _ in node.next_functions if f is not None} - seen
            seen |= below
            nodes.extend(below)
        self._twice = True

    @contextmanager
    def moved(self, direction: Vector, distance: float) -> Iterator[None]:
        """The parameters moved along a direction; put back at the end, bit for bit."""
        kept = [p.detach().clone() for p in self.parameters]
        try:
            with torch.no_grad():
                for p, step in zip(self.parameters, direction, strict=True):
                    p.add_(step, alpha=distance)
            yield
        finally:
            with torch.no_grad():
                for p, old in zip(self.parameters, kept, strict=True):
                    p.copy_(old)


def comparable_loss(
    objective: Objective, outputs: Tensor | None, targets: Any, shown: float
) -> Callable[[Any, Any], Tensor]:
    """The loss of the outputs of all points that can be compared with the loss that is shown.

    That of all at once; batch by batch where this is another number, since the points of a batch
    are compared with one another (as in contrastive losses and rankings).

    Args:
        objective: Whose batches the points came in.
        outputs: Of the model, (n, ...), or None.
        targets: (n, ...), or None.
        shown: The mean of the batches' losses.
    """
    sizes = [batch.size for batch in objective.sample.batches]
    weights = [objective.weight(batch) for batch in objective.sample.batches]
    loss = objective.loss_of

    def is_whole(values: Any) -> bool:
        return isinstance(values, Tensor) and values.ndim > 0 and len(values) == sum(sizes)

    if len(sizes) < 2 or outputs is None or not is_whole(outputs) or not is_whole(targets):
        return loss

    def by_batch(f: Any, y: Any) -> Tensor:
        if not is_whole(f) or not is_whole(y):
            return loss(f, y)
        parts = zip(f.split(sizes), y.split(sizes), weights, strict=True)
        return torch.stack([loss(g, t) * weight for g, t, weight in parts]).sum()

    def is_shown(way: Callable[[Any, Any], Tensor]) -> bool:
        try:
            with torch.no_grad():
                return abs(float(way(outputs, targets)) - shown) <= SAME * abs(shown)
        except Exception:  # it wants a certain number of points, or few of them
            return False

    return loss if is_shown(loss) or not is_shown(by_batch) else by_batch


def loss_beside_others(
    objective: Objective, made: Sequence[Any], outputs: Tensor | None, targets: Any
) -> Callable[[Any, Any], Tensor] | None:
    """The loss of other values of the tensor that matters, where a model gives more than that.

    All else that it gives is as it was, batch by batch: means and variances of a code, say.

    Args:
        objective: Whose batches the points came in.
        made: What the model gave, of each batch.
        outputs: The tensor that matters, of all points, (n, ...), or None.
        targets: (n, ...), or None.

    Returns:
        None where the model gives that tensor alone, or targets of another shape are asked for.
    """
    if outputs is None or not isinstance(targets, Tensor) or not targets.is_floating_point():
        return None
    if targets.shape != outputs.shape or any(isinstance(m, Tensor) for m in made):
        return None
    sizes = [batch.size for batch in objective.sample.batches]
    weights = [objective.weight(batch) for batch in objective.sample.batches]
    if len(outputs) != sum(sizes):
        return None

    def beside(f: Any, y: Any) -> Tensor:
        if len(f) != sum(sizes) or len(y) != sum(sizes):
            raise ValueError("the loss is known of all points alone")
        parts = zip(made, f.split(sizes), y.split(sizes), weights, strict=True)
        return torch.stack(
            [objective.loss_of(_with_tensor(m, g), t) * weight for m, g, t, weight in parts]
        ).sum()

    return beside


def each_tensor(outputs: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """What a model gives with each tensor changed, in tuples, lists and mappings, too."""
    if isinstance(outputs, Tensor):
        return change(outputs)
    if isinstance(outputs, Mapping):
        changed = {name: each_tensor(one, change) for name, one in outputs.items()}
        return changed if type(outputs) is dict else type(outputs)(**changed)
    if isinstance(outputs, (tuple, list)):
        parts = [each_tensor(one, change) for one in outputs]
        return type(outputs)(*parts) if hasattr(outputs, "_fields") else type(outputs)(parts)
    return outputs


def _with_tensor(outputs: Any, value: Tensor) -> Any:
    """What a model gives, with another tensor in the place of the one that matters."""
    old = output_tensor(outputs)
    return each_tensor(outputs, lambda one: value if one is old else one)


def _stretches(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether shapes of as many entries are stretched to more of them to fit."""
    if one == other or math.prod(one) != math.prod(other):
        return False
    try:
        return math.prod(torch.broadcast_shapes(one, other)) > math.prod(one)
    except RuntimeError:
        return False


def _one_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__} ({lines[0]})" if lines else type(error).__name__


def _form(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"
    return f"a {type(value).__name__}"


def output_tensor(outputs: Any) -> Tensor | None:
    """The tensor that matters in a model's outputs: itself, `.logits`, or the first one."""
    if isinstance(outputs, Tensor):
        return outputs
    logits = getattr(outputs, "logits", None)
    if isinstance(logits, Tensor):
        return logits
    if isinstance(outputs, Mapping):
        outputs = tuple(outputs.values())
    if isinstance(outputs, (tuple, list)):
        return next((o for o in outputs if isinstance(o, Tensor) and o.ndim), None)
    return None
