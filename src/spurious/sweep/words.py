"""Shares in words a person reads."""

from __future__ import annotations

from spurious.sweep.statistics import Rate

__all__ = ["percent", "rate_text"]


def rate_text(rate: Rate) -> str:
    """A share with its interval: `12.0% [10.1%, 14.2%]`."""
    return f"{percent(rate.share)} [{percent(rate.low)}, {percent(rate.high)}]"


def percent(share: float) -> str:
    """A share of 1 in percent: `12.0%`."""
    return f"{100 * share:.1f}%"
