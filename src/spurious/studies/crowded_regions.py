"""C14: do points that share linear regions of the fresh network make learning hard?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from spurious.figures import Series, SeriesPanel, series_panels
from spurious.studies.claims import C14
from spurious.studies.rank_correlation import (
    Correlation,
    Group,
    mean_correlation,
    pooled_correlation,
)
from spurious.studies.region_sweep import BIASED, UNBIASED, UPDATES, RegionCell, region_cells
from spurious.studies.report.claim import (
    ClaimResult,
    Context,
    DataTable,
    Picture,
    Row,
    Status,
    Study,
    overall,
    table_of,
)
from spurious.sweep import percent

_Measure: TypeAlias = Callable[[RegionCell], NDArray[np.float64]]
_Key: TypeAlias = Callable[[RegionCell], tuple[Any, ...]]

STARTS: Final = ((BIASED, "with biases"), (UNBIASED, "without biases"))

HEADING: Final = "rank correlation of the trap rate with points per region at the start"

CAPTION: Final = (
    "Every mark is a dataset at one scale and width, PyTorch's start. (a) Trap rate against points "
    "per linear region of the fresh network. (b) Against the share of points whose region holds "
    "both classes. (c) Mean over datasets and widths against the scale of the inputs: with "
    "PyTorch's biases (regions grow scarce as the scale falls), and without biases (they do not)."
)


@dataclass(frozen=True, slots=True)
class _Test:
    """The hypothesis on one choice of cells.

    Attributes:
        name: What varies.
        crowding: Trap rate against points per region.
        mixed: Trap rate against the share of points that share theirs with the other class.
        unsolved: Share of unsolved runs against points per region.
    """

    name: str
    crowding: Correlation
    mixed: Correlation
    unsolved: Correlation

    @property
    def holds(self) -> bool:
        """Whether the interval of the main correlation is above 0."""
        return self.crowding.low > 0


def run(context: Context) -> ClaimResult:
    """One sweep over datasets, scales, widths and starts; regions against outcomes."""
    cells = region_cells(context)
    tests = tuple(_tests(cells))
    rows = (*map(_row, tests), *_control_rows(cells))
    return ClaimResult(
        C14,
        overall(rows),
        rows,
        (
            _sentence(tests, cells),
            "A region is an activation pattern of the hidden units, counted on the data points for "
            "every start. A run is trapped if descent in double precision from its end leads to no "
            f"solution, unsolved if it is not at zero training error after {UPDATES:,} updates of "
            "Adam with step size 0.01; log loss, ReLU. Random numbers are shared: a start at "
            "another scale has the same weights.",
            "Intervals are 95 % bootstrap intervals over whole groups (curves, pairs or cells).",
        ),
        (),
        (_picture(cells),),
        (_table(cells),),
    )


def _tests(cells: Sequence[RegionCell]) -> Iterator[_Test]:
    """The hypothesis, asked in five ways, from the loosest to the strictest."""
    biased = [cell for cell in cells if cell.start == BIASED]
    curves = _grouped(biased, lambda c: (c.data, c.width))
    yield _test("over all cells with biases", pooled_correlation, curves)
    yield _test("along the scales: same data and width", mean_correlation, curves)
    yield _test(
        "along the widths: same data and scale",
        mean_correlation,
        _grouped(biased, lambda c: (c.data, c.scale)),
    )
    yield _test(
        "with and without biases: same data, scale and width",
        mean_correlation,
        _grouped(cells, lambda c: (c.data, c.scale, c.width)),
    )
    yield _test("from start to start: the same cell", mean_correlation, [[c] for c in cells])


def _grouped(cells: Sequence[RegionCell], key: _Key) -> list[list[RegionCell]]:
    groups: dict[tuple[Any, ...], list[RegionCell]] = {}
    for cell in cells:
        groups.setdefault(key(cell), []).append(cell)
    return list(groups.values())


def _test(
    name: str,
    correlation: Callable[[Sequence[Group]], Correlation],
    groups: Sequence[Sequence[RegionCell]],
) -> _Test:
    def correlated(x: _Measure, y: _Measure) -> Correlation:
        return correlation([(_values(group, x), _values(group, y)) for group in groups])

    return _Test(
        name,
        correlated(_crowding, _trapped),
        correlated(_mixed, _trapped),
        correlated(_crowding, _unsolved),
    )


def _values(group: Sequence[RegionCell], measure: _Measure) -> NDArray[np.float64]:
    """The cells' means; of a single cell its runs."""
    if len(group) == 1:
        return measure(group[0])
    return np.array([measure(cell).mean() for cell in group])


def _crowding(cell: RegionCell) -> NDArray[np.float64]:
    return cell.crowding


def _mixed(cell: RegionCell) -> NDArray[np.float64]:
    return cell.mixed


def _trapped(cell: RegionCell) -> NDArray[np.float64]:
    return cell.trapped


def _unsolved(cell: RegionCell) -> NDArray[np.float64]:
    return cell.unsolved


def _row(test: _Test) -> Row:
    return Row(
        test.name,
        "positive",
        f"{test.crowding} over {test.crowding.groups} groups; against the share of points in "
        f"regions of both classes {test.mixed}; with unsolved runs for trapped ones "
        f"{test.unsolved}",
        Status.REPRODUCED if test.holds else Status.DIFFERS,
        True,
        HEADING,
    )


def _sentence(tests: Sequence[_Test], cells: Sequence[RegionCell]) -> str:
    failed = [test.name for test in tests if not test.holds]
    scales = _scales(cells)
    few, many = (percent(_mean(cells, UNBIASED, scale)) for scale in (scales[0], scales[-1]))
    widest = max(cell.width for cell in cells)
    circles = next(
        cell
        for cell in cells
        if (cell.data, cell.start, cell.scale, cell.width)
        == ("circles", UNBIASED, scales[-1], widest)
    )
    rest = (
        "It is not the whole cause: without biases the regions are the same at every scale, and "
        f"yet {few} of runs are trapped at the smallest and {many} at the largest; and "
        f"{percent(float(circles.mixed.mean()))} of the points of the two circles are then in "
        f"regions with both classes, and yet {percent(float(circles.trapped.mean()))} of runs with "
        f"{widest} units are trapped."
    )
    if not failed:
        return f"The hypothesis holds in every way we asked: all correlations are positive. {rest}"
    if len(failed) == len(tests):
        return f"The hypothesis does not hold in any way we asked. {rest}"
    return f"The hypothesis holds in part; it could not be confirmed {'; '.join(failed)}. {rest}"


def _scales(cells: Sequence[RegionCell]) -> list[float]:
    return sorted({cell.scale for cell in cells})


def _mean(
    cells: Sequence[RegionCell], start: str, scale: float, measure: _Measure = _trapped
) -> float:
    """The mean over datasets and widths."""
    found = [measure(c).mean() for c in cells if (c.start, c.scale) == (start, scale)]
    return float(np.mean(found))


def _control_rows(cells: Sequence[RegionCell]) -> Iterator[Row]:
    scales = _scales(cells)
    for start, words in STARTS:
        texts = [
            f"{_mean(cells, start, scale, _crowding):.2f} points a region and "
            f"{percent(_mean(cells, start, scale))} trapped at scale {scale:g}"
            for scale in (scales[0], scales[-1])
        ]
        yield Row(
            words,
            "",
            "; ".join(texts),
            Status.MEASURED,
            heading="is it the regions, or the scale? means over datasets and widths",
        )


def _picture(cells: Sequence[RegionCell]) -> Picture:
    biased = [cell for cell in cells if cell.start == BIASED]
    clouds: list[list[Series]] = [[], []]
    for group in _grouped(biased, lambda c: (c.data,)):
        rates = _values(group, _trapped)
        for cloud, measure in zip(clouds, (_crowding, _mixed), strict=True):
            cloud.append(Series(group[0].data, _values(group, measure), rates, joined=False))
    scales = _scales(cells)
    lines = tuple(
        Series(words, np.array(scales), np.array([_mean(cells, start, s) for s in scales]))
        for start, words in STARTS
    )
    return Picture(
        "c14-regions",
        CAPTION,
        series_panels(
            (
                SeriesPanel(
                    "(a) points per region",
                    "points per region at the start",
                    "trap rate",
                    tuple(clouds[0]),
                    log_x=True,
                    share=True,
                ),
                SeriesPanel(
                    "(b) regions with both classes",
                    "share of points in mixed regions",
                    "trap rate",
                    tuple(clouds[1]),
                    share=True,
                ),
                SeriesPanel(
                    "(c) scale, with and without biases",
                    "largest input",
                    "trap rate",
                    lines,
                    log_x=True,
                    share=True,
                ),
            )
        ),
    )


def _table(cells: Sequence[RegionCell]) -> DataTable:
    return table_of(
        "c14-cells",
        [
            {
                "dataset": c.data,
                "largest input": c.scale,
                "hidden units": c.width,
                "start": c.start,
                "runs": len(c.trapped),
                "points per region": float(c.crowding.mean()),
                "share in mixed regions": float(c.mixed.mean()),
                "unsolved": int(c.unsolved.sum()),
                "trapped": int(c.trapped.sum()),
            }
            for c in cells
        ],
    )


STUDY: Final = Study(C14, run)
