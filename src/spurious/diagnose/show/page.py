"""The report as one self-contained HTML page."""

from __future__ import annotations

from typing import Final, cast

import numpy as np
from jinja2 import Environment, PackageLoader

from spurious.diagnose.conclusion import Outcome
from spurious.diagnose.measure.records import Measurements
from spurious.diagnose.remedy import REMEDIES, parts
from spurious.diagnose.show.diagnosis import Diagnosis
from spurious.diagnose.show.summary import facts, start_text, won
from spurious.diagnose.thresholds import SATURATED_WHOLLY
from spurious.figures import (
    LayerBar,
    LossLine,
    curvature_and_slices,
    layer_activity,
    region_map,
    svg_text,
)

HEADLINES: Final = {
    Outcome.LEARNT: "It has learnt these points",
    Outcome.LEARNING: "It learns",
    Outcome.STUCK: "It does not learn, and the cause was not found",
    Outcome.UNKNOWN: "No problem is seen",
}
"""The page's title where no problem gives it one."""


def render(report: Diagnosis) -> str:
    """The page's text; pictures are inline SVG."""
    environment = Environment(loader=PackageLoader("spurious.diagnose.show"), autoescape=True)
    return environment.get_template("diagnosis.html.j2").render(
        report=report,
        facts=facts(report),
        headline=HEADLINES.get(report.conclusion.outcome, ""),
        won=won,
        start=start_text(report.start) if report.start is not None else "",
        pictures=_pictures(report),
        remedy=_remedy,
        evidence=_evidence,
    )


def _pictures(report: Diagnosis) -> list[tuple[str, str]]:
    """Captions and SVG documents."""
    seen = report.measurements
    found: list[tuple[str, str]] = []
    bars = _bars(seen)
    if bars:
        caption = (
            "What the units of each layer do on the points looked at, and how strong a signal "
            "reaches the layer: gradient times size of its outputs. A cross marks a layer that no "
            "gradient reaches."
        )
        found.append((caption, svg_text(layer_activity(bars))))
    lines = [LossLine(*entry) for entry in seen.landscape.slices]
    lines = [line for line in lines if np.isfinite(line.loss).all()]
    curvature = seen.curvature
    if lines:
        ritz = curvature.ritz if curvature else np.zeros(0)
        errors = (curvature.lowest_error, curvature.highest_error) if curvature else None
        caption = (
            "Approximate eigenvalues of the Hessian (bars: an eigenvalue lies within), and the "
            "loss along steepest descent and along the extreme eigenvectors."
        )
        found.append((caption, svg_text(curvature_and_slices(ritz, errors, lines))))
    plane = report.plane
    if plane is not None:
        blind = np.zeros(len(plane.x), dtype=np.bool_)
        for layer in seen.units:
            if layer.can_be_off and len(layer.units_on) == len(blind):
                blind |= layer.units_on == 0
        picture = region_map(
            plane.horizontal, plane.vertical, plane.region, plane.output, plane.x, plane.y, blind
        )
        caption = "The model over the plane of its inputs: where it is linear, and what it gives."
        found.append((caption, svg_text(picture)))
    return found


def _bars(seen: Measurements) -> list[LayerBar]:
    signals = {layer.weight: layer.signal for layer in seen.affine if layer.weight}
    bars: list[LayerBar] = []
    for layer in seen.units:
        dead = layer.dead
        shut = (layer.saturated >= SATURATED_WHOLLY) & ~dead
        steady = ~dead & ~shut & (layer.above_share == 1) if layer.kinked else dead & False
        signal = signals.get(layer.weight, float("nan")) if layer.weight else float("nan")
        bars.append(
            LayerBar(
                f"{layer.name} ({layer.activation})",
                float(dead.mean()),
                float(shut.mean()),
                float(steady.mean()),
                signal,
            )
        )
    return bars


def _remedy(name: str) -> str:
    """What remedies joined by + do."""
    return ", then ".join(REMEDIES[part] for part in parts(name))


def _evidence(value: object) -> str:
    """A piece of evidence as text."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict):
        named = cast("dict[str, object]", value)
        return ", ".join(f"{key}: {_evidence(entry)}" for key, entry in named.items())
    if isinstance(value, list):
        return ", ".join(map(str, cast("list[object]", value))) or "none"
    return "not known" if value is None else str(value)
