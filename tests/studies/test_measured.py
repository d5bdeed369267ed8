"""C3 and C4 at a tiny size: what the rows say is what the sweep holds."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spurious.studies import Budget, ClaimResult, Context, Status, find_claim, run_claim, table1
from spurious.studies.linearity import relative_residual
from spurious.studies.table1_plans import HIDDEN, main_plan, printed, sensitivity_plan
from spurious.sweep import AXES, open_store, summaries
from spurious.train import ENGINE_VERSION, Outcome, traps


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("measured")


@pytest.fixture(scope="module")
def said() -> list[str]:
    return []


@pytest.fixture(scope="module")
def table(folder: Path, said: list[str]) -> ClaimResult:
    small = {
        "main_plan": replace(main_plan(Budget.QUICK), runs=40),
        "sensitivity_plan": replace(
            sensitivity_plan(Budget.QUICK),
            runs=10,
            cells=tuple(
                cell
                for cell in sensitivity_plan(Budget.QUICK).cells
                if cell.recipe.updates == 1_000 and cell.recipe.optimiser.step_size == 0.01
            ),
        ),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table1, "LISTED", (1, 2))
        patch.setattr(traps, "SAMPLE", 2)  # as many ends as that are certified in each cell
        for name, plan in small.items():
            patch.setattr(table1, name, lambda _, plan=plan: plan)
        context = Context(Budget.QUICK, folder, said.append)
        return run_claim(find_claim("C3"), context)


def test_every_printed_entry_has_a_row(table: ClaimResult) -> None:
    assert table.status is not Status.FAILED, table.explanation
    for column, values in printed().items():
        for hidden, value in zip(HIDDEN, values, strict=True):
            (row,) = [r for r in table.rows if r.quantity == f"{column}, h = {hidden}"]
            assert row.printed == f"{100 * value:.0f}%"
            covered = "the interval covers it" in row.measured
            assert row.status is (Status.REPRODUCED if covered else Status.DIFFERS)
            low, high = row.measured.partition("[")[2].partition("]")[0].split(", ")
            inside = float(low[:-1]) - 0.5 <= 100 * value <= float(high[:-1]) + 0.5
            assert covered == inside


def test_the_rows_are_those_of_the_store(table: ClaimResult, folder: Path) -> None:
    found = summaries(open_store(folder / f"table1-quick-engine-{ENGINE_VERSION}"))
    assert len(found) == 48 and all(cell.total == 40 for cell in found)
    (data,) = [t for t in table.tables if t.name == "c03-table"]
    by_labels = {row[: len(AXES)]: row for row in data.rows}
    for cell in found:
        row = by_labels[cell.labels]
        assert sum(row[len(AXES) : len(AXES) + len(Outcome)]) == 40
        assert row[data.columns.index("solved")] == cell.counts["solved"]
        assert sum(row[len(AXES) + len(Outcome) :]) == 40
        assert row[data.columns.index("certify_minimum")] == cell.proofs["certify_minimum"]


def test_progress_is_said(table: ClaimResult, said: list[str]) -> None:
    assert table.rows
    assert any("of 1,920 runs" in line for line in said)


def test_the_report_has_its_parts(table: ClaimResult) -> None:
    headings = {row.heading for row in table.rows}
    assert len([heading for heading in headings if "every local minimum" in heading]) == 2
    assert len(headings) == 7
    assert {row.status for row in table.rows if row.printed == "not said"} == {Status.MEASURED}
    assert [picture.name for picture in table.pictures] == [
        "c03-outcomes",
        "c03-xor-2-minima",
        "c03-jellyfish-2-minima",
    ]


def test_budgets_grow() -> None:
    for plan in (main_plan, sensitivity_plan):
        sizes = [plan(budget).total for budget in Budget]
        assert sizes == sorted(sizes) and sizes[0] < sizes[1] < sizes[2]
    assert main_plan(Budget.STANDARD).runs >= 10_000


def test_surfaces() -> None:
    result = run_claim(find_claim("C4"), Context(Budget.QUICK, Path("never-written")))
    assert result.status is Status.REPRODUCED
    assert [row.quantity for row in result.rows] == [
        "ReLU, converged",
        "ReLU, stuck",
        "sigmoid, converged",
        "sigmoid, stuck",
    ]
    assert ["4 of 4" in row.measured for row in result.rows] == [True, False, True, False]


def test_distance_from_affine_maps() -> None:
    x = np.array([[0.0, 0], [1, 0], [0, 1], [1, 1]])
    outputs = np.array([[1.0, 2, 3, 4], [0, 1, 1, 0], [5, 5, 5, 5], [0, 0, 0, 1]])
    found = relative_residual(x, outputs)
    assert found[:3] == pytest.approx([0, 1, 0], abs=1e-9)
    assert 0.5 < found[3] < 1
