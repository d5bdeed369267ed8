"""Rates with their intervals as a curve of a figure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from spurious.figures.series import Series
from spurious.sweep import Rate


def rate_series(label: str, x: ArrayLike, rates: Sequence[Rate]) -> Series:
    """Shares at some places, with the ends of their intervals.

    Args:
        label: The curve's entry in the legend.
        x: The places, shape (m,).
        rates: A rate for each place.
    """
    return Series(
        label,
        np.asarray(x, dtype=float),
        np.array([rate.share for rate in rates]),
        np.array([rate.low for rate in rates]),
        np.array([rate.high for rate in rates]),
    )
