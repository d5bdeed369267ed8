"""Activations as tables for the page, which has no formulas of its own: for drawing only."""

from __future__ import annotations

from typing import Final

import numpy as np

from spurious.problem import ACTIVATIONS, HOMOGENEOUS, Network, exact
from spurious.program import SMOOTH, NumpyArithmetic

LEAKY_SLOPE: Final = "1/100"
"""The slope of leaky_relu below 0 on the page, as `main.js` names it in problems."""

REACH: Final = 32
"""Tables go this far to both sides; beyond, the page goes on along straight lines."""

PER_UNIT: Final = 8
"""Entries for each unit of z. By cubics between, errors stay below 1e-5."""


def curves() -> dict[str, dict[str, object]]:
    """For each activation two slopes, or values and slopes at equally spaced places."""
    return {name: _pieces(name) if name in HOMOGENEOUS else _table(name) for name in ACTIVATIONS}


def _pieces(name: str) -> dict[str, object]:
    slope = exact(LEAKY_SLOPE, "slope") if name == "leaky_relu" else None
    above, below = Network((1, 1), name, slope).slopes
    return {"above": float(above), "below": float(below)}


def _table(name: str) -> dict[str, object]:
    places = np.linspace(-REACH, REACH, 2 * REACH * PER_UNIT + 1)
    values, slopes = NumpyArithmetic().jet(SMOOTH[name], places, 1)
    return {
        "low": -REACH,
        "step": 1 / PER_UNIT,
        "values": [float(f"{v:.9g}") for v in values],
        "slopes": [float(f"{v:.9g}") for v in slopes],
    }
