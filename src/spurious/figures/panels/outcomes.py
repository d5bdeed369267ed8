"""Summaries of a sweep as the panels of a figure, and rates with their intervals as a curve."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from spurious.figures.outcomes import OutcomePanel
from spurious.figures.series import Series
from spurious.sweep import AXES, Rate, Summary
from spurious.train import Outcome


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


def outcome_panel(
    title: str, cells: Sequence[Summary], printed: tuple[float, ...] = ()
) -> OutcomePanel:
    """One panel: cells that differ in their hidden units."""
    rates = [cell.rate(Outcome.SOLVED) for cell in cells]
    return OutcomePanel(
        title,
        tuple(str(cell.label("hidden")) for cell in cells),
        {outcome: tuple(cell.rate(outcome).share for cell in cells) for outcome in Outcome},
        tuple(rate.low for rate in rates),
        tuple(rate.high for rate in rates),
        printed,
    )


def outcome_panels(found: Sequence[Summary]) -> list[OutcomePanel]:
    """A panel for each combination of everything but the hidden units."""
    rest = [axis for axis in AXES if axis != "hidden"]
    varied = [axis for axis in rest if len({cell.label(axis) for cell in found}) > 1]
    if not varied:
        varied = ["dataset"]

    def title(cell: Summary) -> str:
        parts = [f"{_short(axis)}{cell.label(axis)}" for axis in varied]
        return _wrapped(parts)

    groups: dict[str, list[Summary]] = {}
    for cell in found:
        groups.setdefault(title(cell), []).append(cell)
    return [outcome_panel(name, sorted(cells, key=_units)) for name, cells in groups.items()]


def _units(cell: Summary) -> list[int]:
    return [int(units) for units in str(cell.label("hidden")).split(",")]


def _short(axis: str) -> str:
    return {"step_size": "step ", "batch": "batch ", "updates": "T = "}.get(axis, "")


def _wrapped(parts: Sequence[str], width: int = 30) -> str:
    """The parts with commas, broken into lines that fit a panel."""
    lines = [""]
    for part in parts:
        joined = f"{lines[-1]}, {part}" if lines[-1] else part
        if len(joined) > width and lines[-1]:
            lines[-1] += ","
            lines.append(part)
        else:
            lines[-1] = joined
    return "\n".join(lines)
