"""Files and the command line: bad input is one clear line and status 2, never a traceback."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import spurious_checker
from spurious_checker import BadInput, check_file, main


def _pencil() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pencil", Path(__file__).parent / "pencil.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GOOD = json.dumps(_pencil().CASES["one kink"])
HEAD = '{"format": "spurious-certificate/1", '

BAD = {
    "empty": b"",
    "binary": b"\xff\xfe\x00",
    "not json": b"{",
    "two values": b"{} {}",
    "list": b"[]",
    "number": b"1",
    "null": b"null",
    "other format": b'{"format": "spurious-problem/1"}',
    "format is a list": b'{"format": []}',
    "duplicate": (HEAD + '"format": "spurious-certificate/1"}').encode(),
    "duplicate deep": (HEAD + '"a": [{"b": 1, "b": 1}]}').encode(),
    "nested lists": b"[" * 10**6,
    "nested objects": (HEAD + '"a": ' + '{"a":' * 10**6).encode(),
    "NaN": (HEAD + '"a": NaN}').encode(),
    "Infinity": (HEAD + '"a": -Infinity}').encode(),
    "huge exponent": (HEAD + '"a": 1e999999999}').encode(),
    "huge exponent in a string": (HEAD + '"a": ["1e999999999"]}').encode(),
    "huger exponent in a string": (HEAD + '"a": ["1e' + "9" * 9999 + '"]}').encode(),
    "huge integer": (HEAD + '"a": ' + "9" * 10**6 + "}").encode(),
    "byte order mark": b"\xef\xbb\xbf" + GOOD.encode(),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "c.json"
    file.write_bytes(BAD[name])
    with pytest.raises(BadInput):
        check_file(file)
    assert main([str(file)]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.count("\n") == 1 and "bad input" in shown.err


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(GOOD)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    names = [tmp_path, tmp_path / "none", fifo, "/dev/zero", "a\0b", tmp_path / ("x" * 5000)]
    for path in names:
        with pytest.raises(BadInput):
            check_file(path)
        assert main([str(path)]) == 2


def test_size_limit(tmp_path: Path) -> None:
    file = tmp_path / "large"
    with file.open("wb") as stream:
        stream.truncate(256 * 2**20 + 1)
    with pytest.raises(BadInput, match="256 MiB"):
        check_file(file)


def test_statuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, wrong, none = tmp_path / "good", tmp_path / "wrong", tmp_path / "none"
    good.write_text(GOOD)
    wrong.write_text(GOOD.replace("11/8", "13/8"))
    assert main([str(good)]) == 0
    assert main([str(good), str(good)]) == 0
    assert main([str(good), str(wrong)]) == 1
    assert main([str(none), str(wrong), str(good)]) == 2
    capsys.readouterr()
    assert main(["--json", str(good), str(wrong), str(none)]) == 2
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["valid"] for row in rows] == [True, False, False]
    assert all(set(row) == {"file", "valid", "claim", "reason", "seconds"} for row in rows)
    assert rows[0]["claim"] == "local minimum, strict up to rescaling, loss 11/8"
    assert rows[1]["reason"] and not rows[1]["claim"]


@pytest.mark.parametrize("flags", [[], ["-O"], ["-OO"], ["-I"]])
def test_one_file_suffices(flags: list[str], tmp_path: Path) -> None:
    shutil.copy(str(spurious_checker.__file__), tmp_path / "alone.py")
    (tmp_path / "good").write_text(GOOD)
    (tmp_path / "wrong").write_text(GOOD.replace("-1/2", "-1/3"))
    for file, status in (("good", 0), ("wrong", 1), ("none", 2)):
        command = [sys.executable, *flags, str(tmp_path / "alone.py"), file]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stderr
        assert "Traceback" not in done.stderr


def test_an_exception_is_a_no(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    rule = spurious_checker.RULES["one_sided_derivatives"]._replace(check=broken)
    monkeypatch.setitem(spurious_checker.RULES, "one_sided_derivatives", rule)
    result = spurious_checker.check(json.loads(GOOD))
    assert not result.valid and "ZeroDivisionError" in result.reason


def test_standard_library_only_and_no_asserts() -> None:
    import ast

    tree = ast.parse(Path(str(spurious_checker.__file__)).read_text())
    names: set[str] = set()
    for node in ast.walk(tree):
        assert not isinstance(node, ast.Assert)
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            names.add(str(node.module).split(".")[0])
    assert names <= sys.stdlib_module_names
