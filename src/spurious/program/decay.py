"""Weight decay: squares of parameters as a part of the loss."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from spurious.errors import InputError
from spurious.program.build import Handle


def decay_of(value: Any) -> Fraction:
    """A weight decay as an exact number.

    Raises:
        InputError: It is no finite number of 0 or more.
    """
    try:
        found = Fraction(value)
    except (TypeError, ValueError, OverflowError):
        found = Fraction(-1)
    if found < 0:
        raise InputError(f"weight_decay: found {value!r}, expected a number of 0 or more")
    return found


def is_bias(name: str) -> bool:
    """Whether a block's name, as frameworks write it, is that of a bias."""
    return name.rpartition(".")[2].startswith("bias") or name.endswith("_bias")


def uniform_decays(names: Mapping[str, Any], value: Any, biases: bool) -> dict[str, Fraction]:
    """One weight decay for all blocks, or for all but those that are named as biases.

    Raises:
        InputError: It is no finite number of 0 or more.
    """
    decay = decay_of(value)
    return {name: decay if biases or not is_bias(name) else Fraction(0) for name in names}


def with_squares(
    loss: Handle, blocks: Mapping[str, Handle], factors: Mapping[str, Fraction]
) -> Handle:
    """The loss plus, for each block, a factor times the sum of the block's squares."""
    for name, factor in factors.items():
        if factor:
            loss = loss + (blocks[name] * blocks[name]).sum() * factor
    return loss
