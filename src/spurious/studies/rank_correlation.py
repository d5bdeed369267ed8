"""Rank correlations with intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

RESAMPLES: Final = 2_000
LEVEL: Final = 0.95

Group: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Two variables over one group, each of shape (m,)."""


@dataclass(frozen=True, slots=True)
class Correlation:
    """Spearman's rank correlation with its bootstrap interval.

    Attributes:
        value: From -1 to 1.
        low: Lower end of the 95 % percentile interval.
        high: Upper end.
        groups: How many groups it rests on.
    """

    value: float
    low: float
    high: float
    groups: int

    def __str__(self) -> str:
        return f"{self.value:+.2f} [{self.low:+.2f}, {self.high:+.2f}]"


def pooled_correlation(groups: Sequence[Group]) -> Correlation:
    """The rank correlation of all entries; whole groups are resampled, as theirs are related."""

    def pooled(chosen: Sequence[int]) -> float:
        x, y = (np.concatenate([groups[i][k] for i in chosen]) for k in range(2))
        return _spearman(x, y)

    return _with_interval(pooled, len(groups))


def mean_correlation(groups: Sequence[Group]) -> Correlation:
    """The mean rank correlation within groups; those in which a variable is constant are left out.

    Raises:
        ValueError: Every group is left out.
    """
    found = np.array([_spearman(x, y) for x, y in groups if np.ptp(x) > 0 and np.ptp(y) > 0])
    if not len(found):
        raise ValueError("no group in which both variables vary")
    return _with_interval(lambda chosen: float(found[chosen].mean()), len(found))


def _with_interval(statistic: Callable[[Sequence[int]], float], groups: int) -> Correlation:
    """A statistic of groups, and the percentile interval over resampled groups."""
    generator = np.random.default_rng(14)
    drawn = [statistic(generator.integers(0, groups, groups).tolist()) for _ in range(RESAMPLES)]
    low, high = np.nanquantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Correlation(statistic(range(groups)), float(low), float(high), groups)


def _spearman(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Pearson's correlation of the ranks, ties at their mean; not a number if one is constant."""
    a, b = rankdata(x), rankdata(y)
    a, b = a - a.mean(), b - b.mean()
    size = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / size) if size else float("nan")
