"""What a variable of a JAX program stands for while it is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from spurious.errors import InputError
from spurious.program.build import Builder, Handle

Known: TypeAlias = npt.NDArray[Any]
"""Integers, booleans or floats that depend on no parameter; infinities are allowed here."""


class Scale(Enum):
    """How the true value of a `Shifted` comes from its base and the maximum m."""

    SUM = "base + weight m"
    PRODUCT = "base exp(weight m)"


@dataclass(frozen=True, eq=False, slots=True)
class Shifted:
    """A value that depends on the maximum of an array, in a way that may cancel.

    A stable softmax subtracts the largest entry and adds it, or divides by its exponential, later.
    Its value is the same for every shift, so the shift may be read as 0 once it has cancelled.

    Attributes:
        base: The value for shifts of 0.
        scale: How the shift enters.
        weight: How often it enters.
        which: For each entry the number of the maximum that it depends on.
    """

    base: Handle
    scale: Scale
    weight: int
    which: npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False, slots=True)
class Comparison:
    """Whether a difference that depends on parameters is positive; nothing is said of ties.

    Attributes:
        difference: The difference.
    """

    difference: Handle


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A result that no program can hold; an error only where it is used.

    Attributes:
        message: What to say then.
    """

    message: str


Value: TypeAlias = Handle | Known | Shifted | Comparison | Unreadable


def as_handle(builder: Builder, value: Value) -> Handle:
    """A value as an operation of the program.

    Raises:
        InputError: It is none.
    """
    if isinstance(value, Handle):
        return value
    if isinstance(value, Shifted):
        raise InputError("the maximum of values that depend on parameters does not cancel")
    if isinstance(value, Comparison):
        raise InputError("a comparison of values that depend on parameters is used as a number")
    if isinstance(value, Unreadable):
        raise InputError(value.message)
    return builder.const(value)


def moved(value: Value, move: Callable[[npt.NDArray[np.intp]], Any]) -> Value:
    """A value after a rearrangement of its entries, given as what it does to an array."""
    if isinstance(value, Handle):
        return value.take(np.asarray(move(value.positions)))
    if isinstance(value, Shifted):
        index = np.asarray(move(value.base.positions))
        which = value.which.ravel()[index]
        return Shifted(value.base.take(index), value.scale, value.weight, which)
    if isinstance(value, Comparison):
        difference = value.difference
        return Comparison(difference.take(np.asarray(move(difference.positions))))
    if isinstance(value, Unreadable):
        raise InputError(value.message)
    return np.asarray(move(value))
