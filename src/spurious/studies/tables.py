"""The data behind pictures, as tables of the report."""

from __future__ import annotations

from spurious.figures import Profile, RegressionPanel
from spurious.figures.panels import LossSlices
from spurious.studies.report.claim import DataTable, table_of


def panel_table(name: str, panel: RegressionPanel) -> DataTable:
    """The values behind a panel, one row for each data point and each sample of a curve."""
    series = [("data", panel.x, panel.y), *((c.label, c.x, c.f) for c in panel.curves)]
    return table_of(
        name,
        [
            {"series": label, "x": float(x), "value": float(y)}
            for label, xs, ys in series
            for x, y in zip(xs, ys, strict=True)
        ],
    )


def profile_table(name: str, profiles: tuple[Profile, ...]) -> DataTable:
    """The values behind profiles, one row for each sample."""
    return table_of(
        name,
        [
            {"series": profile.label, "position": float(t), "loss": float(value)}
            for profile in profiles
            for t, value in zip(profile.position, profile.loss, strict=True)
        ],
    )


def slices_table(name: str, slices: LossSlices) -> DataTable:
    """The values behind the lines of loss slices."""
    return table_of(
        name,
        [
            {"direction": line.label, "distance": float(t), "loss minus minimum": float(value)}
            for line in slices.lines
            for t, value in zip(line.distance, line.excess, strict=True)
        ],
    )
