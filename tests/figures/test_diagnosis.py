from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

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
def test_legible_and_nothing_overlaps(draw) -> None:
    figure = draw()
    text = svg_text(figure)
    ElementTree.fromstring(text)
    assert svg_text(draw()) == text
    figure.canvas.draw()
    width, height = figure.get_size_inches() * figure.dpi
    boxes = []
    for item in figure.findobj(Text):
        if item.get_visible() and item.get_text().strip():
            box = item.get_window_extent()
            inside = box.x0 > -1 and box.y0 > -1 and box.x1 < width + 1 and box.y1 < height + 1
            in_view = item.axes is None or _shown(item)
            if in_view:
                assert inside, item.get_text()
                boxes.append((item.get_text(), box))
    for (one, first), (two, second) in combinations(boxes, 2):
        assert not first.padded(-1).overlaps(second.padded(-1)), (one, two)
    for axes in figure.axes[:2]:
        assert axes.get_position().width > 0.2


def _shown(item: Text) -> bool:
    """Whether a tick label belongs to a tick in view."""
    axes = item.axes
    labels = [*axes.get_xticklabels(which="both"), *axes.get_yticklabels(which="both")]
    if item not in labels:
        return True
    horizontal = item in axes.get_xticklabels(which="both")
    low, high = sorted(axes.get_xlim() if horizontal else axes.get_ylim())
    return low <= item.get_position()[0 if horizontal else 1] <= high
