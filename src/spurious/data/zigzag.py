"""The zig-zag: one input, a target that goes up and down (the paper's Fig. 5)."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from spurious.errors import InputError

MAX_POINTS: Final = 1_000_000


def zigzag(
    points: int, pieces: int, noise: float, seed: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Points of a zig-zag, the inputs evenly spaced on [-1, 1].

    The target runs from -1 to 1 and back in `pieces` straight pieces of equal length. A network
    with one hidden layer of ReLU has one kink a unit, so a fit of all corners without noise takes
    at least pieces - 1 units; pieces units are enough (one of them active on all points).

    Args:
        points: At least 2.
        pieces: At least 1, and fewer than the points.
        noise: Standard deviation of the normal noise on the targets.
        seed: Seed of the noise.

    Returns:
        Inputs and targets, both of shape (points, 1).

    Raises:
        InputError: A number is out of range.
    """
    if not 2 <= points <= MAX_POINTS:
        raise InputError(f"zigzag.points: found {points}, expected from 2 to {MAX_POINTS}")
    if not 1 <= pieces < points:
        raise InputError(
            f"zigzag.pieces: found {pieces}, expected from 1 to {points - 1}, one less than points"
        )
    if not 0 <= noise < np.inf:
        raise InputError(f"zigzag.noise: found {noise}, expected a number that is not negative")
    place = np.arange(points) / (points - 1)
    phase = place * pieces
    rising = np.floor(phase) % 2 == 0
    part = phase - np.floor(phase)
    target = np.where(rising, 2 * part - 1, 1 - 2 * part)
    target = target + noise * np.random.default_rng(seed).standard_normal(points)
    x = (2 * place - 1)[:, None].astype(np.float32)
    return x, target[:, None].astype(np.float32)
