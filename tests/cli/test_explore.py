import re
import signal
import subprocess
import sys
import urllib.request

import pytest
from typer.testing import CliRunner

from spurious.cli.app import app

COMMAND = [sys.executable, "-u", "-c", "from spurious.cli import main; main()"]


def test_it_serves_until_it_is_interrupted() -> None:
    with subprocess.Popen(
        [*COMMAND, "explore", "--port", "0", "--no-browser"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        found = re.fullmatch(
            r"Explorer: (http://127\.0\.0\.1:\d+/)  \(Ctrl-C stops it\)\n",
            process.stdout.readline(),
        )
        assert found
        with urllib.request.urlopen(found[1]) as answer:
            assert b"Explorer" in answer.read()
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == "Stopped.\n"
        assert process.stderr.read() == ""
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--host", "0.0.0.0"], "error: --host: found '0.0.0.0', which is every address"),
        (["--host", "203.0.113.1"], "error: --host: found '203.0.113.1', which is no address of"),
    ],
)
def test_addresses_that_are_refused(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(app, ["explore", "--no-browser", *arguments])
    assert result.exit_code == 2
    assert result.output.startswith(message)


def test_the_extra_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("spurious.explore")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "starlette", None)
    monkeypatch.setitem(sys.modules, "starlette.applications", None)
    result = CliRunner().invoke(app, ["explore", "--no-browser"])
    assert result.exit_code == 2
    assert "not installed, but this needs it; pip install 'spurious[explore]'" in result.output
