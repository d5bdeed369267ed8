"""C9, C10 and C14: probabilities, bounds and correlations, and that they can fail."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from spurious.studies import (
    Budget,
    ClaimResult,
    Context,
    Status,
    crowded_regions,
    depth,
    find_claim,
    rank_correlation,
    run_claim,
    shifted_start,
)
from spurious.studies.rank_correlation import mean_correlation, pooled_correlation
from spurious.studies.region_sweep import BIASED, UNBIASED, RegionCell, region_cells


def run(name: str, folder: Path) -> ClaimResult:
    result = run_claim(find_claim(name), Context(Budget.QUICK, folder))
    assert result.status is not Status.FAILED, result.explanation
    return result


@pytest.fixture(scope="module", autouse=True)
def trained_once() -> Iterator[None]:
    """C9 trains and draws the same each time that it is tested here."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("train", "drawn_dead"):
            patch.setattr(shifted_start, name, cache(getattr(shifted_start, name)))
        yield


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """C10 with fewer networks and layers."""
    monkeypatch.setattr(depth, "TRAINED", (1, 5))
    monkeypatch.setattr(depth, "WITH_BIASES", (("xor", 1), ("xor", 2)))


def test_c9_rows(tmp_path: Path) -> None:
    result = run("C9", tmp_path)
    assert result.status is Status.REPRODUCED
    assert {row.status for row in result.rows if row.key} == {Status.PROVED}
    headings = list(dict.fromkeys(row.heading for row in result.rows))
    assert len(headings) == 4
    (means,) = [table for table in result.tables if table.name == "c09-means"]
    by = {row[:3]: row[3] for row in means.rows}
    assert by["all weights positive", "0.01, 100 layers", 10_000] == pytest.approx(0.0704, abs=1e-4)


def test_c9_fails_where_a_mean_is_not_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shifted_start, "QUOTED", ((0.06, "0.01"),))
    result = run("C9", tmp_path)
    assert result.status is Status.DIFFERS
    (row,) = [row for row in result.rows if row.status is Status.DIFFERS]
    assert row.printed == "mean 0.06 is enough"


@pytest.mark.usefixtures("short")
def test_c10_rows(tmp_path: Path) -> None:
    result = run("C10", tmp_path)
    assert result.status is Status.PROVED_WITH_CORRECTION
    (growing,) = [row for row in result.rows if row.status is Status.PROVED_WITH_CORRECTION]
    assert "never above 71.1%" in growing.measured
    (bounds,) = [table for table in result.tables if table.name == "c10-bounds"]
    for _, units, biases, layers, bound, runs, constant in bounds.rows:
        assert constant / runs >= bound - 0.06
        if (units, biases) == (2, "none"):
            assert bound <= 1 - 0.75**layers
    quantities = [row.quantity for row in result.rows]
    assert len(quantities) == len(depth.WITHOUT_BIASES) + 2 + 1 + len(depth.STARTS) + 4 + 2


@pytest.mark.usefixtures("short")
def test_c10_fails_if_simulation_contradicts_the_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(depth, "constant_bound", lambda *_: Fraction(999, 1000))
    result = run("C10", tmp_path)
    assert result.status is Status.DIFFERS
    assert any("CONTRADICTS" in row.measured for row in result.rows)


def cells(trapped: Callable[[float], float]) -> list[RegionCell]:
    """Cells whose trap rate is a function of the points per region."""
    generator = np.random.default_rng(0)
    made: list[RegionCell] = []
    for data in ("a", "circles"):
        for scale in (0.1, 1.0):
            for width in (2, 4):
                for start in (BIASED, UNBIASED):
                    crowding = generator.uniform(1, 5, 200) / (scale if start == BIASED else 1)
                    rate = np.vectorize(trapped)(crowding / width)
                    ends = (generator.uniform(size=200) < rate).astype(float)
                    crowding = crowding / width
                    made.append(
                        RegionCell(data, scale, width, start, crowding, crowding, ends, ends)
                    )
    return made


@pytest.mark.parametrize(
    ("trapped", "words"),
    [
        (lambda c: 1 - 1 / (1 + c), "holds in every way"),
        (lambda c: 1 / (1 + c), "does not hold in any way"),
    ],
)
def test_c14_says_what_the_cells_show(
    trapped: Callable[[float], float],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(crowded_regions, "region_cells", lambda _: cells(trapped))
    result = run("C14", tmp_path)
    assert words in result.explanation[0]
    expected = Status.REPRODUCED if "every" in words else Status.DIFFERS
    assert result.status is expected
    assert {row.status for row in result.rows if row.key} == {expected}


def test_c14_measures_each_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from spurious.studies import region_sweep

    monkeypatch.setattr(region_sweep, "WIDTHS", {Budget.QUICK: (3,)})
    monkeypatch.setattr(region_sweep, "SCALES", {Budget.QUICK: (0.1, 1.0)})
    monkeypatch.setattr(region_sweep, "RUNS", {Budget.QUICK: 10})
    monkeypatch.setattr(region_sweep, "UPDATES", 300)
    found = region_cells(Context(Budget.QUICK, tmp_path))
    assert len(found) == 6 * 2 * 2
    for cell in found:
        assert len(cell.trapped) == 10
        assert (cell.crowding >= 1).all() and (cell.mixed >= 0).all() and (cell.mixed <= 1).all()
        assert (cell.trapped <= cell.unsolved).all()
    unbiased = [cell for cell in found if cell.start == UNBIASED]
    for small, large in zip(unbiased[::2], unbiased[1::2], strict=True):
        assert (small.data, small.scale, large.scale) == (large.data, 0.1, 1.0)
        np.testing.assert_allclose(small.crowding, large.crowding)
    again = region_cells(Context(Budget.QUICK, tmp_path))
    for before, after in zip(found, again, strict=True):
        np.testing.assert_array_equal(before.trapped, after.trapped)


Numbers = st.lists(st.integers(0, 4), min_size=3, max_size=12)


@settings(deadline=None, max_examples=20)
@given(st.data())
def test_rank_correlation_is_scipys(data: st.DataObject) -> None:
    x = np.array(data.draw(Numbers), dtype=float)
    y = np.array(
        data.draw(st.lists(st.integers(0, 4), min_size=len(x), max_size=len(x))), dtype=float
    )
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        with pytest.raises(ValueError, match="no group"):
            mean_correlation([(x, y)])
        return
    expected = spearmanr(x, y).statistic
    for correlation in (mean_correlation, pooled_correlation):
        with pytest.MonkeyPatch.context() as patch:  # of one group all resamples are alike
            patch.setattr(rank_correlation, "RESAMPLES", 20)
            found = correlation([(x, y)])
        assert found.value == pytest.approx(expected)
        assert found.low <= found.value + 1e-12 and found.value - 1e-12 <= found.high


def test_the_interval_covers_the_truth() -> None:
    """Groups with a known mean correlation: about 95 of 100 intervals hold it."""
    generator = np.random.default_rng(3)
    inside = 0
    for _ in range(100):
        groups = []
        for _ in range(25):
            x = generator.standard_normal(3)
            groups.append((x, generator.standard_normal(3)))
        found = mean_correlation(groups)
        inside += found.low <= 0 <= found.high
    assert 85 <= inside <= 100


def test_groups_that_do_not_vary_are_left_out() -> None:
    x = np.array([1.0, 2, 3])
    found = mean_correlation([(x, x), (x, np.ones(3)), (np.ones(3), x), (x, -x)])
    assert found.groups == 2 and found.value == 0
