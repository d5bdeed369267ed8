"""Whether the logistic loss has its infimum on a cell at infinity: an exact linear program."""

from __future__ import annotations

from collections.abc import Sequence

from flint import fmpq

from spurious.atlas.fits import members
from spurious.exact.linear_program import is_feasible
from spurious.exact.rationals import ONE, ZERO, Vector


def recedes(
    generators: Sequence[Vector],
    cell: int,
    positive: Sequence[fmpq],
    negative: Sequence[fmpq],
) -> bool:
    """Whether a cone plus the constants has a direction that lowers no margin and raises some.

    Solves u = sum t_k G_k + c, t >= 0, with u_i >= 0 where all labels are 1, u_i <= 0 where all are
    -1, u_i = 0 where both occur, and sum |u_i| = 1.

    Args:
        generators: Shape (K, n).
        cell: Which of them span the cone, as bits.
        positive: How many labels 1 each point has, shape (n,).
        negative: Number of labels -1.
    """
    size = len(positive)
    signs = [
        ZERO if p and n else ONE if p else -ONE for p, n in zip(positive, negative, strict=True)
    ]
    matrix: list[list[fmpq]] = []
    for k in members(cell):
        matrix.append([*(_turned(v, s) for v, s in zip(generators[k], signs, strict=True)), ZERO])
    constant = [*(s or ONE for s in signs), ZERO]
    for i, s in enumerate(signs):
        if s:
            matrix.append([-ONE if r == i else ONE if r == size else ZERO for r in range(size + 1)])
    right = [ZERO] * size + [ONE]
    return is_feasible(matrix, right, [constant])


def _turned(value: fmpq, sign: fmpq) -> fmpq:
    """A value in the direction of the margin; as it is where both labels occur."""
    return value * sign if sign else value
