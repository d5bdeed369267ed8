"""What only shows in a process of its own: imports, pipes, signals, locales, narrow terminals."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from spurious.problem import problem_to_data
from spurious.problem.bundled import bundled

COMMAND = [sys.executable, "-c", "from spurious.cli import main; main()"]


@pytest.fixture
def problem(tmp_path: Path) -> Path:
    path = tmp_path / "d1.json"
    path.write_text(json.dumps(problem_to_data(bundled("c5-d1"))), "utf-8")
    return path


def spurious(
    *arguments: str, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        check=False,
        cwd=cwd,
        env={**os.environ, **environment},
    )


def test_nothing_heavy_is_imported_at_the_start() -> None:
    """NumPy is: programs consist of its arrays. It takes a tenth of a second."""
    code = (
        "import sys, spurious.cli, spurious.cli.app\n"
        "known = {'scipy', 'jax', 'torch', 'numba', 'matplotlib', 'jinja2', 'rich'}\n"
        "heavy = known & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_deciding_and_checking_need_no_plotting(problem: Path) -> None:
    code = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from spurious.cli.app import app\n"
        "out = CliRunner().invoke(app, ['certify', sys.argv[1], '--json'])\n"
        "assert out.exit_code == 0\n"
        "heavy = {'matplotlib', 'jinja2'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code, str(problem)], check=True)


@pytest.mark.parametrize("words", ["--help", "certify --help", "sweep run --help"])
def test_help_is_the_same_where_python_strips_docstrings(words: str) -> None:
    plain = spurious(*words.split())
    stripped = spurious(*words.split(), PYTHONOPTIMIZE="2")
    assert b"Example" in plain.stdout or b"Start here" in plain.stdout
    assert stripped.stdout == plain.stdout
    assert (stripped.stderr, stripped.returncode) == (b"", 0)


def test_help_without_arguments() -> None:
    done = spurious()
    assert b"Usage: spurious" in done.stdout + done.stderr
    assert spurious("--help").returncode == 0


@pytest.mark.parametrize("locale", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C"}])
def test_other_locales(problem: Path, locale: dict[str, str]) -> None:
    named = problem.with_name("d\N{LATIN SMALL LETTER U WITH DIAERESIS}.json")
    problem.rename(named)
    done = spurious("certify", named.name, cwd=named.parent, **locale)
    assert done.returncode == 0, done.stderr
    assert done.stderr == b""
    assert b"local minimum" in done.stdout
    missing = spurious("certify", "\N{SNOWMAN}.json", cwd=named.parent, **locale)
    assert missing.returncode == 2
    assert len(missing.stderr.splitlines()) == 1


@pytest.mark.parametrize("columns", ["10", "40", "200"])
def test_narrow_and_wide_terminals(problem: Path, columns: str) -> None:
    done = spurious("certify", str(problem), "--out", str(problem.parent), COLUMNS=columns)
    assert done.returncode == 0
    assert b"\x1b" not in done.stdout
    command = f"spurious check {problem.with_name('d1.certificate.json')}"
    assert command.encode() in done.stdout, "the command to run is never broken over lines"
    listed = spurious("datasets", COLUMNS=columns)
    assert listed.returncode == 0
    assert b"jellyfish " in listed.stdout, "names stay whole, however narrow the terminal"


@pytest.mark.parametrize(
    "arguments", [["--help"], ["datasets"], ["datasets", "--json"], ["certify", "{}"]]
)
def test_a_reader_that_went_away(problem: Path, arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*COMMAND, *(argument.format(problem) for argument in arguments)],
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert done.stderr == b""
    assert done.returncode == 141


@pytest.mark.parametrize("arguments", [["certify", "{}"], ["atlas", "d1", "--hidden", "2"]])
def test_a_reader_that_has_read_enough(problem: Path, arguments: list[str]) -> None:
    words = [argument.format(problem) for argument in arguments]
    with subprocess.Popen(
        [*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout and running.stderr
        running.stdout.close()
        said = running.stderr.read().splitlines()  # progress, if the machine is slow
        assert all(line.startswith(b"cells: ") for line in said), said
        assert running.wait() == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has this file")
@pytest.mark.parametrize("arguments", [["datasets"], ["datasets", "--json"], ["certify", "{}"]])
def test_a_full_disk_behind_stdout(problem: Path, arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        words = [argument.format(problem) for argument in arguments]
        done = subprocess.run([*COMMAND, *words], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.stderr == b"error: stdout: cannot be written (No space left on device)\n"
    assert done.returncode == 141


@pytest.mark.skipif(os.name == "nt", reason="closed another way")
@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-"])
def test_closed_streams_do_not_matter(problem: Path, closed: str) -> None:
    out = problem.with_name("out")
    command = f'"$@" certify "{problem}" --out "{out}" {closed}'
    done = subprocess.run(
        ["sh", "-c", command, "sh", *COMMAND], stderr=subprocess.PIPE, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads((out / "d1.certificate.json").read_text("utf-8"))


def test_a_home_that_cannot_be_written_is_no_news(tmp_path: Path) -> None:
    """Matplotlib would tell of it in three lines, Numba end with a traceback."""
    out = tmp_path / "pictures"
    done = spurious(
        *("construct", "depth", "xor", "--layers", "2", "--runs", "10", "--out", str(out)),
        HOME="/nonexistent",
        TMPDIR=str(tmp_path),
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert (out / "picture.png").exists()


@pytest.mark.skipif(os.name == "nt", reason="signals are sent another way")
def test_ctrl_c(tmp_path: Path) -> None:
    code = (
        "import os, signal\n"
        "from spurious.studies.report import job\n"
        "real = job.run_claim\n"
        "def run(claim, context):\n"
        "    if claim.id == 'C6':\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "    return real(claim, context)\n"
        "job.run_claim = run\n"
        "from spurious.cli import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "reproduce", "C5", "C6", "C7", "--out", str(tmp_path)],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 130
    assert b"Traceback" not in done.stderr
    found = json.loads((tmp_path / "claims.json").read_text("utf-8"))
    assert [entry["id"] for entry in found if entry["verdict"] == "proved"] == ["C5"]
    assert signal.getsignal(signal.SIGINT) is not None


MISTAKES = (
    "construct dead-layer d1 --hidden a,b",
    "construct region-trap --ratio 1",
    "construct depth xor --start best",
    "construct deadlock --loss nothing",
    "sweep run nothing.toml",
    "sweep status nothing",
    "sweep query nothing x",
    "atlas nothing",
    "global d1",
    "reproduce C99",
    "certify nothing.json",
    "check nothing.json",
)


@pytest.fixture(scope="module")
def answers_to_mistakes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """To each its exit status, what it printed, and what slow modules it had imported.

    One process imports the commands and what most need, and each mistake is made in a copy of it.
    """
    code = (
        "import json, os, sys\n"
        "import spurious.problem\n"
        "from typer.testing import CliRunner\n"
        "from spurious.cli.app import app\n"
        "slow = {'numba', 'scipy', 'matplotlib', 'duckdb', 'pyarrow', 'jax', 'torch', 'jinja2'}\n"
        "for words in sys.argv[1:]:\n"
        "    if os.fork() == 0:\n"
        "        out = CliRunner().invoke(app, words.split())\n"
        "        said = {'words': words, 'status': out.exit_code, 'output': out.output}\n"
        "        print(json.dumps({**said, 'slow': sorted(slow & set(sys.modules))}), flush=True)\n"
        "        os._exit(0)\n"
        "    os.wait()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *MISTAKES],
        check=True,
        cwd=tmp_path_factory.mktemp("mistakes"),
        stdout=subprocess.PIPE,
    )
    return {answer["words"]: answer for answer in map(json.loads, done.stdout.splitlines())}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are copied")
@pytest.mark.parametrize("words", MISTAKES)
def test_a_mistake_is_told_before_anything_slow_is_imported(
    answers_to_mistakes: dict[str, dict[str, Any]], words: str
) -> None:
    """Importing one of these takes longer than the whole answer may."""
    answer = answers_to_mistakes[words]
    assert answer["status"] == 2, answer["output"]
    assert not answer["slow"]


def test_the_first_example_imports_little(problem: Path) -> None:
    code = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from spurious.cli.app import app\n"
        "out = CliRunner().invoke(app, ['certify', sys.argv[1]])\n"
        "assert out.exit_code == 0\n"
        "slow = {'numba', 'matplotlib', 'duckdb', 'pyarrow', 'jinja2'}\n"
        "assert not slow & set(sys.modules), slow & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(problem)], check=True)


@pytest.mark.parametrize(
    ("typed", "offered"), [("spurious cons", "construct"), ("spurious sweep st", "status")]
)
def test_completion(typed: str, offered: str) -> None:
    done = spurious(
        _SPURIOUS_COMPLETE="complete_bash",
        COMP_WORDS=typed,
        COMP_CWORD=str(len(typed.split()) - 1),
    )
    assert done.stdout.decode().split() == [offered]
