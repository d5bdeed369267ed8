# pyright: basic
"""A model in an ONNX file, its data and its loss as a program."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from spurious.errors import InputError
from spurious.program.program import Program

if TYPE_CHECKING:
    import onnx


def from_onnx(
    model: str | Path | bytes | onnx.ModelProto,
    x: object,
    y: object,
    loss: str = "squared",
    *,
    reduction: str = "sum",
    weight_decay: float | Fraction = 0.0,
    biases: bool = True,
    parameters: Sequence[str] | None = None,
) -> tuple[Program, tuple[Fraction, ...]]:
    """Reads a model's loss on data.

    The graph is read as mathematics: every number is exactly the float that it is, in float32 too,
    and no operator rounds. Dropout is passed over, as in inference. An ONNX file does not say what
    was trained, so that what is not meant has to be named by `parameters`.

    Args:
        model: A path, the file's bytes, or a model in memory.
        x: The model's input, shape (n, ...): lists, NumPy arrays, tensors; a dictionary by name if
            there are several.
        y: The targets: shape (n, K), or (n,) for one output; -1 and 1 for the losses logistic and
            hinge; class numbers from 0, shape (n,) or (n, 1), for cross_entropy.
        loss: squared (the sum of squares), logistic, cross_entropy or hinge, of the model's one
            output, whose first axis counts the data.
        reduction: sum or mean, over the data points.
        weight_decay: As in PyTorch: half of it times the sum of the parameters' squares is added.
        biases: Whether parameters named bias have weight decay too.
        parameters: The names of the initialisers that are parameters. Without it, every
            floating-point initialiser that is used and has at least one axis, except the running
            statistics of batch normalisation.

    Returns:
        The program, with one block for each parameter, in the order and with the names of the
        file's initialisers; and the parameters as they are, in the program's flat order, shape
        (P,).

    Raises:
        InputError: onnx is not installed, the file cannot be read, data and model do not fit, or
            an operator is met that no program can hold; the message names it and its node.
    """
    try:
        import onnx  # noqa: F401
    except ImportError:
        raise InputError(
            "onnx: not installed, but this needs it; pip install 'spurious[onnx]'"
        ) from None
    from spurious.program.onnx.front_end import read

    return read(model, x, y, loss, reduction, weight_decay, biases, parameters)
