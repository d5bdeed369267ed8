"""How much one command may be asked to do: what would run for hours is refused, with the limit."""

from __future__ import annotations

from itertools import pairwise
from math import comb
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from spurious.problem import DenseLoss

CELLS: Final = 5_000_000
"""Most activation cells of an atlas; so many take some minutes."""


def parameters(widths: tuple[int, ...]) -> int:
    """How many parameters a dense network has."""
    return sum((below + 1) * above for below, above in pairwise(widths))


def cells(problem: DenseLoss) -> int:
    """An upper bound of the number of activation cells, units unordered (docs/atlas.md)."""
    n, d, m = problem.data.size, problem.network.inputs, problem.network.hidden[0]
    chambers = 2 * sum(comb(n - 1, k) for k in range(min(d, n - 1) + 1))
    return comb(2 * chambers + m - 1, m)
