"""Float nonnegative least squares for many cells at once; its answers are only proposals."""

# Numba leaves its decorators and what they wrap untyped.

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from spurious.train.compiled import compiled

TOLERANCE: Final = 1e-9
"""Smallest slope, for columns and a target of length 1, at which a column enters."""

Words = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]


def propose(columns: Floats, target: Floats, cells: Words) -> Words:
    """The support of each cell's nonnegative least squares solution, in float64.

    The active-set method of C. L. Lawson and R. J. Hanson (1974), chapter 23, with an orthogonal
    basis of the support made anew for each solve.

    Args:
        columns: All columns, of length 1, shape (K, n).
        target: Shape (n,).
        cells: Which columns each cell may use, as bits in words, shape (B, W).

    Returns:
        The columns with positive coefficients, as bits, shape (B, W).
    """
    supports = np.zeros_like(cells)
    _propose(columns, target, cells, supports)
    return supports


@compiled
def _propose(columns: Any, target: Any, cells: Any, supports: Any) -> None:
    count, size = columns.shape
    chosen = np.empty(count, np.int64)
    for cell in range(cells.shape[0]):
        available = 0
        for k in range(count):
            if cells[cell, k >> 6] >> np.uint64(k & 63) & np.uint64(1):
                chosen[available] = k
                available += 1
        inside = np.zeros(available, np.bool_)
        value = np.zeros(available)
        residual = target.copy()
        basis = np.empty((size, size))
        triangle = np.empty((size, size))
        order = np.empty(size, np.int64)
        for _ in range(3 * available + 10):
            best, entering = TOLERANCE, -1
            for p in range(available):
                if not inside[p]:
                    slope = 0.0
                    for i in range(size):
                        slope += columns[chosen[p], i] * residual[i]
                    if slope > best:
                        best, entering = slope, p
            if entering < 0:
                break
            inside[entering] = True
            for _ in range(available + 1):
                used = 0
                for p in range(available):
                    if inside[p] and used < size:
                        order[used] = p
                        for i in range(size):
                            basis[used, i] = columns[chosen[p], i]
                        for _ in range(2):
                            for b in range(used):
                                share = 0.0
                                for i in range(size):
                                    share += basis[b, i] * basis[used, i]
                                for i in range(size):
                                    basis[used, i] -= share * basis[b, i]
                        length = 0.0
                        for i in range(size):
                            length += basis[used, i] ** 2
                        length = np.sqrt(length)
                        if length < 1e-10:
                            inside[p] = False
                            value[p] = 0.0
                            continue
                        for i in range(size):
                            basis[used, i] /= length
                        used += 1
                for b in range(used):
                    for a in range(b + 1):
                        share = 0.0
                        for i in range(size):
                            share += basis[a, i] * columns[chosen[order[b]], i]
                        triangle[a, b] = share
                solved = np.zeros(used)
                for b in range(used - 1, -1, -1):
                    share = 0.0
                    for i in range(size):
                        share += basis[b, i] * target[i]
                    for a in range(b + 1, used):
                        share -= triangle[b, a] * solved[a]
                    solved[b] = share / triangle[b, b]
                step, leaving = 1.0, -1
                for b in range(used):
                    if solved[b] <= 1e-12:
                        here = value[order[b]]
                        share = here / (here - solved[b]) if here > solved[b] else 0.0
                        if share < step or leaving < 0:
                            step, leaving = min(step, share), b
                for b in range(used):
                    value[order[b]] += step * (solved[b] - value[order[b]])
                if leaving < 0:
                    break
                inside[order[leaving]] = False
                value[order[leaving]] = 0.0
                for b in range(used):
                    if value[order[b]] <= 1e-13:
                        inside[order[b]] = False
                        value[order[b]] = 0.0
            for i in range(size):
                residual[i] = target[i]
            for p in range(available):
                if inside[p]:
                    for i in range(size):
                        residual[i] -= value[p] * columns[chosen[p], i]
        for p in range(available):
            if inside[p]:
                k = chosen[p]
                supports[cell, k >> 6] |= np.uint64(1) << np.uint64(k & 63)
