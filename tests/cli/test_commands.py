"""What each command prints and how it exits, run in this process."""

import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

import spurious_checker
from spurious import __version__
from spurious.certify import certify
from spurious.cli.app import app
from spurious.cli.commands import Exit, worst
from spurious.problem import DATASETS, Problem, problem_to_data
from spurious.problem.bundled import bundled
from spurious.proof import Claim, Undecided, Verdict
from spurious.studies import one_unit
from spurious.studies.report import job
from spurious.verdict import Decision

CERTIFY_FIELDS = [
    "file",
    "verdict",
    "strict",
    "global",
    "method",
    "reason",
    "loss",
    "witness_loss",
    "index",
    "slope",
    "decrease",
    "decrease_radius",
    "unfinished",
    "seconds",
    "certificate",
]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, arguments, input=stdin)


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def save(path: str, name: str = "c5-d1") -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(json.dumps(problem_to_data(bundled(name))), "utf-8")
    return path


@pytest.fixture
def undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    def shrug(problem: Problem) -> Verdict:
        loss = certify(problem).loss
        return Undecided("too hard", claim=Claim(Decision.UNDECIDED, loss))

    monkeypatch.setattr(sys.modules["spurious.certify"], "certify", shrug)


def test_version() -> None:
    result = run("--version")
    assert (result.stdout, result.exit_code) == (f"spurious {__version__}\n", 0)


@pytest.mark.parametrize("command", ["certify", "check", "reproduce", "datasets"])
def test_help_has_an_example(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "Example" in result.stdout
    assert f"    spurious {command}" in result.stdout


@pytest.mark.parametrize("arguments", [["nonsense"], ["certify"], ["certify", "--nonsense", "x"]])
def test_wrong_usage(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


def test_certify_json() -> None:
    result = run("certify", save("d2.json", "c6-d2-corrected"), "--json", "--out", "out")
    (found,) = lines(result)
    assert result.exit_code == 0
    assert list(found) == CERTIFY_FIELDS
    assert found["file"] == "d2.json"
    assert found["verdict"] == "local_minimum"
    assert (found["strict"], found["global"]) == ("no", "no")
    assert (found["loss"], found["witness_loss"]) == ("8/3", "0")
    assert found["certificate"] == str(Path("out", "d2.certificate.json"))
    certificate = json.loads(Path(found["certificate"]).read_text("utf-8"))
    assert certificate["claim"]["verdict"] == "local_minimum"


def test_without_out_no_file_is_written(here: Path) -> None:
    (found,) = lines(run("certify", save("d1.json"), "--json"))
    assert found["certificate"] is None
    assert [path.name for path in here.iterdir()] == ["d1.json"]


def test_certify_for_people() -> None:
    result = run("certify", save("d2.json", "c6-d2-corrected"), "--out", "my certificates")
    assert result.exit_code == 0
    for words in ("local minimum", "8/3 ~ 2.66667", "a better point has loss 0", "one sided"):
        assert words in result.stdout
    assert "spurious check 'my certificates/d2.certificate.json'" in result.stdout
    assert "\x1b" not in result.stdout


def test_certify_shows_the_radius_and_the_curvature() -> None:
    text = run("certify", save("seven.json", "c13-deadlock-7-points")).stdout
    assert "one critical point, no more, is in a box of half-width 1e-" in " ".join(text.split())
    assert "strict local minimum" in text
    (radius,) = re.findall(r"within (\S+) of the point", " ".join(text.split()))
    assert 0 < float(radius) < 1e-12
    assert "Hessian eigenvalues >= 0.00332" in text


def test_equal_stems_do_not_overwrite_each_other() -> None:
    files = [save("a/p.json"), save("b/p.json", "c7-d3"), save("c/P.json"), save("p-2.json")]
    found = lines(run("certify", *files, "--json", "--out", "out"))
    names = [Path(entry["certificate"]).name for entry in found]
    assert len({name.casefold() for name in names}) == 4
    assert len(list(Path("out").iterdir())) == 4
    for entry, name in zip(found, ("c5-d1", "c7-d3", "c5-d1", "c5-d1"), strict=True):
        certificate = json.loads(Path(entry["certificate"]).read_text("utf-8"))
        assert len(certificate["problem"]["data"]["x"]) == bundled(name).data.size


def test_stdin() -> None:
    text = json.dumps(problem_to_data(bundled("c7-d3")))
    (found,) = lines(run("certify", "-", "--json", "--out", "out", stdin=text))
    assert found["file"] == "-"
    assert Path(found["certificate"]).name == "stdin.certificate.json"


@pytest.mark.parametrize("content", [None, "", "{", '{"format": "other"}', "[" * 100_000])
def test_bad_input_is_one_line(content: str | None) -> None:
    if content is not None:
        Path("bad.json").write_text(content)
    result = run("certify", "bad.json")
    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ") and "bad.json" in line


def test_a_problem_without_point_is_bad_input() -> None:
    data = problem_to_data(replace(bundled("c5-d1"), point=None))
    Path("p.json").write_text(json.dumps(data))
    result = run("certify", "p.json")
    assert result.exit_code == 2
    assert "point" in result.stderr


def test_errors_as_json_and_the_other_files_go_on() -> None:
    result = run("certify", "no.json", save("d1.json"), "--json")
    bad, good = lines(result)
    assert result.exit_code == 2
    assert bad.keys() == {"file", "error"} and bad["file"] == "no.json"
    assert good["verdict"] == "local_minimum"
    assert result.stderr == ""


@pytest.mark.usefixtures("undecided")
def test_undecided() -> None:
    result = run("certify", save("d1.json"), "--json", "--out", "out")
    (found,) = lines(result)
    assert result.exit_code == 3
    assert found["verdict"] == "undecided" and found["certificate"] is None
    assert list(Path("out").iterdir()) == []
    human = run("certify", "d1.json")
    assert human.exit_code == 3
    assert "undecided" in human.stdout and "too hard" in human.stdout
    assert run("certify", "d1.json", "no.json").exit_code == 2


def test_out_that_is_a_file() -> None:
    Path("out").write_text("")
    result = run("certify", save("d1.json"), "--out", "out")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: out: cannot make this folder")


def test_severity() -> None:
    assert worst([]) is Exit.OK
    assert worst([Exit.OK, Exit.UNDECIDED]) is Exit.UNDECIDED
    assert worst([Exit.UNDECIDED, Exit.INVALID, Exit.OK]) is Exit.INVALID
    assert worst([Exit.BAD_INPUT, Exit.INVALID]) is Exit.BAD_INPUT


def test_check() -> None:
    run("certify", save("d1.json"), "--out", ".")
    result = run("check", "d1.certificate.json")
    assert result.exit_code == 0
    assert "valid" in result.stdout and "loss 18" in result.stdout
    (found,) = lines(run("check", "d1.certificate.json", "--json"))
    assert list(found) == ["file", "valid", "claim", "reason", "seconds"]
    assert found["valid"] is True
    assert "local minimum" in found["claim"]


def test_check_of_a_false_certificate() -> None:
    run("certify", save("d1.json"), "--out", ".")
    path = Path("d1.certificate.json")
    certificate = json.loads(path.read_text("utf-8"))
    certificate["claim"]["loss"]["mid"] = "17"
    path.write_text(json.dumps(certificate))
    result = run("check", "d1.certificate.json", "--json")
    assert result.exit_code == 1
    assert lines(result)[0]["valid"] is False
    assert "invalid" in run("check", "d1.certificate.json").stdout


def test_check_of_a_missing_file_beats_invalid(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run("check", "missing.json")
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert "missing.json" in line

    Path("c.json").write_text("{}")
    answer = SimpleNamespace(valid=False, claim=None, reason="not so")
    real = spurious_checker.check_file
    monkeypatch.setattr(
        spurious_checker, "check_file", lambda p: answer if "c.json" in str(p) else real(p)
    )
    assert run("check", "c.json").exit_code == 1
    both = run("check", "c.json", "missing.json", "--json")
    assert both.exit_code == 2
    assert [entry.keys() >= {"valid"} for entry in lines(both)] == [True, False]


def test_datasets() -> None:
    result = run("datasets")
    assert result.exit_code == 0
    assert all(name in result.stdout for name in DATASETS)
    found = lines(run("datasets", "--json"))
    assert [entry["name"] for entry in found] == list(DATASETS)
    assert found[0]["points"] == 4 and found[0]["inputs"] == 2


def test_reproduce() -> None:
    result = run("reproduce", "c5", "C11", "--budget", "full")
    assert result.exit_code == 0
    assert "proved" in result.stdout and "reproduction/index.html" in result.stdout
    assert len(result.stderr.splitlines()) == 2
    found = json.loads(Path("reproduction/claims.json").read_text("utf-8"))
    assert found[4]["budget"] == "full"


def test_reproduce_unknown_claim(here: Path) -> None:
    result = run("reproduce", "C99")
    assert result.exit_code == 2
    assert "expected one of C1 to C14" in result.stderr
    assert list(here.iterdir()) == []


def test_reproduce_with_a_claim_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(_: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(one_unit, "bundled", explode)
    result = run("reproduce", "C5", "C11")
    assert result.exit_code == 1
    assert "failed" in result.stdout


def test_an_interruption_exits_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(job, "run_claim", interrupt)
    result = run("reproduce", "C5")
    assert result.exit_code == 130


def test_one_dataset_is_shown_and_exported() -> None:
    shown = run("datasets", "xor")
    assert shown.exit_code == 0 and "exclusive or" in shown.stdout
    assert shown.stdout.rstrip().splitlines()[-1].split() == ["1", "1", "-1"]
    (found,) = lines(run("datasets", "d1", "--json"))
    assert found["data"]["x"][0] == ["5"] and found["data"]["y"][0] == ["2"]
    assert run("datasets", "d1", "--out", "d1.csv").stdout == "d1.csv\n"
    assert Path("d1.csv").read_text("utf-8").split() == [
        "x1,y1", "5,2", "4,1", "3,0", "1,-3", "-1,3",
    ]  # fmt: skip
    run("datasets", "d1", "--out", "d1.json")
    problem = {
        "format": "spurious-problem/1",
        "network": {"widths": [1, 1, 1], "activation": "relu"},
        "loss": "squared",
        "data": json.loads(Path("d1.json").read_text("utf-8")),
    }
    Path("p.json").write_text(json.dumps(problem))
    assert run("global", "p.json", "--json").exit_code == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["datasets", "nothing"], "expected one of xor, jellyfish"),
        (["datasets", "--out", "x.csv"], "no dataset is named"),
        (["datasets", "xor", "--out", "xor.txt"], "ends in .csv or .json"),
    ],
)
def test_datasets_that_cannot_be_shown(words: list[str], says: str) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert says in result.stderr and len(result.stderr.splitlines()) == 1


def test_every_error_names_its_file() -> None:
    data = problem_to_data(replace(bundled("c5-d1"), point=None))
    Path("bare.json").write_text(json.dumps(data))
    assert run("certify", "bare.json").stderr.startswith("error: bare.json: point: missing")
    smooth = problem_to_data(bundled("c13-deadlock-7-points"))
    Path("smooth.json").write_text(json.dumps(smooth))
    for command in ("atlas", "global"):
        assert run(command, "smooth.json").stderr.startswith("error: smooth.json: network.activ")


def test_reproduce_as_json() -> None:
    found = lines(run("reproduce", "C5", "C11", "--json"))
    assert [entry["id"] for entry in found] == ["C5", "C11"]
    assert {entry["verdict"] for entry in found} == {"proved"}


def test_every_command_that_answers_has_json() -> None:
    for words in (
        ["certify"], ["check"], ["atlas"], ["global"], ["reproduce"], ["datasets"], ["catalogue"],
        ["sweep", "run"], ["sweep", "status"], ["sweep", "query"], ["sweep", "plot"],
        ["construct", "dead-layer"], ["construct", "region-trap"], ["construct", "shifted-start"],
        ["construct", "depth"], ["construct", "deadlock"],
    ):  # fmt: skip
        assert "--json" in run(*words, "--help").stdout, words


def test_numbers_beyond_all_floats_are_told(tmp_path: Path) -> None:
    """A traceback once: the loss, what is gained and the slope have two thousand digits."""
    layer = {"weight": [["1"]], "bias": ["0"]}
    problem = {
        "format": "spurious-problem/1",
        "network": {"widths": [1, 1, 1], "activation": "relu"},
        "loss": "squared",
        "data": {"x": [["1e999"], ["2"]], "y": [["1"], ["1"]]},
        "point": {"layers": [layer, layer]},
    }
    path = tmp_path / "huge.json"
    path.write_text(json.dumps(problem))
    told = run("certify", str(path))
    assert told.exit_code == 0
    assert "1.0e+1998" in told.stdout and "inf" not in told.stdout.replace("infinity", "")
    assert json.loads(run("certify", str(path), "--json").stdout)["decrease"] is None


def test_a_bundled_point_is_certified_by_its_name(here: Path) -> None:
    result = run("certify", "c5-d1", "--out", str(here))
    assert result.exit_code == 0
    assert (here / "c5-d1.certificate.json").exists()
    missing = run("certify", "c5-d2")
    assert missing.exit_code == 2
    assert missing.stderr.startswith("error: c5-d2: found no such file, expected a problem file")
    assert "c5-d1" in missing.stderr
    Path("c5-d1").write_text("{}", "utf-8")
    assert run("certify", "c5-d1").exit_code == 2, "a file goes before a name"


def test_help_names_values_and_not_pythons_types() -> None:
    """Of all commands: no `<list[str]>`, no `<int range>`."""

    def shown(command: Any, name: str) -> str:
        inner = getattr(command, "commands", {})
        text = command.get_help(command.context_class(command, info_name=name))
        return text + "".join(shown(other, word) for word, other in inner.items())

    told = shown(typer.main.get_command(app), "spurious")
    assert "FILE  Problem files" in told
    assert not re.findall(r"<(?:list|str|int|float|file|path|directory)\b[^>]*>", told)


def test_an_unknown_choice_is_told_in_our_words() -> None:
    result = run("atlas", "d1", "--hidden", "1", "--loss", "nothing")
    assert result.exit_code == 2
    assert "'nothing' is not one of 'squared', 'logistic'" in result.stderr
    assert "Value error" not in result.stderr
