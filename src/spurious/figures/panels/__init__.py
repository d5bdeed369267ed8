"""Panels made from problems, points and sweeps: where the data of figures are computed."""

from spurious.figures.panels.boundary import boundary_panel
from spurious.figures.panels.curves import fitted_panel
from spurious.figures.panels.outcomes import outcome_panel, outcome_panels, rate_series
from spurious.figures.panels.slices import LossSlices, sampled_slices

__all__ = [
    "LossSlices",
    "boundary_panel",
    "fitted_panel",
    "outcome_panel",
    "outcome_panels",
    "rate_series",
    "sampled_slices",
]
