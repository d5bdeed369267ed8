"""Every code block of the README and the docs is run, with the sweeps made small."""

import ast
import enum
import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.docs.blocks import LANGUAGES, PAGES, ROOT, Block, blocks, commands
from typer.testing import CliRunner

from spurious.cli.app import app

ELSEWHERE = {
    "make reproduce": "run by tests/studies and tests/cli, claim by claim",
    "make test": "this is it",
    "make docs": "run by .ci/run",
    "make install": "where this runs",
    "pip install": "no network",
    "git clone": "no network",
    "cd spurious": "where this runs",
    "dask ": "tests/sweep run a cluster",
    "spurious sweep run plan.toml --store shared --cluster": "tests/sweep run a cluster",
    "spurious construct deadlock": "takes minutes; tests/hunt and tests/cli hunt, at small sizes",
    "spurious reproduce C1 C2 C8": "run by tests/studies/test_large.py, at small sizes",
    "spurious diagnose": "tests/cli/test_diagnose.py; its exit status says that it found something",
    "spurious explore": "tests/explore and tests/cli/test_explore.py serve it",
}
"""Commands that are not run here, by how they begin."""

SIZE = re.compile(r"(?m)^runs = [\d_]+")
"""The size of a sweep in its plan."""

VALUE = re.compile(r"(-?\d|[A-Z]\w*[(.]|\[|\(|'|True\b|False\b|None\b)")
"""How a comment begins that is the value of the expression before it."""


OUTPUTS: dict[str, str] = {}
"""What commands answered on stdout (notes and progress, on stderr, depend on how fast the machine
is); the pages share a folder, so that none is run twice."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what pages refer to; the sweep of the example has 5 runs in each cell."""
    tmp_path = tmp_path_factory.mktemp("pages")
    points = Path("src/spurious/problem/points")
    shutil.copytree(ROOT / points, tmp_path / points)
    shutil.copy(ROOT / "src/spurious_checker.py", tmp_path / "src")
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    shutil.copytree(ROOT / "docs/results", tmp_path / "docs/results")
    for plan in (tmp_path / "examples").glob("*.toml"):
        text = plan.read_text("utf-8")
        small, count = SIZE.subn("runs = 5", text)
        assert count == 1
        plan.write_text(small, "utf-8")
    return tmp_path


@pytest.fixture
def sandbox(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "120")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
@pytest.mark.usefixtures("sandbox")
def test_blocks_run(page: Path) -> None:
    names: dict[str, Any] = {"__name__": "page"}
    for block in blocks(page):
        assert block.language in LANGUAGES, f"{block}: name one of {LANGUAGES}"
        if block.file:
            Path(block.file).write_text(SIZE.sub("runs = 5", block.text), "utf-8")
        elif block.language == "console":
            run_commands(block)
        elif block.language == "python":
            run_python(block, names)


def run_commands(block: Block) -> None:
    for command in commands(block):
        if command.text.removeprefix(".venv/bin/").startswith(tuple(ELSEWHERE)):
            continue
        words = shlex.split(command.text, comments=True)
        if words[0] == "python":
            run_script(words[1:])
            continue
        assert words[0] in ("spurious", ".venv/bin/spurious"), f"{block}: {command.text}"
        key = shlex.join(words[1:])
        if key not in OUTPUTS:
            result = CliRunner().invoke(app, words[1:], catch_exceptions=False)
            assert result.exit_code == 0, f"{block}: {command.text}\n{result.output}"
            OUTPUTS[key] = result.stdout
        if command.output:
            assert matches(command.output, OUTPUTS[key]), (
                f"{block}: {command.text} prints\n{OUTPUTS[key]}"
            )


def run_script(words: list[str]) -> None:
    """Runs a script of the examples or the checker, as a command does."""
    import runpy

    before = sys.argv
    sys.argv = words
    try:
        runpy.run_path(words[0], run_name="__main__")
    except SystemExit as stop:
        assert not stop.code
    finally:
        sys.argv = before


def matches(shown: tuple[str, ...], printed: str) -> bool:
    """Whether what was printed is what a page shows, where ... stands for anything."""

    def plain(text: str) -> str:
        return "\n".join(" ".join(line.split()) for line in text.strip().splitlines())

    pattern = re.escape(plain("\n".join(shown))).replace(re.escape("..."), "[\\s\\S]*")
    return re.fullmatch(pattern, plain(printed)) is not None


def run_python(block: Block, names: dict[str, Any]) -> None:
    """Runs statements; a comment behind an expression that is a value must be its value."""
    lines = block.text.splitlines()
    for node in ast.parse(block.text).body:
        where = f"{block}, line {node.lineno}: {ast.unparse(node)}"
        if not isinstance(node, ast.Expr):
            exec(compile(ast.Module([node], []), where, "exec"), names)
            continue
        value = eval(compile(ast.Expression(node.value), where, "eval"), names)
        _, _, comment = lines[(node.end_lineno or 1) - 1][node.end_col_offset or 0 :].partition("#")
        if VALUE.match(comment.strip()):
            assert shown(value) == comment.strip(), where


def shown(value: object) -> str:
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    return repr(value)


def test_every_exception_is_needed() -> None:
    texts = [
        command.text
        for page in PAGES
        for block in blocks(page)
        if block.language == "console"
        for command in commands(block)
    ]
    for start in ELSEWHERE:
        assert any(text.startswith(start) for text in texts), f"no page has {start!r}; remove it"


def test_progress_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spurious.cli.atlas_display.PLAIN_SECONDS", -1.0)
    command, *shown = ("$ spurious global d1 --hidden 1", "1-1-1 relu, 5 points, squared loss: ...")
    OUTPUTS.pop(command.removeprefix("$ spurious "), None)
    run_commands(Block(ROOT / "README.md", 1, "console", "\n".join([command, *shown])))
    result = CliRunner().invoke(app, command.split()[2:])
    assert "cells solved" in result.stderr
