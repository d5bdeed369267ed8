import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import combinations
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from spurious.figures import (
    BoundaryPanel,
    CostPanel,
    CostSeries,
    FittedCurve,
    LineSlice,
    PlaneSlice,
    Profile,
    RegressionPanel,
    cost_curves,
    dead_layer,
    decision_boundaries,
    loss_slices,
    png_bytes,
    regression_fits,
    svg_text,
)


def fit(title: str, kinked: bool = True) -> RegressionPanel:
    x = np.linspace(-1.0, 5.0, 50)
    kinks = np.array([[3.0, 0.0]]) if kinked else np.empty((0, 2))
    curves = (
        FittedCurve("local minimum, loss 18", x, np.maximum(x - 3, 0), kinks),
        FittedCurve("better point, loss 14", x, np.maximum(-3 * x, 0), kinks),
    )
    return RegressionPanel(title, np.array([5.0, 4, 3]), np.array([2.0, 1, 0]), curves)


def fits_one() -> Figure:
    return regression_fits([fit("")])


def fits_two() -> Figure:
    return regression_fits([fit("(a) as printed"), fit("(b) corrected", kinked=False)])


def boundaries() -> Figure:
    side = np.linspace(-1.0, 1.0, 20)
    across, up = np.meshgrid(side, side)
    x = np.array([[0.5, 0.5], [-0.5, 0.2]])
    y, wrong = np.array([1.0, -1.0]), np.array([False, True])
    panels = [
        BoundaryPanel(f"({name}) 1 of 2 right", side, side, output, x, y, wrong)
        for name, output in (("a", across + up), ("b", 1 + across**2))
    ]
    return decision_boundaries(panels)


def slices() -> Figure:
    t = np.linspace(-1.0, 1.0, 41)
    plane = t[None, :] ** 2 + 0.1 * t[:, None] ** 2
    lines = [LineSlice(rf"$\lambda_{k}$", t, k * t**2) for k in (1, 2)]
    return loss_slices(lines, PlaneSlice("first direction", "second direction", t, t, plane))


def plateau() -> Figure:
    t = np.linspace(-2.0, 2.0, 41)
    loss = 12 + np.maximum(np.abs(t) - 1, 0) ** 2
    profiles = [Profile(f"direction {k}", t, loss + k, np.array([-1.0, 1.0])) for k in range(3)]
    return dead_layer(fit("(a) fit"), profiles, "distance", "(b) loss")


def bias() -> Figure:
    t = np.linspace(-1.0, 1.0, 41)
    profiles = [Profile("loss", t, 12 + t**2, np.array([]))]
    return dead_layer(fit("(a) fit"), profiles, "output bias", "(b) loss")


def cost() -> Figure:
    size = np.array([5.0, 10.0, 20.0])
    series = tuple(CostSeries(name, size, 1e-3 * size) for name in ("prove", "check"))
    return cost_curves([CostPanel(p, series) for p in ("points $n$", "units $h$", "inputs $d$")])


FIGURES = [fits_one, fits_two, boundaries, slices, plateau, bias, cost]


@pytest.fixture(params=FIGURES, ids=lambda build: build.__name__)
def build(request: pytest.FixtureRequest) -> Iterator[Callable[[], Figure]]:
    yield request.param


def test_print_width(build: Callable[[], Figure]) -> None:
    assert build().get_figwidth() in (3.4, 7.0)


def test_svg_is_valid_and_the_same_every_time(build: Callable[[], Figure]) -> None:
    text = svg_text(build())
    assert ElementTree.fromstring(text).tag.endswith("svg")
    assert svg_text(build()) == text
    assert "<text" not in text, "text must be outlines, or it depends on the reader's fonts"


def test_png(build: Callable[[], Figure]) -> None:
    data = png_bytes(build(), dpi=50)
    assert data.startswith(b"\x89PNG")
    assert png_bytes(build(), dpi=50) == data


def test_global_settings_are_left_alone(build: Callable[[], Figure]) -> None:
    before = dict(mpl.rcParams)
    svg_text(build())
    assert dict(mpl.rcParams) == before


def drawn_texts(figure: Figure) -> list[Text]:
    """Every text that is drawn; Matplotlib keeps labels of ticks out of view, too."""
    texts = [text for legend in figure.legends for text in legend.get_texts()]
    for axes in figure.axes:
        legend = axes.get_legend()
        texts += legend.get_texts() if legend else []
        texts += [axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label]
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = [t for t in axis.get_major_ticks() if low <= t.get_loc() <= high]
            texts += [label for tick in ticks for label in (tick.label1, tick.label2)]
    return [text for text in texts if text.get_visible() and text.get_text()]


def test_nothing_overlaps_and_nothing_is_cut_off(build: Callable[[], Figure]) -> None:
    figure = build()
    png_bytes(figure, dpi=100)
    boxes = [(text.get_text(), text.get_window_extent()) for text in drawn_texts(figure)]
    assert len(boxes) > 5
    for text, box in boxes:
        assert box.x0 > -1 and box.y0 > -1, text
        assert box.x1 < figure.bbox.x1 + 1 and box.y1 < figure.bbox.y1 + 1, text
    for (first, a), (second, b) in combinations(boxes, 2):
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        up = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert across < 1 or up < 1, (first, second)


def test_axes_of_a_row_stand_on_one_line() -> None:
    for build in (fits_two, plateau, bias, boundaries):
        figure = build()
        png_bytes(figure, dpi=100)
        bottoms = {round(axes.get_position().y0, 3) for axes in figure.axes}
        assert len(bottoms) == 1, build


def test_pyplot_is_never_imported() -> None:
    code = "import spurious.figures, sys; assert 'matplotlib.pyplot' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
