# pyright: basic
"""Dense PyTorch networks as problems of this package, and back."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from spurious.errors import InputError
from spurious.late import require
from spurious.problem import (
    Loss,
    Network,
    Point,
    Problem,
    dataset_from_arrays,
    point_from_arrays,
)

if TYPE_CHECKING:
    from torch import Tensor, nn


def from_torch(model: nn.Module, inputs: Tensor, targets: Tensor, loss: object) -> Problem:
    """A `torch.nn.Sequential` of Linear and activation modules, with data, as a problem.

    Every float becomes the exact rational number that it is. The problem's loss adds up over
    points, whatever torch's `reduction` is; local minima are the same.

    Args:
        model: Linear layers with biases and one kind of activation between them; `Flatten` and
            `Identity` modules are passed over.
        inputs: Shape (n, ...), flattened to (n, d).
        targets: Shape (n,) or (n, K); for `BCEWithLogitsLoss` 0 and 1, which become -1 and 1.
        loss: `MSELoss`, `BCEWithLogitsLoss`, `SoftMarginLoss` or `CrossEntropyLoss`, the function
            of the same name, or a `spurious.Loss`, whose targets are then taken as they are.

    Raises:
        InputError: The model, the loss or the data has no counterpart here.
    """
    require()
    network, point = network_of(model)
    kind = loss_named(loss)
    if kind is None:
        raise InputError(
            f"loss: found {_called(loss)}, expected MSELoss, BCEWithLogitsLoss, SoftMarginLoss or "
            "CrossEntropyLoss without weights"
        )
    y = targets.detach().cpu()
    if _called(loss) in ("BCEWithLogitsLoss", "binary_cross_entropy_with_logits"):
        y = 2 * y - 1
    y = y.reshape(len(y), -1)
    x = inputs.detach().cpu().flatten(1)
    data = dataset_from_arrays(x.double().numpy(), y.double().numpy())
    return Problem(network, kind, data, point)


def to_torch(problem: Problem) -> nn.Sequential:
    """The network at the problem's point as a float64 `torch.nn.Sequential`.

    Numbers that are no float64 are rounded.

    Raises:
        InputError: The problem has no point, or torch no such activation.
    """
    require()
    import torch
    from torch import nn

    from spurious.diagnose.exchange.modules import activation_module

    if problem.point is None:
        raise InputError("point: missing, but the weights come from it; add it")
    modules: list[nn.Module] = []
    for layer in problem.point.layers:
        linear = nn.Linear(len(layer.weight[0]), len(layer.weight), dtype=torch.float64)
        with torch.no_grad():
            rows = [list(map(float, row)) for row in layer.weight]
            linear.weight.copy_(torch.tensor(rows, dtype=torch.float64))
            linear.bias.copy_(torch.tensor(list(map(float, layer.bias)), dtype=torch.float64))
        modules += [linear, activation_module(problem.network)]
    return nn.Sequential(*modules[:-1])


def network_of(model: nn.Module) -> tuple[Network, Point]:
    """The architecture and the parameters of a dense network.

    Raises:
        InputError: A module has no counterpart here.
    """
    from torch import nn

    from spurious.diagnose.exchange.modules import activation_name

    modules = [m for m in _leaves(model) if not isinstance(m, (nn.Identity, nn.Flatten))]
    linear = [m for m in modules[::2] if isinstance(m, nn.Linear)]
    names = {activation_name(module) for module in modules[1::2]}
    if len(modules) % 2 == 0 or 2 * len(linear) != len(modules) + 1:
        raise InputError(
            "model: found modules in another order, expected a Linear, then an activation and a "
            "Linear for each hidden layer"
        )
    if len(names) > 1:
        listed = ", ".join(sorted(name for name, _ in names))
        raise InputError(f"model: found the activations {listed}, expected one kind everywhere")
    if any(m.bias is None for m in linear):
        raise InputError("model: found a Linear without bias, expected biases in every layer")
    for below, above in pairwise(linear):
        if below.out_features != above.in_features:
            raise InputError("model: found layers that do not fit, expected a chain")
    name, slope = names.pop() if names else ("identity", None)
    widths = (linear[0].in_features, *(m.out_features for m in linear))
    point = point_from_arrays(
        [m.weight.detach().cpu().double().numpy() for m in linear],
        [m.bias.detach().cpu().double().numpy() for m in linear],
    )
    return Network(widths, name, slope), point


def loss_named(loss: object) -> Loss | None:
    """The loss of this package that a torch loss is, up to a factor; None if there is none."""
    from torch import nn

    if isinstance(loss, Loss):
        return loss
    plain = (
        getattr(loss, "weight", None) is None
        and getattr(loss, "pos_weight", None) is None
        and not getattr(loss, "label_smoothing", 0.0)
        and getattr(loss, "ignore_index", -100) == -100
    )
    kinds: tuple[tuple[type, Any, Loss], ...] = (
        (nn.MSELoss, nn.functional.mse_loss, Loss.SQUARED),
        (nn.BCEWithLogitsLoss, nn.functional.binary_cross_entropy_with_logits, Loss.LOGISTIC),
        (nn.SoftMarginLoss, nn.functional.soft_margin_loss, Loss.LOGISTIC),
        (nn.CrossEntropyLoss, nn.functional.cross_entropy, Loss.CROSS_ENTROPY),
    )
    found = (kind for module, function, kind in kinds if type(loss) is module or loss is function)
    return next(found, None) if plain else None


def _called(loss: object) -> str:
    from torch import nn

    if isinstance(loss, nn.Module):
        return type(loss).__name__
    return getattr(loss, "__name__", type(loss).__name__)


def _leaves(model: nn.Module) -> list[nn.Module]:
    from torch import nn

    if isinstance(model, nn.Sequential):
        return [leaf for child in model for leaf in _leaves(child)]
    return [model]
