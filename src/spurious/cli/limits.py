"""How much one command may be asked to do: what would run for hours is refused, with the limit."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import comb
from typing import TYPE_CHECKING, Final

from spurious.errors import InputError

if TYPE_CHECKING:
    from spurious.problem import Problem

__all__ = ["CELLS", "COUNT", "affordable", "cells", "fraction", "parameters"]

CELLS: Final = 5_000_000
"""Most activation cells of an atlas; so many take some minutes."""

COUNT: Final = 100_000_000
"""The largest number of runs, draws or starts that makes sense to type."""


def affordable(what: str, found: int, most: int) -> None:
    """Refuses what would take for ever.

    Args:
        what: The option or quantity.
        found: What was asked for.
        most: The limit.

    Raises:
        InputError: It is above the limit.
    """
    if found > most:
        told = f"{found:,}" if found < 10**18 else "a number of many digits"
        raise InputError(f"{what}: found {told}, expected at most {most:,}; ask for less")


def fraction(option: str, text: str) -> Fraction:
    """A number as it is typed: 9, 9/4, 0.1 or 1e12, exactly.

    Raises:
        InputError: It is none, or has too many digits.
    """
    from spurious.problem import exact

    return exact(text, option)


def parameters(widths: tuple[int, ...]) -> int:
    """How many parameters a dense network has."""
    return sum((below + 1) * above for below, above in pairwise(widths))


def cells(problem: Problem) -> int:
    """An upper bound of the number of activation cells, units unordered (docs/atlas.md)."""
    n, d, m = problem.data.size, problem.network.inputs, problem.network.hidden[0]
    chambers = 2 * sum(comb(n - 1, k) for k in range(min(d, n - 1) + 1))
    return comb(2 * chambers + m - 1, m)
