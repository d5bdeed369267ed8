from collections.abc import Callable
from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure
from tests.figures.test_figures import drawn_texts

from spurious.figures import (
    LayerBar,
    LossLine,
    curvature_and_slices,
    layer_activity,
    region_map,
    svg_text,
)


def layers() -> Figure:
    bars = [LayerBar("first (relu)", 0.5, 0.0, 0.2, 1e-6), LayerBar("last (tanh)", 0, 0.3, 0, 2.0)]
    return layer_activity(bars)


def layers_without_gradient() -> Figure:
    return layer_activity([LayerBar("0 (relu)", 1.0, 0, 0, 0.0), LayerBar("2 (relu)", 1, 0, 0, 0)])


def layers_partly_without() -> Figure:
    return layer_activity([LayerBar("0 (relu)", 1.0, 0, 0, 0.0), LayerBar("2 (relu)", 0, 0, 0, 3)])


def many_layers() -> Figure:
    return layer_activity([LayerBar(f"{k} (relu)", 0, 0, 0, float("nan")) for k in range(100)])


def curvature() -> Figure:
    place = np.linspace(-2.0, 2.0, 9)
    lines = [LossLine(name, place, 1 + place**2) for name in ("descent", "lowest", "highest")]
    return curvature_and_slices(np.array([-0.1, 0.0, 3.0]), (0.01, 1e-6), lines)


def no_curvature() -> Figure:
    place = np.linspace(-2.0, 2.0, 9)
    return curvature_and_slices(np.zeros(0), None, [LossLine("descent", place, 1 - place / 10)])


def plane() -> Figure:
    side = np.linspace(-1.0, 1.0, 30)
    across, up = np.meshgrid(side, side)
    region = (across > 0).astype(np.int64) + 2 * (up > across)
    x = np.array([[0.5, 0.5], [-0.5, 0.2], [0.1, -0.4]])
    blind = np.array([True, False, False])
    return region_map(side, side, region, across * up, x, np.array([0.0, 1, 1]), blind)


@pytest.mark.parametrize(
    "draw",
    [layers, layers_without_gradient, layers_partly_without, many_layers, curvature,
     no_curvature, plane],
)  # fmt: skip
def test_legible_and_nothing_overlaps(draw: Callable[[], Figure]) -> None:
    figure = draw()
    text = svg_text(figure)
    assert ElementTree.fromstring(text).tag.endswith("svg")
    assert svg_text(draw()) == text
    boxes = [(text.get_text(), text.get_window_extent()) for text in drawn_texts(figure)]
    for name, box in boxes:
        assert box.x0 > -1 and box.y0 > -1, name
        assert box.x1 < figure.bbox.x1 + 1 and box.y1 < figure.bbox.y1 + 1, name
    for (one, a), (two, b) in combinations(boxes, 2):
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        up = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert across < 1 or up < 1, (one, two)
    for axes in figure.axes[:2]:
        assert axes.get_position().width > 0.2
