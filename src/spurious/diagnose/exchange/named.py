# pyright: basic
"""Models, data and losses that are named in words, for the command line."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from spurious.errors import InputError
from spurious.problem import Dataset, Loss, Problem

LOSSES: Final[dict[str, Callable[[], nn.Module]]] = {
    "mse": nn.MSELoss,
    "l1": nn.L1Loss,
    "huber": nn.HuberLoss,
    "cross_entropy": nn.CrossEntropyLoss,
    "nll": nn.NLLLoss,
    "bce": nn.BCELoss,
    "bce_with_logits": nn.BCEWithLogitsLoss,
}

LOSS_NAMES: Final = tuple(LOSSES)
"""Losses of torch that can be named in words."""

OF_CLASSES: Final = ("cross_entropy", "nll")
"""Losses whose targets are numbers of classes."""


def model_named(name: str) -> tuple[nn.Module, Any, Any]:
    """The model that a word names.

    Args:
        name: `module:function`, of which the module is imported (from this folder, too) and the
            function called; a program of `torch.export.save` (.pt2); or a dense network in an ONNX
            file (.onnx).

    Returns:
        The model, and data and loss where a function returns (model, data) or (model, data, loss);
        else None.

    Raises:
        InputError: There is no such model, or the file is of another kind.
    """
    suffix = Path(name).suffix
    if suffix == ".pt2":
        return _exported(name), None, None
    if suffix == ".onnx":
        return _from_onnx(name), None, None
    if suffix in (".pt", ".pth", ".ckpt", ".bin", ".safetensors"):
        raise InputError(
            f"{name}: found weights, which do not say what computes with them; expected "
            "module:function, a file of torch.export.save (.pt2) or an ONNX file"
        )
    found = _called(name, "a model")
    model, *rest = found if isinstance(found, tuple) else (found,)
    if not isinstance(model, nn.Module) or len(rest) > 2:
        raise InputError(
            f"{name}: found a {type(found).__name__}, expected a torch.nn.Module, (model, data) or "
            "(model, data, loss)"
        )
    return (model, *rest, *[None] * (2 - len(rest)))  # pyright: ignore


def data_named(path: Path, model: nn.Module, loss: str) -> tuple[Tensor, Tensor]:
    """Inputs and targets from a file, in the model's precision.

    Args:
        path: `.npz` or `.pt` with x and y, or `.csv` whose last column is the target.
        model: The model that they are for.
        loss: Its name; it says whether targets are classes.

    Raises:
        InputError: The file cannot be read, or holds something else.
    """
    readers = {".npz": _npz, ".csv": _csv, ".pt": _pt}
    if path.suffix not in readers:
        raise InputError(f"--data: found {path}, expected a name that ends in .npz, .csv or .pt")
    try:
        x, y = (torch.as_tensor(values) for values in readers[path.suffix](path))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        told = str(error).partition("\n")[0] or type(error).__name__
        raise InputError(f"{path}: expected inputs x and targets y ({told})") from None
    kind = next((p.dtype for p in model.parameters() if p.is_floating_point()), torch.float32)
    x = x.to(kind) if x.is_floating_point() else x
    if loss in OF_CLASSES:
        return x, (y.squeeze(-1) if y.ndim > 1 else y).long()
    return x, y.to(kind)


def loss_named(name: str) -> Any:
    """The loss that a word names: one of `LOSS_NAMES`, or `module:name` of a function.

    Raises:
        InputError: There is no such loss.
    """
    if name in LOSSES:
        return LOSSES[name]()
    if ":" not in name:
        raise InputError(
            f"--loss: found {name}, expected module:name or one of {', '.join(LOSS_NAMES)}"
        )
    return _attribute(name, "a loss")


def _exported(name: str) -> nn.Module:
    try:
        return torch.export.load(name).module()
    except Exception as error:  # it raises of all kinds
        told = str(error).partition("\n")[0]
        raise InputError(f"{name}: cannot be read as a program of torch.export ({told})") from None


def _from_onnx(name: str) -> nn.Module:
    from spurious.diagnose.exchange.networks import to_torch
    from spurious.diagnose.exchange.weight_files import read_onnx

    network, point = read_onnx(name)
    zero = Fraction(0)
    nothing = Dataset(((zero,) * network.inputs,), ((zero,) * network.outputs,))
    return to_torch(Problem(network, Loss.SQUARED, nothing, point=point))


def _called(name: str, what: str) -> Any:
    function = _attribute(name, what)
    if isinstance(function, nn.Module) or not callable(function):
        return function
    try:
        return function()
    except Exception as error:
        raise InputError(f"{name}: raised {type(error).__name__}: {error}") from error


def _attribute(name: str, what: str) -> Any:
    module, colon, attribute = name.partition(":")
    if not colon or not module or not attribute:
        raise InputError(
            f"{name}: found no colon, expected module:function that returns {what}, such as "
            "train:make"
        )
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        return getattr(import_module(module.removesuffix(".py")), attribute)
    except (ImportError, AttributeError) as error:
        raise InputError(f"{name}: cannot be imported ({error})") from None


def _npz(path: Path) -> tuple[Any, Any]:
    with np.load(path, allow_pickle=False) as found:
        return found["x"], found["y"]


def _pt(path: Path) -> tuple[Any, Any]:
    found = torch.load(path, weights_only=True)
    return (found["x"], found["y"]) if isinstance(found, dict) else found


def _csv(path: Path) -> tuple[Any, Any]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.reader(file) if row]
    try:
        [float(value) for value in rows[0]]
    except ValueError:
        rows = rows[1:]  # names of columns
    table = np.array([[float(value) for value in row] for row in rows])
    if table.ndim != 2 or table.shape[1] < 2:
        raise ValueError("found fewer than two columns")
    return table[:, :-1], table[:, -1:]
