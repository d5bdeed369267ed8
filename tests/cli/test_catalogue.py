"""`spurious catalogue` from the outside."""

import json

from typer.testing import CliRunner

import spurious_checker
from spurious.cli.app import app


def run(*words):
    return CliRunner().invoke(app, ["catalogue", *map(str, words)])


def test_one_entry_with_its_files(tmp_path):
    result = run("swirszcz-d1", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert "swirszcz-d1  certified" in result.stdout and "loss 18" in result.stdout
    assert spurious_checker.check_file(tmp_path / "swirszcz-d1.certificate.json").valid
    (entry,) = json.loads((tmp_path / "catalogue.json").read_text())
    assert entry["standing"] == "certified" and entry["global"] == "no"


def test_open_entries_say_why():
    (line,) = run("martinelli-channel", "--json").stdout.splitlines()
    entry = json.loads(line)
    assert entry["standing"] == "open" and "curve" in entry["result"]


def test_unknown_names():
    result = run("nobody")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: NAME: found 'nobody', expected one of swirszcz-d1")
