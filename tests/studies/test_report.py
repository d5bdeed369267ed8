import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache, partial
from html.parser import HTMLParser
from pathlib import Path

import pytest

from spurious.errors import InputError
from spurious.figures import write
from spurious.files import write_atomically
from spurious.studies import (
    CLAIMS,
    Budget,
    Status,
    complete_lists,
    find_claim,
    one_unit,
    reproduce,
)
from spurious.studies.report import job
from spurious.studies.report.claim import ClaimResult, Finding, Mark, Origin, Row, overall
from spurious.studies.report.page import STATEMENTS, Page, statements, typeset
from spurious.studies.report.record import claim_record

NAMES = ("C5", "C6")


@pytest.fixture(scope="module", autouse=True)
def quickly() -> Iterator[None]:
    """Every run makes the same atlases; nobody looks at the pixels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(complete_lists, "atlas", cache(complete_lists.atlas))
        patch.setattr(write, "png_bytes", partial(write.png_bytes, dpi=50))
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report")
    reproduce([find_claim(name) for name in NAMES], Budget.QUICK, out)
    return out


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "href" and tag == "a":
                self.links.append(value or "")
            elif name == "id":
                self.ids.append(value or "")
            elif name == "src" or (tag == "link" and name == "href"):
                self.loaded.append(value or "")


def test_claims_json(folder: Path) -> None:
    found = json.loads((folder / "claims.json").read_text("utf-8"))
    assert [entry["id"] for entry in found] == [claim.id for claim in CLAIMS]
    for entry in found:
        assert {"statement", "printed", "measured", "verdict", "seconds", "budget"} <= entry.keys()
        assert (entry["verdict"] == "not run yet") == (entry["id"] not in NAMES)
        for kind in ("figures", "data"):
            assert all((folder / path).is_file() for path in entry[kind])
        for certificate in entry["certificates"]:
            assert certificate["valid"] is True
            content = json.loads((folder / certificate["path"]).read_text("utf-8"))
            assert content["format"] == "spurious-certificate/1"
    five = found[4]
    assert five["verdict"] == "proved"
    assert "loss: 18" in five["printed"]
    assert "loss: 18" in five["measured"]


def test_a_certificate_is_checked_with_the_folder_alone(folder: Path) -> None:
    """As the page says: nothing of spurious is on the path."""
    command = [sys.executable, "-I", "spurious_checker.py"]
    certificates = [str(path.relative_to(folder)) for path in folder.glob("certificates/*")]
    done = subprocess.run([*command, *certificates], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.count("valid") >= len(certificates)
    assert "python spurious_checker.py certificates/*" in (folder / "index.html").read_text()


def test_page_stands_alone_and_its_links_lead_somewhere(folder: Path) -> None:
    page = (folder / "index.html").read_text("utf-8")
    links = Links()
    links.feed(page)
    assert links.loaded == []
    assert "@import" not in page
    assert len(set(links.ids)) == len(links.ids), "identifiers of figures clash"
    for link in links.links:
        if link.startswith("#"):
            assert link[1:] in links.ids
        elif not link.startswith("https://arxiv.org/"):
            assert (folder / link).is_file(), link
    for claim in CLAIMS:
        assert claim.id in links.ids
    assert "spurious check certificates/c05-d1.json" in page


def test_claims_left_out_stay_as_an_earlier_run_left_them(tmp_path: Path) -> None:
    def records() -> dict[str, dict]:
        found = json.loads((tmp_path / "claims.json").read_text("utf-8"))
        return {entry["id"]: entry for entry in found}

    def section(name: str) -> str:
        page = (tmp_path / "index.html").read_text("utf-8")
        return page[page.index(f'<section id="{name}"') :].partition("</section>")[0]

    reproduce([find_claim("C5")], Budget.QUICK, tmp_path)
    before, shown = records()["C5"], section("C5")
    for _ in range(2):  # what was kept once is kept again
        reproduce([find_claim("C11")], Budget.QUICK, tmp_path)
        after = records()
        assert after["C5"]["findings"][0].pop("origin") == "an earlier run in this folder"
        for key in before.keys() - {"findings"}:
            assert after["C5"][key] == before[key], key
        assert section("C5") == shown
        assert after["C11"]["verdict"] == "proved" and after["C6"]["verdict"] == "not run yet"
    (tmp_path / before["certificates"][0]["path"]).unlink()
    reproduce([find_claim("C11")], Budget.QUICK, tmp_path)  # a page with dead links helps nobody
    assert records()["C5"]["verdict"] == "not run yet"


def test_nothing_temporary_is_left(folder: Path) -> None:
    assert not [path for path in folder.rglob("*") if path.name.startswith(".")]
    assert {path.suffix for path in (folder / "figures").iterdir()} == {".svg", ".png"}


def test_a_claim_that_raises_is_reported_and_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(_: str) -> None:
        raise ZeroDivisionError("<boom>")

    monkeypatch.setattr(one_unit, "bundled", explode)
    results = reproduce([find_claim(name) for name in NAMES], Budget.QUICK, tmp_path)
    assert [result.status for result in results] == [Status.FAILED, Status.PROVED_WITH_CORRECTION]
    assert not results[0].sound
    assert "&lt;boom&gt;" in (tmp_path / "index.html").read_text("utf-8")


def test_a_figure_that_cannot_be_drawn_fails_its_claim(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: object) -> None:
        raise ValueError("no ink")

    monkeypatch.setattr("spurious.figures.write.svg_text", explode)
    (result,) = reproduce([find_claim("C5")], Budget.FULL, tmp_path)
    assert result.status is Status.FAILED
    assert "no ink" in result.explanation[0]


def test_an_interrupted_run_keeps_what_it_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = job.run_claim

    def interrupted(claim: object, context: object) -> object:
        if claim == find_claim("C6"):
            raise KeyboardInterrupt
        return real(claim, context)

    monkeypatch.setattr(job, "run_claim", interrupted)
    with pytest.raises(KeyboardInterrupt):
        reproduce([find_claim(name) for name in ("C5", "C6", "C7")], Budget.QUICK, tmp_path)
    found = json.loads((tmp_path / "claims.json").read_text("utf-8"))
    assert [e["id"] for e in found if e["verdict"] != "not run yet"] == ["C5"]
    assert (tmp_path / "certificates" / "c05-d1.json").is_file()
    assert "c05-fits.svg" in (tmp_path / "index.html").read_text("utf-8")


def test_callbacks_and_order(tmp_path: Path) -> None:
    seen: list[str] = []
    reproduce(
        [find_claim("C11"), find_claim("C5")],
        Budget.QUICK,
        tmp_path,
        lambda claim: seen.append(claim.id),
        lambda result: seen.append(f"{result.claim.id} {result.status}"),
    )
    assert seen == ["C5", "C5 proved", "C11", "C11 proved"]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot make this folder"):
        reproduce([], Budget.QUICK, tmp_path / "file" / "report")


def test_writing_is_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out.txt"
    write_atomically(path, "first")

    def fail(*_: object) -> None:
        raise OSError(28, "no space left")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(InputError, match="no space left"):
        write_atomically(path, "second")
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("w2 = -1", "w\N{SUBSCRIPT TWO} = \N{MINUS SIGN}1"),
        ("2-2-1 network", "2-2-1 network"),
        ("1.3e-3", "1.3\u202f\N{MULTIPLICATION SIGN}\u202f10<sup>\N{MINUS SIGN}3</sup>"),
        ("5 +/- 1e-11", "5 \N{PLUS-MINUS SIGN} 10<sup>\N{MINUS SIGN}11</sup>"),
        ("a < b & c", "a &lt; b &amp; c"),
        ("x >= 6", "x \N{GREATER-THAN OR EQUAL TO} 6"),
        ("(1,-3)", "(1,\N{MINUS SIGN}3)"),
    ],
)
def test_typesetting(text: str, html: str) -> None:
    assert re.sub(r"\s", " ", str(typeset(text))) == re.sub(r"\s", " ", html)


def test_overall_takes_the_worst() -> None:
    def of(*statuses: Status) -> Status:
        return overall(Row("", "6", "", status, key=True) for status in statuses)

    assert of(Status.PROVED, Status.PROVED) is Status.PROVED
    assert of(Status.PROVED, Status.DIFFERS, Status.REFUTED) is Status.DIFFERS
    assert of(Status.REFUTED) is Status.REFUTED
    assert of(Status.PROVED, Status.REPRODUCED) is Status.REPRODUCED
    assert of() is Status.NOT_RUN_YET


def test_a_verdict_does_not_hide_a_part_that_is_open_or_false() -> None:
    def of(status: Status, other: Status, printed: str = "6", key: bool = True) -> Status:
        return overall([Row("a", "5", "", status, key=True), Row("b", printed, "", other, key)])

    assert of(Status.PROVED, Status.REFUTED) is Status.PROVED_PART_REFUTED
    for other in (Status.MEASURED, Status.NOT_RUN_AT_BUDGET, Status.NOT_RUN_YET):
        assert of(Status.PROVED, other) is Status.PROVED_IN_PART
        assert of(Status.REPRODUCED, other) is Status.REPRODUCED_IN_PART
        assert of(Status.REPRODUCED, other, printed="not said") is Status.REPRODUCED
        assert of(Status.PROVED, other, key=False) is Status.PROVED


def test_what_is_not_printed_is_not_reproduced() -> None:
    with pytest.raises(ValueError, match="nothing is printed"):
        Row("a", "", "7", Status.REPRODUCED)


def test_every_verdict_is_explained_and_what_nobody_read_is_said(folder: Path) -> None:
    page = (folder / "index.html").read_text("utf-8")
    for status in Status:
        assert f">{status}</span></dt>" in page
    assert "nobody here has read" in " ".join(page.partition("</header>")[0].split())


def test_the_head_tells_the_budget_and_the_folder_has_the_theorems(folder: Path) -> None:
    page = (folder / "index.html").read_text("utf-8")
    assert "quick budget · seeds are fixed" in page
    for name in STATEMENTS:
        assert f'href="{name}"' in page
        assert (folder / name).read_text("utf-8") == statements(name)
    assert "**Theorem 1.**" in (folder / "mathematics.md").read_text("utf-8")


def test_rows_with_marks_are_one_table_of_marks(tmp_path: Path) -> None:
    rows = tuple(
        Row(
            f"{line}, h = {h}",
            "50%",
            f"{h}0% [1%, 99%]",
            Status.DIFFERS if h == 3 else Status.REPRODUCED,
            heading="the table",
            mark=Mark(line, f"h = {h}", f"{h}0%"),
        )
        for line in ("relu", "tanh")
        for h in (2, 3)
    )
    other = Row("another", "1", "1", Status.REPRODUCED, heading="more")
    found = Finding(Budget.QUICK, Status.DIFFERS, "", "", Origin.THIS_RUN)
    result = ClaimResult(CLAIMS[2], Status.DIFFERS, (*rows, other), findings=(found,))
    record = claim_record(result, Budget.QUICK)
    page = Page(tmp_path)
    page.put(record)
    page.write()
    text = (tmp_path / "index.html").read_text("utf-8")
    (table,) = re.findall(r'<table class="marks">.*?</table>', text, re.DOTALL)
    assert re.findall(r'scope="(?:col|row)">([^<]+)<', table) == ["h = 2", "h = 3", "relu", "tanh"]
    assert table.count('class="differs-mark"') == 2 and table.count("reproduced-mark") == 2
    assert table.count("30%<br>") == 2
    assert text.count("5 values, one by one") == 1
