"""`spurious sweep`, as a user runs it."""

import json
import re
from pathlib import Path

import pytest
from tests.sweep.plans import SMALL
from typer.testing import CliRunner, Result

from spurious.cli.app import app
from spurious.sweep import executors

ROOT = Path(__file__).parents[2]
PLAN = SMALL.replace("runs = 150", "runs = 60")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["sweep", *map(str, arguments)])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sweep")
    (folder / "plan.toml").write_text(PLAN)
    result = run("run", folder / "plan.toml", "--store", folder / "store")
    assert result.exit_code == 0, result.output
    assert "of 480 runs" in result.stderr
    assert len(result.stdout.splitlines()) == 9
    assert "solved % (95% interval)" in result.stdout
    return folder / "store"


def test_again_does_nothing(store: Path) -> None:
    result = run("run", store.parent / "plan.toml", "--store", store, "--json")
    assert result.exit_code == 0
    cells = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(cells) == 8
    for cell in cells:
        assert cell["runs"] == 60 == sum(o["count"] for o in cell["outcomes"].values())
        low, high = cell["outcomes"]["solved"]["interval"]
        assert 0 <= low <= cell["outcomes"]["solved"]["count"] / 60 <= high <= 1


def test_status(store: Path) -> None:
    result = run("status", store)
    assert result.exit_code == 0
    assert "16 of 16 shards, 480 of 480 runs" in result.stdout
    asked = re.search(
        r"certify was asked about (\d+) points: (\d+) are at or near a local minimum, "
        r"(\d+) are no local minimum themselves, (\d+) undecided",
        result.stdout,
    )
    assert asked and int(asked[1]) == sum(map(int, asked.groups()[1:])) > 0
    sql = "SELECT count(*) FROM runs WHERE asked"
    assert run("query", store, sql, "--csv").stdout.split() == ["count_star()", asked[1]]


def test_status_of_committed_rows_says_what_was_counted() -> None:
    """`certify` was never asked about these networks; a bound in floating point settled 72."""
    result = run("status", ROOT / "docs/results/mnist-10000/initial.parquet")
    assert result.exit_code == 0
    named, *lines = result.stdout.splitlines()
    assert named.split(": ")[1].startswith("24 solved, 6 saddle or plateau, 2 dead")
    assert lines == [
        "  certify was asked about no point",
        "  the large engine's float bound settled 72 runs: nothing near 2 of them beats a local "
        "minimum with the same hidden layers, 70 are at no local minimum",
        "  nothing is proved of the other 24 runs",
    ]


def test_a_query_writes_nothing(store: Path, tmp_path: Path) -> None:
    target = tmp_path / "written.csv"
    result = run("query", store, f"COPY (SELECT 1) TO '{target}'")
    assert result.exit_code == 2 and not target.exists()
    assert (
        result.stderr == "error: query: found a command, expected a question, such as SELECT ...\n"
    )
    assert run("query", store, "SELECT 1; DROP VIEW runs").exit_code == 2
    assert run("query", store, "DESCRIBE runs").exit_code == 0


def test_a_file_is_no_store(store: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run("run", store.parent / "plan.toml", "--store", tmp_path / "file")
    assert result.exit_code == 2
    assert "found a file, expected the folder of a sweep" in result.stderr
    assert "compiling" not in result.stderr, "a mistake is told before anything slow"


def test_rows_too_wide_for_a_table_are_lists(store: Path) -> None:
    sql = "SELECT * FROM runs ORDER BY dataset, index LIMIT 2"
    told = run("query", store, sql).stdout
    assert re.search(r"^  dataset +jellyfish *$", told, re.M), told
    assert "..." not in told and "…" not in told


def test_query(store: Path) -> None:
    sql = "SELECT dataset, count(*) AS n FROM runs GROUP BY 1 ORDER BY 1"
    assert run("query", store, sql).stdout.split() == [
        "dataset",
        "n",
        "jellyfish",
        "240",
        "xor",
        "240",
    ]
    assert run("query", store, sql, "--csv").stdout.splitlines()[1] == "jellyfish,240"
    lines = run("query", store, sql, "--json").stdout.splitlines()
    assert json.loads(lines[1]) == {"dataset": "xor", "n": 240}
    widths = run(
        "query",
        store,
        "SELECT DISTINCT hidden, len(parameters) FROM runs WHERE parameters IS NOT NULL ORDER BY 1",
        "--csv",
    )
    assert widths.stdout.splitlines()[1:] == ["2,9", "3,13"]
    solved = run(
        "query",
        store,
        "SELECT count(*) FROM runs WHERE (outcome = 'solved') <> (parameters IS NULL)",
        "--csv",
    )
    assert solved.stdout.splitlines()[1] == "0"


def test_plot(store: Path, tmp_path: Path) -> None:
    result = run("plot", store, "--out", tmp_path / "pictures")
    assert result.exit_code == 0
    for name in ("rates.svg", "rates.png"):
        assert (tmp_path / "pictures" / name).stat().st_size > 10_000
        assert name in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "none.toml"), "none.toml: found no such file"),
        (("status", "nowhere"), "nowhere: found no sweep there"),
        (("query", "nowhere", "SELECT 1"), "nowhere: found no sweep there"),
        (("plot", "nowhere"), "nowhere: found no sweep there"),
    ],
)
def test_bad_input(arguments: tuple[str, ...], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr and len(result.stderr.splitlines()) == 1


def test_bad_sql(store: Path) -> None:
    result = run("query", store, "SELEC 1")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: query: ") and len(result.stderr.splitlines()) == 1
    assert run("query", store, "").exit_code == 2


def test_no_scheduler(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "ANSWERS_WITHIN", 0.2)
    plan = store.parent / "plan.toml"
    result = run("run", plan, "--store", store, "--cluster", "tcp://127.0.0.1:1")
    assert result.exit_code == 2
    assert "no scheduler answers" in result.stderr


@pytest.mark.parametrize("command", ["", "run", "status", "query", "plot"])
def test_help(command: str) -> None:
    result = run(*filter(None, [command]), "--help")
    assert result.exit_code == 0
    assert "Usage" in result.stdout


LARGE = PLAN.replace('["xor", "jellyfish"]', '"mnist"').replace('loss = "squared"\n', "")


def test_a_folder_without_the_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPURIOUS_DATA", "")  # --data sets it
    (tmp_path / "plan.toml").write_text(LARGE)
    result = run("run", tmp_path / "plan.toml", "--store", tmp_path / "s", "--data", tmp_path)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert "grid.dataset" in line and "found no file train-images-idx3-ubyte.gz" in line
    missing = run("run", tmp_path / "plan.toml", "--data", tmp_path / "nowhere")
    assert missing.exit_code == 2
    assert "found no folder" in missing.stderr and "MNIST" in missing.stderr
