# pyright: basic
"""A model of PyTorch, its data and its loss as a program."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from spurious.errors import MissingExtraError
from spurious.program.program import Program

if TYPE_CHECKING:
    import torch


def from_torch(
    model: torch.nn.Module,
    x: Any,
    y: Any,
    loss: Callable[[Any, Any], torch.Tensor],
    *,
    weight_decay: float | Fraction = 0.0,
    biases: bool = True,
    optimiser: torch.optim.Optimizer | None = None,
) -> tuple[Program, tuple[Fraction, ...]]:
    """Reads a model's loss on data.

    The loss is read as mathematics: every float is the exact number that it is, in float32 too,
    and no operation rounds. A function with a gradient of its own (`torch.autograd.Function`, a
    hook) is read by what it computes. Two functions of PyTorch differ from what is read:
    `softplus` is linear above its threshold (by default it differs there by less than 3e-9), and
    `binary_cross_entropy` stops its logarithms at -100. The model is read in the mode that it is
    in; batch normalisation in training is a function of the whole batch, and read as one.

    PyTorch's `weight_decay` adds weight_decay times the parameter to the gradient. So what is
    minimised is the loss plus weight_decay / 2 times the sum of the squares of the trained
    parameters, and that is the program.

    Args:
        model: The model. Parameters without `requires_grad`, and with an optimiser those that it
            does not hold, are constants; tied parameters are one block.
        x: The model's input: a tensor, a tuple of positional or a dictionary of named arguments.
        y: The targets, the second argument of the loss: a tensor, or anything made of tensors.
        loss: A module such as `torch.nn.CrossEntropyLoss()`, or a function of outputs and
            targets with one number as result. If a module with parameters, these are trained too.
        weight_decay: As in `torch.optim.SGD` and `torch.optim.Adam`.
        biases: Whether parameters named bias have weight decay too.
        optimiser: Where weight decay is read from instead, group by group.

    Returns:
        The program, with one block for each trained parameter, in the order and with the names of
        `model.named_parameters()`; and the parameters as they are, in the program's flat order,
        shape (P,).

    Raises:
        InputError: `torch.export` cannot trace the model, the loss is no single number, nothing
            is trained, or an operator is met that no program can hold; the message says which, in
            which module, and on which line.
    """
    try:
        import torch  # noqa: F401
    except ImportError:
        raise MissingExtraError("torch", "torch") from None
    from spurious.program.torch.front_end import read

    return read(model, x, y, loss, weight_decay, biases, optimiser)
