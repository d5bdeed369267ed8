"""The data behind pictures, as tables of the report."""

from __future__ import annotations

from spurious.figures import Profile, RegressionPanel
from spurious.figures.panels import LossSlices
from spurious.studies.report.claim import DataTable


def panel_table(name: str, panel: RegressionPanel) -> DataTable:
    """The values behind a panel, one row for each data point and each sample of a curve."""
    data = tuple(("data", float(x), float(y)) for x, y in zip(panel.x, panel.y, strict=True))
    curves = tuple(
        (curve.label, float(x), float(f))
        for curve in panel.curves
        for x, f in zip(curve.x, curve.f, strict=True)
    )
    return DataTable(name, ("series", "x", "value"), data + curves)


def profile_table(name: str, profiles: tuple[Profile, ...]) -> DataTable:
    """The values behind profiles, one row for each sample."""
    return DataTable(
        name,
        ("series", "position", "loss"),
        tuple(
            (profile.label, float(t), float(value))
            for profile in profiles
            for t, value in zip(profile.position, profile.loss, strict=True)
        ),
    )


def slices_table(name: str, slices: LossSlices) -> DataTable:
    """The values behind the lines of loss slices."""
    return DataTable(
        name,
        ("direction", "distance", "loss minus minimum"),
        tuple(
            (line.label, float(t), float(value))
            for line in slices.lines
            for t, value in zip(line.distance, line.excess, strict=True)
        ),
    )
