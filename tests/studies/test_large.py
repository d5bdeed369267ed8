"""C1, C2 and C8 at a tiny size, and what their verdicts rest on."""

import dataclasses
import sys
from pathlib import Path

import pytest

from spurious.studies import (
    Budget,
    ClaimResult,
    Context,
    Status,
    find_claim,
    large_plans,
    run_claim,
)
from spurious.studies.large_plans import (
    MILD,
    STANDARD,
    STRONG,
    Arm,
    initial_design,
    starts,
    zigzag_design,
)
from spurious.studies.large_runs import LargeRun, ending_words, mostly, pairs, rarely, share
from spurious.sweep import clopper_pearson
from spurious.train import Outcome, ProofKind, Proved

QUICK = Budget.QUICK


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ClaimResult]:
    context = Context(QUICK, tmp_path_factory.mktemp("large"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(large_plans.WIDTHS, QUICK, {30: (3,)})
        patch.setitem(large_plans.SCALED_WIDTHS, QUICK, {30: (3,)})
        patch.setitem(large_plans.ZIGZAG_WIDTHS, QUICK, {30: (5,)})
        return {name: run_claim(find_claim(name), context) for name in ("C1", "C2", "C8")}


@pytest.mark.parametrize("name", ["C1", "C2", "C8"])
def test_results(results: dict[str, ClaimResult], name: str) -> None:
    result = results[name]
    assert result.status is not Status.FAILED, result.explanation
    assert any(row.key for row in result.rows)
    assert all("%" in row.measured or "[" in row.measured for row in result.rows)
    (table,) = result.tables
    runs = {"C1": 2 * 2 * 4 * 3, "C2": 4 * 3, "C8": 4 * 5}[name]
    assert len(table.rows) == runs
    ends = [row for row in result.rows if row.heading == "how runs ended"]
    assert len(ends) == 4


def test_strongly_shifted_starts_are_proved_stuck(results: dict[str, ClaimResult]) -> None:
    (row,) = [
        row
        for row in results["C1"].rows
        if row.heading == "how runs ended" and row.quantity == STRONG
    ]
    assert row.measured == "stuck, proved 100.0% [73.5%, 100.0%]"
    assert results["C1"].explanation[0].startswith("Proved stuck, true labels: 0 of 6 (standard)")


def test_without_the_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPURIOUS_DATA", str(tmp_path))
    for name in ("C1", "C2"):
        for budget in (Budget.STANDARD, Budget.FULL):
            result = run_claim(find_claim(name), Context(budget, tmp_path))
            assert result.status is Status.NOT_RUN_AT_BUDGET
            assert "found no file" in result.explanation[0]


def test_a_missing_package_is_not_a_matter_of_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sys.modules["spurious.data.array_data"]._cached_images.cache_clear()
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    result = run_claim(find_claim("C1"), Context(Budget.QUICK, tmp_path))
    assert result.status is Status.NOT_INSTALLED
    assert "pip install 'spurious[large]'" in result.explanation[0]


def test_shifts() -> None:
    """The means make first-layer units as rarely on as they say."""
    found = starts({"name": "digits"})
    assert found[STANDARD] == "pytorch"
    assert found[MILD]["mean"] == -0.023 and found[STRONG]["mean"] == -0.042  # pyright: ignore


def test_plans() -> None:
    plan = initial_design(QUICK).plan
    assert plan.total == 96
    shapes = {cell.recipe.shape for cell in plan.cells}  # pyright: ignore
    assert len(shapes) == 4  # a column of Fig. 1 is one program
    assert max(len(cell.recipe.network.hidden) for cell in plan.cells) == 5
    assert zigzag_design(Budget.FULL).plan.cells[0].recipe.updates == 2_000_000


def run(**changes: object) -> LargeRun:
    fields = {
        "arm": Arm(),
        "dataset": "digits",
        "hidden": (3, 3),
        "initialisation": "pytorch",
        "outcome": Outcome.STILL_DESCENDING,
        "proof": ProofKind.NONE,
        "proved": Proved.UNDECIDED,
        "outputs": (),
    }
    numbers = {f.name: 0 for f in dataclasses.fields(LargeRun) if f.name not in fields}
    return LargeRun(**{**numbers, **fields, **changes})  # pyright: ignore


def test_pairs_and_shares() -> None:
    before = [run(index=i, accuracy=0.9) for i in range(3)]
    after = [run(index=i, accuracy=0.1 * i) for i in (2, 1, 7)]
    found = pairs(before, after, lambda r: (r.index,))
    assert [(p.before.index, p.after.accuracy) for p in found] == [(2, 0.2), (1, 0.1)]
    rate = share(found, lambda p: p.after.accuracy < 0.15)
    assert (rate.count, rate.total) == (1, 2)


def test_verdicts_follow_the_interval() -> None:
    for count, often, seldom in ((20, "reproduced", "differs"), (0, "differs", "reproduced")):
        rate = clopper_pearson(count, 20)
        assert (mostly(rate), rarely(rate)) == (often, seldom)
    middle = clopper_pearson(10, 20)
    assert mostly(middle) is rarely(middle) is Status.MEASURED


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"outcome": Outcome.SOLVED}, "solved"),
        ({"outcome": Outcome.DEAD, "proved": Proved.LOCAL_MINIMUM_IN_REGION}, "stuck, proved"),
        ({"proved": Proved.NOT_LOCAL_MINIMUM}, "no minimum yet, proved"),
        ({"outcome": Outcome.DIVERGED}, "diverged"),
        ({}, "undecided"),
    ],
)
def test_endings_in_words(changes: dict[str, object], words: str) -> None:
    assert ending_words(run(**changes)) == words
