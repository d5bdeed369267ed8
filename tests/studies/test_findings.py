"""A claim's headline is the verdict of the largest budget at hand, and says so."""

import importlib.util
import json
import re
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from spurious.cli.app import app
from spurious.studies import (
    CLAIMS,
    Budget,
    ClaimResult,
    Context,
    Status,
    find_claim,
    mnist_initialisation,
    mnist_scaled,
    reproduce,
    zigzag,
)
from spurious.studies.large_plans import MILD, SMALL, STANDARD, STRONG, Arm
from spurious.studies.large_runs import run_of
from spurious.studies.report import job
from spurious.studies.report.claim import Finding, Origin, Row
from spurious.studies.report.findings import beside, committed, finding_of, findings_of, head_note
from spurious.sweep import connect, open_store

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "docs" / "results"
QUICK, STANDARD_BUDGET, FULL = Budget


def finding(budget: Budget, verdict: Status, origin: Origin = Origin.THIS_RUN) -> Finding:
    return Finding(budget, verdict, "", f"at {budget}", origin)


def say(monkeypatch: pytest.MonkeyPatch, status: Status) -> None:
    """Lets every claim come out with a verdict, without any work."""

    def run_claim(claim, context: Context) -> ClaimResult:
        row = Row("a", "b", f"c at {context.budget}", status, key=True)
        return ClaimResult(claim, status, (row,))

    monkeypatch.setattr(job, "run_claim", run_claim)


def record(folder: Path, name: str = "C1") -> dict:
    records = json.loads((folder / "claims.json").read_text("utf-8"))
    return next(entry for entry in records if entry["id"] == name)


def test_a_larger_result_that_differs_is_the_headline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C1 is `reproduced` by a thousand updates on digits; the larger run on MNIST differs."""
    say(monkeypatch, Status.REPRODUCED)
    (result,) = reproduce([find_claim("C1")], QUICK, tmp_path)
    assert result.status is Status.REPRODUCED  # of this run
    head, *_ = result.findings
    assert (head.verdict, head.budget) == (Status.DIFFERS, Budget.STANDARD)
    found = record(tmp_path)
    assert (found["verdict"], found["budget"]) == ("differs", "standard")
    assert "91.7%" in found["measured"]
    assert found["this_run"] == {"verdict": "reproduced", "budget": "quick"}
    (other,) = found["beside"]
    assert (other["verdict"], other["budget"]) == ("reproduced", "quick")
    assert other["measured"] == "a: c at quick"
    assert "docs/results/mnist-10000" in found["headline"] and "quick" in found["headline"]
    page = (tmp_path / "index.html").read_text("utf-8")
    assert '<span class="verdict differs">differs</span><br><span class="what">standard' in page
    assert "quick budget (this run): reproduced" in page


def test_the_command_line_says_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, Status.REPRODUCED)
    found = CliRunner().invoke(app, ["reproduce", "C1", "C5", "--out", str(tmp_path / "report")])
    assert found.exit_code == 0
    (line,) = [text for text in found.stdout.splitlines() if text.startswith("C1 ")][:1]
    assert line.split()[:3] == ["C1", "differs", "standard"]
    assert "the quick budget (this run) says reproduced" in found.stdout
    (five,) = [text for text in found.stdout.splitlines() if text.startswith("C5")]
    assert five.split()[:3] == ["C5", "reproduced", "any"]


def test_an_earlier_larger_run_in_the_folder_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims = [find_claim("C1"), find_claim("C3")]
    say(monkeypatch, Status.REPRODUCED)
    reproduce(claims, FULL, tmp_path)
    assert record(tmp_path)["budget"] == "full" and record(tmp_path)["verdict"] == "reproduced"
    say(monkeypatch, Status.DIFFERS)
    for _ in range(2):  # it is not forgotten by the second small run
        reproduce(claims[1:], QUICK, tmp_path)
        three = record(tmp_path, "C3")
        assert (three["verdict"], three["budget"]) == ("reproduced", "full")
        assert three["findings"][0]["origin"] == "an earlier run in this folder"
        assert [(f["verdict"], f["budget"]) for f in three["beside"]] == [("differs", "quick")]
        assert len(three["findings"]) == 2
    left_out = record(tmp_path)
    assert (left_out["verdict"], left_out["budget"]) == ("reproduced", "full")
    assert [f["budget"] for f in left_out["beside"]] == ["standard"]
    reproduce(claims, FULL, tmp_path)  # a new run at a budget stands for the earlier one
    assert record(tmp_path, "C3")["verdict"] == "differs"
    assert [f["budget"] for f in record(tmp_path, "C3")["findings"]] == ["full", "quick"]


def test_reports_of_older_versions_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = {"id": "C3", "printed": "", "measured": "x", "verdict": "differs", "budget": "full"}
    (tmp_path / "claims.json").write_text(json.dumps([old]))
    say(monkeypatch, Status.REPRODUCED)
    reproduce([find_claim("C3")], QUICK, tmp_path)
    assert record(tmp_path, "C3")["verdict"] == "differs"


@pytest.mark.parametrize("text", ["", "[]", "{", "[3]", '[{"id": "C3"}]', '{"a": [1]}', "null"])
def test_a_file_that_is_no_report_holds_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    (tmp_path / "claims.json").write_text(text)
    say(monkeypatch, Status.REPRODUCED)
    reproduce([find_claim("C3")], QUICK, tmp_path)
    assert record(tmp_path, "C3")["verdict"] == "reproduced"
    assert len(record(tmp_path, "C3")["findings"]) == 1


def test_what_is_no_result_is_no_headline_and_a_failure_is_not_hidden() -> None:
    kept = finding(STANDARD_BUDGET, Status.DIFFERS, Origin.COMMITTED)
    claim = find_claim("C1")
    for status in Status:
        head, *_ = found = findings_of(claim, finding(QUICK, status), [kept])
        hidden = status not in (Status.FAILED, Status.NOT_RUN_YET)
        assert head is kept if hidden else head.verdict is status
        assert len(beside(found)) == (status is not Status.DIFFERS)
    without = findings_of(claim, finding(FULL, Status.NOT_RUN_AT_BUDGET), [kept])
    assert without[0] is kept and "full budget (this run) says not run" in head_note(without)
    empty = finding(FULL, Status.NOT_RUN_AT_BUDGET, Origin.EARLIER_RUN)
    assert len(findings_of(claim, finding(QUICK, Status.REPRODUCED), [empty])) == 1


def test_at_the_same_budget_this_run_counts_and_the_other_is_beside() -> None:
    kept = finding(STANDARD_BUDGET, Status.DIFFERS, Origin.COMMITTED)
    own = finding(STANDARD_BUDGET, Status.REPRODUCED)
    found = findings_of(find_claim("C1"), own, [kept])
    assert found == (own, kept) and beside(found) == (kept,)


def test_proofs_do_not_depend_on_the_budget() -> None:
    own = finding(QUICK, Status.PROVED)
    larger = finding(FULL, Status.DIFFERS, Origin.EARLIER_RUN)
    assert findings_of(find_claim("C5"), own, [larger]) == (own,)


def test_the_package_keeps_what_the_folders_hold() -> None:
    spec = importlib.util.spec_from_file_location("keep", RESULTS / "keep.py")
    assert spec and spec.loader
    keep = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(keep)
    folders = {path.parent for path in RESULTS.glob("*/claims.json")}
    assert folders == {path.parent for path in RESULTS.glob("*/run.toml")}
    assert {folder.name for folder in folders} == {path.stem for path in keep.PACKAGE.iterdir()}
    for folder in folders:
        assert (keep.PACKAGE / f"{folder.name}.json").read_text("utf-8") == keep.kept(folder)
    assert {f.origin for found in committed().values() for f in found} == {Origin.COMMITTED}


def arm_of(row: dict, rows: str) -> Arm:
    """What a committed row's cell stands for, by the plan that was run."""
    grid = tomllib.loads((RESULTS / "mnist-10000" / f"{rows}.toml").read_text("utf-8"))["grid"][0]
    starts = {}
    for name, start in zip((STANDARD, MILD, STRONG, SMALL), grid["initialisation"], strict=False):
        table = {"name": start} if isinstance(start, str) else start
        rest = ", ".join(f"{key}={value}" for key, value in table.items() if key != "name")
        starts[f"{table['name']}({rest})" if rest else table["name"]] = name
    tau = re.search(r"tau=([\d.]+)", row["dataset"])
    return Arm(
        starts[row["initialisation"]], "permuted" in row["dataset"], float(tau[1]) if tau else 1.0
    )


def hidden_of(row: dict) -> tuple[int, ...]:
    return tuple(int(units) for units in row["hidden"].split(","))


@pytest.mark.parametrize(
    ("module", "rows", "size"),
    [
        (mnist_initialisation, "initial", 10_000),
        (mnist_scaled, "scaled", 10_000),
        (zigzag, "zigzag", 61),
    ],
)
def test_the_kept_verdicts_follow_from_the_rows(
    module, rows: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim's own judgement, on the committed rows in place of a sweep."""
    folder = RESULTS / "mnist-10000"
    cursor = connect(open_store(folder / f"{rows}.parquet")).execute("SELECT * FROM runs")
    columns = [entry[0] for entry in cursor.description]
    found = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    runs = [
        run_of(arm_of(row, rows), hidden_of(row), {"outputs": (), **row}, size) for row in found
    ]
    monkeypatch.setattr(module, "large_runs", lambda *_: runs)
    if module is zigzag:
        monkeypatch.setattr(zigzag, "_certified", lambda *_: ())
    else:
        monkeypatch.setattr(module, f"{rows}_design", lambda _: None)
    result: ClaimResult = module.run(Context(STANDARD_BUDGET, folder))
    (kept,) = committed()[result.claim.id]
    assert result.status is kept.verdict
    assert job.own_finding(result, STANDARD_BUDGET).measured == kept.measured


def test_the_table_of_the_site_has_the_headlines() -> None:
    records = json.loads((ROOT / "docs" / "claims.json").read_text("utf-8"))
    assert [entry["id"] for entry in records] == [claim.id for claim in CLAIMS]
    for entry in records:
        claim = find_claim(entry["id"])
        (own,) = [f for f in entry["findings"] if f["origin"] == "this run"]
        kept = committed().get(claim.id, ())
        found = findings_of(claim, finding_of(own, Origin.THIS_RUN), kept)
        assert entry["verdict"] == found[0].verdict and entry["budget"] == found[0].budget
        assert [f["verdict"] for f in entry["beside"]] == [f.verdict for f in beside(found)]
    assert records[0]["verdict"] == "differs" and records[0]["budget"] == "standard"
    assert records[0]["this_run"] == {"verdict": "reproduced", "budget": "quick"}
