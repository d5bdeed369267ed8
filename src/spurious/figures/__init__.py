"""Every picture, each a function from data to a Matplotlib figure.

Figures take data and compute nothing; `panels` prepares the data of those that show networks.
"""

from spurious.figures.atlas import atlas_panels
from spurious.figures.boundaries import BoundaryPanel, decision_boundaries
from spurious.figures.cost import CostPanel, CostSeries, cost_curves
from spurious.figures.critical_points import Ladder, critical_points
from spurious.figures.dead_layer import Profile, dead_layer
from spurious.figures.decay import Branch, DecayPanel, decay_panels
from spurious.figures.diagnosis import (
    LayerBar,
    LossLine,
    curvature_and_slices,
    layer_activity,
    region_map,
)
from spurious.figures.dots import DotRow, dot_grid
from spurious.figures.outcomes import OutcomePanel, outcome_shares
from spurious.figures.regression import FittedCurve, RegressionPanel, regression_fits
from spurious.figures.series import Series, SeriesPanel, series_panels
from spurious.figures.slices import LineSlice, PlaneSlice, loss_slices
from spurious.figures.write import png_bytes, svg_text, write_figure

__all__ = [
    "BoundaryPanel",
    "Branch",
    "CostPanel",
    "CostSeries",
    "DecayPanel",
    "DotRow",
    "FittedCurve",
    "Ladder",
    "LayerBar",
    "LineSlice",
    "LossLine",
    "OutcomePanel",
    "PlaneSlice",
    "Profile",
    "RegressionPanel",
    "Series",
    "SeriesPanel",
    "atlas_panels",
    "cost_curves",
    "critical_points",
    "curvature_and_slices",
    "dead_layer",
    "decay_panels",
    "decision_boundaries",
    "dot_grid",
    "layer_activity",
    "loss_slices",
    "outcome_shares",
    "png_bytes",
    "region_map",
    "regression_fits",
    "series_panels",
    "svg_text",
    "write_figure",
]
