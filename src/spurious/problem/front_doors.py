"""Problems from what people have: arrays, functions in JAX, models in PyTorch and ONNX."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from spurious.errors import InputError
from spurious.late import require
from spurious.problem.dataset import Dataset, dataset_from_arrays
from spurious.problem.dense_loss import DenseLoss, Penalty
from spurious.problem.network import Network
from spurious.problem.number import exact, unwrapped
from spurious.problem.point import flatten, point_from_arrays
from spurious.problem.problem import Problem
from spurious.problem.program_problem import ProgramProblem
from spurious.problem.sources import problem_at
from spurious.problem.table import items, vector
from spurious.program.losses import LOSSES

if TYPE_CHECKING:
    import onnx
    import torch


def problem(
    x: object,
    y: object,
    *,
    hidden: int | Sequence[int] = (),
    activation: str = "relu",
    loss: str = "squared",
    slope: object = None,
    l2: float | Fraction | Mapping[str, float | Fraction] = 0,
    biases: bool = True,
    reduction: str = "sum",
    weights: object = None,
    point: object = None,
) -> Problem | ProgramProblem:
    """A dense network's loss on data.

    Every float is the exact number that it is.

    Args:
        x: Inputs, shape (n, d), or (n,) for one input: lists, NumPy arrays, tensors.
        y: Targets, shape (n, K), or (n,) for one output; -1 and 1, or true and false, for the
            losses logistic and hinge; class numbers from 0, shape (n,) or (n, 1), for
            cross_entropy.
        hidden: Units of the hidden layers, as 8 or (8, 8); none without hidden layer.
        activation: After each hidden layer: relu, leaky_relu, abs, identity, sigmoid, tanh, ...
        loss: squared (the sum of squares), logistic, cross_entropy or hinge.
        slope: The slope of leaky_relu below 0.
        l2: The loss gets this times the sum of the squares of the parameters (PyTorch's
            weight_decay is twice this); or one number for some blocks, such as
            `{"layers[0].weight": 1e-3}`.
        biases: Whether a single `l2` is for biases too.
        reduction: sum or mean, over the data points. The penalty is not divided.
        weights: A factor for each data point, shape (n,).
        point: The parameters: a weight (out, in) and a bias (out,) for each layer, as
            `[(weight, bias), ...]`; or flat, layer by layer, row by row.

    Returns:
        A `Problem` if it is one of those of format 1, for which there are more rules; a
        `ProgramProblem` with a penalty, a mean, weights or the hinge loss.

    Raises:
        InputError: Something does not fit; the message is one line.

    Examples:
        >>> import spurious
        >>> x, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [-1, 1, 1, -1]
        >>> spurious.problem(x, y, hidden=3, loss="logistic")
        <Problem: 2-3-1 relu, 4 points, logistic loss>
    """
    activation = activation.lower()
    if loss not in LOSSES:
        raise InputError(f"loss: found {loss!r}, expected one of {', '.join(LOSSES)}")
    data = dataset_from_arrays(_columns(x, "x"), _columns(_labels(y, loss), "y"))
    widths = (data.inputs, *_widths(hidden), _outputs(data, loss))
    dense = DenseLoss(
        Network(widths, activation, None if slope is None else exact(slope, "slope")),
        loss,
        data,
        Penalty(_penalties(l2), biases),
        reduction,
        None if weights is None else vector(weights, "weights"),
    )
    values = None if point is None else _parameters(point)
    return problem_at(dense, values)


def from_jax(loss: Callable[[Any], Any], parameters: Any) -> ProgramProblem:
    """A loss written in JAX, as a problem whose point are the parameters given.

    Args:
        loss: Any differentiable function of the parameters with a scalar result; data are
            constants inside it. It may also return (scalar, outputs).
        parameters: A pytree of arrays; only shapes and, as the point, values matter.

    Raises:
        InputError: JAX is not installed, or an operation cannot be read exactly; the message names
            it and where it stands.

    Examples:
        >>> import spurious
        >>> problem = spurious.from_jax(lambda p: (p["w"] ** 2 - 1.0) ** 2, {"w": 1.0})
        >>> spurious.certify(problem).decision
        <Decision.LOCAL_MINIMUM: 'local_minimum'>
    """
    require("jax", "jax")
    from spurious.program.jax import from_jax as read

    return ProgramProblem(*read(loss, parameters))


def from_torch(
    model: torch.nn.Module,
    x: Any,
    y: Any,
    loss: Callable[[Any, Any], torch.Tensor],
    *,
    weight_decay: float | Fraction = 0.0,
    biases: bool = True,
    optimiser: torch.optim.Optimizer | None = None,
) -> ProgramProblem:
    """A model of PyTorch with its data and loss, as a problem at the model's parameters.

    The loss is read as mathematics: every float is the exact number that it is, in float32 too,
    and no operation rounds. A function with a gradient of its own (`torch.autograd.Function`, a
    hook) is read by what it computes. Two functions of PyTorch differ from what is read:
    `softplus` is linear above its threshold (by default it differs there by less than 3e-9), and
    `binary_cross_entropy` stops its logarithms at -100. The model is read in the mode that it is
    in; batch normalisation in training is a function of the whole batch, and read as one.

    PyTorch's `weight_decay` adds weight_decay times the parameter to the gradient. So what is
    minimised is the loss plus weight_decay / 2 times the sum of the squares of the trained
    parameters, and that is the program. It has one block for each trained parameter, in the order
    and with the names of `model.named_parameters()`.

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

    Raises:
        InputError: torch is not installed, `torch.export` cannot trace the model, the loss is no
            single number, nothing is trained, or an operator cannot be read exactly; the message
            names it, its module and its line.

    Examples:
        >>> import spurious, torch
        >>> model = torch.nn.Linear(1, 1).double()
        >>> x = torch.tensor([[0.0], [1.0]]).double()
        >>> problem = spurious.from_torch(model, x, x, torch.nn.MSELoss())
        >>> problem
        <ProgramProblem: 2 parameters, 16 operations, with a point>
    """
    require("torch", "torch")
    from spurious.program.torch.front_end import read

    return ProgramProblem(*read(model, x, y, loss, weight_decay, biases, optimiser))


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
) -> ProgramProblem:
    """A model in an ONNX file with data and a loss, as a problem at the file's parameters.

    The graph is read as mathematics: every number is exactly the float that it is, in float32 too,
    and no operator rounds. Dropout is passed over, as in inference. An ONNX file does not say what
    was trained, so that what is not meant has to be named by `parameters`. The program has one
    block for each, in the order and with the names of the file's initialisers.

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

    Raises:
        InputError: onnx is not installed, the file cannot be read, data and model do not fit, or
            an operator cannot be read exactly; the message names it and its node.

    Examples:
        >>> import spurious
        >>> from spurious.diagnose import write_onnx
        >>> trained = spurious.problem([0, 1], [0, 1], hidden=1, point=[([[1]], [0]), ([[1]], [0])])
        >>> write_onnx(trained.network, trained.point, "model.onnx")
        >>> spurious.from_onnx("model.onnx", [[0.0], [1.0]], [[0.0], [1.0]], "squared")
        <ProgramProblem: 4 parameters, 15 operations, with a point>
    """
    require("onnx", "onnx")
    from spurious.program.onnx.front_end import read

    return ProgramProblem(*read(model, x, y, loss, reduction, weight_decay, biases, parameters))


def _columns(values: object, name: str) -> object:
    """A list of numbers as a list of rows of one number; tables as they are."""
    listed = items(values, name, "numbers, or rows of numbers")
    flat = all(not isinstance(unwrapped(entry), (list, tuple)) for entry in listed)
    return [[entry] for entry in listed] if flat else listed


def _widths(hidden: int | Sequence[int]) -> tuple[int, ...]:
    listed = unwrapped(hidden)
    units = cast("list[int]", listed if isinstance(listed, list | tuple) else [listed])
    return tuple(int(exact(unit, "hidden")) for unit in units)


def _labels(y: object, loss: str) -> object:
    """Targets that are true or false as the numbers that the loss takes."""
    listed = unwrapped(y)
    if not isinstance(listed, list | tuple):
        return y
    false = -1 if loss in ("logistic", "hinge") else 0
    entries = cast("list[object]", listed)
    if not all(isinstance(entry, bool) for entry in entries):
        return y
    return [1 if entry else false for entry in entries]


def _parameters(point: object) -> tuple[Fraction, ...]:
    """Parameters that are given flat, or as a weight and a bias for each layer."""
    layers = items(point, "point", "numbers, or a weight and a bias for each layer")
    pairs = [cast("Sequence[object]", p) for p in layers if isinstance(p, list | tuple)]
    if len(pairs) < len(layers) or any(len(pair) != 2 for pair in pairs):
        return vector(point, "point")
    return flatten(point_from_arrays([w for w, _ in pairs], [b for _, b in pairs]))


def _outputs(data: Dataset, loss: str) -> int:
    if loss != "cross_entropy":
        return len(data.y[0])
    return max(2, 1 + max(int(label) for (label, *_) in data.y))


def _penalties(
    l2: float | Fraction | Mapping[str, float | Fraction],
) -> Fraction | Mapping[str, Fraction]:
    if isinstance(l2, Mapping):
        return {str(block): exact(value, f"l2[{block!r}]") for block, value in l2.items()}
    return exact(l2, "l2")
