"""What a node of an exported graph stands for while it is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from spurious.errors import InputError
from spurious.program.build import Builder, Handle


@dataclass(frozen=True, eq=False, slots=True)
class Masked:
    """Numbers some of which are minus infinity: scores hidden by a mask of attention.

    Attributes:
        finite: The numbers, 0 where hidden.
        hidden: Which are minus infinity, in the same shape.
    """

    finite: Handle
    hidden: npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True)
class Comparison:
    """The sign of a difference that depends on parameters; nothing is said of ties.

    Attributes:
        difference: The difference.
        above: Whether it is asked for to be positive; else, negative.
    """

    difference: Handle
    above: bool


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A result that no program can hold; an error only where it is used.

    Attributes:
        message: What to say then.
    """

    message: str


Value: TypeAlias = (
    Handle | Masked | Comparison | Unreadable | torch.Tensor | Sequence[Any] | float | str | None
)
"""Tensors are numbers known while reading; lists and scalars are arguments."""


def as_handle(builder: Builder, value: Any) -> Handle:
    """A value as an operation of the program.

    Raises:
        InputError: It is none.
    """
    finite, hidden = as_scores(builder, value)
    if hidden is not None:
        raise InputError("minus infinity outside of a softmax")
    return finite


def as_scores(builder: Builder, value: Any) -> tuple[Handle, npt.NDArray[np.bool_] | None]:
    """A value as an operation, and which of its entries are minus infinity; None if none is.

    Raises:
        InputError: It is neither a number nor an array of numbers.
    """
    if isinstance(value, Handle):
        return value, None
    if isinstance(value, Masked):
        return value.finite, value.hidden
    if isinstance(value, Unreadable):
        raise InputError(value.message)
    if isinstance(value, Comparison):
        raise InputError("a comparison of values that depend on parameters, used as a number")
    numbers = np.asarray(_exact(value) if isinstance(value, torch.Tensor) else value)
    if numbers.dtype.kind not in "biuf":
        raise InputError(f"{value!r} in the place of real numbers")
    hidden = np.isneginf(numbers) if numbers.dtype.kind == "f" else np.zeros(numbers.shape, bool)
    if not hidden.any():
        return builder.const(numbers), None
    return builder.const(np.where(hidden, 0.0, numbers)), hidden


def _exact(tensor: torch.Tensor) -> npt.NDArray[Any]:
    """The numbers of a tensor; every float of at most 64 bits is a float64."""
    here = tensor.detach().cpu()
    return (here.double() if here.is_floating_point() else here).numpy()


def is_data(value: Any) -> bool:
    """Whether a value is an array of real numbers, known or not."""
    if isinstance(value, torch.Tensor):
        return value.is_floating_point()
    return isinstance(value, Handle | Masked)


def axes_of(x: Handle, dim: int | Sequence[int] | None) -> list[int]:
    """Axes counted from 0; all of them if none is named."""
    named = [dim] if isinstance(dim, int) else list(dim or range(len(x.shape)))
    return [axis % max(len(x.shape), 1) for axis in named] if x.shape else []
