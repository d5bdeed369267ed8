"""`spurious construct` from the outside."""

import json

import pytest
from typer.testing import CliRunner

import spurious_checker
from spurious.cli.app import app
from spurious.problem import read_problem


def run(*words):
    return CliRunner().invoke(app, ["construct", *map(str, words)])


def test_help_lists_every_construction():
    text = run("--help").stdout
    for name in ("dead-layer", "region-trap", "shifted-start", "depth"):
        assert name in text
        assert "Example:" in run(name, "--help").stdout


def files_of(folder):
    return {path.name for path in folder.iterdir()}


def test_dead_layer(tmp_path):
    result = run("dead-layer", "d1", "--hidden", "3,2", "--layer", 2, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert "local minimum" in result.stdout and "a better point has loss" in result.stdout
    assert files_of(tmp_path) == {
        "dead.json",
        "dead.certificate.json",
        "picture.png",
        "picture.svg",
        "summary.json",
    }
    assert spurious_checker.check_file(tmp_path / "dead.certificate.json").valid
    assert read_problem(tmp_path / "dead.json").network.widths == (1, 3, 2, 1)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["decent"] and summary["verdicts"]["dead"]["global"] == "no"


def test_dead_layer_shares():
    data = json.loads(run("dead-layer", "xor", "--hidden", "2,2", "--runs", 4, "--json").stdout)
    assert len(data["starts"]) == 6
    assert all(0 <= s["at_start"] <= 4 for s in data["starts"])
    assert data["files"] == []


@pytest.mark.parametrize("inputs", [1, 3])
def test_region_trap(tmp_path, inputs):
    result = run(
        *("region-trap", "--inputs", inputs, "--units", 4, "--ratio", "9/4", "--depth", 2),
        *("--runs", 10, "--out", tmp_path, "--json"),
    )
    assert result.exit_code == 0, result.output
    data = json.loads(result.stdout)
    assert data["ratio"] == "9/4"
    assert [r["runs"] for r in data["reach"]] == [10] * 5
    assert data["verdicts"]["bad"]["global"] == "no"
    for name in ("bad", "good"):
        checked = spurious_checker.check_file(tmp_path / f"{name}.certificate.json")
        assert checked.valid and "local minimum" in checked.claim


def test_shifted_start(tmp_path):
    words = ("shifted-start", "--inputs", 3, "--points", 40, "--units", 50, "--sigma", 0.02)
    result = run(*words, "--out", tmp_path, "--json")
    assert result.exit_code == 0, result.output
    data = json.loads(result.stdout)
    low, high = data["probability"]
    assert 0.99 <= low <= high <= 1
    assert data["simulated"]["dead"] / data["simulated"]["draws"] > 0.98
    problem = read_problem(tmp_path / "data.json")
    assert problem.data.size == 40 and problem.network.widths == (3, 50, 1)
    assert run(*words, "--json").stdout == run(*words, "--json").stdout


def test_depth(tmp_path):
    result = run("depth", "xor", "--layers", 12, "--runs", 500, "--out", tmp_path, "--json")
    assert result.exit_code == 0, result.output
    data = json.loads(result.stdout)
    assert len(data["constant"]) == len(data["proved_at_least"]) == 12
    assert data["constant"] == sorted(data["constant"])
    text = run("depth", "xor", "--layers", 3, "--runs", 500, "--block", "residual").stdout
    assert "3 layers" in text and "proved" not in text


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("dead-layer d1 --hidden 0", "--hidden: found '0'"),
        ("dead-layer d1 --hidden 3 --layer 2", "layer: found 2, expected a hidden layer"),
        ("dead-layer nowhere --hidden 3", "found neither a dataset nor a file"),
        ("region-trap --ratio 1", "ratio: found 1, expected more than 1"),
        ("region-trap --ratio nan", "--ratio: found 'nan'"),
        ("region-trap --units 2", "units: found 2, expected 3 to 200"),
        ("region-trap --units 0", "units: found 0"),
        ("region-trap --inputs 0", "inputs: found 0"),
        ("region-trap --regions 1", "regions: found 1"),
        ("region-trap --depth 0", "depth: found 0"),
        ("shifted-start --inputs 1", "could not be separated"),
        ("shifted-start --points 1", "points: found 1, expected at least 2"),
        ("shifted-start --eps 0", "eps: found 0.0"),
        ("shifted-start --eps 1", "eps: found 1.0"),
        ("shifted-start --eps nan", "eps: found nan"),
        ("shifted-start --units 0", "--units: found 0"),
        ("shifted-start --sigma -1", "sigma: found -1.0"),
        ("shifted-start --sigma big", "--sigma: found 'big'"),
        ("shifted-start --outliers 90", "outliers: found 90"),
        ("depth xor --units 0", "hidden: found 0 units"),
        ("depth xor --layers 0", "--layers: found 0"),
        ("depth xor --block cnn", "--block: found 'cnn'"),
        ("region-trap --ratio 1e99999999", "--ratio: found a number too long"),
        ("region-trap --inputs 5000", "expected at most 3,000"),
        ("dead-layer d1 --hidden 3000,3000", "found 9,012,001, expected at most 100,000"),
        ("shifted-start --units 10000000000", "expected at most"),
        ("shifted-start --points 1000000", "expected at most"),
        ("depth xor --layers 1000000", "--layers: found 1,000,000, expected at most"),
        ("depth xor --units 100000", "expected at most"),
        ("depth xor --start best", "initialisation.name: found 'best'"),
    ],
)
def test_impossible_requests_get_one_line(words, line):
    result = run(*words.split())
    assert result.exit_code == 2
    assert line in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert result.stdout == ""


def test_deadlock_that_is_not_found(tmp_path, monkeypatch):
    from spurious.hunt import search

    monkeypatch.setattr(search, "STARTS", 4)
    monkeypatch.setattr(search, "STEPS", 200)
    words = ("deadlock", "--points", 4, "--inputs", 1, "--minutes", 0.001, "--out", tmp_path)
    result = run(*words, "--json")
    assert result.exit_code == 3, result.output
    found = json.loads(result.stdout)
    assert found["starts"] == 4 and not found["found"]
    assert files_of(tmp_path) == {"journal.jsonl", "summary.json"}
    again = run(*words[:-3], 1e-9, "--out", tmp_path)
    assert again.exit_code == 3 and "none found" in again.stdout
    assert again.stdout.startswith("found no 4 points")


def test_an_interrupted_hunt_says_what_is_kept(tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("spurious.hunt.hunt", interrupted)
    result = run("deadlock", "--out", tmp_path)
    assert result.exit_code == 130 and result.stdout == ""
    assert result.stderr.startswith("Interrupted. Finished rounds are kept in ")
    bare = run("deadlock")
    assert bare.exit_code == 130 and bare.stderr == "Interrupted.\n"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--activation", "relu"), "activation: found relu, expected a smooth one"),
        (("--loss", "hinge"), "--loss: found 'hinge', expected logistic or squared"),
        (("--minutes", 0), "--minutes: found 0.0, expected a positive number"),
        (("--method", "magic"), "method: found 'magic'"),
        (("--width", "2,x"), "--width: found"),
        (("--points", 99), "points: found 99, expected 3 to 50"),
    ],
)
def test_impossible_deadlocks(words, line):
    result = run("deadlock", *words)
    assert result.exit_code == 2 and result.stderr.startswith("error: ") and line in result.stderr
