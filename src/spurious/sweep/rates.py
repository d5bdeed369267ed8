"""Rates of runs with their intervals, and as words a person reads."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of runs with its interval.

    Attributes:
        count: How many runs had the outcome.
        total: Of how many.
        low: Lower end of the interval for the probability.
        high: Upper end.
    """

    count: int
    total: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """The share itself."""
        return self.count / self.total if self.total else float("nan")


def clopper_pearson(count: int, total: int, confidence: float = 0.95) -> Rate:
    """The exact binomial interval.

    It holds the probability in at least `confidence` of all experiments, whatever it is.

    Source: Clopper & Pearson, Biometrika 26 (1934), 404-413.
    """
    from scipy.stats import beta  # slow to import

    tail = (1 - confidence) / 2
    low = 0.0 if count == 0 else float(beta.ppf(tail, count, total - count + 1))
    high = 1.0 if count == total else float(beta.ppf(1 - tail, count + 1, total - count))
    return Rate(count, total, low, high)


def rate_text(rate: Rate) -> str:
    """A share with its interval: `12.0% [10.1%, 14.2%]`."""
    return f"{percent(rate.share)} [{percent(rate.low)}, {percent(rate.high)}]"


def percent(share: float) -> str:
    """A share of 1 in percent: `12.0%`."""
    return f"{100 * share:.1f}%"
