# pyright: basic
"""What trivial predictors reach: the best constant, and the best affine function of the inputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, Final

import torch
from torch import Tensor

STEPS: Final = 100
"""Iterations of L-BFGS; convex problems of this size need some ten."""

POINTS_PER_COMPONENT: Final = 5
"""The affine predictor uses at most a fifth as many components as there are points, so that it
cannot fit them by counting alone."""

MOST_WEIGHTS: Final = 50_000
"""Larger affine predictors are not fitted."""

SUITS: Final = 1e-4
"""A loss of a ten-thousandth of that of outputs drawn by chance: all that the loss asks for."""

BOTTOMLESS: Final = 1e12
"""A loss that some outputs bring so far below 0 has no minimum."""

ELSEWHERE: Final = 0.5
"""Where the search begins if the loss is flat at 0."""

Loss = Callable[[Any, Any], Tensor]
Link = Callable[[Tensor], Tensor]


def uniform_like(f: Tensor) -> Tensor:
    """Numbers between 0 and 1 of a tensor's shape and kind, always the same."""
    return torch.rand(f.shape, generator=torch.Generator().manual_seed(0)).to(f)


def normal_like(f: Tensor) -> Tensor:
    """The same of mean 0 and standard deviation 1."""
    return torch.randn(f.shape, generator=torch.Generator().manual_seed(0)).to(f)


def best_constant(
    loss: Loss, outputs: Tensor, targets: Any, squashed: bool = False
) -> float | None:
    """The least loss of a model that gives the same output on all points.

    Args:
        loss: Of outputs and targets.
        outputs: Of the model, (n, ...). The constant is sought in the set that they suggest:
            numbers from 0 to 1, probabilities, logarithms of probabilities, or any numbers.
        targets: What the loss compares with.
        squashed: Whether the model cannot give other numbers than those from 0 to 1.

    Returns:
        None if the loss cannot be evaluated so, or has no minimum.
    """
    level = torch.zeros_like(outputs[:1], dtype=torch.float64)
    if _is_plain(outputs, targets):
        level += targets.double().mean(0, keepdim=True)

    def shaped(value: Tensor) -> Tensor:
        return value.expand(len(outputs), *outputs.shape[1:])

    def predict(parameters: list[Tensor], link: Link) -> Tensor:
        return shaped(link(parameters[0]))

    return _least(loss, predict, [level], targets, _links(outputs, squashed))


def best_of_groups(
    loss: Loss, outputs: Tensor, targets: Any, group: Tensor, squashed: bool = False
) -> float | None:
    """The least loss of outputs that are the same within each group of points.

    Args:
        loss: Of outputs and targets.
        outputs: Of the model, (n, ...): as for `best_constant`.
        targets: What the loss compares with.
        group: Number of each point's group, (n,).
        squashed: As for `best_constant`.
    """
    count = int(group.max()) + 1
    level = torch.zeros_like(outputs[:1], dtype=torch.float64).repeat_interleave(count, 0)
    if _is_plain(outputs, targets):
        level.index_add_(0, group, targets.double())
        sizes = torch.bincount(group, minlength=count).reshape(-1, *[1] * (level.ndim - 1))
        level /= sizes

    def predict(parameters: list[Tensor], link: Link) -> Tensor:
        return link(parameters[0])[group]

    return _least(loss, predict, [level], targets, _links(outputs, squashed))


def best_outputs(loss: Loss, outputs: Tensor, targets: Any, squashed: bool = False) -> float | None:
    """The least loss of any outputs of this shape, one for each point: as for `best_constant`."""
    free = torch.zeros_like(outputs, dtype=torch.float64)

    def predict(parameters: list[Tensor], link: Link) -> Tensor:
        return link(parameters[0])

    return _least(loss, predict, [free], targets, _links(outputs, squashed))


def best_linear(
    loss: Loss, features: Tensor, outputs: Tensor, targets: Any, squashed: bool = False
) -> tuple[float, int] | None:
    """The least loss of an affine function of the inputs' first principal components.

    Args:
        loss: Of outputs and targets.
        features: The inputs, (n, ...).
        outputs: Of the model, (n,) or (n, K): what the function must give.
        targets: What the loss compares with.
        squashed: As for `best_constant`.

    Returns:
        The loss and the number of components; None if it cannot be fitted.
    """
    n = len(features)
    if n < 2 * POINTS_PER_COMPONENT or outputs.ndim > 2:
        return None
    x = features.detach().flatten(1).double().cpu()
    x = x - x.mean(0)
    x = x / x.std(0).clamp_min(1e-12)
    count = min(x.shape[1], n // POINTS_PER_COMPONENT)
    if count < x.shape[1]:
        left, size, _ = torch.linalg.svd(x, full_matrices=False)
        x = left[:, :count] * size[:count]
    width = outputs[0].numel()
    if count * width > MOST_WEIGHTS:
        return None
    x = x.to(outputs.device)
    level = torch.zeros(1, width, dtype=torch.float64, device=outputs.device)
    if _is_plain(outputs, targets):
        level += targets.double().reshape(n, width).mean(0, keepdim=True)
    slope = torch.zeros(count, width, dtype=torch.float64, device=outputs.device)

    def shaped(parameters: list[Tensor]) -> Tensor:
        return (x.to(parameters[0].dtype) @ parameters[0] + parameters[1]).reshape(outputs.shape)

    def predict(parameters: list[Tensor], link: Link) -> Tensor:
        return link(shaped(parameters))

    found = _least(loss, predict, [slope, level], targets, _links(outputs, squashed))
    return None if found is None else (found, count)


def _least(
    loss: Loss,
    predict: Callable[[list[Tensor], Link], Tensor],
    start: list[Tensor],
    targets: Any,
    links: Iterable[Link],
) -> float | None:
    """The least loss that is reached behind any of the links; None if there is none."""
    fits = (
        _fit(loss, lambda parameters, link=link: predict(parameters, link), start, targets)
        for link in links
    )
    return min((fit for fit in fits if fit is not None), default=None)


def _fit(
    loss: Loss, predict: Callable[[list[Tensor]], Tensor], start: list[Tensor], targets: Any
) -> float | None:
    kinds = (torch.float64, torch.float32)  # class weights, for one, fix the precision of a loss
    fits = (_fit_in(kind, loss, predict, start, targets) for kind in kinds)
    return next((fit for fit in fits if fit is not None), None)


def _fit_in(
    kind: torch.dtype,
    loss: Loss,
    predict: Callable[[list[Tensor]], Tensor],
    start: list[Tensor],
    targets: Any,
) -> float | None:
    parameters = [value.to(kind, copy=True).requires_grad_() for value in start]
    if isinstance(targets, Tensor) and targets.is_floating_point():
        targets = targets.to(kind)
    optimiser = torch.optim.LBFGS(
        parameters, max_iter=STEPS, line_search_fn="strong_wolfe", tolerance_change=1e-12
    )

    seen: list[float] = []

    def closure() -> Tensor:
        for p in parameters:  # quicker than zero_grad()
            p.grad = None
        value = loss(predict(parameters), targets)
        value.backward()
        seen.append(float(value.detach()))
        return value

    try:
        with torch.enable_grad():
            closure()
            if all(p.grad is None or not bool(p.grad.any()) for p in parameters):
                with torch.no_grad():  # 0 may lie where a loss of probabilities is cut off
                    parameters[-1].add_(ELSEWHERE)
            optimiser.step(closure)
            seen.append(float(loss(predict(parameters), targets).detach()))
    except Exception:  # a loss may want anything else than a tensor
        return None
    found = min((value for value in seen if value == value), default=math.inf)
    return found if -BOTTOMLESS < found < float("inf") else None


def _links(outputs: Tensor, squashed: bool) -> list[Link]:
    """Maps from any numbers to outputs of the kind that the loss seems to want.

    Outputs that all lie between 0 and 1 may be probabilities or may lie there by chance.
    """
    f = outputs.detach().double()
    if f.ndim >= 2 and f.shape[1] > 1:
        ones = torch.ones((), dtype=f.dtype, device=f.device)
        if torch.allclose(f.exp().sum(1), ones, atol=1e-3):
            return [lambda a: torch.log_softmax(a, 1)]
        if bool((f >= 0).all()) and torch.allclose(f.sum(1), ones, atol=1e-3):
            return [lambda a: torch.softmax(a, 1)]
    inside = bool(((f >= 0) & (f <= 1)).all())
    if squashed and inside:
        return [torch.sigmoid]
    found: list[Link] = [lambda a: a]
    return [*found, torch.sigmoid] if inside else found


def _ignores_outputs(loss: Loss, outputs: Tensor, targets: Any) -> bool:
    """Whether a loss is one number for all outputs tried: it may call the model itself."""
    tried = (uniform_like(outputs), normal_like(outputs), 10 * normal_like(outputs))
    try:
        with torch.enable_grad():  # it may take derivatives
            return len({float(loss(other, targets).detach()) for other in tried}) == 1
    except Exception:
        return False


def says_nothing(loss: Loss, outputs: Tensor, targets: Any, constant: float) -> bool:
    """Whether a constant suits a loss that does not compare outputs with numbers that are given.

    Those are of another shape, or the loss does not look at them: it is one of outputs with their
    derivatives in an equation, or what an opponent says of them; and no model needs to do better
    than a constant.

    Args:
        loss: Of outputs and targets.
        outputs: Of the model, (n, ...).
        targets: What the loss compares with.
        constant: The best constant's loss.
    """
    if _ignores_outputs(loss, outputs, targets):
        return True
    if not isinstance(targets, Tensor) or not targets.is_floating_point():
        return False
    draw = normal_like(outputs)
    try:
        with torch.no_grad():
            other = float(loss(draw, targets))
            if targets.numel() == outputs.numel() and float(loss(draw, targets + 1)) != other:
                return False
    except Exception:
        return False
    return constant < SUITS * other


def draws(loss: Loss, outputs: Tensor, targets: Any) -> bool:
    """Whether the loss of the same outputs is another one each time: it samples.

    So does that of a policy, whose value says nothing about which outputs are right.

    Args:
        loss: Of outputs and targets.
        outputs: Of the model, (n, ...).
        targets: What the loss compares with.
    """
    if not outputs.is_floating_point():
        return False
    drawn = normal_like(outputs)
    for tried in (outputs, drawn):
        try:
            with torch.no_grad():
                one, other = (float(loss(tried, targets)) for _ in range(2))
        except Exception:
            continue
        if one != other and one == one:
            return True
    return False


def _is_plain(outputs: Tensor, targets: Any) -> bool:
    """Whether targets are numbers that outputs are compared with one by one."""
    same = isinstance(targets, Tensor) and targets.is_floating_point()
    return same and targets.shape == outputs.shape
